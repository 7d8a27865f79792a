"""Figures: what was seen in each minute, and what came in each hour. Written by the collector
alone, not by the drain."""

from __future__ import annotations

import sqlalchemy as sa

from actors.storage.schema.columns import ROOM, bigint, instant, integer, key, metadata

figures = sa.Table(
    "figures", metadata,
    key("location_id", primary_key=True),  # the region's name for all of it
    sa.Column("at", instant("at").type, primary_key=True, nullable=False),
    sa.Column("minute", sa.LargeBinary, nullable=False),
    sa.Index("figures_at", "at"),
)  # fmt: skip

figures_hours = sa.Table(
    "figures_hours", metadata,
    key("location_id", primary_key=True),
    sa.Column("at", instant("at").type, primary_key=True, nullable=False),
    bigint("units"),
    integer("minutes"),
    sa.Index("figures_hours_at", "at"),
    **ROOM,
)  # fmt: skip
