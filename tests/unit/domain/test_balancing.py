"""Suggestions of transfers: by example, and against what has to hold for any stock."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from actors.domain.balancing import Holding, Suggestion, suggest

SEATTLE, PORTLAND, NEWARK = (47.4, -122.2), (45.5, -122.7), (40.7, -74.2)


def at(name: str, point: tuple[float, float], available: int, reorder_point: int = 0, **more) -> Holding:
    return Holding(name, *point, available, reorder_point, **more)


def test_units_come_from_far_away_though_they_are_near():
    places = [at("newark", NEWARK, 500, 10), at("seattle", SEATTLE, 25, 10), at("portland", PORTLAND, 3, 10)]
    assert suggest(places) == [
        Suggestion("seattle", "portland", 5, 215, "below_reorder_point", None),
        Suggestion("newark", "portland", 12, 3913, "below_reorder_point", None),
    ]


def test_who_has_none_waits_for_who_has_some():
    places = [at("newark", NEWARK, 30, 10), at("seattle", SEATTLE, 9, 10), at("portland", PORTLAND, 0, 10)]
    assert [(s.destination_id, s.units, s.need) for s in suggest(places)] == [("portland", 10, "stock_out")]


def test_what_is_on_its_way_is_sent_again():
    places = [at("newark", NEWARK, 500, 10), at("portland", PORTLAND, 0, 10, incoming=11)]
    assert suggest(places) == []
    assert [s.units for s in suggest([places[0], at("portland", PORTLAND, 0, 10, incoming=4)])] == [16]


def test_a_place_that_sells_much_is_empty_before_anybody_looks():
    places = [at("newark", NEWARK, 500), at("portland", PORTLAND, 20, 10, sold_a_day=5.0)]
    assert suggest(places) == [Suggestion("newark", "portland", 50, 3913, "few_days_left", 4)]


def test_a_place_without_a_reorder_point_is_filled_or_emptied():
    places = [at("newark", NEWARK, 9), at("seattle", SEATTLE, 0), at("portland", PORTLAND, 0, 10)]
    assert [(s.source_id, s.destination_id, s.units) for s in suggest(places)] == [("newark", "portland", 4)]


holdings = st.lists(
    st.builds(
        Holding, st.uuids().map(str), st.floats(-80, 80), st.floats(-170, 170), st.integers(0, 200), st.integers(0, 60),
        st.integers(0, 40), st.floats(0, 9),
    ),
    max_size=12,
)  # fmt: skip


@given(holdings, st.integers(0, 6))
def test_a_place_gives_what_it_needs_or_gets_more_than_it_misses(places, limit):
    by_id = {place.location_id: place for place in places}
    found = suggest(places, limit)
    gives, gets = Counter[str](), Counter[str]()
    for one in found:
        assert one.units > 0
        assert one.source_id != one.destination_id
        gives[one.source_id] += one.units
        gets[one.destination_id] += one.units
    assert len(found) <= limit
    assert len({(one.source_id, one.destination_id) for one in found}) == len(found)
    assert not gives.keys() & gets.keys()
    assert all(units <= by_id[name].surplus for name, units in gives.items())
    assert all(units <= by_id[name].missing for name, units in gets.items())
    # Done, nobody who was helped in full or gave is in need, and the next look has less to say.
    after = [
        Holding(p.location_id, p.lat, p.lon, p.available + gets[p.location_id] - gives[p.location_id], p.reorder_point, p.incoming, p.sold_a_day)
        for p in places
    ]  # fmt: skip
    for place in after:
        if gives[place.location_id]:
            assert place.missing == 0
        if gets[place.location_id] == by_id[place.location_id].missing > 0:
            assert place.missing == 0
            assert place.surplus == 0


@given(holdings)
def test_somebody_is_in_need_while_somebody_could_help(places):
    by_id = {place.location_id: place for place in places}
    gives, gets = Counter[str](), Counter[str]()
    for one in suggest(places, 10_000):
        gives[one.source_id] += one.units
        gets[one.destination_id] += one.units
    unhelped = [name for name, place in by_id.items() if gets[name] < place.missing]
    spare = [name for name, place in by_id.items() if gives[name] < place.surplus]
    assert not (unhelped and spare)
