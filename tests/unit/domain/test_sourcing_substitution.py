from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain.sourcing import source
from actors.domain.sourcing_decision import Substitution
from actors.domain.sourcing_demand import Candidate, Demand, Wanted
from actors.domain.sourcing_policy import Limits, Policy
from actors.domain.sourcing_substitution import source_with_substitutes
from tests.unit.domain.sourcing_worlds import NOW, demands, places, policies

DEMAND = Demand((Wanted("a", 3), Wanted("b", 1)), "US", NOW)
OTHERS = {"a": (Wanted("x", 0), Wanted("y", 0))}


def place(name, **available) -> Candidate:
    return Candidate(name, "warehouse", "US", 50.0, available)


def test_what_is_there_is_replaced():
    seen = [place("us-w", a=3, b=1, x=9)]
    assert source_with_substitutes(Policy(), DEMAND, seen, OTHERS) == source(Policy(), DEMAND, seen)


def test_what_is_missing_stays_missing_or_the_second_best_comes_first():
    decision = source_with_substitutes(Policy(), DEMAND, [place("us-w", a=1, b=1, x=1, y=9)], OTHERS)
    assert decision.plan() == [("us-w", {"a": 1, "b": 1, "x": 1, "y": 1})]
    assert decision.substitutions == [Substitution("a", "x", 1), Substitution("a", "y", 1)]
    assert decision.backordered() == {}


def test_a_substitute_comes_that_was_not_allowed():
    assert source_with_substitutes(Policy(), DEMAND, [place("us-w", a=1, b=1, x=9)], {}).substitutions == []


def test_what_no_substitute_serves_is_asked_for_under_another_name():
    decision = source_with_substitutes(Policy(), DEMAND, [place("us-w", b=1, x=1)], OTHERS)
    assert decision.backordered() == {"a": 2}


def test_an_order_that_is_all_or_nothing_is_not_saved_by_a_substitute_or_served_in_part():
    whole = msgspec.structs.replace(DEMAND, ship_complete=True)
    saved = source_with_substitutes(Policy(), whole, [place("us-w", a=1, b=1, x=2)], OTHERS)
    assert saved.plan() == [("us-w", {"a": 1, "b": 1, "x": 2})]
    lost = source_with_substitutes(Policy(), whole, [place("us-w", a=1, b=1, x=1)], OTHERS)
    assert (lost.plan(), lost.substitutions, lost.backordered()) == ([], [], {"a": 3, "b": 1})
    by_policy = Policy(limits=Limits(ship_complete=True))
    assert source_with_substitutes(by_policy, DEMAND, [place("us-w", a=1, b=1, x=1)], OTHERS).plan() == []


def test_a_group_is_not_completed_by_a_substitute():
    grouped = Demand((Wanted("a", 1, group="g"), Wanted("b", 1, group="g")), "US", NOW)
    decision = source_with_substitutes(Policy(), grouped, [place("us-w", b=1, x=1)], OTHERS)
    assert decision.plan() == [("us-w", {"b": 1, "x": 1})]


def test_more_comes_than_was_wanted_because_what_comes_along_is_counted_too():
    grouped = Demand((Wanted("a", 2, group="g"), Wanted("b", 1, group="g")), "US", NOW)
    decision = source_with_substitutes(Policy(), grouped, [place("us-w", b=9)], {"a": (Wanted("b", 0),)})
    assert decision.plan() == [("us-w", {"b": 3})]
    assert decision.substitutions == [Substitution("a", "b", 2)]
    assert sum(decision.wanted) == 3


@settings(max_examples=300, deadline=None)
@given(policies, demands, places(), st.lists(st.sampled_from("bcd"), max_size=3, unique=True))
def test_less_is_served_with_substitutes_or_units_do_not_add_up(policy, demand, seen, others):
    offered = {"a": tuple(Wanted(sku, 0) for sku in others)}
    plain, decision = source(policy, demand, seen), source_with_substitutes(policy, demand, seen, offered)
    assert decision.units >= plain.units
    assert sum(decision.wanted) == sum(plain.wanted)
    for one in decision.substitutions:
        assert (one.sku, one.units > 0) == ("a", True)
        assert one.substitute in others
