"""The lines in which orders wait at locations for what is not there.

Revision: 0022, after 0021.
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE waiters (
    location_id text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    placed_at timestamptz NOT NULL,
    units bigint NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (location_id, order_id)
) WITH (fillfactor = 70);
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(_TABLES)
