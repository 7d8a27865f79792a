"""What somebody wants done that somebody else has to approve.

Revision: 0007, after 0006.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE approvals (
    approval_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    status text NOT NULL,
    action text NOT NULL,
    location_id text COLLATE "C" NOT NULL,
    target_kind text NOT NULL,
    target_id text NOT NULL,
    size bigint NOT NULL,
    reasons text NOT NULL,
    asked_by text NOT NULL,
    decided_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    due_at timestamptz,
    state bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX approvals_pending ON approvals (approval_id) WHERE status = 'pending';
CREATE INDEX approvals_location ON approvals (location_id, approval_id);
CREATE INDEX approvals_due ON approvals (due_at) WHERE due_at IS NOT NULL;
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(_TABLES)
