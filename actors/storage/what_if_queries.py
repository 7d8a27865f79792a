"""What the read model is asked about the past: orders as they were placed and by which decision, stock as it was, what
moved since; and what was promised.

Orders are found by their ids, which begin with when they were placed. A sample of them is taken by their ids' ends,
which are a hash: the same one each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from actors.storage.schema.columns import Instant
from actors.storage.schema.orders import orders
from actors.storage.schema.simulations import promise_steps
from actors.storage.schema.stock import ledger, stock
from actors.storage.schema.turns import history
from actors.storage.storable import storable_text


def _within(query: sa.Select[Any], first: str, end: str, channel: str) -> sa.Select[Any]:
    c = orders.c
    query = query.where(c.order_id >= storable_text(first), c.order_id < storable_text(end))
    return query.where(c.channel == storable_text(channel)) if channel else query


def count_query(first: str, end: str, channel: str, most: int) -> sa.Select[Any]:
    """How many there are, as far as is counted."""
    some = _within(sa.select(orders.c.order_id), first, end, channel).limit(most).subquery("some")
    return sa.select(sa.func.count()).select_from(some)


def placed_query(first: str, end: str, channel: str, below: str, after: str, limit: int) -> sa.Select[Any]:
    """The page of orders."""
    c = orders.c
    query = _within(sa.select(c.order_id, c.placed_at, c.state), first, end, channel)
    query = query.where(c.order_id > storable_text(after))
    if below:
        # Compared bytewise, as ids are.
        query = query.where(sa.func.right(c.order_id, len(below)).collate("C") < below)
    return query.order_by(c.order_id).limit(limit)


def decisions_query(order_ids: Sequence[str], from_ms: int, until_ms: int) -> sa.Select[Any]:
    """Of each order's first turn what it was sourced by, in base64 as history has bytes, and what is sealed."""
    c = history.c
    first = c.events.op("->")(0)
    return (
        sa.select(c.entity_id, first.op("->>")("sourcing"), first.op("->>")("sealed"))
        .where(c.entity_id.in_([storable_text(one) for one in order_ids]))
        .where(c.at >= sa.literal(from_ms, Instant), c.at < sa.literal(until_ms, Instant))
        .where(first.op("->>")("type") == "OrderPlaced")
        .order_by(c.entity_id)
    )


def past_stock_query(skus: Sequence[str], at_ms: int, limit: int) -> sa.Select[Any]:
    """What is free now less what changed it since, in one statement: of one moment."""
    s, c = stock.c, ledger.c
    since = (
        sa.select(sa.func.sum(_free_delta(c)).label("units"))
        .where(c.location_id == s.location_id, c.sku == s.sku, c.at >= sa.literal(at_ms, Instant))
        .lateral("since")
    )
    free = s.on_hand - s.allocated - s.reserved - s.damaged - s.quality_hold
    then = sa.cast(free - sa.func.coalesce(since.c.units, 0), sa.BigInteger)
    return (
        sa.select(s.location_id, s.sku, then, s.safety_stock, s.buffers, s.outlook)
        .select_from(stock.join(since, sa.true()))
        .where(s.sku.in_([storable_text(sku) for sku in skus]))
        .order_by(s.sku, s.location_id)
        .limit(limit)
    )


def _free_delta(c: Any) -> sa.ColumnElement[int]:
    # A level is no units: what is below the safety stock is free, and not promised.
    aside = sa.case((c.aside == "safety_stock", 0), else_=sa.func.coalesce(c.aside_delta, 0))
    delta: sa.ColumnElement[int] = c.on_hand_delta - c.allocated_delta - aside
    return delta


def past_moves_query(
    skus: Sequence[str], locations: Sequence[str], from_ms: int, until_ms: int, offset: tuple[int, str, int, int] | None, limit: int
) -> sa.Select[Any]:  # fmt: skip
    """The page of what moved, by the index of a SKU at a location."""
    c = ledger.c
    delta = _free_delta(c)
    query = (
        sa.select(c.at, c.location_id, c.version, c.line, c.sku, delta, c.reason, c.cause)
        .where(
            c.location_id.in_([storable_text(one) for one in locations]),
            c.sku.in_([storable_text(one) for one in skus]),
        )
        .where(c.at >= sa.literal(from_ms, Instant), c.at < sa.literal(until_ms, Instant), delta != 0)
    )
    if offset is not None:
        at, place, version, line = offset
        past = sa.tuple_(
            sa.literal(at, Instant), sa.literal(storable_text(place)), sa.literal(version), sa.literal(line)
        )
        query = query.where(sa.tuple_(c.at, c.location_id, c.version, c.line) > past)
    return query.order_by(c.at, c.location_id, c.version, c.line).limit(limit)


def promises_query(
    from_ms: int, until_ms: int, channel: str, locations: Sequence[str] | None, after: tuple[int, str, int] | None, limit: int
) -> sa.Select[Any]:  # fmt: skip
    """The page of promises with their steps side by side, along the index of when they were due: all steps of a
    fulfilment have the same promise."""
    c = promise_steps.c
    query = sa.select(
        c.order_id, c.number, sa.func.max(c.location_id), sa.func.max(c.channel), c.promised_at,
        *(sa.func.max(c.at).filter(c.step == step) for step in ("shipped", "delivered", "cancelled")),
        sa.func.max(c.transit_ms),
    ).where(c.promised_at >= sa.literal(from_ms, Instant), c.promised_at < sa.literal(until_ms, Instant))  # fmt: skip
    if channel:
        query = query.where(c.channel == storable_text(channel))
    if locations is not None:
        query = query.where(c.location_id.in_([storable_text(one) for one in locations]))
    if after is not None:
        promised_ms, order_id, number = after
        past = sa.tuple_(sa.literal(promised_ms, Instant), sa.literal(storable_text(order_id)), sa.literal(number))
        query = query.where(sa.tuple_(c.promised_at, c.order_id, c.number) > past)
    place = (c.promised_at, c.order_id, c.number)
    return query.group_by(*place).order_by(*place).limit(limit)
