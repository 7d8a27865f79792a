"""No table changes. It keeps releases of before from a cell's data: they would leave out which notices a corrected
address takes along (`OrderRectified.waiting`), and send them to the old one after a crash.

Revision: 0045, after 0044.
"""

from __future__ import annotations

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing."""
