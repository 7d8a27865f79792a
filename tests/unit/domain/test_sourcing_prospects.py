"""What a decision tells of how long stock would have lasted: only what had a cost, the chosen places
first, and never very much."""

import msgspec
import pytest

from actors.domain.sourcing import source
from actors.domain.sourcing_decision import PROSPECTS_MAX, Prospect, decoded, encoded
from actors.domain.sourcing_demand import Candidate, Demand, Wanted
from actors.domain.sourcing_policy import Costs, Limits, Policy
from actors.domain.sourcing_words import words
from tests.unit.domain.sourcing_worlds import NOW, changed

DEMAND = Demand((Wanted("a", 1, 1_000), Wanted("b", 1, 1_000)), "US", NOW)
STORE = Candidate(
    "us-st", "store", "US", 200.0, {"a": 5, "b": 1}, supply_weeks={"a": 80.04, "b": 0.26}, markdown_risk={"a": 0.604}
)
NEAR = Candidate("us-wh", "warehouse", "US", 20.0, {"a": 5, "b": 5}, supply_weeks={"a": 2.0})


def decided(costs, *places, demand=DEMAND):
    return source(Policy(costs=costs, limits=Limits(places=1)), demand, places)


def test_another_place_is_told_before_the_chosen_one_or_what_nobody_knows_is_told():
    found = decided(Costs(supply_minor=500), NEAR, STORE)
    assert found.parts[0].location_id == "us-st"
    at = {one.location_id: number for number, one in enumerate(found.seen)}
    assert found.prospects == [
        Prospect(at["us-st"], 0, 800, 60), Prospect(at["us-st"], 1, 3, 0), Prospect(at["us-wh"], 0, 20, 0),
    ]  # fmt: skip
    assert "us-st has b for 0.3 weeks." in words(found, "en")
    assert decoded(encoded(found)) == found


@pytest.mark.parametrize("costs", [Costs(supply_minor=0, markdown_percent=0), Costs()])
def test_what_costs_nothing_is_told(costs):
    bare = [msgspec.structs.replace(one, supply_weeks={}, markdown_risk={}) for one in (NEAR, STORE)]
    assert decided(costs, *bare).prospects == []
    assert bool(decided(costs, NEAR, STORE).prospects) == bool(costs.supply_minor)


def test_of_many_skus_and_places_all_is_told_or_more_than_can_be():
    skus = [f"s{n:02}" for n in range(30)]
    demand = Demand(tuple(Wanted(sku, 1, 100) for sku in skus), "US", NOW)
    have, weeks = dict.fromkeys(skus, 5), dict.fromkeys(skus, 1e9)
    places = [changed(NEAR, location_id=f"us-{n:02}", available=have, supply_weeks=weeks) for n in range(9)]
    found = decided(Costs(), *places, demand=demand)
    assert len(found.prospects) == PROSPECTS_MAX
    assert {one.weeks_tenths for one in found.prospects} == {9_999}


def test_decisions_of_before_are_not_read():
    found = decided(Costs(), NEAR)
    before = msgspec.msgpack.encode(msgspec.structs.astuple(msgspec.structs.replace(found, prospects=[]))[:-1])
    assert decoded(before) == msgspec.structs.replace(found, prospects=[])
