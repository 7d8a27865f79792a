"""What is due to be counted: ABC classes by what moves.

What makes up the first 80 % of the value that left in a period is of class A, the next 15 % of B, the rest of C; what
did not move is of C. Each class is counted at an interval of its own. What was never counted comes first, then what is
late by the most of its interval. Days are of 24 hours, times UTC ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from actors.domain.times import DAY_MS

AbcClass = Literal["A", "B", "C"]
INTERVAL_DAYS: Mapping[AbcClass, int] = {"A": 30, "B": 90, "C": 365}
# Per cent of the value at which the next class begins.
A_SHARE, B_SHARE = 80, 95


class Movement(msgspec.Struct, frozen=True, gc=False):
    """What a SKU did at a location. units: base units that left in the period; cost_minor: of one unit in minor units,
    None when it is not known; last_counted_ms: None for never."""

    sku: str
    units: int
    cost_minor: int | None
    last_counted_ms: int | None


class Due(msgspec.Struct, frozen=True, gc=False):
    """A SKU that is to be counted. due_ms: since when, None when it was never counted."""

    sku: str
    abc: AbcClass
    units: int
    last_counted_ms: int | None
    due_ms: int | None


def values_of(movements: Iterable[Movement]) -> dict[str, float]:
    """The value that left, by SKU. A SKU without a cost is taken at the mean of the others', and all
    at 1 when none is known."""
    movements = list(movements)
    costs = [one.cost_minor for one in movements if one.cost_minor is not None]
    mean = sum(costs) / len(costs) if costs else 1.0
    return {one.sku: one.units * (mean if one.cost_minor is None else one.cost_minor) for one in movements}


def classes_of(values: Mapping[str, float]) -> dict[str, AbcClass]:
    """The class of each SKU. One that begins before the limit of a class is still in it."""
    total, before, classes = sum(values.values()), 0.0, dict[str, AbcClass]()
    for sku in sorted(values, key=lambda sku: (-values[sku], sku)):
        share = 100 * before / total if total else 100.0
        if not values[sku]:
            share = 100.0
        classes[sku] = "A" if share < A_SHARE else "B" if share < B_SHARE else "C"
        before += values[sku]
    return classes


def due(movements: Sequence[Movement], now_ms: int, interval_days: Mapping[AbcClass, int] = INTERVAL_DAYS) -> list[Due]:
    """What is to be counted, the most urgent first."""
    values = values_of(movements)
    classes = classes_of(values)
    found: list[tuple[float, float, Due]] = []
    for one in movements:
        abc = classes[one.sku]
        interval_ms = interval_days[abc] * DAY_MS
        due_ms = None if one.last_counted_ms is None else one.last_counted_ms + interval_ms
        if due_ms is not None and due_ms > now_ms:
            continue
        late = float("inf") if due_ms is None else (now_ms - due_ms) / interval_ms
        found.append((-late, -values[one.sku], Due(one.sku, abc, one.units, one.last_counted_ms, due_ms)))
    return [one for _, _, one in sorted(found, key=lambda item: (item[0], item[1], item[2].sku))]
