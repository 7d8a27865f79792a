"""What `ReadModel` tells of the past, from plain rows: the slow way, by looking at all of them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from actors.domain.outlook import decoded
from actors.domain.rows import LedgerRow, OrderRow, StockRow
from actors.domain.rows_of_promises import PromiseRow
from actors.domain.what_if_terms import PastMove, PastStock, owner_of
from actors.runtime.read_model import PlacedDecision, PlacedOrder, PromiseFound

Offset = tuple[int, str, int, int]


def orders_of(rows: Iterable[OrderRow], first: str, end: str, channel: str) -> list[OrderRow]:
    found = [row for row in rows if first <= row.order_id < end and (not channel or row.channel == channel)]
    return sorted(found, key=lambda row: row.order_id)


def placed(
    rows: Iterable[OrderRow], first: str, end: str, channel: str, below: str, after: str, limit: int
) -> list[PlacedOrder]:
    found = [
        row for row in orders_of(rows, first, end, channel)
        if row.order_id > after and (not below or row.order_id[-len(below) :] < below)
    ]  # fmt: skip
    return [PlacedOrder(row.order_id, row.placed_at, row.state) for row in found[:limit]]


def decisions(
    firsts: Mapping[str, tuple[int, Mapping[str, Any]]], order_ids: Sequence[str], from_ms: int, until_ms: int
) -> list[PlacedDecision]:
    """firsts: of each order when its first event happened, and that."""
    found = []
    for order_id in sorted(set(order_ids) & firsts.keys()):
        at_ms, event = firsts[order_id]
        if from_ms <= at_ms < until_ms and event.get("sourcing"):
            found.append(PlacedDecision(order_id, base64.b64decode(event["sourcing"]), bool(event.get("sealed"))))
    return found


def _delta(row: LedgerRow) -> int:
    aside = 0 if row.aside == "safety_stock" else row.aside_delta or 0
    return row.on_hand_delta - row.allocated_delta - aside


def past_stock(
    stock: Iterable[StockRow], ledger: Sequence[LedgerRow], skus: Sequence[str], at_ms: int, limit: int
) -> list[PastStock]:
    found = []
    for row in sorted(stock, key=lambda row: (row.sku, row.location_id)):
        if row.sku in skus:
            since = sum(
                _delta(e) for e in ledger if (e.location_id, e.sku) == (row.location_id, row.sku) and e.at >= at_ms
            )
            units, rate = row.free - since, decoded(row.outlook).rate
            found.append(PastStock(row.location_id, row.sku, units, row.safety_stock, row.kept_back, rate))
    return found[:limit]


def past_moves(
    ledger: Iterable[LedgerRow],
    skus: Sequence[str],
    locations: Sequence[str],
    from_ms: int,
    until_ms: int,
    offset: Offset | None,
    limit: int,
) -> list[tuple[Offset, PastMove]]:
    found = [
        ((row.at, row.location_id, row.version, row.line), PastMove(row.at, row.location_id, row.sku, _delta(row), row.reason, owner_of(row.cause)))
        for row in ledger
        if row.sku in skus and row.location_id in locations and from_ms <= row.at < until_ms and _delta(row)
    ]  # fmt: skip
    found.sort(key=lambda one: one[0])
    return [one for one in found if offset is None or one[0] > offset][:limit]


def promises(
    rows: Iterable[PromiseRow],
    from_ms: int,
    until_ms: int,
    channel: str,
    locations: Sequence[str] | None,
    after: tuple[int, str, int] | None,
    limit: int,
) -> list[PromiseFound]:
    steps: dict[tuple[int, str, int], dict[str, PromiseRow]] = {}
    for row in rows:
        if (
            from_ms <= row.promised_at < until_ms and (not channel or row.channel == channel)
            and (locations is None or row.location_id in locations)
            and (after is None or (row.promised_at, row.order_id, row.number) > after)
        ):  # fmt: skip
            steps.setdefault((row.promised_at, row.order_id, row.number), {})[row.step] = row
    found = []
    for (_, order_id, number), by_step in sorted(steps.items()):
        one = next(iter(by_step.values()))
        at = [by_step[step].at if step in by_step else None for step in ("shipped", "delivered", "cancelled")]
        found.append(PromiseFound(order_id, number, one.location_id, one.channel, one.promised_at, *at, one.transit_ms))
    return found[:limit]
