"""Personal data of orders is sealed, under keys that stand in a table of their own.

Revision: 0008, after 0007.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE orders
    ADD COLUMN email_digest text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN sealed bytea NOT NULL DEFAULT '';
CREATE INDEX orders_ref ON orders (order_ref, order_id) WHERE order_ref <> '';
CREATE INDEX orders_email ON orders (email_digest, order_id) WHERE email_digest <> '';

CREATE TABLE data_keys (
    key_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    person text COLLATE "C" NOT NULL,
    status text NOT NULL,
    wrapping text NOT NULL,
    restricted integer NOT NULL,
    changes integer NOT NULL,
    wrapped bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX data_keys_person ON data_keys (person);
CREATE INDEX data_keys_wrapping ON data_keys (wrapping, key_id) WHERE status = 'in_use';
"""


def upgrade() -> None:
    """Makes the columns and the table."""
    op.execute(_TABLES)
