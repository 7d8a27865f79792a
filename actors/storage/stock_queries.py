"""What the read model is asked about stock: one SKU over all places, and what left a place day by day.

Each is bounded: by a limit on rows, or on the entries of the ledger that it looks at, newest first
by the index that is for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from actors.domain.rows import StockRow
from actors.domain.rows_of_stock import IncomingRow
from actors.runtime.read_model import DEMAND_ENTRIES_MAX, LOT_ROWS_MAX, SHIPMENT_ENTRIES_MAX
from actors.storage.schema import row_columns
from actors.storage.schema.columns import Instant
from actors.storage.schema.stock import incoming, ledger, lots, stock
from actors.storage.storable import storable_text

_DAY_S = 86_400


def stock_query(sku: str, locations: Sequence[str] | None, limit: int) -> sa.Select[Any]:
    """Rows of one SKU, by location."""
    query = sa.select(*row_columns(StockRow)).where(stock.c.sku == storable_text(sku))
    return _within(query, stock.c.location_id, locations).order_by(stock.c.location_id).limit(limit)


def lots_query(sku: str, locations: Sequence[str] | None, limit: int) -> sa.Select[Any]:
    """Lots of one SKU, added up by location and last good day. Of serial numbers each is a lot, so there may be very
    many: no more are read than LOT_ROWS_MAX."""
    c = lots.c
    free = c.on_hand - c.allocated - c.reserved - c.damaged - c.quality_hold
    query = sa.select(c.location_id, c.expires_on, c.on_hand, free.label("free")).where(c.sku == storable_text(sku))
    within = _within(query, c.location_id, locations).order_by(c.location_id, c.lot).limit(LOT_ROWS_MAX)
    r = within.subquery("read").c
    on_hand, unclaimed = (sa.cast(sa.func.sum(units), sa.BigInteger) for units in (r.on_hand, r.free))
    grouped = sa.select(r.location_id, r.expires_on, on_hand, unclaimed).group_by(r.location_id, r.expires_on)
    return grouped.order_by(r.expires_on.nulls_last(), r.location_id).limit(limit)


def incoming_query(sku: str, locations: Sequence[str] | None, limit: int) -> sa.Select[Any]:
    """What is to come of one SKU, soonest first."""
    c = incoming.c
    # As the index says it: the row of a source itself has no SKU.
    query = sa.select(*row_columns(IncomingRow)).where(c.sku == storable_text(sku), c.sku != sa.literal_column("''"))
    return _within(query, c.location_id, locations).order_by(c.expected_at, c.location_id, c.source_id).limit(limit)


# "<transfer id>.<part>" (`ids.transfer_id`): no order's id has that in it.
_OF_TRANSFER = "%-transfer-%"


def demand_query(location_id: str, skus: Sequence[str], since_ms: int) -> sa.Select[Any]:
    """Of each SKU the newest entries, added up by day."""
    wanted = sa.values(sa.column("wanted", sa.Text), name="wanted").data([(storable_text(sku),) for sku in skus])
    c = ledger.c
    newest = (
        sa.select(
            c.version, c.line, c.at, c.reason, c.quantity, c.cause,
            (c.on_hand - c.allocated).label("free"),
            (c.on_hand - c.on_hand_delta - c.allocated + c.allocated_delta).label("before"),
        )
        .where(
            c.location_id == storable_text(location_id), c.sku == wanted.c.wanted,
            c.at >= sa.literal(since_ms, Instant),
        )
        .order_by(c.version.desc(), c.line.desc())
        .limit(DEMAND_ENTRIES_MAX)
        .lateral("newest")
    )  # fmt: skip
    e = newest.c
    day = sa.cast(sa.func.floor(sa.extract("epoch", e.at) / _DAY_S), sa.Integer)
    first, last = (
        sa.func.array_agg(aggregate_order_by(e.before, e.version.asc(), e.line.asc())),
        sa.func.array_agg(aggregate_order_by(e.free, e.version.desc(), e.line.desc())),
    )
    shipped = sa.func.coalesce(sa.func.sum(e.quantity).filter(e.reason == "ship"), 0)
    moved = sa.func.coalesce(sa.func.sum(e.quantity).filter(e.reason == "ship", e.cause.like(_OF_TRANSFER)), 0)
    return (
        sa.select(
            wanted.c.wanted, day.label("day"), sa.func.count(), sa.cast(shipped, sa.BigInteger),
            sa.type_coerce(first, sa.ARRAY(sa.BigInteger))[1], sa.func.max(e.free),
            sa.type_coerce(last, sa.ARRAY(sa.BigInteger))[1], sa.cast(moved, sa.BigInteger),
        )
        .select_from(wanted.join(newest, sa.true()))
        .group_by(wanted.c.wanted, sa.text("day"))
        .order_by(wanted.c.wanted, sa.text("day"))
    )  # fmt: skip


def shipments_query(location_id: str) -> sa.Select[Any]:
    """Entries of shipments by SKU, among the newest of the ledger."""
    c = ledger.c
    newest = (
        sa.select(c.sku, c.reason)
        .where(c.location_id == storable_text(location_id))
        .order_by(c.version.desc(), c.line.desc())
        .limit(SHIPMENT_ENTRIES_MAX)
        .subquery("newest")
    )
    counted = sa.select(newest.c.sku, sa.func.count()).where(newest.c.reason == "ship")
    return counted.group_by(newest.c.sku)


def _within(query: sa.Select[Any], column: sa.Column[str], locations: Sequence[str] | None) -> sa.Select[Any]:
    return query if locations is None else query.where(column.in_([storable_text(one) for one in locations]))
