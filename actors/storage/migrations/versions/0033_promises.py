"""Promises by when they were due, in the order of their pages.

Revision: 0033, after 0032.
"""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the index anew, with more columns."""
    op.execute("DROP INDEX promise_steps_promised")
    op.execute("CREATE INDEX promise_steps_promised ON promise_steps (promised_at, order_id, number)")
