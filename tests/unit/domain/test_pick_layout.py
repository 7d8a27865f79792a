from __future__ import annotations

import pytest
from hypothesis import given

from actors.domain.errors import Refused
from actors.domain.pick_layout import (
    AISLES_MAX,
    CROSS_AISLES_MAX,
    REACH_MAX_DM,
    Layout,
    Point,
    Stop,
    between_dm,
    check_layout,
    door_of,
    matrix_of,
    spot_of,
    walked_dm,
)
from tests.unit.domain.picking_floor import floors, on_foot

DOOR = Point(0, 0)
TWO_AISLES = Layout({1: 0, 2: 50}, (0, 100), DOOR, DOOR)


def between(layout, one, other):
    return between_dm(layout, spot_of(layout, one), spot_of(layout, other))


def test_somebody_walks_through_a_rack():
    one, other = Stop("a", 1, 0, 50), Stop("b", 2, 50, 60)
    assert between(TWO_AISLES, one, other) == 40 + 50 + 50  # by the back
    assert between(TWO_AISLES, one, Stop("c", 2, 50, 40)) == 50 + 50 + 40  # by the front
    assert between(TWO_AISLES, one, Stop("c", 1, 0, 70)) == 20


def test_a_middle_cross_aisle_is_not_used():
    layout = Layout({1: 0, 2: 50}, (0, 55, 100), DOOR, DOOR)
    assert between(layout, Stop("a", 1, 0, 50), Stop("b", 2, 50, 60)) == 10 + 50


@given(floors(stops_max=2))
def test_a_way_is_longer_or_shorter_than_walked_step_by_step(floor):
    layout, stops = floor
    assert between(layout, stops[0], stops[-1]) == on_foot(layout, stops[0], stops[-1])


def test_the_way_to_the_first_cross_aisle_is_free():
    layout = Layout({1: 0, 2: 50}, (0, 100), Point(20, -30), Point(20, 130))
    assert between_dm(layout, door_of(layout, layout.start), spot_of(layout, Stop("b", 2, 50, 10))) == 30 + 30 + 10
    assert between_dm(layout, door_of(layout, layout.end), spot_of(layout, Stop("b", 2, 50, 10))) == 30 + 30 + 90
    assert between_dm(layout, door_of(layout, layout.start), spot_of(layout, Stop("shelf", 0, 25, -5))) == 30 + 5 + 5


def test_a_shelf_in_no_aisle_can_not_be_reached():
    shelf = Stop("shelf", 0, 80, 40)
    assert between(TWO_AISLES, Stop("a", 1, 0, 50), shelf) == 80 + 10
    nowhere = Layout({}, (), DOOR, DOOR)
    assert between(nowhere, Stop("a", 1, 3, 50), shelf) == 77 + 10
    assert walked_dm(nowhere, [spot_of(nowhere, shelf)]) == 240


@given(floors())
def test_the_way_back_is_another_or_a_detour_is_shorter(floor):
    layout, stops = floor
    matrix = matrix_of(layout, [spot_of(layout, stop) for stop in stops])
    size = range(len(matrix))
    inner = size[1:-1]
    assert all(matrix[i][j] == matrix[j][i] for i in size for j in size)
    assert all(matrix[i][j] <= matrix[i][k] + matrix[k][j] for i in size for j in inner for k in inner)


@pytest.mark.parametrize(
    ("layout", "code"),
    [
        (Layout({1: 0}, (), DOOR, DOOR), "layout.cross_aisles"),
        (Layout({1: 0}, (100, 0), DOOR, DOOR), "layout.cross_aisles"),
        (Layout({1: 0}, (0, 0), DOOR, DOOR), "layout.cross_aisles"),
        (Layout({1: 0}, tuple(range(CROSS_AISLES_MAX + 1)), DOOR, DOOR), "layout.too_large"),
        (Layout({n: n for n in range(AISLES_MAX + 1)}, (0, 1), DOOR, DOOR), "layout.too_large"),
        (Layout({1: REACH_MAX_DM + 1}, (0, 1), DOOR, DOOR), "layout.too_far"),
        (Layout({1: 0}, (-REACH_MAX_DM - 1, 1), DOOR, DOOR), "layout.too_far"),
        (Layout({1: 0}, (0, 1), DOOR, Point(0, REACH_MAX_DM + 1)), "layout.too_far"),
    ],
)
def test_a_layout_on_which_nobody_can_walk_is_taken(layout, code):
    with pytest.raises(Refused) as refused:
        check_layout(layout)
    assert refused.value.body.code == code


def test_a_layout_at_its_limits_or_without_aisles_is_refused():
    check_layout(Layout({n: n for n in range(AISLES_MAX)}, tuple(range(CROSS_AISLES_MAX)), DOOR, DOOR))
    check_layout(Layout({}, (), DOOR, DOOR))
