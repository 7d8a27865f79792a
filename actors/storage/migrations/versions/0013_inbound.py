"""What is announced to come in.

Revision: 0013, after 0012.
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


_TABLES = """
CREATE TABLE inbounds (
    inbound_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    status text NOT NULL,
    outcome text NOT NULL,
    location_id text COLLATE "C" NOT NULL,
    supplier_ref text NOT NULL,
    purchase_ref text NOT NULL,
    asn_ref text NOT NULL,
    line_count integer NOT NULL,
    package_count integer NOT NULL,
    announced bigint NOT NULL,
    received bigint NOT NULL,
    remaining bigint NOT NULL,
    announced_at timestamptz NOT NULL,
    expected_at timestamptz NOT NULL,
    closed boolean NOT NULL,
    state bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX inbounds_open ON inbounds (inbound_id) WHERE NOT closed;
CREATE INDEX inbounds_location ON inbounds (location_id, inbound_id);
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(_TABLES)
