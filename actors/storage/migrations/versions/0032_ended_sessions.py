"""Ended sessions by when they are over, for the retention that takes them away.

Revision: 0032, after 0031.
"""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the index."""
    op.execute("CREATE INDEX revocations_until ON revocations (until_ms)")
