"""Alerts, and what the monitor has learned.

Revision: 0005, after 0004.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE alerts (
    alert_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    status text NOT NULL,
    about text COLLATE "C" NOT NULL,
    role text NOT NULL,
    rules text NOT NULL,
    score double precision NOT NULL,
    action text NOT NULL,
    assignee text NOT NULL,
    verdict text NOT NULL,
    began_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    told integer NOT NULL,
    state bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX alerts_untold ON alerts (last_at) WHERE told = 0;
CREATE INDEX alerts_status ON alerts (status, alert_id);

CREATE TABLE monitor_state (
    monitor_id text COLLATE "C" PRIMARY KEY,
    cursor json NOT NULL,
    state bytea NOT NULL,
    saved_at timestamptz NOT NULL
);
"""


def upgrade() -> None:
    """Makes the two tables."""
    op.execute(_TABLES)
