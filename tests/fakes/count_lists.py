"""What `ReadModel` tells of cycle counts, from plain rows: the slow way, by looking at all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.domain.rows import LedgerRow, StockRow
from actors.domain.rows_of_counts import CountRow, LastCountedRow
from actors.runtime.read_model import MOVEMENT_ENTRIES_MAX, CountSummary, SkuMovement


def counts(
    rows: Iterable[CountRow], status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
) -> list[CountSummary]:
    found = [
        row for row in rows
        if (status is None or row.status == status) and (locations is None or row.location_id in locations)
        and (before is None or row.count_id < before)
    ]  # fmt: skip
    found.sort(key=lambda row: row.count_id, reverse=True)
    return [CountSummary(*(getattr(row, name) for name in CountSummary.__struct_fields__)) for row in found[:limit]]


def movements(
    stock: Iterable[StockRow], ledger: Iterable[LedgerRow], counted: Iterable[LastCountedRow], location_id: str, since_ms: int,
    limit: int,
) -> list[SkuMovement]:  # fmt: skip
    newest = sorted((row for row in ledger if row.location_id == location_id), key=lambda row: (row.version, row.line))
    entries = [row for row in newest[-MOVEMENT_ENTRIES_MAX:] if row.at >= since_ms and row.aside != "safety_stock"]
    last = {row.sku: row.counted_at for row in counted if row.location_id == location_id}
    found = []
    for row in stock:
        mine = [entry for entry in entries if entry.sku == row.sku]
        if row.location_id != location_id or not (row.on_hand > 0 or mine):
            continue
        units = sum(entry.quantity for entry in mine if entry.reason == "ship")
        moments = [entry.at for entry in mine if entry.reason == "count"]
        if row.sku in last:
            moments.append(last[row.sku])
        found.append(SkuMovement(row.sku, units, max(moments, default=None)))
    return sorted(found, key=lambda one: (-one.units, one.sku))[:limit]
