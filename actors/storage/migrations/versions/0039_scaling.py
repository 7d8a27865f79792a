"""The number of hosts to which a cell was scaled while it runs.

Revision: 0039, after 0038.
"""

from __future__ import annotations

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE scaling (
    one integer PRIMARY KEY CHECK (one = 1),
    run text NOT NULL,
    hosts integer NOT NULL
);
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(_TABLE)
