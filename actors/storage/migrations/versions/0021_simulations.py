"""What-ifs of sourcing; what was promised of fulfilments, and the steps that they took.

Revision: 0021, after 0020.
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# MessagePack of `simulations.Simulation`.
_TABLES = """
CREATE TABLE simulations (
    simulations_id text COLLATE "C" NOT NULL,
    simulation_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (simulations_id, simulation_id)
);

CREATE TABLE promise_steps (
    order_id text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    step text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    promised_at timestamptz NOT NULL,
    channel text NOT NULL,
    location_id text COLLATE "C" NOT NULL,
    transit_ms bigint,
    PRIMARY KEY (order_id, number, step)
) WITH (fillfactor = 70);
CREATE INDEX promise_steps_promised ON promise_steps (promised_at);
"""


def upgrade() -> None:
    """Makes the tables."""
    op.execute(_TABLES)
