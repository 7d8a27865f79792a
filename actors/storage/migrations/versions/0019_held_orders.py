"""Orders that are held, to be looked for.

Revision: 0019, after 0018.
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
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
