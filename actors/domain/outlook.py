"""How long the stock of a SKU at a place will last: its demand, and when its units end. Sourcing weighs
both (`sourcing_cost.py`).

    weeks of supply  = what may be sold there / (demand a day × 7)
    markdown risk    = the share of its free units that demand leaves over until they end, the ones that end soonest being sold first
    shelf life left  = days until a unit's last good day, UTC

The place tells demand and dates (`location_outlook.py`), whoever asks reckons with the day that it is by then: a row
stays right while nothing happens at the place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from actors.domain.times import DAY_MS

MILLI = 1_000
RATE_MILLI_MAX = 1_000_000 * MILLI
PERIOD_DAYS_MAX = 3_660
# Days on which units end, of one SKU, as a row has them.
ENDS_MAX = 8
# Shelf life of what does not end.
FOR_EVER_DAYS = 1 << 30
RateSource = Literal["measured", "given"]
# (day since 1970-01-01 on which units are good for the last time, free units of it)
End = tuple[int, int]


class DemandRate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Demand for a SKU at a place. milli_a_day: thousandths of a unit, 0 for unknown. from_day, until_day: of what time
    it is, both in it, days since 1970-01-01; source: taken from the ledger, or somebody's own figure."""

    milli_a_day: int
    from_day: int
    until_day: int
    source: RateSource = "given"


class Outlook(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a place tells of a SKU. rate: None while unknown. ends: of free units that have a last good day, soonest
    first, at most ENDS_MAX."""

    rate: DemandRate | None = None
    ends: tuple[End, ...] = ()


NOTHING = Outlook()
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Outlook).decode


def encoded(outlook: Outlook) -> bytes:
    """As a row has it, where something is known."""
    return _encode(outlook)


def decoded(stored: bytes) -> Outlook:
    """What `encoded` made; b"" is nothing."""
    return _decode(stored) if stored else NOTHING


def day_of_ms(now_ms: int) -> int:
    """Days since 1970-01-01, UTC, as lots count them."""
    return now_ms // DAY_MS


def ends_of(units: Mapping[int, int]) -> tuple[End, ...]:
    """Units by their last good day, soonest first. Of more days than a row has, neighbours are taken together under the
    earlier day: units are told to end sooner than they do and never later, so that nobody is asked
    for what he would refuse."""
    if len(units) == 1:
        return tuple(units.items())
    ends, span = sorted(units.items()), 1
    while len(ends) > ENDS_MAX:
        ends = _joined(ends, span)
        span *= 2
    return tuple(ends)


def _joined(ends: Sequence[End], span: int) -> list[End]:
    """Those that end within `span` days of the first of them become one."""
    joined: list[End] = []
    for day, units in ends:
        if joined and day - joined[-1][0] <= span:
            joined[-1] = joined[-1][0], joined[-1][1] + units
        else:
            joined.append((day, units))
    return joined


def weeks_of_supply(units: int, rate: DemandRate) -> float:
    """For so many weeks the units last."""
    return units * MILLI / (rate.milli_a_day * 7)


def unsold_share(outlook: Outlook, free: int, today: int) -> float:
    """The share (0 to 1) of `free` units that won't be sold before they end; 0 while demand is unknown."""
    rate = outlook.rate
    if rate is None or not outlook.ends or free <= 0:
        return 0.0
    sold = left = 0.0
    for day, units in outlook.ends:
        # What is sold until then comes out of these, less what was sold of those that end sooner.
        takes = min(units, max(0.0, max(0, day - today) * rate.milli_a_day / MILLI - sold))
        sold += takes
        left += units - takes
    return min(1.0, left / free)


def good_for(outlook: Outlook, free: int, today: int, days: int) -> tuple[int, int]:
    """(free units that are good for so many days yet, and the least shelf life of them). When there are none: 0, and
    the most that any of them has."""
    short, least = 0, FOR_EVER_DAYS
    for day, units in outlook.ends:
        if day >= today + days:
            least = day - today
            break
        short += units
    if free > short:
        return free - short, least
    return 0, max(0, outlook.ends[-1][0] - today) if outlook.ends else 0
