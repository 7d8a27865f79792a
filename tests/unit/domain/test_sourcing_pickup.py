from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain.sourcing_calendar import Moments
from actors.domain.sourcing_constraints import REASONS
from actors.domain.sourcing_demand import Candidate, Demand, Wanted
from actors.domain.sourcing_pickup import ROADS_MAX, Pickup, pickup, planned_for_the_road, ready_after
from actors.domain.sourcing_policy import Carrier, Policy, Zone
from actors.domain.times import DAY_MS
from tests.unit.domain.sourcing_worlds import NOW, demands, places, policies

HOUR_MS = 3_600_000
POLICY = Policy(carriers=(Carrier("van", (Zone(9_000, 500, 10, 2),)),))
DEMAND = Demand((Wanted("a", 2), Wanted("b", 1)), "US", NOW)


def store(**available) -> Candidate:
    return Candidate("us-st", "store", "US", 0.0, available, ships=False)


def handled(at_ms: int) -> int:
    return at_ms + HOUR_MS


def place(name, **available) -> Candidate:
    return Candidate(name, "warehouse", "US", 50.0, available)


def test_a_store_that_has_all_waits_for_a_transfer():
    plan = pickup(POLICY, DEMAND, store(a=2, b=1), [place("us-w", a=9, b=9)], handled)
    assert (plan.here, plan.transfers, plan.ready_ms, plan.backordered) == ({"a": 2, "b": 1}, None, NOW + HOUR_MS, {})


def test_what_the_store_lacks_does_not_come_or_is_collected_before_it_is_there():
    plan = pickup(POLICY, DEMAND, store(a=1), [place("us-w", a=9, b=9), store(a=1)], handled)
    assert plan.here == {"a": 1}
    assert plan.transfers is not None
    assert plan.transfers.plan() == [("us-w", {"a": 1, "b": 1})]
    assert plan.ready_ms == NOW + 2 * DAY_MS + HOUR_MS
    assert plan.reasons == {"b": [REASONS.index("no_stock")]}


def test_what_nobody_has_is_promised():
    plan = pickup(POLICY, DEMAND, store(a=2), [place("us-w", a=9)])
    assert (plan.here, plan.backordered, plan.ready_ms) == ({"a": 2}, {"b": 1}, NOW)
    nothing = pickup(POLICY, DEMAND, store(), [])
    assert (nothing.here, nothing.ready_ms, nothing.backordered) == ({}, None, {"a": 2, "b": 1})


def test_an_order_that_is_all_or_nothing_is_collected_in_part():
    whole = msgspec.structs.replace(DEMAND, ship_complete=True)
    plan = pickup(POLICY, whole, store(a=2), [place("us-w", a=9)])
    assert (plan.here, plan.ready_ms, plan.backordered) == ({}, None, {"a": 2, "b": 1})
    assert pickup(POLICY, whole, store(a=2), [place("us-w", b=1)]).backordered == {}


def lasting(*senders: Candidate) -> tuple[Pickup, int]:
    """Of a SKU that has to be good for 5 days, two of which are sent."""
    policy = Policy(carriers=(Carrier("van", (Zone(100, 500, 10, 1), Zone(9_000, 900, 10, 3))),))
    demand = Demand((Wanted("a", 2, min_life_days=5),), "US", NOW)
    return planned_for_the_road(lambda road: pickup(policy, demand, store(), senders, road=road), NOW)


def good_for(name: str, km: float, days: int, units: int = 2) -> Candidate:
    return msgspec.structs.replace(place(name, a=units), distance_km=km, life_days={"a": days})


def test_what_would_be_too_old_when_it_arrives_is_sent():
    for days, short in ((5, {"a": 2}), (6, {})):
        plan, road = lasting(good_for("us-near", 50, days))
        assert (plan.backordered, road) == (short, 1)
    assert lasting(good_for("us-far", 500, 7))[0].backordered == {"a": 2}
    assert lasting(good_for("us-far", 500, 8))[0].backordered == {}


def test_what_is_near_is_too_old_when_what_is_far_is_there_too():
    for days, short in ((7, {"a": 1}), (8, {})):
        plan, road = lasting(good_for("us-near", 50, days, 1), good_for("us-far", 500, 60, 1))
        assert (plan.backordered, road) == (short, 3)


def test_a_road_that_is_longer_each_time_is_planned_for_for_ever():
    asked: list[int] = []

    def plan(road: int) -> Pickup:
        asked.append(road)
        zone = Zone(9_000, 500, 10, min(90, road + 1))
        return pickup(Policy(carriers=(Carrier("van", (zone,)),)), DEMAND, store(), [place("us-w", a=2, b=1)])

    planned_for_the_road(plan, NOW)
    assert asked[:-1] == list(range(ROADS_MAX))
    assert len(asked) == ROADS_MAX + 1


def test_a_store_that_is_full_or_closed_is_ready_now():
    full = msgspec.structs.replace(store(a=2, b=1), capacity_orders=0)
    assert pickup(POLICY, DEMAND, full, []).here == {}
    assert pickup(POLICY, DEMAND, store(a=2, b=1), [], lambda at_ms: None).ready_ms is None


def test_a_store_is_ready_on_a_day_without_work_or_after_its_cut_off():
    def after(cut_off: int | None, dispatch: int | None, *, closed: bool = False) -> int | None:
        ms = [None if hours is None else NOW + hours * HOUR_MS for hours in (cut_off, dispatch)]
        return ready_after(Moments(closed, *ms), NOW, 2 * HOUR_MS)

    assert after(None, None) == after(1, 8) == NOW + 2 * HOUR_MS
    assert after(0, 30) == after(-1, 30) == after(None, 30, closed=True) == NOW + 30 * HOUR_MS
    assert after(None, None, closed=True) is None


@settings(max_examples=100, deadline=None)
@given(policies, demands, places(), st.dictionaries(st.sampled_from("abcd"), st.integers(-1, 4)))
def test_units_are_lost_or_counted_twice(policy, demand, others, stock):
    plan = pickup(policy, demand, store(**stock), others)
    wanted, found = dict[str, int](), dict[str, int]()
    for line in demand.lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.units
    parts = [plan.here, plan.backordered]
    if plan.transfers is not None and plan.ready_ms is not None:
        parts += [part for _, part in plan.transfers.plan()]
    for part in parts:
        for sku, units in part.items():
            assert units > 0
            found[sku] = found.get(sku, 0) + units
    assert found == wanted
    assert all(units <= stock.get(sku, 0) for sku, units in plan.here.items())
