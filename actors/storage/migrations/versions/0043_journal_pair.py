"""Which journal belongs to this store: see `actors/storage/continuity.py`.

It also keeps releases of before from a cell's data. Their journal is kept by a Redis 6.2, which does not see what
Valkey has written and begins anew beside it; and they know nothing of what this release's nouns have written since.

Revision: 0043, after 0042.
"""

from __future__ import annotations

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE journal_pair (
    one integer PRIMARY KEY CHECK (one = 1),
    id text NOT NULL
);
"""


def upgrade() -> None:
    """Makes the table; the first start after it fills it."""
    op.execute(_TABLE)
