"""Devices.

Revision: 0006, after 0005.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE devices (
    device_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    location_id text COLLATE "C" NOT NULL,
    status text NOT NULL,
    name text NOT NULL,
    model text NOT NULL,
    seen_at timestamptz,
    state bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX devices_location ON devices (location_id, device_id);
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(_TABLES)
