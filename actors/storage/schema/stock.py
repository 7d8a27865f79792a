"""Locations, their stock, and the catalogue."""

from __future__ import annotations

import sqlalchemy as sa

from actors.storage.schema.columns import ROOM, bigint, instant, integer, key, metadata, text

locations = sa.Table(
    "locations", metadata,
    key("location_id", primary_key=True),
    bigint("version"),
    text("type"),
    text("name"),
    text("city"),
    text("country"),
    sa.Column("lat", sa.Double, nullable=False),
    sa.Column("lon", sa.Double, nullable=False),
    text("timezone"),
    **ROOM,
)  # fmt: skip

stock = sa.Table(
    "stock", metadata,
    key("location_id", primary_key=True),
    key("sku", primary_key=True),
    bigint("on_hand"),
    bigint("allocated"),
    bigint("safety_stock"),
    bigint("reserved", server_default="0"),
    bigint("damaged", server_default="0"),
    bigint("quality_hold", server_default="0"),
    bigint("reorder_point", server_default="0"),
    sa.Column("buffers", sa.Text, nullable=False, server_default=""),
    sa.Column("outlook", sa.LargeBinary, nullable=False, server_default=""),
    # All places of one SKU.
    sa.Index("stock_sku", "sku", "location_id"),
    **ROOM,
)  # fmt: skip

lots = sa.Table(
    "lots", metadata,
    key("location_id", primary_key=True),
    key("sku", primary_key=True),
    key("lot", primary_key=True),
    bigint("on_hand"),
    bigint("allocated"),
    bigint("reserved"),
    bigint("damaged"),
    bigint("quality_hold"),
    sa.Column("expires_on", sa.Integer),  # days since 1970-01-01
    sa.Column("serial", sa.Boolean, nullable=False),
    text("told"),
    sa.Index("lots_sku", "sku", "location_id", "lot"),
    **ROOM,
)  # fmt: skip

lot_claims = sa.Table(
    "lot_claims", metadata,
    key("location_id", primary_key=True),
    key("cause", primary_key=True),
    key("sku", primary_key=True),
    key("lot", primary_key=True),
    bigint("units"),
    **ROOM,
)  # fmt: skip

bins = sa.Table(
    "bins", metadata,
    key("location_id", primary_key=True),
    key("bin_id", primary_key=True),
    text("zone"),
    integer("aisle"),
    integer("rack"),
    integer("level"),
    integer("x_dm"),
    integer("y_dm"),
    text("use"),
    bigint("units_max"),
    bigint("volume_max_ml"),
    text("temperature"),
    text("hazard"),
    **ROOM,
)  # fmt: skip

bin_contents = sa.Table(
    "bin_contents", metadata,
    key("location_id", primary_key=True),
    key("sku", primary_key=True),
    key("bin_id", primary_key=True),
    key("lot", primary_key=True),
    bigint("units"),
    **ROOM,
)  # fmt: skip

incoming = sa.Table(
    "incoming", metadata,
    key("location_id", primary_key=True),
    key("source_id", primary_key=True),
    key("sku", primary_key=True),  # "": the source itself
    text("source"),
    bigint("revision"),
    instant("expected_at"),
    bigint("units"),
    instant("changed_at"),
    sa.Index("incoming_sku", "sku", "location_id", postgresql_where=sa.text("sku <> ''")),
    **ROOM,
)  # fmt: skip

# Its key is kept single by the watermark. A unique index would let a paused owner, in the middle of a drain that will
# be refused, block its successor's rows of the same key; plain ones don't.
ledger = sa.Table(
    "ledger", metadata,
    key("location_id"),
    bigint("version"),
    integer("line"),
    instant("at"),
    key("sku"),
    text("reason"),
    bigint("quantity"),
    bigint("on_hand_delta"),
    bigint("allocated_delta"),
    bigint("on_hand"),
    bigint("allocated"),
    text("cause"),
    text("reference"),
    sa.Column("value_minor", sa.BigInteger),
    sa.Column("currency", sa.Text),
    # Which other count changes (reserved, damaged, quality_hold), by how much, and what it is then.
    sa.Column("aside", sa.Text),
    sa.Column("aside_delta", sa.BigInteger),
    sa.Column("aside_balance", sa.BigInteger),
    sa.Column("lot", sa.Text),
    sa.Column("bin_id", sa.Text),
    sa.Column("bin_delta", sa.BigInteger),
    sa.Index("ledger_location", "location_id", "version", "line"),
    sa.Index("ledger_sku", "location_id", "sku", "version", "line"),
    postgresql_partition_by="RANGE (at)",
)  # fmt: skip

skus = sa.Table(
    "skus", metadata,
    key("catalogue_id", primary_key=True),
    key("sku", primary_key=True),
    text("description"),
    bigint("version"),
    sa.Column("details", sa.LargeBinary, nullable=False, server_default=""),
)  # fmt: skip
