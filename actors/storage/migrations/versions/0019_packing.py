"""Shipments, docks, manifests and SSCCs.

Revision: 0019, after 0018.
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


_TABLES = """
CREATE TABLE shipments (
    shipment_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    status text NOT NULL,
    location_id text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    fulfilment integer NOT NULL,
    reason text NOT NULL,
    parcels integer NOT NULL,
    units bigint NOT NULL,
    weight_g bigint NOT NULL,
    opened_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    closed boolean NOT NULL,
    state bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX shipments_open ON shipments (location_id, shipment_id) WHERE NOT closed;
CREATE INDEX shipments_location ON shipments (location_id, shipment_id);
CREATE TABLE docks (
    dock_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    location_id text COLLATE "C" NOT NULL,
    carrier text NOT NULL,
    waiting integer NOT NULL,
    state bytea NOT NULL
) WITH (fillfactor = 70);
CREATE TABLE manifests (
    dock_id text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    location_id text COLLATE "C" NOT NULL,
    carrier text NOT NULL,
    status text NOT NULL,
    carrier_ref text NOT NULL,
    parcels integer NOT NULL,
    weight_g bigint NOT NULL,
    closed_at timestamptz NOT NULL,
    handed_over_at timestamptz,
    content bytea NOT NULL,
    PRIMARY KEY (dock_id, number)
) WITH (fillfactor = 70);
CREATE TABLE sscc_series (
    series_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    next_serial bigint NOT NULL
) WITH (fillfactor = 70);
"""


def upgrade() -> None:
    """Makes the tables."""
    op.execute(_TABLES)
