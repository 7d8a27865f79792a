"""Times at which customers are forgotten as everybody else writes them: to the millisecond, for that is how they are
paged through; not thousands at one moment; and none for an account that was erased, of which nothing is left to forget,
so that nobody would ever take the time away.

Revision: 0042, after 0041.
"""

from __future__ import annotations

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

# The state is MessagePack with its fields' names: "erased", six letters, and true.
_MENDS = r"""
UPDATE customers SET due_at = NULL WHERE due_at IS NOT NULL AND position('\xa6657261736564c3'::bytea IN state) > 0;
UPDATE customers SET due_at = date_trunc('milliseconds', due_at + random() * interval '1 hour')
    WHERE due_at <> date_trunc('milliseconds', due_at);
"""


def upgrade() -> None:
    """Mends the times."""
    op.execute(_MENDS)
