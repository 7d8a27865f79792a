"""Cartons: into which ones the units of an order go, and how they stand in them.

    units ──▶ all in one? the cheapest carton that takes them all
                 └ no ──▶ the carton that takes most by volume, of equals the cheapest ──▶ again with the rest

Few parcels come before cheap cartons, since each parcel costs postage. How a single carton is filled is
`carton_space.py`; several orders of units and of places are tried for each, as long as there are steps left. Everything
is integers and counted, so the same units are packed in the same way wherever it is done. It takes milliseconds: ask
for it outside of a turn, and let the command carry the answer.

It does not always find the best: on small cases, compared with trying everything, at most one carton more
(`tests/unit/domain/test_carton.py`); figures of larger ones are in `docs/domain/packing.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec

from actors.domain.carton_space import Box, Size, Steps, Unit, close_to_walls, fill, fits_alone, many_alike
from actors.domain.errors import Refused

UNITS_MAX = 300
ITEMS_MAX = 100
CARTON_TYPES_MAX = 40
HAZARDS_MAX = 20
SIDE_MM_MAX = 10_000
WEIGHT_G_MAX = 1_000_000
# Of work for one order (`carton_space.Steps`); past that, the first answer counts. What more would
# bring: docs/domain/packing.md.
STEPS_MAX = 150_000

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Side = Annotated[int, msgspec.Meta(ge=1, le=SIDE_MM_MAX, description="mm")]
Weight = Annotated[int, msgspec.Meta(ge=0, le=WEIGHT_G_MAX, description="g")]
Hazard = Annotated[str, msgspec.Meta(max_length=16, description='hazard class, "" for none', examples=["UN3481"])]


class Item(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Units of one SKU, each of this size (mm) and weight (g).

    upright: this side up, so that it is turned around its vertical axis only. fragile: nothing may lie above it.
    not_with: hazard classes with which it may not share a carton."""

    sku: Name
    units: Annotated[int, msgspec.Meta(ge=1, le=UNITS_MAX)]
    length_mm: Side
    width_mm: Side
    height_mm: Side
    weight_g: Weight
    upright: bool = False
    fragile: bool = False
    hazard: Hazard = ""
    not_with: Annotated[tuple[Hazard, ...], msgspec.Meta(max_length=HAZARDS_MAX)] = ()


class CartonType(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A carton that the location has. Sides: inner, in mm. weight_max_g: of the packed parcel, the carton's own weight
    included. cost: of the carton, in minor units of the region's currency."""

    carton: Name
    length_mm: Side
    width_mm: Side
    height_mm: Side
    weight_g: Weight
    weight_max_g: Weight
    cost: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0

    @property
    def inner(self) -> Size:
        """Length, width, height in mm."""
        return self.length_mm, self.width_mm, self.height_mm

    @property
    def volume(self) -> int:
        """In mm³."""
        return self.length_mm * self.width_mm * self.height_mm

    @property
    def load_max_g(self) -> int:
        """What may go in."""
        return self.weight_max_g - self.weight_g


class Placement(msgspec.Struct, frozen=True, gc=False):
    """One unit in its carton: its corner nearest to the carton's, and how long it is along each
    axis from there, in mm."""

    sku: str
    x: int
    y: int
    z: int
    dx: int
    dy: int
    dz: int


class PackedParcel(msgspec.Struct, frozen=True, gc=False):
    """A packed carton. placements: in the order in which to put them in. weight_g: with the carton. fill: share of
    its inner volume, 0 to 1."""

    carton: str
    placements: tuple[Placement, ...]
    weight_g: int
    fill: float


# By which coordinates places are tried: layer by layer, and wall by wall along either side.
_AXES = ((2, 1, 0), (0, 2, 1), (1, 2, 0))
_WAYS = tuple((turning, axes) for turning in (close_to_walls, many_alike) for axes in _AXES)
# How units are ordered, largest first; what is fragile always comes last, since nothing may lie above it.
_ORDERS: tuple[Callable[[Unit], tuple[int, ...]], ...] = (
    lambda unit: (unit.volume, max(unit.size)),
    lambda unit: (max(unit.size), unit.volume),
    lambda unit: (min(unit.size), unit.volume),
)


def pack(items: Sequence[Item], cartons: Sequence[CartonType], steps_max: int = STEPS_MAX) -> tuple[PackedParcel, ...]:
    """The parcels of these items, each unit in exactly one.

    Errors: `packing.nothing_to_pack`, `packing.no_cartons`, `packing.too_many`, `packing.item_repeated`,
    `packing.carton_repeated`; `packing.does_not_fit` names the SKUs (`skus`) that go into no
    carton by size or weight."""
    _check(items, cartons)
    types = sorted(cartons, key=lambda one: (one.cost, one.volume, one.carton))
    left = _units(items)
    lost = sorted({unit.sku for unit in left if not any(_takes(one, unit) for one in types)})
    if lost:
        raise Refused("packing.does_not_fit", f"There is no carton for {', '.join(lost[:5])}.", skus=lost)
    search = _Search(types, Steps(steps_max))
    parcels: list[PackedParcel] = []
    while left:
        filled = search.all_in_one(left) or search.most_of(left)
        parcels.append(_parcel(*filled))
        left = _without(left, filled[1])
    return tuple(parcels)


class _Search:
    """Tries to fill single cartons, while there are steps."""

    def __init__(self, types: Sequence[CartonType], steps: Steps) -> None:
        self._types = types
        self._steps = steps

    def all_in_one(self, units: list[Unit]) -> tuple[CartonType, list[Box]] | None:
        """The first carton (cheapest first) in which all of them go. It may take a third of the steps that are left."""
        if self._steps.left <= 0 or not _agree(units):
            return None
        floor = 2 * self._steps.left // 3
        volume, weight = sum(unit.volume for unit in units), sum(unit.weight_g for unit in units)
        for one in self._types:
            if one.volume < volume or one.load_max_g < weight or not all(_takes(one, unit) for unit in set(units)):
                continue
            boxes = self._fullest(one, units, floor)
            if len(boxes) == len(units):
                return one, boxes
            if self._steps.left <= floor:
                return None
        return None

    def most_of(self, units: list[Unit]) -> tuple[CartonType, list[Box]]:
        """The carton in which most goes by volume; of equals, the cheapest. It may take half of the steps that are
        left, and with none left the largest carton that takes something is it."""
        floor = max(0, self._steps.left // 2)
        best: tuple[CartonType, list[Box]] | None = None
        most = 0
        # From the largest on, so that what can't be better needs no try.
        for one in sorted(self._types, key=lambda one: (-one.volume, one.cost, one.carton)):
            if one.volume < most or (most and self._steps.left <= floor):
                break
            boxes = self._fullest(one, units, floor)
            volume = _volume(boxes)
            if volume > most or (volume == most and best is not None and one.cost < best[0].cost):
                best, most = (one, boxes), volume
        assert best is not None, "each unit fits into some carton alone"
        return best

    def _fullest(self, one: CartonType, units: list[Unit], floor: int) -> list[Box]:
        best: list[Box] = []
        most = -1
        for order in _ORDERS:
            ordered = sorted(units, key=lambda unit: (unit.fragile, tuple(-n for n in order(unit)), unit.sku))
            for turning, axes in _WAYS:
                # The first try is made in any case, so that there is an answer.
                if most >= 0 and self._steps.left <= floor:
                    return best
                boxes = fill(one.inner, one.load_max_g, ordered, axes, turning, self._steps)
                if _volume(boxes) > most:
                    best, most = boxes, _volume(boxes)
                if len(best) == len(units):
                    return best
        return best


def _check(items: Sequence[Item], cartons: Sequence[CartonType]) -> None:
    units = sum(item.units for item in items)
    if not items:
        raise Refused("packing.nothing_to_pack", "There is nothing to pack.")
    if not cartons:
        raise Refused("packing.no_cartons", "There are no cartons to choose from.")
    if len(items) > ITEMS_MAX or units > UNITS_MAX or len(cartons) > CARTON_TYPES_MAX:
        raise Refused(
            "packing.too_many",
            f"At most {ITEMS_MAX} SKUs, {UNITS_MAX} units and {CARTON_TYPES_MAX} kinds of cartons at once: pack it in parts.",
            units=units,
        )
    for code, names in (
        ("packing.item_repeated", [item.sku for item in items]),
        ("packing.carton_repeated", [one.carton for one in cartons]),
    ):
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise Refused(code, f"{twice[0]} stands there more than once.", names=twice)


def _units(items: Sequence[Item]) -> list[Unit]:
    return [
        Unit(
            item.sku, (item.length_mm, item.width_mm, item.height_mm), item.weight_g, item.upright, item.fragile,
            item.hazard, frozenset(filter(None, item.not_with)),
        )
        for item in items
        for _ in range(item.units)
    ]  # fmt: skip


def _takes(one: CartonType, unit: Unit) -> bool:
    return unit.weight_g <= one.load_max_g and fits_alone(unit, one.inner)


def _agree(units: list[Unit]) -> bool:
    """Whether all of them may share a carton."""
    kinds = Counter((unit.hazard, unit.not_with) for unit in units)
    # A hazard that goes alone is apart from its own kind too.
    if any(hazard in not_with and count > 1 for (hazard, not_with), count in kinds.items()):
        return False
    found = {hazard for hazard, _ in kinds}
    return not any(found & not_with - {hazard} for hazard, not_with in kinds)


def _without(units: list[Unit], boxes: list[Box]) -> list[Unit]:
    gone = Counter(box.unit for box in boxes)
    left = []
    for unit in units:
        if gone[unit]:
            gone[unit] -= 1
        else:
            left.append(unit)
    return left


def _volume(boxes: list[Box]) -> int:
    return sum(box.unit.volume for box in boxes)


def _parcel(one: CartonType, boxes: list[Box]) -> PackedParcel:
    return PackedParcel(
        one.carton,
        tuple(Placement(b.unit.sku, b.x, b.y, b.z, b.x2 - b.x, b.y2 - b.y, b.z2 - b.z) for b in boxes),
        one.weight_g + sum(box.unit.weight_g for box in boxes),
        round(_volume(boxes) / one.volume, 4),
    )
