"""The floor on which goods are picked: parallel aisles, the cross aisles that join them, and how far it is to walk.

    y │  ═══╤═════╤═════╤═══  back cross aisle
      │     │     │     │
      │  ═══╪═════╪═════╪═══  a middle cross aisle: two blocks
      │     │     │     │
      │  ═══╧═════╧═════╧═══  front cross aisle
      └──────────────────────── x         ● start and end, often in front

All lengths are decimetres on the floor plan. People walk in the middle of aisles and never through racks: from one
aisle to another they use a cross aisle. Who starts or ends somewhere else than on a cross aisle is taken to walk
straight up or down to the nearest one. A stop that no aisle of the layout has (a shelf on a sales floor) is reached
along the walls: |dx| + |dy|. A layout without aisles and cross aisles is good for a whole building of those.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from actors.domain.errors import Refused

AISLES_MAX = 500
CROSS_AISLES_MAX = 8
# No place is farther than 10 km from the origin of its floor plan.
REACH_MAX_DM = 100_000

Coordinate = Annotated[int, Meta(ge=-REACH_MAX_DM, le=REACH_MAX_DM)]


class Point(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A place on the floor."""

    x_dm: Coordinate
    y_dm: Coordinate


class Stop(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where one stands to reach a bin. aisle: its number in the layout; one that the layout does not have means
    that it is in no aisle."""

    bin_id: str
    aisle: int
    x_dm: Coordinate
    y_dm: Coordinate


class Layout(msgspec.Struct, frozen=True, gc=False):
    """aisle_x_dm: x of the middle of each aisle, by its number; cross_y_dm: y of the cross aisles, rising; start, end:
    where a picker comes from and goes to."""

    aisle_x_dm: Annotated[dict[int, Coordinate], Meta(max_length=AISLES_MAX)]
    cross_y_dm: Annotated[tuple[Coordinate, ...], Meta(max_length=CROSS_AISLES_MAX)]
    start: Point
    end: Point


class Spot(NamedTuple):
    """A place as distances see it. aisle: None when it is in none; walk_dm: the way to its cross aisle, of a
    start or an end (`door`)."""

    aisle: int | None
    x_dm: int
    y_dm: int
    door: bool = False
    walk_dm: int = 0


def check_layout(layout: Layout) -> None:
    """Refuses a layout on which nobody can walk."""
    cross = layout.cross_y_dm
    if len(cross) > CROSS_AISLES_MAX or len(layout.aisle_x_dm) > AISLES_MAX:
        raise Refused(
            "layout.too_large",
            f"A layout has at most {AISLES_MAX} aisles and {CROSS_AISLES_MAX} cross aisles.",
            aisles=len(layout.aisle_x_dm),
            cross_aisles=len(cross),
        )
    if any(low >= high for low, high in pairwise(cross)):
        raise Refused("layout.cross_aisles", "Cross aisles come by rising y.", cross_y_dm=list(cross))
    if layout.aisle_x_dm and not cross:
        raise Refused("layout.cross_aisles", "Aisles need at least one cross aisle.", cross_y_dm=[])
    ends = (layout.start.x_dm, layout.start.y_dm, layout.end.x_dm, layout.end.y_dm)
    far = [*layout.aisle_x_dm.values(), *cross, *ends]
    if any(abs(value) > REACH_MAX_DM for value in far):
        raise Refused("layout.too_far", "A place is farther than 10 km from the origin.", limit_dm=REACH_MAX_DM)


def spot_of(layout: Layout, stop: Stop) -> Spot:
    """Where a stop is: in the middle of its aisle, or in none."""
    x_dm = layout.aisle_x_dm.get(stop.aisle)
    if x_dm is None:
        return Spot(None, stop.x_dm, stop.y_dm)
    return Spot(stop.aisle, x_dm, stop.y_dm)


def door_of(layout: Layout, point: Point) -> Spot:
    """Where a start or an end meets the aisles."""
    if not layout.cross_y_dm:
        return Spot(None, point.x_dm, point.y_dm)
    gate_dm = layout.cross_y_dm[gate_of(layout, point)]
    return Spot(None, point.x_dm, gate_dm, door=True, walk_dm=abs(point.y_dm - gate_dm))


def gate_of(layout: Layout, point: Point) -> int:
    """Which cross aisle is nearest: its place in `cross_y_dm`; of two the lower."""
    return min(range(len(layout.cross_y_dm)), key=lambda i: abs(layout.cross_y_dm[i] - point.y_dm))


def between_dm(layout: Layout, one: Spot, other: Spot) -> int:
    """The shortest way from one to the other, which is that back, too."""
    across = abs(one.x_dm - other.x_dm)
    if one.aisle is not None and other.aisle is not None:
        return abs(one.y_dm - other.y_dm) if one.aisle == other.aisle else across + _via(layout, one.y_dm, other.y_dm)
    # A door stands on its cross aisle. What is in no aisle and no door is reached straight.
    return one.walk_dm + other.walk_dm + across + abs(one.y_dm - other.y_dm)


def _via(layout: Layout, one_dm: int, other_dm: int) -> int:
    """Along two aisles, changing over where it costs least."""
    low, high = (one_dm, other_dm) if one_dm < other_dm else (other_dm, one_dm)
    cross = layout.cross_y_dm
    above = bisect_left(cross, low)
    if above < len(cross) and cross[above] <= high:
        return high - low
    detours = []
    if above > 0:
        detours.append(2 * (low - cross[above - 1]))
    if above < len(cross):
        detours.append(2 * (cross[above] - high))
    return high - low + min(detours)


def matrix_of(layout: Layout, spots: Sequence[Spot]) -> list[list[int]]:
    """All ways between `spots`, and from and to the layout's start (first row and column) and end (last)."""
    places = [door_of(layout, layout.start), *spots, door_of(layout, layout.end)]
    matrix = [[0] * len(places) for _ in places]
    for i, one in enumerate(places):
        row = matrix[i]
        for j in range(i):
            row[j] = matrix[j][i] = between_dm(layout, one, places[j])
    return matrix


def walked_dm(layout: Layout, spots: Sequence[Spot]) -> int:
    """The way from the start past `spots` in this order to the end; 0 for none."""
    if not spots:
        return 0
    places = [door_of(layout, layout.start), *spots, door_of(layout, layout.end)]
    return sum(between_dm(layout, one, other) for one, other in pairwise(places))
