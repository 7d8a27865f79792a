"""The number of shards that the cell was made with. For a cell that is there already it is
told by who owned which shard.

Revision: 0029, after 0028.
"""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE sharding (
    one integer PRIMARY KEY CHECK (one = 1),
    shards integer NOT NULL
);
"""
_KNOWN = "INSERT INTO sharding (one, shards) SELECT 1, max(shard) + 1 FROM shards HAVING count(*) > 0"


def upgrade() -> None:
    """Makes the table, and its row where the number is known."""
    op.execute(_TABLE)
    op.execute(_KNOWN)
