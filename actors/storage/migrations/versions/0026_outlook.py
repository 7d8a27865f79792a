"""How long the stock of a SKU at a place will last: demand, and when its units end.

Revision: 0026, after 0025.
"""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.execute("ALTER TABLE stock ADD COLUMN outlook bytea NOT NULL DEFAULT ''")
