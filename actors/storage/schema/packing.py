"""Shipments, what waits for carriers, manifests, and the SSCCs that were given."""

from __future__ import annotations

import sqlalchemy as sa

from actors.storage.schema.columns import ROOM, Instant, bigint, instant, integer, key, metadata, text

shipments = sa.Table(
    "shipments", metadata,
    key("shipment_id", primary_key=True),
    bigint("version"),
    text("status"),
    key("location_id"),
    key("order_id"),
    integer("fulfilment"),
    text("reason"),
    integer("parcels"),
    bigint("units"),
    bigint("weight_g"),
    instant("opened_at"),
    instant("updated_at"),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),
    key("person"),
    sa.Index("shipments_open", "location_id", "shipment_id", postgresql_where=sa.text("NOT closed")),
    sa.Index("shipments_location", "location_id", "shipment_id"),
    sa.Index("shipments_person", "person", "shipment_id", postgresql_where=sa.text("person <> ''")),
    **ROOM,
)  # fmt: skip

shipment_papers = sa.Table(
    "shipment_papers", metadata,
    key("shipment_id", primary_key=True),
    sa.Column("parcel", sa.Integer, primary_key=True, autoincrement=False),
    text("label_key"),
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
)  # fmt: skip

docks = sa.Table(
    "docks", metadata,
    key("dock_id", primary_key=True),
    bigint("version"),
    key("location_id"),
    text("carrier"),
    integer("waiting"),
    sa.Column("state", sa.LargeBinary, nullable=False),
    **ROOM,
)  # fmt: skip

dock_parcels = sa.Table(
    "dock_parcels", metadata,
    key("dock_id", primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    key("sscc", primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    **ROOM,
)  # fmt: skip

dock_past = sa.Table(
    "dock_past", metadata,
    key("dock_id", primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    **ROOM,
)  # fmt: skip

manifests = sa.Table(
    "manifests", metadata,
    key("dock_id", primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    key("location_id"),
    text("carrier"),
    text("status"),
    text("carrier_ref"),
    integer("parcels"),
    bigint("weight_g"),
    instant("closed_at"),
    sa.Column("handed_over_at", Instant),
    sa.Column("content", sa.LargeBinary, nullable=False),
    **ROOM,
)  # fmt: skip

sscc_series = sa.Table(
    "sscc_series", metadata,
    key("series_id", primary_key=True),
    bigint("version"),
    bigint("next_serial"),
    **ROOM,
)  # fmt: skip
