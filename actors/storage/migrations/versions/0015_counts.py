"""Cycle counts.

Revision: 0015, after 0014.
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE counts (
    count_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    status text NOT NULL,
    location_id text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    spots integer NOT NULL,
    settled integer NOT NULL,
    variance_units bigint NOT NULL,
    opened_by text NOT NULL,
    opened_at timestamptz NOT NULL,
    due_at timestamptz,
    state bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX counts_open ON counts (count_id) WHERE status = 'open';
CREATE INDEX counts_location ON counts (location_id, count_id);
CREATE INDEX counts_due ON counts (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE counting (
    location_id text COLLATE "C" NOT NULL,
    bin_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    count_id text NOT NULL,
    began_at timestamptz NOT NULL,
    lost boolean NOT NULL,
    book bytea NOT NULL,
    changes bytea NOT NULL,
    PRIMARY KEY (location_id, bin_id, sku)
) WITH (fillfactor = 70);

CREATE TABLE last_counted (
    location_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    counted_at timestamptz NOT NULL,
    PRIMARY KEY (location_id, sku)
) WITH (fillfactor = 70);
"""


def upgrade() -> None:
    """Makes the tables."""
    op.execute(_TABLES)
