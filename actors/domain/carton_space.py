"""One carton being filled: where a box may stand, and which place is taken.

    z│ ┌────┐ ● above                 Extreme points: where a box that is set down may have its lower left front corner. Each box brings new ones: its
     │ │ A  │                         three far corners, slid along the other two axes until they meet a box or a wall.
     │ └────┘ ● beside
     └────────── x                    An order of points and one of units make a try; `carton.py` makes several.

Source: Crainic, Perboli, Tadei: Extreme point-based heuristics for three-dimensional bin packing, INFORMS Journal on
Computing 20 (3), 2008. Added for parcels that people pack: a box stands on the floor or rests with half of its base on
others, nothing lies above a fragile one, and some stay upright. All lengths in mm, all weights in g, all integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import permutations
from typing import NamedTuple

Point = tuple[int, int, int]
Size = tuple[int, int, int]
# More points than this are not kept for one carton: the lowest are.
POINTS_MAX = 256
# To fill one carton once.
FILL_STEPS_MAX = 30_000
# A place is looked at beside so many boxes in one step.
_BOXES_PER_STEP = 16


class Unit(NamedTuple):
    """One piece to pack: its size as it stands upright, in mm, and what else counts. hazard: its class, "" for none;
    not_with: classes with which it may not share a carton."""

    sku: str
    size: Size
    weight_g: int
    upright: bool
    fragile: bool
    hazard: str
    not_with: frozenset[str]

    @property
    def volume(self) -> int:
        """In mm³."""
        return self.size[0] * self.size[1] * self.size[2]


class Box(NamedTuple):
    """A unit in its place: from (x, y, z) up to, not including, (x2, y2, z2)."""

    x: int
    y: int
    z: int
    x2: int
    y2: int
    z2: int
    unit: Unit


class Steps:
    """How much may still be done, in steps of some microseconds: a place looked at, or a unit passed over. Counted, not
    timed: the same order is packed in the same way on every machine."""

    def __init__(self, left: int) -> None:
        self.left = left


# What is liked about a way of standing (length, width, height) at a point with so much room up to
# the walls: less is better.
Turning = Callable[[Size, Size], int]


def close_to_walls(way: Size, room: Size) -> int:
    """As little room as can be to the lid, and to the nearer side."""
    return min(room[0] - way[0], room[1] - way[1]) + room[2] - way[2]


def many_alike(way: Size, room: Size) -> int:
    """As many as can be of the same, if there were more."""
    return -(room[0] // way[0]) * (room[1] // way[1]) * (room[2] // way[2])


def rotations(unit: Unit) -> list[Size]:
    """The different ways in which it may stand: six at most, two when it stays upright."""
    length, width, height = unit.size
    if unit.upright:
        return sorted({(length, width, height), (width, length, height)})
    return sorted({(x, y, z) for x, y, z in permutations(unit.size)})


def fits_alone(unit: Unit, inner: Size) -> bool:
    """Whether it goes into an empty carton at all."""
    return any(all(side <= room for side, room in zip(size, inner, strict=True)) for size in rotations(unit))


def agree(unit: Unit, others: Iterable[Unit]) -> bool:
    """Whether none of them is a hazard to the other."""
    return all(other.hazard not in unit.not_with and unit.hazard not in other.not_with for other in others)


def fill(
    inner: Size, load_max_g: int, units: Sequence[Unit], axes: tuple[int, int, int], turning: Turning, steps: Steps
) -> list[Box]:
    """The boxes of those units that go in, taken one after the other. axes: by which coordinates points are tried,
    first one first. Units that find no place are left out, and with them at once all that are like them; after
    FILL_STEPS_MAX, all that come after."""
    boxes: list[Box] = []
    points: list[Point] = [(0, 0, 0)]
    free_g = load_max_g
    last = steps.left - FILL_STEPS_MAX
    # One of each different hazard that is in: there may be hundreds of units.
    hazards: dict[tuple[str, frozenset[str]], Unit] = {}
    hopeless: set[Unit] = set()
    for unit in units:
        # Something goes in first: until then there is one point only.
        if boxes and steps.left < last:
            break
        steps.left -= 1
        if unit.weight_g > free_g or unit in hopeless or not agree(unit, hazards.values()):
            continue
        box = _place(unit, inner, boxes, points, turning, steps)
        if box is None:
            hopeless.add(unit)
            continue
        boxes.append(box)
        free_g -= unit.weight_g
        hazards.setdefault((unit.hazard, unit.not_with), unit)
        points = _renewed(points, box, boxes, inner, axes)
        # That is as much work as looking at some places.
        steps.left -= 4 + 4 * (len(boxes) // _BOXES_PER_STEP)
    return boxes


def _place(
    unit: Unit, inner: Size, boxes: list[Box], points: list[Point], turning: Turning, steps: Steps
) -> Box | None:
    """The first point at which it can stand, in the way of standing there that `turning` likes best."""
    ways = rotations(unit)
    for x, y, z in points:
        room = inner[0] - x, inner[1] - y, inner[2] - z
        fitting = [way for way in ways if way[0] <= room[0] and way[1] <= room[1] and way[2] <= room[2]]
        for _, (length, width, height) in sorted((turning(way, room), way) for way in fitting):
            steps.left -= 1 + len(boxes) // _BOXES_PER_STEP
            box = Box(x, y, z, x + length, y + width, z + height, unit)
            if _free(box, boxes) and _rests(box, boxes):
                return box
    return None


def _free(box: Box, boxes: list[Box]) -> bool:
    """Whether nothing is in its place, nothing fragile below it, and nothing above it when it is fragile itself."""
    x, y, z, x2, y2, z2, unit = box
    for ox, oy, oz, ox2, oy2, oz2, other in boxes:
        if x < ox2 and ox < x2 and y < oy2 and oy < y2:
            if z < oz2 and oz < z2:
                return False
            lower = other if oz < z else unit
            if lower.fragile:
                return False
    return True


def _rests(box: Box, boxes: list[Box]) -> bool:
    """Whether at least half of its base lies on the floor or on other boxes."""
    x, y, z, x2, y2, _, _ = box
    if z == 0:
        return True
    rest = 0
    for ox, oy, _, ox2, oy2, oz2, _ in boxes:
        if oz2 == z:
            wide, deep = min(x2, ox2) - max(x, ox), min(y2, oy2) - max(y, oy)
            if wide > 0 and deep > 0:
                rest += wide * deep
    return 2 * rest >= (x2 - x) * (y2 - y)


def _renewed(points: list[Point], box: Box, boxes: list[Box], inner: Size, axes: tuple[int, int, int]) -> list[Point]:
    """The points without those that the new box covers, and with those that it brings, in the order of `axes`."""
    left = {point for point in points if not _covers(box, point)}
    for point, slides in (
        ((box.x2, box.y, box.z), (1, 2)),
        ((box.x, box.y2, box.z), (0, 2)),
        ((box.x, box.y, box.z2), (0, 1)),
    ):
        for axis in slides:
            new = _slid(point, axis, boxes)
            if all(at < room for at, room in zip(new, inner, strict=True)):
                left.add(new)
    first, second, third = axes
    return sorted(left, key=lambda point: (point[first], point[second], point[third]))[:POINTS_MAX]


def _covers(box: Box, point: Point) -> bool:
    x, y, z = point
    return box.x <= x < box.x2 and box.y <= y < box.y2 and box.z <= z < box.z2


def _slid(point: Point, axis: int, boxes: list[Box]) -> Point:
    """The point moved down along an axis until it meets a box or the wall."""
    first, second = (other for other in range(3) if other != axis)
    nearest = 0
    for box in boxes:
        low, high = box[:3], box[3:6]
        if (
            nearest < high[axis] <= point[axis]
            and low[first] <= point[first] < high[first]
            and low[second] <= point[second] < high[second]
        ):
            nearest = high[axis]
    moved = list(point)
    moved[axis] = nearest
    return moved[0], moved[1], moved[2]
