from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain.errors import Refused
from actors.domain.pick_exact import EXACT_CROSS_AISLES_MAX, exact_order, exact_steps
from actors.domain.pick_layout import REACH_MAX_DM, Layout, Point, Stop, matrix_of, spot_of, walked_dm
from actors.domain.pick_orders import TEXTBOOK, back_and_forth, largest_gap, s_shape
from actors.domain.pick_route import STEPS_MAX, STOPS_MAX, near_order, order_of, route
from actors.domain.pick_search import Steps, held_karp, held_karp_steps, improved, inserted, length_of
from tests.unit.domain.picking_floor import floors, shortest_dm, shortest_of

DOOR = Point(0, 0)
THREE_AISLES = Layout({1: 0, 2: 50, 3: 100}, (0, 100), DOOR, DOOR)


def spots_of(layout, stops):
    return sorted({spot_of(layout, stop) for stop in stops})


def names(found):
    return [stop.bin_id for stop in found.stops]


def stops_at(*places):
    return [Stop(f"b{n}", aisle, 50 * aisle - 50, y) for n, (aisle, y) in enumerate(places)]


def matrices(most):
    def symmetric(rows):
        size = len(rows)
        return [[0 if i == j else rows[max(i, j)][min(i, j)] for j in range(size)] for i in range(size)]

    rows = st.integers(2, most).flatmap(
        lambda size: st.lists(st.lists(st.integers(0, 50), min_size=size, max_size=size), min_size=size, max_size=size)
    )
    return rows.map(symmetric)


# --- the exact way ----------------------------------------------------------------------------------------------------
@settings(max_examples=300)
@given(floors(stops_max=6, cross_min=2, cross_max=2))
def test_a_way_through_one_block_is_not_the_shortest_of_all_orders(floor):
    layout, stops = floor
    found = route(stops, layout)
    assert found.walk_dm == shortest_dm(layout, stops)
    assert found.exact


@settings(max_examples=200)
@given(floors(stops_max=9))
def test_the_search_by_aisles_differs_from_the_search_by_places(floor):
    layout, stops = floor
    spots = spots_of(layout, stops)
    order = exact_order(spots, layout)
    matrix = matrix_of(layout, spots)
    assert sorted(order) == list(range(len(spots)))
    assert walked_dm(layout, [spots[i] for i in order]) == length_of(held_karp(matrix), matrix)


@given(floors(stops_max=9))
def test_textbooks_know_a_shorter_way(floor):
    layout, stops = floor
    spots = spots_of(layout, stops)
    found = route(stops, layout)
    for order in TEXTBOOK:
        assert sorted(order(spots, layout)) == list(range(len(spots)))
        assert found.walk_dm <= walked_dm(layout, [spots[i] for i in order(spots, layout)])


def test_what_is_near_an_end_is_reached_through_the_whole_aisle():
    found = route(stops_at((1, 10), (2, 95), (3, 20)), THREE_AISLES)
    assert found.walk_dm == 100 + 50 + 5 + 5 + 50 + 100 + 100


def test_who_ends_elsewhere_comes_back():
    layout = Layout({1: 0, 2: 50, 3: 100}, (0, 100), DOOR, Point(100, 100))
    found = route(stops_at((3, 60), (1, 40), (2, 50)), layout)
    assert names(found) == ["b1", "b2", "b0"]
    assert found.walk_dm == 2 * 40 + 50 + 100 + 50 + 2 * 40  # through the middle aisle only


def test_stops_beyond_the_last_cross_aisle_are_lost():
    found = route(stops_at((1, 130), (2, 50), (3, -20)), THREE_AISLES)
    assert sorted(names(found)) == ["b0", "b1", "b2"]
    assert found.exact


# --- the search by places ---------------------------------------------------------------------------------------------
@given(matrices(7))
def test_a_way_is_found_that_is_not_the_shortest(matrix):
    way = held_karp(matrix)
    assert sorted(way) == list(range(len(matrix)))
    assert (way[0], way[-1]) == (0, len(matrix) - 1)
    assert length_of(way, matrix) == shortest_of(matrix)


@given(matrices(20), st.integers(0, 3000))
def test_a_place_is_lost_or_a_way_grows_while_it_is_improved(matrix, steps):
    way = inserted(matrix, Steps(steps))
    better = improved(way, matrix, Steps(steps))
    for found in (way, better):
        assert sorted(found) == list(range(len(matrix)))
        assert (found[0], found[-1]) == (0, len(matrix) - 1)
    assert length_of(better, matrix) <= length_of(way, matrix)


@given(matrices(9))
def test_a_stretch_that_is_shorter_backwards_or_elsewhere_stays(matrix):
    way = improved(range(len(matrix)), matrix, Steps(1_000_000))
    last = len(way) - 1
    for i in range(1, last):
        for j in range(i + 1, last):
            turned = way[:i] + way[i : j + 1][::-1] + way[j + 1 :]
            assert length_of(turned, matrix) >= length_of(way, matrix)
        for place in range(1, last):
            rest = way[:i] + way[i + 1 :]
            moved = [*rest[:place], way[i], *rest[place:]]
            assert length_of(moved, matrix) >= length_of(way, matrix)


@given(floors(stops_max=16, cross_max=4), st.integers(0, 20_000))
def test_the_heuristic_loses_stops_or_is_worse_than_the_textbook(floor, steps):
    layout, stops = floor
    spots = spots_of(layout, stops)
    order = near_order(spots, layout, matrix_of(layout, spots), steps)
    assert sorted(order) == list(range(len(spots)))
    textbook = min(walked_dm(layout, [spots[i] for i in known(spots, layout)]) for known in TEXTBOOK)
    assert walked_dm(layout, [spots[i] for i in order]) <= textbook


# --- the route --------------------------------------------------------------------------------------------------------
@given(floors(stops_max=14), st.randoms(use_true_random=False), st.sampled_from([0, 500, 5000, STEPS_MAX]))
def test_the_route_hangs_on_the_order_of_the_question(floor, rng, steps):
    layout, stops = floor
    shuffled = list(stops)
    rng.shuffle(shuffled)
    assert route(stops, layout, steps) == route(shuffled, layout, steps)


@given(
    floors(stops_max=14),
    st.lists(st.builds(Stop, st.text(max_size=3), st.just(-1), st.integers(-50, 50), st.integers(-50, 50)), max_size=4),
)
def test_a_bin_is_passed_by_or_visited_twice(floor, shelves):
    layout, stops = floor
    found = route([*stops, *shelves], layout)
    assert sorted(map(repr, found.stops)) == sorted(map(repr, [*stops, *shelves]))
    spots = [spot_of(layout, stop) for stop in found.stops]
    assert found.walk_dm == walked_dm(layout, spots)


def test_few_places_in_no_aisle_are_not_walked_shortest():
    shelves = [
        Stop(f"s{n}", 0, x, y) for n, (x, y) in enumerate([(5, 90), (70, 10), (40, 40), (90, 80), (10, 30), (60, 60)])
    ]
    nowhere = Layout({}, (), DOOR, DOOR)
    found = route(shelves, nowhere)
    assert found.exact
    assert found.walk_dm == shortest_dm(nowhere, shelves)
    assert not route(shelves, nowhere, steps_max=100).exact


def test_twelve_places_in_few_of_many_cross_aisles_are_left_to_the_heuristic():
    """Where one exact search would cost more than the other, but the other is out of reach."""
    layout = Layout({n: 50 * n for n in range(8)}, (0, 100, 200, 300, 400), DOOR, DOOR)
    spots = spots_of(layout, [Stop(f"b{n}", n % 8, 0, 10 + 31 * n) for n in range(12)])
    assert held_karp_steps(len(spots)) < exact_steps(spots, layout) < STEPS_MAX
    assert order_of(spots, layout, STEPS_MAX)[1]


def test_more_cross_aisles_than_can_be_searched_exactly_are_searched_for_ever():
    layout = Layout({1: 0, 2: 50}, tuple(range(0, 60 * (EXACT_CROSS_AISLES_MAX + 1), 60)), DOOR, DOOR)
    stops = [Stop(f"b{n}", 1 + n % 2, 0, 7 + 13 * n) for n in range(20)]
    spots = spots_of(layout, stops)
    assert exact_order(spots, layout) is None
    found = route(stops, layout)
    assert not found.exact
    assert len(found.stops) == 20


def test_bins_at_one_place_are_walked_to_twice():
    above = [Stop("A-01-01-2", 1, 0, 40), Stop("A-02-01-1", 2, 50, 40), Stop("A-01-01-1", 1, 0, 40)]
    found = route(above, THREE_AISLES)
    there = names(found).index("A-01-01-1")
    assert names(found)[there + 1] == "A-01-01-2"
    assert found.walk_dm == route(above[1:], THREE_AISLES).walk_dm


def test_nothing_to_pick_is_a_way():
    assert route([], THREE_AISLES) == route([], Layout({}, (), DOOR, Point(9, 9)))
    assert route([], THREE_AISLES).walk_dm == 0


def test_more_stops_than_allowed_or_one_in_another_town_are_walked():
    with pytest.raises(Refused, match=r"pick_route\.too_many_stops"):
        route([Stop(f"b{n}", 1, 0, n % 100) for n in range(STOPS_MAX + 1)], THREE_AISLES)
    with pytest.raises(Refused, match=r"layout\.too_far"):
        route([Stop("b", 0, REACH_MAX_DM + 1, 0)], THREE_AISLES)
    assert len(route([Stop(f"b{n}", 1, 0, n % 100) for n in range(STOPS_MAX)], THREE_AISLES).stops) == STOPS_MAX


# --- the textbook's orders --------------------------------------------------------------------------------------------
FOUR = [(1, 20), (1, 80), (2, 30), (2, 90), (3, 10)]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (s_shape, [(1, 20), (1, 80), (2, 90), (2, 30), (3, 10)]),
        (back_and_forth, [(1, 20), (1, 80), (2, 30), (2, 90), (3, 10)]),
        (largest_gap, [(1, 20), (1, 80), (2, 90), (3, 10), (2, 30)]),
    ],
)
def test_an_order_is_not_that_of_the_textbook(order, expected):
    spots = [spot_of(THREE_AISLES, stop) for stop in stops_at(*FOUR)]
    assert [(spots[i].aisle, spots[i].y_dm) for i in order(spots, THREE_AISLES)] == expected
