"""Allocation: which locations serve which part of an order.

Rule: the nearest location that can serve the whole; else a split over at most three that can serve the whole, the
fewest, nearest first: exact among the nearest that have any of it (SPLIT_SEARCH_PLACES). Else greedily, of all, each
time the place that adds most units, and the rest is backordered: another split may serve more. That is of one round of
asking; a later one has three again. Places come nearest first and were seen a moment ago: the location itself decides
(see `location.Allocate`), so a plan is a proposal and never a promise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import msgspec

SPLIT_MAX = 3
# Splits are searched among this many nearest places only: C(12, 3) = 220 combinations.
SPLIT_SEARCH_PLACES = 12


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A location that may serve, with what was seen available there per SKU (units; only what the order wants)."""

    location_id: str
    available: dict[str, int]


Need = dict[str, int]
# (location, units per SKU) in the order in which they shall be asked.
Plan = list[tuple[str, Need]]


def need_of(lines: Iterable[tuple[str, int]]) -> Need:
    """Units wanted per SKU; lines that repeat a SKU are added up."""
    need: Need = {}
    for sku, quantity in lines:
        need[sku] = need.get(sku, 0) + quantity
    return need


def plan(need: Need, places: Sequence[Place], splits: int = SPLIT_MAX) -> Plan:
    """The proposal for `need` over at most `splits` of `places` (nearest first). Empty when nothing can be served."""
    for place in places:
        available = place.available
        if all(available.get(sku, 0) >= quantity for sku, quantity in need.items()):
            return [(place.location_id, dict(need))]
    useful = [place for place in places if any(place.available.get(sku, 0) > 0 for sku in need)]
    searched = useful[:SPLIT_SEARCH_PLACES]
    # Where all of them together lack something, no few of them have it: most of the time when goods are scarce.
    if any(sum(max(0, p.available.get(sku, 0)) for p in searched) < quantity for sku, quantity in need.items()):
        return _fill(need, _most(need, useful, splits))
    for size in range(2, splits + 1):
        for chosen in combinations(searched, size):
            if all(sum(max(0, p.available.get(sku, 0)) for p in chosen) >= quantity for sku, quantity in need.items()):
                return _fill(need, chosen)
    return _fill(need, _most(need, useful, splits))


def _most(need: Need, places: Sequence[Place], splits: int) -> list[Place]:
    """Greedily the places that add most units; the nearer one wins a draw. Sorted as given, i.e. nearest first."""
    rest, left = dict(need), list(places)
    chosen: list[Place] = []
    while left and len(chosen) < splits:
        gains = [sum(min(rest[sku], max(0, place.available.get(sku, 0))) for sku in rest) for place in left]
        best = gains.index(max(gains))
        if gains[best] == 0:
            break
        place = left.pop(best)
        chosen.append(place)
        for sku in rest:
            rest[sku] -= min(rest[sku], max(0, place.available.get(sku, 0)))
    return [place for place in places if place in chosen]


def _fill(need: Need, places: Iterable[Place]) -> Plan:
    rest, out = dict(need), []
    for place in places:
        part = {}
        for sku, quantity in rest.items():
            take = min(quantity, max(0, place.available.get(sku, 0)))
            if take:
                part[sku] = take
                rest[sku] -= take
        if part:
            out.append((place.location_id, part))
    return out
