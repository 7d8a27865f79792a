"""The audit's lines are kept in one order instead of two: by time, which never goes back within a shard.

Revision: 0036, after 0035.
"""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drops the index by number."""
    op.execute("DROP INDEX audit_number")
