"""What goods are.

Revision: 0016, after 0015.
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# MessagePack of `article.Details`; empty for the many SKUs that have only a description.
_COLUMN = "ALTER TABLE skus ADD COLUMN details bytea NOT NULL DEFAULT '';"


def upgrade() -> None:
    """Adds the column."""
    op.execute(_COLUMN)
