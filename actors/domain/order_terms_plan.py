"""A plan that keeps to an order's terms: all or nothing, groups from one place, and what may
stand in for what can't be had.

Made of `allocation.plan`: a group is to it one SKU that a place has whole or not at all. What no place has is asked for
as its first substitute of which any can be had, then the next; the goods that were wanted come first. How often that is
tried is bounded, the more so the larger the order is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from actors.domain import allocation
from actors.domain.allocation import Need, Place, Plan
from actors.domain.location_events import Units
from actors.domain.order_state import Kits, Line
from actors.domain.order_terms_state import StandIn, Terms

TRIES_MAX, TRIES_MIN = 60, 4
# SKUs × tries.
TRIES_CELLS_MAX = 1_200
# No SKU begins so.
_GROUP = "\0"


class Shape(NamedTuple):
    """groups: by SKU; substitutes: by SKU, best first; whole: all or nothing."""

    groups: Mapping[str, str]
    substitutes: Mapping[str, Sequence[str]]
    whole: bool

    @property
    def together(self) -> bool:
        """May some of it come only with others?"""
        return self.whole or bool(self.groups)


def shape_of(terms: Terms, lines: Sequence[Line], kits: Kits | None) -> Shape:
    """By SKU what the terms say by line. Groups that share a SKU are one, since its units come out of the same stock;
    of a kit its parts are in the group."""
    substitutes: dict[str, Sequence[str]] = {}
    for line, offered in zip(lines, terms.substitutes, strict=False):
        if offered and line.quantity and line.sku not in (kits or {}):
            substitutes.setdefault(line.sku, offered)
    return Shape(groups_of(terms, lines, kits), substitutes, terms.ship_complete)


def groups_of(terms: Terms, lines: Sequence[Line], kits: Kits | None) -> dict[str, str]:
    """SKU → its group; those in none are left out."""
    found: dict[str, str] = {}
    for line, group in zip(lines, terms.groups, strict=False):
        if not group or not line.quantity:
            continue
        skus = [part for part, _ in (kits or {}).get(line.sku, ((line.sku, 1),))]
        same = {found[sku] for sku in skus if sku in found}
        for sku in skus:
            found[sku] = group
        for sku, other in found.items():
            if other in same:
                found[sku] = group
    return found


def plan(shape: Shape, need: Need, places: Sequence[Place], splits: int) -> Plan:
    """As `allocation.plan`, keeping to the terms. The lines of the plan may be of substitutes (`stand_ins`)."""
    groups = dict(shape.groups)
    best = _grouped(groups, need, places, splits)
    offered = {sku: shape.substitutes[sku] for sku in sorted(need) if sku in shape.substitutes}
    tries, tries_max = 0, max(TRIES_MIN, min(TRIES_MAX, TRIES_CELLS_MAX // max(1, len(need))))
    for turn in range(max(map(len, offered.values()), default=0)):
        for sku, others in offered.items():
            missing = need[sku] - _units(best, sku)
            if missing <= 0 or turn >= len(others) or tries >= tries_max or others[turn] == sku:
                continue
            tries += 1
            better = _replaced(groups, need, sku, others[turn], missing, places, splits, best)
            if better is not None:
                need, best = better
                if sku in groups:
                    groups[others[turn]] = groups[sku]
    return [] if shape.whole and _all(best) != sum(need.values()) else best


def _replaced(
    groups: dict[str, str], need: Need, sku: str, by: str, missing: int, places: Sequence[Place], splits: int, best: Plan
) -> tuple[Need, Plan] | None:  # fmt: skip
    """(what is to be had then, the plan) when with units of `by` in place of missing ones of `sku` more is served."""
    if by in groups and groups[by] != groups.get(sku):
        return None  # it would bind one group to another
    joined = {**groups, by: groups[sku]} if sku in groups else groups
    moved = missing
    for _ in range(2):
        other = {**need, sku: need[sku] - moved, by: need.get(by, 0) + moved}
        found = _grouped(joined, {name: units for name, units in other.items() if units}, places, splits)
        served = min(_all(found) - _all(best), _units(found, by) - _units(best, by))
        if served <= 0:
            return None
        if served >= moved:
            return other, found
        # As much of it as there is, so that the rest stays asked for under its own name.
        moved = served
    return None


def _grouped(groups: Mapping[str, str], need: Need, places: Sequence[Place], splits: int) -> Plan:
    blocks: dict[str, list[str]] = {}
    for sku in need:
        if sku in groups:
            blocks.setdefault(_GROUP + groups[sku], []).append(sku)
    if not blocks:
        return allocation.plan(need, places, splits)
    asked = {sku: units for sku, units in need.items() if sku not in groups}
    for name, skus in blocks.items():
        asked[name] = sum(need[sku] for sku in skus)
    seen = []
    for place in places:
        available = {sku: place.available.get(sku, 0) for sku in asked if sku not in blocks}
        for name, skus in blocks.items():
            together = all(place.available.get(sku, 0) >= need[sku] for sku in skus)
            available[name] = asked[name] if together else 0
        seen.append(Place(place.location_id, available))
    out: Plan = []
    for place_id, part in allocation.plan(asked, seen, splits):
        lines: Need = {}
        for name, units in part.items():
            lines.update({sku: need[sku] for sku in blocks[name]} if name in blocks else {name: units})
        out.append((place_id, lines))
    return out


def _units(plan_: Plan, sku: str) -> int:
    return sum(part.get(sku, 0) for _, part in plan_)


def _all(plan_: Plan) -> int:
    return sum(sum(part.values()) for _, part in plan_)


def stand_ins(shape: Shape, need: Need, asks: Iterable[tuple[int, list[Units]]]) -> list[StandIn]:
    """What of the asked lines (number, lines) stands in for what is needed: what was wanted itself is counted first."""
    if not shape.substitutes:
        return []
    left, extra = dict(need), list[tuple[int, str, int]]()
    for number, lines in asks:
        for sku, units in lines:
            own = min(units, left.get(sku, 0))
            if own:
                left[sku] -= own
            if units > own:
                extra.append((number, sku, units - own))
    out = []
    for number, by, units in extra:
        rest = units
        for sku in sorted(
            (s for s in left if by in shape.substitutes.get(s, ())), key=lambda s: (shape.substitutes[s].index(by), s)
        ):
            taken = min(rest, left[sku])
            if taken:
                left[sku] -= taken
                rest -= taken
                out.append(StandIn(number, sku, by, taken))
    return out
