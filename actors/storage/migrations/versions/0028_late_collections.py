"""When a store was told that it is late with a collection.

Revision: 0028, after 0027.
"""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.execute("ALTER TABLE collections ADD COLUMN late_at timestamptz")
