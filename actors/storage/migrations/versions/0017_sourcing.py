"""Profiles of locations, and sourcing policies with their versions.

Revision: 0017, after 0016.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# MessagePack of `location_profile.Profile` and `sourcing_policy.Policy`.
_TABLES = """
CREATE TABLE location_profiles (
    location_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    profile bytea NOT NULL,
    day integer NOT NULL,
    orders integer NOT NULL,
    units bigint NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE sourcing_policies (
    policies_id text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    policy bytea NOT NULL,
    reason text NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    PRIMARY KEY (policies_id, channel, version)
);
"""


def upgrade() -> None:
    """Makes the tables."""
    op.execute(_TABLES)
