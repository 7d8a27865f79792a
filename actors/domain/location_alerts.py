"""What is worth telling when less of a SKU is available than it should be. Only of SKUs that are reordered, and only
the crossing of a level, not each step below."""

from __future__ import annotations

from collections.abc import Iterable

from actors.domain.location_events import Event, Levels, StockRanOut, StockRunsLow
from actors.domain.location_state import Stock


def level_crossed(sku: str, stock: Stock, after: int) -> Iterable[Event]:
    """What is available falls to `after`."""
    return crossed(sku, stock.reorder_point, stock.available, after)


def crossed(sku: str, point: int, before: int, after: int) -> Iterable[Event]:
    """What is available falls from `before` to `after`; point: at or below it stock runs low, 0 for never."""
    if point and before > after:
        if before > point >= after:
            yield StockRunsLow(sku, after, point)
        if after == 0:
            yield StockRanOut(sku)


def levels_changed(levels: Levels, stock: Stock) -> Iterable[Event]:
    """Levels become others while the stock stays as it is."""
    safety = stock.safety_stock if levels.safety_stock is None else levels.safety_stock
    point = stock.reorder_point if levels.reorder_point is None else levels.reorder_point
    before, after = stock.available, max(0, stock.free - safety)
    was_low = bool(stock.reorder_point) and before <= stock.reorder_point
    if point and after <= point and not was_low:
        yield StockRunsLow(levels.sku, after, point)
    if point and before > after == 0:
        yield StockRanOut(levels.sku)
