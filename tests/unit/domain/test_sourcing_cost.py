"""What serving costs, component by component, in thousandths of a minor unit."""

from __future__ import annotations

import pytest

from actors.domain.sourcing import source
from actors.domain.sourcing_cost import Rates, supply_of
from actors.domain.sourcing_demand import Candidate, Demand, Wanted
from actors.domain.sourcing_policy import Carrier, Costs, Limits, Policy, Zone
from actors.domain.times import DAY_MS
from tests.unit.domain.sourcing_worlds import changed

NOW = 1_763_800_000_000
DEMAND = Demand((Wanted("a", 3, 1_000, 700),), "US", NOW)
PLACE = Candidate("us-a", "warehouse", "US", 120.0, {"a": 9})
FREE = Costs(
    carrier_percent=0, labour_percent=0, per_100_km_minor=0, split_minor=0, cut_minor=0, supply_minor=0, supply_weeks=4,
    markdown_percent=0, workload_minor=0, late_minor=0,
)  # fmt: skip
NEAR_FAR = Carrier("ground", (Zone(100, 400, 50, 1), Zone(500, 600, 80, 3)))


def costs_of(costs: Costs, *places: Candidate, demand: Demand = DEMAND, **policy) -> dict[str, int]:
    decision = source(Policy(**{"costs": costs, "carriers": (NEAR_FAR,), **policy}), demand, places)
    assert decision.parts
    assert decision.total_milli == sum(decision.costs().values())
    return decision.costs()


def test_nothing_costs_something():
    assert costs_of(FREE, PLACE) == {}


def test_a_parcel_costs_what_another_zone_takes_or_what_another_weight_does():
    assert costs_of(changed(FREE, carrier_percent=100), PLACE) == {"carrier": 600_000 + 80 * 3 * 700}
    assert costs_of(changed(FREE, carrier_percent=50), PLACE) == {"carrier": 300_000 + 40 * 3 * 700}
    near, beyond = changed(PLACE, distance_km=100.0), changed(PLACE, distance_km=9_000.0)
    assert costs_of(changed(FREE, carrier_percent=100), near) == {"carrier": 400_000 + 50 * 3 * 700}
    assert costs_of(changed(FREE, carrier_percent=100), beyond) == {"carrier": 600_000 + 80 * 3 * 700}


def test_distance_is_not_counted_or_an_unknown_one_is_near():
    costs = changed(FREE, per_100_km_minor=10, unknown_km=2_000)
    assert costs_of(costs, PLACE) == {"distance": 12_000}
    assert costs_of(costs, changed(PLACE, distance_km=None)) == {"distance": 200_000}


def test_labour_is_not_that_of_an_order_and_its_lines():
    place = changed(PLACE, labour_order_minor=50, labour_line_minor=20, available={"a": 9, "b": 1})
    two = changed(DEMAND, lines=(*DEMAND.lines, Wanted("b", 1)))
    assert costs_of(changed(FREE, labour_percent=100), place) == {"labour": 70_000}
    assert costs_of(changed(FREE, labour_percent=200), place, demand=two) == {"labour": 180_000}


def test_a_place_with_much_to_do_costs_as_little_as_an_idle_one():
    assert costs_of(changed(FREE, workload_minor=100), changed(PLACE, workload=0.75)) == {"workload": 75_000}


@pytest.mark.parametrize(
    ("weeks", "milli"), [(0.0, 60_000), (3.0, 15_000), (4.0, 0), (6.0, -30_000), (8.0, -60_000), (99.0, -60_000)]
)
def test_a_scarce_place_is_not_spared_or_a_full_one_not_used_first(weeks, milli):
    found = costs_of(changed(FREE, supply_minor=5), changed(PLACE, supply_weeks={"a": weeks}))
    assert found.get("supply", 0) == milli


def test_what_a_choice_is_made_by_is_not_what_its_costs_are_said_to_be():
    """Rounded once, in the same order."""
    costs, zone = changed(FREE, supply_minor=110), NEAR_FAR.zones[0]
    for weeks in (6.77145, 1.2345678, 7.9999999, 3.0000001):
        place = changed(PLACE, supply_weeks={"a": weeks})
        assert Rates(costs, DEMAND.lines).units(place, zone) == [supply_of(costs, weeks)]


def test_what_would_be_marked_down_is_not_sold_first():
    found = costs_of(changed(FREE, markdown_percent=20), changed(PLACE, markdown_risk={"a": 0.25}))
    assert found == {"markdown": -3 * 50_000}


@pytest.mark.parametrize(("late_ms", "days"), [(0, 0), (1, 1), (DAY_MS, 1), (DAY_MS + 1, 2)])
def test_a_day_too_late_is_not_counted(late_ms, days):
    demand = changed(DEMAND, promise_by_ms=NOW + 3 * DAY_MS - late_ms)
    assert costs_of(changed(FREE, late_minor=500), PLACE, demand=demand).get("lateness", 0) == 500_000 * days


def test_a_second_place_or_a_line_from_two_places_costs_nothing():
    two = [changed(PLACE, available={"a": 2}), changed(PLACE, location_id="us-b", available={"a": 1})]
    costs = changed(FREE, split_minor=400, cut_minor=30)
    assert costs_of(costs, *two) == {"split": 400_000, "cut": 30_000}
    apart = [changed(PLACE, available={"a": 3}), changed(PLACE, location_id="us-b", available={"b": 1})]
    both = changed(DEMAND, lines=(*DEMAND.lines, Wanted("b", 1)))
    assert costs_of(costs, *apart, demand=both) == {"split": 400_000}


SLOW, FAST = Carrier("slow", (Zone(9_000, 300, 10, 5),)), Carrier("fast", (Zone(9_000, 900, 10, 1),))
HEAVY = Carrier("heavy", (Zone(9_000, 310, 0, 5),))


@pytest.mark.parametrize(
    ("by_days", "carriers", "chosen"),
    [
        (None, (SLOW, FAST), "slow"),
        (6, (SLOW, FAST), "slow"),
        (5, (SLOW, FAST), "slow"),
        (4, (SLOW, FAST), "fast"),
        (0, (SLOW, FAST), "fast"),
        (None, (SLOW, HEAVY), "heavy"),
    ],
)
def test_the_carrier_is_dearer_than_need_be_or_later_than_promised(by_days, carriers, chosen):
    by_ms = None if by_days is None else NOW + by_days * DAY_MS
    decision = source(Policy(carriers=carriers), changed(DEMAND, promise_by_ms=by_ms), [PLACE])
    assert decision.parts[0].carrier == chosen


def test_a_carrier_comes_that_does_not_call_there():
    place = changed(PLACE, carriers=("fast",))
    assert source(Policy(carriers=(SLOW, FAST)), DEMAND, [place]).parts[0].carrier == "fast"


def test_what_leaves_tomorrow_is_there_as_soon_as_what_leaves_now():
    part = source(Policy(carriers=(SLOW,)), DEMAND, [changed(PLACE, dispatch_ms=NOW + DAY_MS)]).parts[0]
    assert (part.ready_ms, part.deliver_ms) == (NOW + DAY_MS, NOW + 6 * DAY_MS)


def test_one_cost_is_the_whole_truth():
    """The cheaper parcel loses against what is saved by the place that has too much."""
    near = changed(PLACE, location_id="us-near", distance_km=10.0, supply_weeks={"a": 1.0})
    far = changed(PLACE, location_id="us-far", distance_km=400.0, supply_weeks={"a": 8.0})
    plain, careful = Policy(costs=Costs(supply_minor=0)), Policy(costs=Costs(supply_minor=200), limits=Limits(places=1))
    assert source(plain, DEMAND, [near, far]).parts[0].location_id == "us-near"
    assert source(careful, DEMAND, [near, far]).parts[0].location_id == "us-far"
