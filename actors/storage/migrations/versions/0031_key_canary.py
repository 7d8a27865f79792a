"""What only the cell's own keys open. A cell that is there already gets its row at the next start.

Revision: 0031, after 0030.
"""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE key_canary (
    one integer PRIMARY KEY CHECK (one = 1),
    sealed bytea NOT NULL,
    digest text NOT NULL,
    wrapping text NOT NULL,
    wrapped bytea NOT NULL
);
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(_TABLE)
