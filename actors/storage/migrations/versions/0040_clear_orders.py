"""Orders that lie in the clear in a database that was used with identity later: they have a reference, and nothing
sealed. 0038 took such a database for a sealed one.

An order that is forgotten has neither. Nor has one that never had a reference: where it goes
may lie in the clear, unseen.

Revision: 0040, after 0039.
"""

from __future__ import annotations

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

# Reads through the orders once; at a start it would be once a start.
_CLEAR = """
INSERT INTO identity_off (one, until_id) SELECT 1, ''
    WHERE EXISTS (SELECT FROM orders WHERE sealed = '' AND (order_ref <> '' OR customer_ref <> ''))
    ON CONFLICT (one) DO UPDATE SET until_id = ''
"""


def upgrade() -> None:
    """Notes that there are such orders."""
    op.execute(_CLEAR)
