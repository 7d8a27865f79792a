from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.domain.allocation import SPLIT_MAX, SPLIT_SEARCH_PLACES, Place, need_of, plan

SKUS = ("a", "b", "c")
needs = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 9), min_size=1)
stocks = st.dictionaries(st.sampled_from(SKUS), st.integers(-2, 12))
places = st.lists(stocks, max_size=7).map(lambda seen: [Place(f"l{n}", units) for n, units in enumerate(seen)])


def covered(proposal) -> dict[str, int]:
    return need_of((sku, units) for _, part in proposal for sku, units in part.items())


def test_the_nearest_that_can_serve_whole_is_passed_over_for_a_split():
    near, far = Place("near", {"a": 1}), Place("far", {"a": 2})
    assert plan({"a": 2}, [near, far]) == [("far", {"a": 2})]
    assert plan({"a": 2}, [far, near]) == [("far", {"a": 2})]


def test_a_split_over_more_than_three_is_proposed():
    four = [Place(str(n), {"a": 1}) for n in range(4)]
    assert plan({"a": 4}, four) == [("0", {"a": 1}), ("1", {"a": 1}), ("2", {"a": 1})]


def test_what_nobody_has_is_asked_of_somebody():
    assert plan({"a": 1}, [Place("l", {"a": 0}), Place("m", {"b": 5})]) == []
    assert plan({"a": 1}, []) == []


def test_a_pair_that_serves_all_is_missed_because_one_place_has_most():
    most, left, right = Place("most", {"a": 3, "b": 2}), Place("left", {"a": 4}), Place("right", {"b": 4})
    assert plan({"a": 4, "b": 4}, [most, left, right], splits=2) == [("left", {"a": 4}), ("right", {"b": 4})]


def test_the_nearest_are_asked_where_others_have_more_of_what_is_lacking():
    few = [Place(str(n), {"a": 1}) for n in range(3)]
    assert plan({"a": 9}, [*few, Place("most", {"a": 5})]) == [("0", {"a": 1}), ("1", {"a": 1}), ("most", {"a": 5})]
    # What the first has already counts for nothing, and what it has too much of against nobody.
    first, same, other = Place("first", {"a": 4, "b": 1}), Place("same", {"a": 4}), Place("other", {"b": 3})
    assert [name for name, _ in plan({"a": 4, "b": 9}, [first, same, other], splits=2)] == ["first", "other"]
    first, last, other = Place("first", {"a": 9, "b": 1}), Place("last", {"b": 1}), Place("other", {"a": 3, "b": 2})
    assert [name for name, _ in plan({"a": 2, "b": 9}, [first, last, other], splits=2)] == ["first", "other"]


def test_near_places_that_have_nothing_keep_far_ones_from_being_looked_at():
    empty = [Place(str(n), {"a": 0}) for n in range(SPLIT_SEARCH_PLACES)]
    most, left, right = Place("most", {"a": 3, "b": 2}), Place("left", {"a": 4}), Place("right", {"b": 4})
    assert [name for name, _ in plan({"a": 4, "b": 4}, [*empty, most, left, right], splits=2)] == ["left", "right"]


@given(needs, places)
def test_more_is_asked_than_is_needed_or_was_seen(need, seen):
    proposal = plan(need, seen)
    available = {place.location_id: place.available for place in seen}
    assert len(proposal) <= SPLIT_MAX
    assert len({location for location, _ in proposal}) == len(proposal)
    for location, part in proposal:
        assert part
        assert all(0 < units <= available[location].get(sku, 0) for sku, units in part.items())
    assert all(units <= need[sku] for sku, units in covered(proposal).items())


@given(needs, places)
def test_a_whole_order_is_split_though_one_place_has_it_all(need, seen):
    whole = [place for place in seen if all(place.available.get(sku, 0) >= units for sku, units in need.items())]
    if whole:
        assert plan(need, seen) == [(whole[0].location_id, need)]


@given(needs, places)
def test_units_stay_behind_that_a_single_asked_place_still_has(need, seen):
    proposal = plan(need, seen)
    missing = {sku: units - covered(proposal).get(sku, 0) for sku, units in need.items()}
    for place in seen:
        if place.location_id in dict(proposal):
            taken = dict(proposal)[place.location_id]
            for sku, units in missing.items():
                assert units == 0 or place.available.get(sku, 0) <= taken.get(sku, 0)
