"""No table changes. It keeps releases of before from a cell's data: they would forget which passwords somebody else
gave (`Account.given_until_ms`), and take these for the person's own.

Revision: 0046, after 0045.
"""

from __future__ import annotations

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing."""
