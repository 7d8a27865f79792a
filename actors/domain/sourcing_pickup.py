"""An order that its customer collects at a store: what the store has is kept there, the rest
comes from other places first.

    the store has all ──▶ ready after handling
    it has some, or none ──▶ transfers from other places to the store ──▶ ready when the last of them is there and handled

The other places are sourced as for an order that goes to the store: the same constraints, costs and limits. When the
store gets something ready, its calendar says: by the moment that follows from it (`ready_at`).

What must be good for some time must be so when all of it is there (`transfer_for_order.py`), so it leaves with as many
days more as the slowest of the places takes. Which that is shows only once they are chosen: `planned_for_the_road`
plans anew with that road until no place takes longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from actors.domain.outlook import FOR_EVER_DAYS, day_of_ms
from actors.domain.sourcing import source
from actors.domain.sourcing_calendar import Moments
from actors.domain.sourcing_constraints import REASONS, ItemRules
from actors.domain.sourcing_decision import SourcingDecision
from actors.domain.sourcing_demand import Candidate, Demand, Wanted, items_of
from actors.domain.sourcing_policy import Policy
from actors.domain.sourcing_problem import Problem
from actors.domain.sourcing_solver import Solution, solve

# Two in nearly all cases: places that take longer have to have what lasts longer, so few are left each time.
ROADS_MAX = 4


class Pickup(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """here: units per SKU that the store keeps. reasons: by SKU, positions in `REASONS` of what keeps the store from
    serving it. transfers: the decision on the rest, None when there is none; its parts go to the store. ready_ms: when
    all that can be had may be collected (UTC ms), None when nothing can.
    backordered: what can't be had."""

    store_id: str
    here: dict[str, int]
    reasons: dict[str, list[int]]
    transfers: SourcingDecision | None
    ready_ms: int | None
    backordered: dict[str, int]


def ready_after(works: Moments, from_ms: int, handling_ms: int) -> int | None:
    """When a store whose calendar says this of `from_ms` has something ready that is there then: on a day that it
    works, before its cut-off, after handling; else with its next day's work. None when it does not work."""
    if works.dispatch_ms is None:
        return None if works.closed else from_ms + handling_ms
    today = not works.closed and (works.cut_off_ms is None or from_ms < works.cut_off_ms)
    return min(from_ms + handling_ms, works.dispatch_ms) if today else works.dispatch_ms


def road_days(found: Pickup, now_ms: int) -> int:
    """Days (UTC) until all that is sent is at the store, as its transfers count them; 0 when nothing is sent."""
    expected_ms = None if found.transfers is None else found.transfers.deliver_by_ms
    return 0 if expected_ms is None else max(0, day_of_ms(expected_ms) - day_of_ms(now_ms))


def planned_for_the_road(plan: Callable[[int], Pickup], now_ms: int) -> tuple[Pickup, int]:
    """(the first plan whose road is no longer than the one that its lots are good for, and that road in days). plan:
    makes one for so many days. Where none comes of `ROADS_MAX` of them, only what never ends is sent."""
    road = 0
    for _ in range(ROADS_MAX):
        found = plan(road)
        longer = road_days(found, now_ms)
        if longer <= road:
            return found, road
        road = longer
    return plan(FOR_EVER_DAYS), FOR_EVER_DAYS


def for_senders(items: Iterable[Wanted], road: int) -> tuple[Wanted, ...]:
    """What is asked of places whose goods are on the road for so many days."""
    return tuple(
        msgspec.structs.replace(item, min_life_days=min(FOR_EVER_DAYS, item.min_life_days + road))
        if road and item.min_life_days
        else item
        for item in items
    )


def pickup(
    policy: Policy,
    demand: Demand,
    store: Candidate,
    others: Iterable[Candidate],
    ready_at: Callable[[int], int | None] | None = None,
    choose: Callable[[Problem], Solution] = solve,
    road: int = 0,
) -> Pickup:
    """The plan. `others`: places that may send something to the store, with their distance to it. ready_at: when the
    store has something ready that is there at a moment (UTC ms), None when never; none given: at once. choose: as for
    `source`. road: days that what is sent has to be good for besides. Raises Refused as `source` does."""
    items = items_of(demand)
    lacks = ItemRules(policy, demand, items).reasons(store)
    full = policy.rules.capacity and store.capacity_orders is not None and store.capacity_orders <= 0
    here = {
        item.sku: min(item.units, store.available[item.sku])
        for at, item in enumerate(items)
        if at not in lacks and not full
    }
    reasons = {items[at].sku: [REASONS.index(reason) for reason in found] for at, found in lacks.items()}
    if full:
        reasons = {item.sku: [REASONS.index("no_capacity")] for item in items}
    rest = [
        msgspec.structs.replace(item, units=item.units - here.get(item.sku, 0))
        for item in items
        if item.units > here.get(item.sku, 0)
    ]
    whole = demand.ship_complete or policy.limits.ship_complete
    ready = ready_at or _at_once
    ready_ms = ready(demand.now_ms)
    if not rest:
        return Pickup(store.location_id, here, reasons, None, ready_ms, {})
    to_store = msgspec.structs.replace(
        demand, lines=for_senders(rest, road), to_country=store.country or demand.to_country, ship_complete=whole
    )
    senders = [other for other in others if other.location_id != store.location_id]
    transfers = source(policy, to_store, senders, choose)
    backordered = transfers.backordered()
    if whole and backordered:
        return Pickup(store.location_id, {}, reasons, transfers, None, {item.sku: item.units for item in items})
    arrives_ms = transfers.deliver_by_ms
    if arrives_ms is not None and ready_ms is not None:
        later_ms = ready(max(arrives_ms, demand.now_ms))
        ready_ms = None if later_ms is None else max(ready_ms, later_ms)
    nothing = not here and arrives_ms is None
    return Pickup(store.location_id, here, reasons, transfers, None if nothing else ready_ms, backordered)


def _at_once(at_ms: int) -> int:
    return at_ms
