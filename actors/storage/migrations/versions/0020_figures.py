"""Figures of each minute, and what came in each hour.

Revision: 0020, after 0019.
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE figures (
    location_id text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    minute bytea NOT NULL,
    PRIMARY KEY (location_id, at)
);
CREATE INDEX figures_at ON figures (at);

CREATE TABLE figures_hours (
    location_id text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    units bigint NOT NULL,
    minutes integer NOT NULL,
    PRIMARY KEY (location_id, at)
) WITH (fillfactor = 70);
CREATE INDEX figures_hours_at ON figures_hours (at);
"""


def upgrade() -> None:
    """Makes the tables."""
    op.execute(_TABLES)
