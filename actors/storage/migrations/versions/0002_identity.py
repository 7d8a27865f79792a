"""Accounts of staff, clients of machines, and the sessions of both that were revoked.

Revision: 0002, after 0001.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE accounts (
    account_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    role text NOT NULL,
    enabled integer NOT NULL,
    state bytea NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE clients (
    client_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    enabled integer NOT NULL,
    state bytea NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE revocations (
    region_id text COLLATE "C" NOT NULL,
    session_id text COLLATE "C" NOT NULL,
    until_ms bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (region_id, session_id)
);
"""


def upgrade() -> None:
    """Makes the three tables."""
    op.execute(_TABLES)
