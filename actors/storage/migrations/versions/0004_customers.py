"""Customers and guests, whose order is whose, and what has to be delivered to them.

Revision: 0004, after 0003.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The new column is last in the table and in the middle of our structs: columns go by their names everywhere. With a
# constant default no row is written.
_TABLES = """
ALTER TABLE orders ADD COLUMN owner text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX orders_owner ON orders (owner, order_id) WHERE owner <> '';

CREATE TABLE customers (
    customer_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    proved integer NOT NULL,
    state bytea NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE guests (
    order_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    state bytea NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE notices (
    notice_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    status text NOT NULL,
    template text NOT NULL,
    about text NOT NULL,
    sealed_address bytea NOT NULL,
    sealed_content bytea NOT NULL,
    created_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL,
    sent_at timestamptz
) WITH (fillfactor = 70);
CREATE INDEX notices_pending ON notices (created_at) WHERE status = 'pending';
"""


def upgrade() -> None:
    """Makes the column and the three tables."""
    op.execute(_TABLES)
