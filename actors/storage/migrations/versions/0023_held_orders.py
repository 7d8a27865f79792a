"""Orders that are held, to be looked for.

Revision: 0023, after 0022.
"""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE held_orders (
    order_id text COLLATE "C" PRIMARY KEY,
    kinds text NOT NULL,
    since timestamptz NOT NULL,
    overdue boolean NOT NULL
) WITH (fillfactor = 70);
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(_TABLES)
