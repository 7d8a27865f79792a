"""What a location tells of how long its stock will last (`outlook.py`): the demand that somebody set, and when its free
units end. The rules are in `location.py`.

Units that have a last good day are counted by day as they come and go, so that a row costs as much as there are days,
and not as there are lots: of serial numbers each is one.
"""

from __future__ import annotations

from collections.abc import Mapping

from actors.domain.location_events import Entry
from actors.domain.location_state import Location, Lot, Stock
from actors.domain.outlook import DemandRate, Outlook, ends_of


def rate_of(rate: DemandRate) -> DemandRate | None:
    """As `Stock` keeps it: a rate of 0 is none."""
    return rate if rate.milli_a_day else None


def lot_changed(location: Location, entry: Entry, lot: Lot) -> None:
    """The entry changed the lot."""
    if lot.expires_on is not None:
        aside = entry.aside[1] if entry.aside is not None else 0
        count(location, entry.sku, lot.expires_on, entry.on_hand - entry.allocated - aside)


def count(location: Location, sku: str, day: int, units: int) -> None:
    """So many free units more, or fewer, end on that day."""
    if not units:
        return
    ends = location.ends.setdefault(sku, {})
    left = ends.get(day, 0) + units
    assert left >= 0, f"{sku}: {left} free units end on day {day}"
    if left:
        ends[day] = left
        return
    del ends[day]
    if not ends:
        del location.ends[sku]


def outlook_of(stock: Stock, ends: Mapping[int, int] | None) -> Outlook:
    """Of one SKU. ends: its units by last good day, None for none."""
    return Outlook(stock.rate, () if ends is None else ends_of(ends))
