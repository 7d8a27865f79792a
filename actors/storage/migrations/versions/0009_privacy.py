"""What people asked about their own data, and what they have agreed to.

Revision: 0009, after 0008.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE privacy_requests (
    request_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    status text NOT NULL,
    law text NOT NULL,
    asked_right text NOT NULL,
    person text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL,
    overdue integer NOT NULL,
    due_at timestamptz,
    state bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX privacy_requests_deadline ON privacy_requests (deadline_at, request_id);
CREATE INDEX privacy_requests_person ON privacy_requests (person);
CREATE INDEX privacy_requests_due ON privacy_requests (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE consents (
    consent_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    granted text NOT NULL,
    refused text NOT NULL,
    changed_at timestamptz NOT NULL,
    state bytea NOT NULL
) WITH (fillfactor = 70);
"""


def upgrade() -> None:
    """Makes the two tables."""
    op.execute(_TABLES)
