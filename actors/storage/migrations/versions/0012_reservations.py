"""Reservations of carts.

Revision: 0012, after 0011.
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE reservations (
    reservation_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    status text NOT NULL,
    owner text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL,
    due_at timestamptz,
    state bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX reservations_due ON reservations (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX reservations_owner ON reservations (owner, reservation_id) WHERE owner <> '';
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(_TABLES)
