"""Orders that wait at a store for their customers."""

from __future__ import annotations

import sqlalchemy as sa

from actors.storage.schema.columns import ROOM, Instant, bigint, instant, integer, key, metadata, text

collections = sa.Table(
    "collections", metadata,
    key("collection_id", primary_key=True),
    bigint("version"),
    text("status"),
    key("order_id"),
    key("location_id"),
    integer("line_count"),
    bigint("units"),
    text("shelf"),
    instant("opened_at"),
    sa.Column("here_at", Instant),
    sa.Column("ready_at", Instant),
    sa.Column("collect_by", Instant),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Column("late_at", Instant),
    sa.Index("collections_open", "location_id", "collection_id", postgresql_where=sa.text("NOT closed")),
    sa.Index("collections_location", "location_id", "collection_id"),
    sa.Index("collections_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **ROOM,
)  # fmt: skip
