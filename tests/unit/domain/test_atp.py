"""What can be promised when. The slow truth beside it asks `location_state.Stock` after every arrival."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from actors.domain import atp
from actors.domain.atp import Arriving, Point, Supply
from actors.domain.location_state import Stock

NOW = 1_767_225_600_000
DAY = 86_400_000
arrivals = st.lists(st.builds(Arriving, st.integers(NOW - 3, NOW + 6), st.integers(1, 9)), max_size=5).map(tuple)
supplies = st.builds(Supply, st.integers(0, 20), st.integers(0, 12), st.one_of(st.none(), st.integers(0, 20)), arrivals)


def pairs(points):
    return [(point.at_ms, point.units) for point in points]


def test_what_arrives_fills_up_the_safety_stock_before_it_is_promised():
    supply = Supply(3, kept_back=5, arriving=(Arriving(NOW + DAY, 4), Arriving(NOW + 2 * DAY, 10)))
    assert pairs(atp.of_place(supply, NOW)) == [(NOW, 0), (NOW + DAY, 2), (NOW + 2 * DAY, 12)]


def test_what_should_be_here_and_is_not_is_promised_to_nobody():
    supply = Supply(1, arriving=(Arriving(NOW - DAY, 50), Arriving(NOW, 50), Arriving(NOW + 1, 2)))
    assert pairs(atp.of_place(supply, NOW)) == [(NOW, 1), (NOW + 1, 3)]


def test_two_arrivals_at_the_same_moment_are_one_point():
    supply = Supply(0, arriving=(Arriving(NOW + 1, 2), Arriving(NOW + 1, 3)))
    assert pairs(atp.of_place(supply, NOW)) == [(NOW, 0), (NOW + 1, 5)]


def test_units_that_go_off_too_soon_are_not_promised_and_new_ones_don_t_make_them_good():
    supply = Supply(10, kept_back=2, good=4, arriving=(Arriving(NOW + 1, 50),))
    assert pairs(atp.of_place(supply, NOW)) == [(NOW, 4), (NOW + 1, 4)]


def test_an_arrival_frees_the_good_units_that_were_the_safety_stock():
    supply = Supply(5, kept_back=5, good=5, arriving=(Arriving(NOW + 1, 3),))
    assert pairs(atp.of_place(supply, NOW)) == [(NOW, 0), (NOW + 1, 3)]


def test_a_lot_is_good_on_its_last_day_and_not_the_day_after():
    lots = [(100, 3), (101, 4), (None, 5)]
    assert [atp.good_units(lots, day) for day in (100, 101, 102)] == [12, 9, 5]


def test_a_kit_waits_for_its_scarcest_part():
    cups = [Point(NOW, 9), Point(NOW + 2, 40)]
    tea = [Point(NOW, 1), Point(NOW + 1, 6)]
    assert pairs(atp.of_kit([(cups, 4), (tea, 1)])) == [(NOW, 1), (NOW + 1, 2), (NOW + 2, 6)]


def test_a_kit_of_parts_that_come_every_minute_has_points_without_end():
    cups = [Point(NOW + n, n) for n in range(0, 600, 2)]
    tea = [Point(NOW + n, n) for n in range(1, 600, 2)]
    points = atp.of_kit([(cups, 1), (tea, 1)])
    assert len(points) == atp.KIT_POINTS_MAX
    assert pairs(points[-2:]) == [(NOW + 198, 197), (NOW + 599, 598)]


def test_the_last_moment_of_a_kit_that_just_fits_is_lost():
    parts = [([Point(NOW + n, n) for n in range(atp.KIT_POINTS_MAX)], 1)]
    assert atp.of_kit(parts) == parts[0][0]


def test_before_the_first_point_there_is_nothing():
    assert atp.units_at([Point(NOW, 9)], NOW - 1) == 0
    assert atp.units_at([], NOW) == 0


@given(supplies)
def test_every_point_is_what_the_location_itself_would_promise_then(supply):
    for point in atp.of_place(supply, NOW):
        arrived = sum(one.units for one in supply.arriving if NOW < one.expected_at_ms <= point.at_ms)
        stock = Stock(on_hand=supply.free + arrived, safety_stock=supply.kept_back)
        assert point.units == (stock.available if supply.good is None else min(stock.available, supply.good))


@given(supplies, supplies)
def test_more_is_never_promised_less(supply, other):
    points = atp.of_place(supply, NOW)
    assert [point.at_ms for point in points] == sorted({point.at_ms for point in points})
    assert all(one.units <= later.units for one, later in pairwise(points))
    more = Supply(supply.free + other.free, supply.kept_back, supply.good, supply.arriving + other.arriving)
    for point in atp.of_place(more, NOW):
        assert point.units >= atp.units_at(points, point.at_ms)


@given(st.lists(supplies, max_size=4))
def test_places_add_up_at_every_moment(places):
    each = [atp.of_place(supply, NOW) for supply in places]
    together = atp.of_all(each)
    assert {point.at_ms for point in together} == {point.at_ms for points in each for point in points}
    for point in together:
        assert point.units == sum(atp.units_at(points, point.at_ms) for points in each)


@given(st.lists(st.tuples(supplies, st.integers(1, 4)), min_size=1, max_size=3))
def test_a_kit_is_never_promised_beyond_a_part(parts):
    each = [(atp.of_place(supply, NOW), units) for supply, units in parts]
    for point in atp.of_kit(each):
        counts = [atp.units_at(points, point.at_ms) // units for points, units in each]
        assert point.units == min(counts)
