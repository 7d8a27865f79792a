"""Transfers between locations.

Revision: 0014, after 0013.
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


_TABLES = """
CREATE TABLE transfers (
    transfer_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    status text NOT NULL,
    outcome text NOT NULL,
    source_id text COLLATE "C" NOT NULL,
    destination_id text COLLATE "C" NOT NULL,
    reference text NOT NULL,
    line_count integer NOT NULL,
    wanted bigint NOT NULL,
    dispatched bigint NOT NULL,
    received bigint NOT NULL,
    lost bigint NOT NULL,
    late boolean NOT NULL,
    requested_at timestamptz NOT NULL,
    expected_at timestamptz,
    closed boolean NOT NULL,
    due_at timestamptz,
    state bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX transfers_open ON transfers (transfer_id) WHERE NOT closed;
CREATE INDEX transfers_source ON transfers (source_id, transfer_id);
CREATE INDEX transfers_destination ON transfers (destination_id, transfer_id);
CREATE INDEX transfers_due ON transfers (due_at) WHERE due_at IS NOT NULL;
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(_TABLES)
