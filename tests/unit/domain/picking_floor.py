"""Small floors, and the plain slow way to walk them: a grid of decimetres on which racks are walls."""

from __future__ import annotations

from collections import deque
from itertools import pairwise, permutations

from hypothesis import strategies as st

from actors.domain.pick_layout import Layout, Point, Stop, matrix_of, spot_of

SIDE = 24


@st.composite
def layouts(draw, cross_min=1, cross_max=4):
    cross = draw(st.lists(st.integers(0, SIDE), min_size=cross_min, max_size=cross_max, unique=True).map(sorted))
    xs = draw(st.lists(st.integers(0, SIDE), min_size=1, max_size=6, unique=True))
    start = draw(points)
    return Layout(dict(enumerate(xs)), tuple(cross), start, draw(st.one_of(st.just(start), points)))


points = st.builds(Point, st.integers(-3, SIDE + 3), st.integers(-3, SIDE + 3))


@st.composite
def floors(draw, stops_max=7, cross_min=1, cross_max=4):
    """A layout and stops between its outer cross aisles."""
    layout = draw(layouts(cross_min, cross_max))
    cross = layout.cross_y_dm
    places = st.tuples(st.sampled_from(sorted(layout.aisle_x_dm)), st.integers(cross[0], cross[-1]))
    chosen = draw(st.lists(places, min_size=1, max_size=stops_max))
    return layout, [Stop(f"b{n}", aisle, layout.aisle_x_dm[aisle], y) for n, (aisle, y) in enumerate(chosen)]


def on_foot(layout: Layout, one: Stop, other: Stop) -> int:
    """Breadth first, decimetre by decimetre: along an aisle of the one's or the other's, and along cross aisles."""
    lanes = {layout.aisle_x_dm[one.aisle], layout.aisle_x_dm[other.aisle]}
    goal = (layout.aisle_x_dm[other.aisle], other.y_dm)
    begin = (layout.aisle_x_dm[one.aisle], one.y_dm)
    far, todo = {begin: 0}, deque([begin])
    while goal not in far:
        x, y = todo.popleft()
        steps = [(x, y - 1), (x, y + 1)] if x in lanes else []
        steps += [(x - 1, y), (x + 1, y)] if y in layout.cross_y_dm else []
        for there in steps:
            if there not in far and max(map(abs, there)) <= 4 * SIDE:
                far[there] = far[x, y] + 1
                todo.append(there)
    return far[goal]


def shortest_dm(layout: Layout, stops: list[Stop]) -> int:
    """Of all orders in which the stops can be walked past."""
    return shortest_of(matrix_of(layout, sorted({spot_of(layout, stop) for stop in stops}, key=str)))


def shortest_of(matrix) -> int:
    end = len(matrix) - 1
    ways = ((0, *way, end) for way in permutations(range(1, end)))
    return min(sum(matrix[i][j] for i, j in pairwise(way)) for way in ways)
