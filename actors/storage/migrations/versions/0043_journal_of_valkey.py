"""Changes no table: keeps releases of before from a cell's data.

Their journal is kept by a Redis 6.2, which does not see what Valkey has written and begins anew beside it; and they
know nothing of what this release's nouns have written since.

Revision: 0043, after 0042.
"""

from __future__ import annotations

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing to change: a release that does not know this revision does not start."""
