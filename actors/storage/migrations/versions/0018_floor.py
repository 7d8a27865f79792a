"""The floors of buildings: their queues and trips.

Revision: 0018, after 0017.
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE floor_terms (
    location_id text COLLATE "C" PRIMARY KEY,
    terms bytea NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE floors (
    location_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    works integer NOT NULL,
    trips integer NOT NULL,
    state bytea NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE floor_work (
    location_id text COLLATE "C" NOT NULL,
    fulfilment_id text COLLATE "C" NOT NULL,
    status text NOT NULL,
    priority integer NOT NULL,
    pick_by timestamptz NOT NULL,
    placed_at timestamptz NOT NULL,
    units bigint NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (location_id, fulfilment_id)
) WITH (fillfactor = 70);

CREATE TABLE floor_trips (
    location_id text COLLATE "C" NOT NULL,
    trip bigint NOT NULL,
    picker text NOT NULL,
    pick_by timestamptz NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (location_id, trip)
) WITH (fillfactor = 70);
"""


def upgrade() -> None:
    """Makes the tables."""
    op.execute(_TABLES)
