"""What `ReadModel` tells of stock, from plain rows: the slow way, by looking at all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.domain.rows import LedgerRow, StockRow
from actors.domain.rows_of_stock import IncomingRow, LotRow
from actors.runtime.read_model import DEMAND_ENTRIES_MAX, LOT_ROWS_MAX, SHIPMENT_ENTRIES_MAX, DemandDay, LotSum

_DAY_MS = 86_400_000


def stock_of(rows: Iterable[StockRow], sku: str, locations: Sequence[str] | None, limit: int) -> list[StockRow]:
    found = [row for row in rows if row.sku == sku and (locations is None or row.location_id in locations)]
    return sorted(found, key=lambda row: row.location_id)[:limit]


def lots_of(rows: Iterable[LotRow], sku: str, locations: Sequence[str] | None, limit: int) -> list[LotSum]:
    sums: dict[tuple[str, int | None], tuple[int, int]] = {}
    of_sku = [row for row in rows if row.sku == sku and (locations is None or row.location_id in locations)]
    for row in sorted(of_sku, key=lambda row: (row.location_id, row.lot))[:LOT_ROWS_MAX]:
        on_hand, free = sums.get((row.location_id, row.expires_on), (0, 0))
        mine = row.on_hand - row.allocated - row.reserved - row.damaged - row.quality_hold
        sums[row.location_id, row.expires_on] = (on_hand + row.on_hand, free + mine)
    found = [LotSum(location_id, day, *counts) for (location_id, day), counts in sums.items()]
    return sorted(found, key=lambda one: (one.expires_on is None, one.expires_on or 0, one.location_id))[:limit]


def incoming_of(
    rows: Iterable[IncomingRow], sku: str, locations: Sequence[str] | None, limit: int
) -> list[IncomingRow]:
    found = [row for row in rows if row.sku == sku != "" and (locations is None or row.location_id in locations)]
    return sorted(found, key=lambda row: (row.expected_at, row.location_id, row.source_id))[:limit]


def demand(rows: Iterable[LedgerRow], location_id: str, skus: Sequence[str], since_ms: int) -> list[DemandDay]:
    entries = sorted((row for row in rows if row.location_id == location_id), key=lambda row: (row.version, row.line))
    found = []
    for sku in sorted(skus):
        mine = [row for row in entries if row.sku == sku and row.at >= since_ms][-DEMAND_ENTRIES_MAX:]
        for day in sorted({row.at // _DAY_MS for row in mine}):
            of_day = [row for row in mine if row.at // _DAY_MS == day]
            free = [row.on_hand - row.allocated for row in of_day]
            before = free[0] - of_day[0].on_hand_delta + of_day[0].allocated_delta
            shipped = sum(row.quantity for row in of_day if row.reason == "ship")
            moved = sum(row.quantity for row in of_day if row.reason == "ship" and "-transfer-" in row.cause)
            found.append(DemandDay(sku, day, len(of_day), shipped, before, max(free), free[-1], moved))
    return found


def recent_shipments(rows: Iterable[LedgerRow], location_id: str) -> dict[str, int]:
    entries = sorted((row for row in rows if row.location_id == location_id), key=lambda row: (row.version, row.line))
    counts: dict[str, int] = {}
    for row in entries[-SHIPMENT_ENTRIES_MAX:]:
        if row.reason == "ship":
            counts[row.sku] = counts.get(row.sku, 0) + 1
    return counts
