"""Floors: what they have to pick, and on which trips."""

from __future__ import annotations

import sqlalchemy as sa

from actors.storage.schema.columns import ROOM, Instant, bigint, instant, integer, key, metadata, text

floor_terms = sa.Table(
    "floor_terms", metadata,
    key("location_id", primary_key=True),
    sa.Column("terms", sa.LargeBinary, nullable=False),
    **ROOM,
)  # fmt: skip

floors = sa.Table(
    "floors", metadata,
    key("location_id", primary_key=True),
    bigint("version"),
    integer("works"),
    integer("trips"),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Column("due_at", Instant),
    **ROOM,
)  # fmt: skip

floor_work = sa.Table(
    "floor_work", metadata,
    key("location_id", primary_key=True),
    key("fulfilment_id", primary_key=True),
    text("status"),
    integer("priority"),
    instant("pick_by"),
    instant("placed_at"),
    bigint("units"),
    sa.Column("state", sa.LargeBinary, nullable=False),
    **ROOM,
)  # fmt: skip

floor_trips = sa.Table(
    "floor_trips", metadata,
    key("location_id", primary_key=True),
    bigint("trip", primary_key=True, autoincrement=False),
    text("picker"),
    instant("pick_by"),
    sa.Column("state", sa.LargeBinary, nullable=False),
    **ROOM,
)  # fmt: skip
