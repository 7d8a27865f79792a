"""Available to promise (ATP): how much can be promised now, and from when on how much more.

Of one SKU at one place, cumulative, as planners call it:

    ATP(t) = max(0, min(free + what arrives by t - kept back, good))

free: on hand and promised to nobody. kept back: safety stock, and the buffer of the channel that asks; what arrives
fills it up first, so a place that has less than its safety stock promises nothing of the first units. good: free units
of lots that are good for as long as is asked for, None when nobody asks; what is to come has no lot yet, so nothing of
it is counted as good. What should be here and is not (overdue) is not counted either, until its
source says when it comes.

A kit is served whole from one place: its ATP there is what the scarcest part allows at each moment. Several places add
up. See `location_promises.py` for the rule by which a place promises units: ATP is a forecast
of it, and promises nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import msgspec

# Of a kit: its parts arrive one by one, and each of them at many moments.
KIT_POINTS_MAX = 200


class Arriving(msgspec.Struct, frozen=True, gc=False):
    """Units that are to come (UTC ms)."""

    expected_at_ms: int
    units: int


class Supply(msgspec.Struct, frozen=True, gc=False):
    """One SKU at one place; see the module's docstring."""

    free: int
    kept_back: int = 0
    good: int | None = None
    arriving: tuple[Arriving, ...] = ()


class Point(msgspec.Struct, frozen=True, gc=False):
    """From then on (UTC ms) so many units can be promised in all."""

    at_ms: int
    units: int


def good_units(lots: Iterable[tuple[int | None, int]], good_until: int) -> int:
    """Free units of lots, as (last good day or None, units), that are good on that day. Days since
    1970-01-01, as everywhere."""
    return sum(units for expires_on, units in lots if expires_on is None or expires_on >= good_until)


def of_place(supply: Supply, now_ms: int) -> list[Point]:
    """Now, and after each arrival that is not overdue."""
    coming: dict[int, int] = {}
    for one in supply.arriving:
        if one.expected_at_ms > now_ms:
            coming[one.expected_at_ms] = coming.get(one.expected_at_ms, 0) + one.units
    free, points = supply.free, [Point(now_ms, _promised(supply, supply.free))]
    for at_ms in sorted(coming):
        free += coming[at_ms]
        points.append(Point(at_ms, _promised(supply, free)))
    return points


def _promised(supply: Supply, free: int) -> int:
    units = free - supply.kept_back
    return max(0, units if supply.good is None else min(units, supply.good))


def of_kit(parts: Sequence[tuple[Sequence[Point], int]]) -> list[Point]:
    """Kits at one place, at no more than `KIT_POINTS_MAX` moments. `parts`: at least one: the part's own points, and
    the units of it in one kit. Where there are more moments, those that are too many are merged into the last of all:
    what comes in between is promised later than it could be, never earlier."""
    moments = sorted({point.at_ms for points, _ in parts for point in points})
    if len(moments) > KIT_POINTS_MAX:
        moments = [*moments[: KIT_POINTS_MAX - 1], moments[-1]]
    return [Point(at_ms, min(units_at(points, at_ms) // units for points, units in parts)) for at_ms in moments]


def units_at(points: Sequence[Point], at_ms: int) -> int:
    """What can be promised then; 0 before the first point."""
    place = bisect_right(points, at_ms, key=lambda point: point.at_ms)
    return points[place - 1].units if place else 0


def of_all(places: Iterable[Sequence[Point]]) -> list[Point]:
    """Of several places together."""
    steps: dict[int, int] = {}
    for points in places:
        before = 0
        for point in points:
            steps[point.at_ms] = steps.get(point.at_ms, 0) + point.units - before
            before = point.units
    total, together = 0, []
    for at_ms in sorted(steps):
        total += steps[at_ms]
        together.append(Point(at_ms, total))
    return together
