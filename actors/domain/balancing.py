"""What should be transferred: from places that have more of a SKU than they need to places that have
less, over little distance.

Per place, in base units, with the place's own reorder point and what it sells a day:

    low    = max(reorder point, 7 days of sales)       at or below it the place is in need, counting what is on its way to it
    keep   = 2 x low                                   what a place in need is filled up to, and what a giver keeps

So what was balanced once is in balance: who was filled does not give, and who gave is not in need. A place without
reorder point and sales is not steered: it is never in need, and gives at most half of what it has. What is damaged,
promised or safety stock is not available, and so neither given nor counted on.

Greedy: who sells out first is served first (nothing left, then the least of its `low`), by the nearest place that can
give, then the next. That is not the least distance of all possible plans, but who needs it most gets it from nearby,
and the answer says why in a code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from heapq import heapify, heappop
from typing import Literal

import msgspec

from actors.domain.geography import distance_km

DAYS_LOW = 7
# What lasts for longer is told as this.
DAYS_MAX = 9_999
FILL_FACTOR = 2
UNSTEERED_SHARE = 2
SUGGESTIONS_MAX = 100
PLACES_MAX = 10_000

# The needy place: has none and expects none; is at or below its reorder point; or lasts for few days only.
Need = Literal["stock_out", "below_reorder_point", "few_days_left"]


class Holding(msgspec.Struct, frozen=True, gc=False):
    """One SKU at one place. lat, lon: degrees; available: may be promised; incoming: on its way there; sold_a_day:
    units, 0 when nobody knows."""

    location_id: str
    lat: float
    lon: float
    available: int
    reorder_point: int = 0
    incoming: int = 0
    sold_a_day: float = 0.0

    @property
    def low(self) -> int:
        """At or below it the place is in need."""
        return max(self.reorder_point, math.ceil(DAYS_LOW * self.sold_a_day))

    @property
    def expected(self) -> int:
        """What it can count on."""
        return self.available + self.incoming

    @property
    def missing(self) -> int:
        """Units that it should get."""
        low = self.low
        return FILL_FACTOR * low - self.expected if low and self.expected <= low else 0

    @property
    def surplus(self) -> int:
        """Units that it can give."""
        low = self.low
        if not low:
            return self.available // UNSTEERED_SHARE
        return max(0, self.available - FILL_FACTOR * low)


class Suggestion(msgspec.Struct, frozen=True, gc=False):
    """A transfer of one SKU. need: why the destination should have it; days_left: for how long what it can count on
    lasts there, None when nobody knows."""

    source_id: str
    destination_id: str
    units: int
    distance_km: int
    need: Need
    days_left: int | None


def suggest(holdings: Sequence[Holding], limit: int = SUGGESTIONS_MAX) -> list[Suggestion]:
    """At most `limit` transfers, the most needed first. No place gives more than its surplus, and none
    gets more than it misses."""
    assert len(holdings) <= PLACES_MAX
    givers = sorted(
        (_Giver(place) for place in holdings if place.surplus > 0), key=lambda giver: giver.place.location_id
    )
    found: list[Suggestion] = []
    for needy in sorted((place for place in holdings if place.missing > 0), key=_urgency):
        missing, nearest = needy.missing, _nearest(givers, needy)
        while missing and nearest:
            if len(found) >= limit:
                return found
            _, number = heappop(nearest)
            giver = givers[number]
            units = min(missing, giver.left)
            giver.left -= units
            missing -= units
            found.append(_suggestion(giver.place, needy, units))
    return found


class _Giver:
    """A place that gives, with what is `left` of its surplus."""

    def __init__(self, place: Holding) -> None:
        self.place, self.left, self.at = place, place.surplus, _on_sphere(place)


def _nearest(givers: Sequence[_Giver], needy: Holding) -> list[tuple[float, int]]:
    """A heap of (how far, position) of those that have something left. The straight way through the earth orders as the
    one over it does, and costs a tenth."""
    x, y, z = _on_sphere(needy)
    heap = []
    for number, giver in enumerate(givers):
        if giver.left:
            gx, gy, gz = giver.at
            heap.append(((gx - x) ** 2 + (gy - y) ** 2 + (gz - z) ** 2, number))
    heapify(heap)
    return heap


def _on_sphere(place: Holding) -> tuple[float, float, float]:
    phi, theta = math.radians(place.lat), math.radians(place.lon)
    return math.cos(phi) * math.cos(theta), math.cos(phi) * math.sin(theta), math.sin(phi)


def _urgency(place: Holding) -> tuple[bool, float, str]:
    return (place.expected > 0, place.expected / place.low, place.location_id)


def _suggestion(giver: Holding, needy: Holding, units: int) -> Suggestion:
    need: Need = "few_days_left"
    if not needy.expected:
        need = "stock_out"
    elif needy.expected <= needy.reorder_point:
        need = "below_reorder_point"
    days = math.floor(min(DAYS_MAX, needy.expected / needy.sold_a_day)) if needy.sold_a_day > 0 else None
    return Suggestion(
        giver.location_id,
        needy.location_id,
        units,
        round(distance_km(giver.lat, giver.lon, needy.lat, needy.lon)),
        need,
        days,
    )
