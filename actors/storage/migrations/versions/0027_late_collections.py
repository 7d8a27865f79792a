"""When a store was told that it is late with a collection.

Revision: 0027, after 0025.
"""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.execute("ALTER TABLE collections ADD COLUMN late_at timestamptz")
