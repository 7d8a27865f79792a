"""Goods that come, go between locations, and are counted."""

from __future__ import annotations

import sqlalchemy as sa

from actors.storage.schema.columns import ROOM, Instant, bigint, instant, integer, key, metadata, text

transfers = sa.Table(
    "transfers", metadata,
    key("transfer_id", primary_key=True),
    bigint("version"),
    text("status"),
    text("outcome"),
    key("source_id"),
    key("destination_id"),
    text("reference"),
    integer("line_count"),
    bigint("wanted"),
    bigint("dispatched"),
    bigint("received"),
    bigint("lost"),
    sa.Column("late", sa.Boolean, nullable=False),
    instant("requested_at"),
    sa.Column("expected_at", Instant),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("transfers_open", "transfer_id", postgresql_where=sa.text("NOT closed")),
    sa.Index("transfers_source", "source_id", "transfer_id"),
    sa.Index("transfers_destination", "destination_id", "transfer_id"),
    sa.Index("transfers_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **ROOM,
)  # fmt: skip

inbounds = sa.Table(
    "inbounds", metadata,
    key("inbound_id", primary_key=True),
    bigint("version"),
    text("status"),
    text("outcome"),
    key("location_id"),
    text("supplier_ref"),
    text("purchase_ref"),
    text("asn_ref"),
    integer("line_count"),
    integer("package_count"),
    bigint("announced"),
    bigint("received"),
    bigint("remaining"),
    instant("announced_at"),
    instant("expected_at"),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("inbounds_open", "inbound_id", postgresql_where=sa.text("NOT closed")),
    sa.Index("inbounds_location", "location_id", "inbound_id"),
    **ROOM,
)  # fmt: skip

counts = sa.Table(
    "counts", metadata,
    key("count_id", primary_key=True),
    bigint("version"),
    text("status"),
    key("location_id"),
    text("reason"),
    integer("spots"),
    integer("settled"),
    bigint("variance_units"),
    text("opened_by"),
    instant("opened_at"),
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("counts_open", "count_id", postgresql_where=sa.text("status = 'open'")),
    sa.Index("counts_location", "location_id", "count_id"),
    sa.Index("counts_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **ROOM,
)  # fmt: skip

counting = sa.Table(
    "counting", metadata,
    key("location_id", primary_key=True),
    key("bin_id", primary_key=True),  # "": what of the SKU lies in no bin
    key("sku", primary_key=True),  # "": all that lies in the bin
    text("count_id"),
    instant("began_at"),
    sa.Column("lost", sa.Boolean, nullable=False),
    sa.Column("book", sa.LargeBinary, nullable=False),
    sa.Column("changes", sa.LargeBinary, nullable=False),
    **ROOM,
)  # fmt: skip

last_counted = sa.Table(
    "last_counted", metadata,
    key("location_id", primary_key=True),
    key("sku", primary_key=True),
    instant("counted_at"),
    **ROOM,
)  # fmt: skip
