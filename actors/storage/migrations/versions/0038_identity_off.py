"""Whether orders came while identity was off: they lie in the clear. Of a cell from before, that it has orders, but
neither accounts nor keys, tells it.

Revision: 0038, after 0037.
"""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE identity_off (
    one integer PRIMARY KEY CHECK (one = 1),
    until_id text COLLATE "C" NOT NULL
);
"""
_FROM_BEFORE = """
INSERT INTO identity_off (one, until_id) SELECT 1, '' WHERE EXISTS (SELECT FROM orders)
    AND NOT EXISTS (SELECT FROM accounts) AND NOT EXISTS (SELECT FROM data_keys) AND NOT EXISTS (SELECT FROM key_canary)
"""


def upgrade() -> None:
    """Makes the table, and its row where that is known."""
    op.execute(_TABLE)
    op.execute(_FROM_BEFORE)
