"""What-ifs of sourcing, and what was promised."""

from __future__ import annotations

import sqlalchemy as sa

from actors.storage.schema.columns import ROOM, bigint, instant, integer, key, metadata, text

simulations = sa.Table(
    "simulations", metadata,
    key("simulations_id", primary_key=True),
    key("simulation_id", primary_key=True),
    bigint("version"),
    sa.Column("state", sa.LargeBinary, nullable=False),
)  # fmt: skip

promise_steps = sa.Table(
    "promise_steps", metadata,
    key("order_id", primary_key=True),
    integer("number", primary_key=True, autoincrement=False),
    key("step", primary_key=True),
    instant("at"),
    instant("promised_at"),
    text("channel"),
    key("location_id"),
    sa.Column("transit_ms", sa.BigInteger),
    sa.Index("promise_steps_promised", "promised_at", "order_id", "number"),
    **ROOM,
)  # fmt: skip
