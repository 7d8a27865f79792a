"""Each constraint rules out what it is for, says so by its code, and lets go when it is switched off."""

from __future__ import annotations

import pytest

from actors.domain.sourcing import source
from actors.domain.sourcing_constraints import REASONS
from actors.domain.sourcing_demand import Candidate, Demand, Wanted
from actors.domain.sourcing_policy import Ban, Policy, Rules
from actors.domain.times import DAY_MS
from tests.unit.domain.sourcing_worlds import changed

NOW = 1_763_800_000_000
DEMAND = Demand((Wanted("a", 2, 1_000, 100),), "US", NOW)
GOOD = Candidate("us-good", "warehouse", "US", 100.0, {"a": 5})


def wanted(**fields) -> Demand:
    return changed(DEMAND, lines=(changed(DEMAND.lines[0], **fields),))


def codes(policy: Policy, demand: Demand, place: Candidate) -> list[str]:
    """What is said of the place, which must not serve when there is a reason."""
    decision = source(policy, demand, [place])
    assert bool(decision.parts) == (not decision.seen[0].reasons)
    return decision.seen[0].codes()


# reason, what is wrong with the place, the demand, rules under which it is so, rules under which it does not matter
CASES = [
    ("not_enabled", {"ships": False}, DEMAND, {}, None),
    ("not_enabled", {"location_type": "store"}, DEMAND, {"location_types": ("warehouse",)}, {}),
    ("not_enabled", {"location_type": "store"}, DEMAND, {"ship_from_store": False}, {}),
    ("country_not_served", {"serves": ("CA", "MX")}, DEMAND, {}, None),
    ("country_not_served", {"country": "CA"}, DEMAND, {"cross_border": False}, {}),
    ("closed", {"closed": True}, DEMAND, {}, None),
    ("closed", {"closed": True, "dispatch_ms": NOW + DAY_MS}, DEMAND, {"cut_off": "reject"}, {}),
    ("after_cut_off", {"cut_off_ms": NOW, "dispatch_ms": NOW + DAY_MS}, DEMAND, {"cut_off": "reject"}, {}),
    ("no_capacity", {"capacity_orders": 0}, DEMAND, {}, {"capacity": False}),
    ("no_capacity", {"capacity_units": 1}, DEMAND, {}, {"capacity": False}),
    ("too_far", {}, DEMAND, {"distance_max_km": 99}, {}),
    ("no_carrier", {"carriers": ("pigeons",)}, DEMAND, {}, None),
    ("too_late_for_promise", {}, changed(DEMAND, promise_by_ms=NOW + 2 * DAY_MS - 1), {"promise": "reject"}, {}),
    ("no_stock", {"available": {"b": 3}}, DEMAND, {}, None),
    ("no_stock", {"available": {"a": -1}}, DEMAND, {}, None),
    ("hazard_not_allowed", {"hazard_classes": ("2.2", "3")}, wanted(hazard_class="2.1"), {}, {"hazard": False}),
    ("temperature_not_allowed", {}, wanted(temperature="frozen"), {}, {"temperature": False}),
    ("temperature_not_allowed", {"temperatures": ("chilled",)}, DEMAND, {}, {"temperature": False}),
    ("shelf_life", {"life_days": {"a": 9}}, wanted(min_life_days=10), {}, {"shelf_life": False}),
    ("shelf_life", {}, wanted(min_life_days=10), {}, {"shelf_life": False}),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "place", "demand", "rules", "without"), CASES)
def test_a_place_serves_that_must_not(reason, place, demand, rules, without):
    bad = changed(GOOD, **place)
    assert codes(Policy(rules=Rules(**rules)), demand, bad) == [reason]
    if without is not None:
        assert codes(Policy(rules=Rules(**without)), demand, bad) == []


def test_every_reason_is_known_and_has_a_case():
    assert {case[0] for case in CASES} | {"legal"} == set(REASONS)


@pytest.mark.parametrize(
    ("ban", "ruled_out"),
    [
        (Ban("alcohol", to=("US",)), True),
        (Ban("alcohol", to=("CA",)), False),
        (Ban("alcohol", out_of=("US",)), True),
        (Ban("alcohol", out_of=("CA",)), False),
        (Ban("alcohol", to=("US",), out_of=("CA",)), False),
        (Ban("blades", to=("US",)), False),
    ],
)
def test_goods_go_where_the_law_forbids_it_or_not_where_it_does_not(ban, ruled_out):
    demand = wanted(goods=("gifts", "alcohol"))
    assert codes(Policy(bans=(ban,)), demand, GOOD) == (["legal"] if ruled_out else [])
    assert codes(Policy(bans=(ban,), rules=Rules(legal=False)), demand, GOOD) == []


@pytest.mark.parametrize(
    ("held", "asked", "allowed"), [("2", "2.1", True), ("2.1", "2.1", True), ("2.1", "2.2", False), ("2.1", "2", False)]
)
def test_a_hazard_class_is_held_where_only_another_division_may_be(held, asked, allowed):
    assert (codes(Policy(), wanted(hazard_class=asked), changed(GOOD, hazard_classes=(held,))) == []) == allowed


def test_a_place_is_past_its_cut_off_a_moment_before_it():
    place = changed(GOOD, cut_off_ms=NOW + 1, dispatch_ms=NOW + 3_600_000)
    assert codes(Policy(rules=Rules(cut_off="reject")), DEMAND, place) == []


def test_what_arrives_at_the_promised_moment_is_late():
    demand = changed(DEMAND, promise_by_ms=NOW + 2 * DAY_MS)
    assert codes(Policy(rules=Rules(promise="reject")), demand, GOOD) == []


def test_all_that_is_wrong_with_a_place_is_not_told():
    place = changed(GOOD, ships=False, capacity_orders=0, distance_km=3_000.0, available={})
    found = codes(Policy(rules=Rules(distance_max_km=500)), DEMAND, place)
    assert found == ["not_enabled", "no_capacity", "too_far", "no_stock"]


def test_goods_that_may_not_go_keep_others_from_going():
    demand = changed(DEMAND, lines=(Wanted("a", 1), Wanted("acid", 1, hazard_class="8")))
    decision = source(Policy(), demand, [changed(GOOD, available={"a": 1, "acid": 1})])
    assert decision.plan() == [("us-good", {"a": 1})]
    assert decision.backordered() == {"acid": 1}
    assert decision.seen[0].codes() == ["hazard_not_allowed"]


def test_a_place_of_unknown_distance_is_too_far():
    assert codes(Policy(rules=Rules(distance_max_km=5)), DEMAND, changed(GOOD, distance_km=None)) == []
