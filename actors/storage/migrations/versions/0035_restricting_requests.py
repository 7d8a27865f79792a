"""Which requests restrict a data key: to lift one of them lifted those of others, too.

Revision: 0035, after 0034.
"""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column. What is restricted stays so; by which request is not known of it."""
    op.execute("ALTER TABLE data_keys ADD COLUMN requests text NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE data_keys ALTER COLUMN requests DROP DEFAULT")
