"""Papers of shipments that tell who gets them, and whom manual shipments are for; a row for each parcel at a dock.

Revision: 0027, after 0026.
"""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


_TABLES = """
CREATE TABLE shipment_papers (
    shipment_id text COLLATE "C" NOT NULL,
    parcel integer NOT NULL,
    label_key text NOT NULL,
    request bytea NOT NULL,
    document bytea NOT NULL,
    PRIMARY KEY (shipment_id, parcel)
);
CREATE TABLE dock_parcels (
    dock_id text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    sscc text COLLATE "C" NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (dock_id, number, sscc)
) WITH (fillfactor = 70);
CREATE TABLE dock_past (
    dock_id text COLLATE "C" PRIMARY KEY,
    content bytea NOT NULL
) WITH (fillfactor = 70);
ALTER TABLE shipments ADD COLUMN person text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE shipments ALTER COLUMN person DROP DEFAULT;
CREATE INDEX shipments_person ON shipments (person, shipment_id) WHERE person <> '';
"""


def upgrade() -> None:
    """Makes the table and the column."""
    op.execute(_TABLES)
