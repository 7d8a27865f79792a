"""The way of a picker past bins.

    all in aisles        exactly (`pick_exact.py`) where the steps are enough: by default one and two blocks of any size, and up to four
    at most 11 places    exactly as well (Held and Karp, `pick_search.py`), wherever they are
    else                 S-shape, largest gap, return and nearest insertion, each improved, and the shortest of them taken

What is found does not hang on the order in which the stops are given, nor on the machine: work is limited in steps. How
far it is from the optimum is measured by `python -m perf.pick_routes`; the figures stand in docs/domain/picking.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.domain.errors import Refused
from actors.domain.pick_exact import exact_order, exact_steps
from actors.domain.pick_layout import REACH_MAX_DM, Layout, Spot, Stop, check_layout, matrix_of, spot_of, walked_dm
from actors.domain.pick_orders import TEXTBOOK
from actors.domain.pick_search import (
    HELD_KARP_MAX,
    Matrix,
    Steps,
    Way,
    held_karp,
    held_karp_steps,
    improved,
    inserted,
    length_of,
)

STOPS_MAX = 500
# About a second of work, at worst.
STEPS_MAX = 1_000_000


class Route(msgspec.Struct, frozen=True, gc=False):
    """Stops in the order in which they are walked past; those at one place by their bins' names. walk_dm: from the
    start to the end; exact: nothing is shorter."""

    stops: tuple[Stop, ...]
    walk_dm: int
    exact: bool


def route(stops: Sequence[Stop], layout: Layout, steps_max: int = STEPS_MAX) -> Route:
    """A short way from the layout's start past all `stops` to its end. Refuses layouts on which nobody can walk, places
    out of reach, and too many stops."""
    check_layout(layout)
    _check_stops(stops)
    by_spot: dict[Spot, list[Stop]] = {}
    for stop in sorted(stops, key=msgspec.structs.astuple):
        by_spot.setdefault(spot_of(layout, stop), []).append(stop)
    spots = list(by_spot)
    order, exact = order_of(spots, layout, steps_max)
    there = [spots[i] for i in order]
    return Route(tuple(stop for spot in there for stop in by_spot[spot]), walked_dm(layout, there), exact)


def order_of(spots: Sequence[Spot], layout: Layout, steps_max: int) -> tuple[list[int], bool]:
    """Places of `spots` (all different) in the order of a short way, and whether none is shorter."""
    if not spots:
        return [], True
    few = len(spots) <= HELD_KARP_MAX
    by_aisles, by_places = exact_steps(spots, layout), held_karp_steps(len(spots))
    if by_aisles <= steps_max and not (few and by_places < by_aisles):
        found = exact_order(spots, layout)
        if found is not None:
            return found, True
    matrix = matrix_of(layout, spots)
    if few and by_places <= steps_max:
        return _places(held_karp(matrix)), True
    return near_order(spots, layout, matrix, steps_max), False


def near_order(spots: Sequence[Spot], layout: Layout, matrix: Matrix, steps_max: int) -> list[int]:
    """The shortest of several starts, each improved as long as there are steps left, the best start first."""
    steps = Steps(steps_max)
    ways: list[Way] = [inserted(matrix, steps)]
    if layout.cross_y_dm and all(spot.aisle is not None for spot in spots):
        end = len(spots) + 1
        ways += [[0, *(i + 1 for i in order(spots, layout)), end] for order in TEXTBOOK]
    ways.sort(key=lambda way: length_of(way, matrix))
    better = [improved(way, matrix, steps) for way in ways]
    return _places(min(better, key=lambda way: length_of(way, matrix)))


def _places(way: Way) -> list[int]:
    return [place - 1 for place in way[1:-1]]


def _check_stops(stops: Sequence[Stop]) -> None:
    if len(stops) > STOPS_MAX:
        raise Refused("pick_route.too_many_stops", f"A route has at most {STOPS_MAX} stops.", stops=len(stops))
    for stop in stops:
        if max(abs(stop.x_dm), abs(stop.y_dm)) > REACH_MAX_DM:
            raise Refused("layout.too_far", "A place is farther than 10 km from the origin.", bin_id=stop.bin_id)
