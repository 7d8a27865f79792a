"""When a notice is not worth sending any more, and when a customer is forgotten who has proved no address. What was
there before is due when its time is over, or within a day; what is wrong with the times that this gives, 0042 mends.

Revision: 0041, after 0040.
"""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE notices ADD COLUMN due_at timestamptz;
ALTER TABLE customers ADD COLUMN due_at timestamptz;
UPDATE notices SET due_at = until_at WHERE status = 'pending';
UPDATE customers SET due_at = now() + interval '1 day' WHERE proved = 0;
CREATE INDEX notices_due ON notices (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX customers_due ON customers (due_at) WHERE due_at IS NOT NULL;
"""


def upgrade() -> None:
    """Adds the columns."""
    op.execute(_COLUMNS)
