"""The lines in which orders wait at locations for what is not there."""

from __future__ import annotations

import sqlalchemy as sa

from actors.storage.schema.columns import ROOM, bigint, instant, key, metadata

waiters = sa.Table(
    "waiters", metadata,
    key("location_id", primary_key=True),
    key("order_id", primary_key=True),  # "": when the line has to be looked at; "#" and a SKU: what is counted for it
    instant("placed_at"),
    bigint("units"),
    sa.Column("state", sa.LargeBinary, nullable=False),
    **ROOM,
)  # fmt: skip
