"""What came of a play, added up: the same figures of what is on record, of its replay, and of the changed policy, all
priced by the same rates (`price`).

A part is what one place sends of an order at one time. Costs are those of `sourcing_cost.py` without a place's load,
which a play of some of the orders does not know, and without weeks of supply, which of the record nobody kept.
Distances are told or estimated (`what_if.Map`); of parts of which nothing is known there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from actors.domain.sourcing_cost import COMPONENTS, Offer, Rates, choose_carrier, components, fixed_parts, line_labour
from actors.domain.sourcing_demand import items_of
from actors.domain.sourcing_places import NO_LIMIT, candidate_of
from actors.domain.sourcing_policy import Policy
from actors.domain.times import MINUTE_MS
from actors.domain.what_if import Map, Served, demand_of
from actors.domain.what_if_terms import PastMove, PastOrder

WORST_MAX = 10
PLACES_TOLD = 200
# Places answer within a moment: what an order got so soon after it was placed, it got at its placement.
AT_ONCE_MS = MINUTE_MS


class PlaceShare(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Parts and units that a place served."""

    location_id: str
    parts: int
    units: int


class ShortSku(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Orders that did not get all of a SKU at once, and how many units they lacked."""

    sku: str
    orders: int
    units: int


class Figures(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """units_…: wanted = at_once + later + what waits until the end or was cancelled. whole: orders that had all at
    once; split: of more places than one. costs_milli: by component. km_…: of parts: how many are told, estimated or
    unknown; sum and 90th percentile of what is known. short_…: units and SKUs that were lacking at placements.
    promised, late: orders with a promise that were had whole at once, and those of which by calendar and carrier a part
    would come after it. unpriced: parts that no carrier of the rates would fetch."""

    orders: int
    units: int
    units_at_once: int
    units_later: int
    units_waiting: int
    whole: int
    split: int
    parts: int
    costs_milli: dict[str, int]
    unpriced: int
    km_told: int
    km_estimated: int
    km_unknown: int
    km_sum: int
    km_p90: int | None
    places: list[PlaceShare]
    short_units: int
    short_skus: int
    worst: list[ShortSku]
    promised: int
    late: int


def recorded(played: Sequence[PastOrder], moves: Iterable[PastMove]) -> tuple[list[Served], dict[int, dict[str, int]]]:
    """What places gave to the orders in play, as the ledger has it, and what was still wanted at the end of those
    that were not cancelled."""
    number = {order.order_id: at for at, order in enumerate(played)}
    got: dict[tuple[int, bool, int], dict[str, dict[str, int]]] = {}
    waiting = {
        at: {item.sku: item.units for item in items_of(demand_of(order, order.lines, order.at_ms))}
        for at, order in enumerate(played)
    }
    for move in moves:
        at = number.get(move.cause)
        if at is None or move.reason != "allocate":
            continue
        first = move.at_ms <= played[at].at_ms + AT_ONCE_MS
        given = got.setdefault((at, not first, 0 if first else move.at_ms), {}).setdefault(move.location_id, {})
        given[move.sku] = given.get(move.sku, 0) - move.units
        if move.sku in waiting[at]:
            waiting[at][move.sku] += move.units
    served = [
        Served(at, at_ms or played[at].at_ms, sorted(got[at, later, at_ms].items()), not later)
        for at, later, at_ms in sorted(got)
    ]
    left = {
        at: {sku: units for sku, units in lacks.items() if units > 0}
        for at, lacks in waiting.items()
        if played[at].cancelled_ms is None
    }
    return served, {at: lacks for at, lacks in left.items() if lacks}


def at_once(played: Sequence[PastOrder], served: Iterable[Served]) -> list[Served]:
    """What a play served, told as the record is: what an order got within a moment of its placement is one."""
    merged: dict[tuple[int, int], Served] = {}
    for one in served:
        placed_ms = played[one.order].at_ms
        first = one.at_ms <= placed_ms + AT_ONCE_MS
        key = (one.order, 0 if first else one.at_ms)
        shares = dict(merged[key].shares) if key in merged else {}
        for name, got in one.shares:
            before = shares.get(name, {})
            shares[name] = {sku: before.get(sku, 0) + got.get(sku, 0) for sku in sorted(before.keys() | got.keys())}
        merged[key] = Served(one.order, placed_ms if first else one.at_ms, sorted(shares.items()), first)
    return [merged[key] for key in sorted(merged)]


class _Tally:
    def __init__(self, atlas: Map, played: Sequence[PastOrder], rates_of: Callable[[PastOrder], Policy]) -> None:
        self._atlas, self._played, self._rates_of = atlas, played, rates_of
        self.costs = dict.fromkeys(COMPONENTS, 0)
        self.unpriced = self.told = self.estimated = self.unknown = self.parts = self.split = 0
        self.km: list[int] = []
        self.places: dict[str, tuple[int, int]] = {}
        self.units = {True: 0, False: 0}
        # Of orders at their placement: SKU → units had; and when the last of it is there.
        self.at_once: dict[int, dict[str, int]] = {}
        self.there_ms: dict[int, int | None] = {}

    def add(self, one: Served) -> None:
        order = self._played[one.order]
        km = self._atlas.distances(order)
        for name, got in one.shares:
            units = sum(got.values())
            parts_before, units_before = self.places.get(name, (0, 0))
            self.places[name] = parts_before + 1, units_before + units
            self.units[one.first] += units
            self._distance(order, name, km.get(name))
            if one.first:
                had = self.at_once.setdefault(one.order, {})
                for sku, n in got.items():
                    had[sku] = had.get(sku, 0) + n
        self.parts += len(one.shares)
        self.split += one.first and len(one.shares) > 1
        there_ms = self._price(order, one, km)
        if one.first:
            self.there_ms[one.order] = there_ms

    def _distance(self, order: PastOrder, name: str, far: float | None) -> None:
        if far is None:
            self.unknown += 1
            return
        self.told += name in order.km
        self.estimated += name not in order.km
        self.km.append(round(far))

    def _price(self, order: PastOrder, one: Served, km: Mapping[str, float | None]) -> int | None:
        policy = self._rates_of(order)
        demand = demand_of(order, order.lines, one.at_ms)
        items = items_of(demand)
        at = {item.sku: number for number, item in enumerate(items)}
        weight_g = sum(item.weight_g * item.units for item in items)
        rates, served, there_ms = Rates(policy.costs, items), [], 0
        for name, got in one.shares:
            place = self._atlas.places.get(name)
            carried = None
            if place is not None:
                works = self._atlas.works(place, one.at_ms)
                seen = candidate_of(name, place.kind, place.country, km[name], {}, place.profile, works, NO_LIMIT)
                carried = choose_carrier(policy, demand, seen, weight_g)
            if place is None or carried is None:
                self.unpriced += 1
                continue
            carrier, zone, deliver_ms = carried
            there_ms = max(there_ms, deliver_ms)
            fixed = sum(fixed_parts(policy.costs, demand, seen, zone, deliver_ms).values())
            offer = Offer(
                seen,
                [],
                carrier.name,
                zone,
                deliver_ms,
                fixed,
                line_labour(policy.costs, seen),
                rates.units(seen, zone),
            )
            served.append((offer, [(at[sku], units) for sku, units in sorted(got.items()) if sku in at]))
        for component, milli in components(policy.costs, demand, items, served).items():
            self.costs[component] += milli
        return there_ms if len(served) == len(one.shares) else None


def figures(
    atlas: Map, played: Sequence[PastOrder], served: Iterable[Served], waiting: Mapping[int, Mapping[str, int]],
    rates_of: Callable[[PastOrder], Policy],
) -> Figures:  # fmt: skip
    """See `Figures`. rates_of: the policy by whose rates an order is priced."""
    tally = _Tally(atlas, played, rates_of)
    for one in served:
        tally.add(one)
    wanted = whole = promised = late = 0
    short: dict[str, tuple[int, int]] = {}
    for number, order in enumerate(played):
        had = tally.at_once.get(number, {})
        lacks = 0
        for item in items_of(demand_of(order, order.lines, order.at_ms)):
            wanted += item.units
            missing = max(0, item.units - had.get(item.sku, 0))
            if missing:
                lacks += missing
                orders, units = short.get(item.sku, (0, 0))
                short[item.sku] = orders + 1, units + missing
        whole += not lacks
        there_ms = tally.there_ms.get(number)
        if order.promised_ms is not None and not lacks and there_ms is not None:
            promised += 1
            late += there_ms > order.promised_ms
    km = sorted(tally.km)
    worst = sorted((ShortSku(sku, *found) for sku, found in short.items()), key=lambda one: (-one.units, one.sku))
    places = sorted((PlaceShare(name, *found) for name, found in tally.places.items()), key=lambda one: (-one.units, one.location_id))  # fmt: skip
    return Figures(
        orders=len(played), units=wanted, units_at_once=tally.units[True], units_later=tally.units[False],
        units_waiting=sum(units for lacks in waiting.values() for units in lacks.values()),
        whole=whole, split=tally.split, parts=tally.parts, costs_milli=tally.costs, unpriced=tally.unpriced,
        km_told=tally.told, km_estimated=tally.estimated, km_unknown=tally.unknown, km_sum=sum(km),
        km_p90=km[(len(km) * 9 - 1) // 10] if km else None, places=places[:PLACES_TOLD],
        short_units=sum(units for _, units in short.values()), short_skus=len(short), worst=worst[:WORST_MAX],
        promised=promised, late=late,
    )  # fmt: skip
