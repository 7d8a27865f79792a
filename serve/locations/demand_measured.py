"""Demand for a SKU at a location, from what the ledger says of its last days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from actors.domain.location_views import StockView
from actors.domain.outlook import MILLI, RATE_MILLI_MAX, DemandRate
from actors.domain.replenishment import DAYS_ENOUGH, DayMoves, Demand, demand_by_day, demand_of
from actors.domain.times import DAY_MS
from actors.runtime.read_model import DEMAND_ENTRIES_MAX, DemandDay

LOOKED_AT_DAYS = 90
# With the entries of the ledger that are looked at for each, what the store can add up in its time.
SKUS_MAX = 20


class Measured(NamedTuple):
    """since, until: the days that were looked at, `until` not in it; since 1970-01-01."""

    demand: Demand
    since: int
    until: int

    @property
    def rate(self) -> DemandRate | None:
        """None when there were too few days to tell. Where nothing was wanted on all these days, one unit in one day
        more is taken for it: a guess, but on the side of what was seen."""
        if self.demand.days < DAYS_ENOUGH:
            return None
        mean = self.demand.mean if self.demand.mean > 0 else 1 / (self.demand.days + 1)
        milli = min(RATE_MILLI_MAX, max(1, round(mean * MILLI)))
        return DemandRate(milli, self.since, self.until - 1, "measured")


def first_ms(now_ms: int) -> int:
    """From when on the ledger is looked at (UTC ms)."""
    return (now_ms // DAY_MS - LOOKED_AT_DAYS) * DAY_MS


def measured(stock: StockView, moved: Sequence[DemandDay], now_ms: int) -> Measured:
    """stock: as it is now. moved: of this SKU, by day."""
    today = now_ms // DAY_MS
    since = today - LOOKED_AT_DAYS
    if moved and sum(day.entries for day in moved) >= DEMAND_ENTRIES_MAX:
        # So much happened that the oldest day may not be here whole.
        since, moved = moved[0].day + 1, moved[1:]
    moves = {day.day: DayMoves(day.shipped, day.free_before, day.free_most, day.free_after) for day in moved}
    # Today is not over.
    return Measured(demand_of(demand_by_day(moves, since, today, stock.on_hand - stock.allocated)), since, today)
