"""Breaches of personal data.

Revision: 0010, after 0009.
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE breaches (
    breach_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    status text NOT NULL,
    law text NOT NULL,
    risk text NOT NULL,
    persons bigint NOT NULL,
    discovered_at timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL,
    due_at timestamptz,
    state bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX breaches_due ON breaches (due_at) WHERE due_at IS NOT NULL;
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(_TABLES)
