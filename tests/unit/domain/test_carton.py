"""A packing that nobody can pack: units in one another's place, out of the carton, too heavy, lost or
twice, or on top of glasses."""

from collections import Counter
from functools import cache
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain import carton
from actors.domain.carton import (
    CARTON_TYPES_MAX,
    ITEMS_MAX,
    STEPS_MAX,
    UNITS_MAX,
    CartonType,
    Item,
    PackedParcel,
    pack,
)
from actors.domain.carton_space import FILL_STEPS_MAX, Steps
from actors.domain.errors import Refused

HAZARDS = ("", "UN3481", "UN1950")
# Each of these goes into each of those: what does not is told by example below.
sides = st.integers(5, 120)
cartons = st.lists(
    st.builds(
        CartonType,
        carton=st.just(""),
        length_mm=st.integers(120, 300),
        width_mm=st.integers(120, 250),
        height_mm=st.integers(120, 200),
        weight_g=st.integers(0, 200),
        weight_max_g=st.integers(1_200, 5_000),
        cost=st.integers(0, 100),
    ),
    min_size=1,
    max_size=4,
).map(
    lambda found: [
        CartonType(
            f"c{n}", one.length_mm, one.width_mm, one.height_mm, one.weight_g, one.weight_max_g, one.cost
        ) for n, one in enumerate(found)
    ]
)  # fmt: skip
goods = st.builds(
    Item,
    sku=st.just("?"),
    units=st.integers(1, 4),
    length_mm=sides,
    width_mm=sides,
    height_mm=sides,
    weight_g=st.integers(0, 1_000),
    upright=st.booleans(),
    fragile=st.booleans(),
    hazard=st.sampled_from(HAZARDS),
    not_with=st.lists(st.sampled_from(HAZARDS), max_size=2, unique=True).map(tuple),
)
orders = st.lists(goods, min_size=1, max_size=8).map(
    lambda found: [
        Item(
            f"s{n}", one.units, one.length_mm, one.width_mm, one.height_mm, one.weight_g, one.upright, one.fragile,
            one.hazard, one.not_with,
        ) for n, one in enumerate(found)
    ]
)  # fmt: skip


def refusal(*arguments):
    with pytest.raises(Refused) as caught:
        pack(*arguments)
    return caught.value.body


def ends(place) -> tuple[tuple[int, int], ...]:
    return (place.x, place.x + place.dx), (place.y, place.y + place.dy), (place.z, place.z + place.dz)


def meet(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def problems(parcel: PackedParcel, items: list[Item], types: list[CartonType]) -> list[str]:
    """Everything that is wrong with a parcel, by the plain reading of the rules."""
    item = {one.sku: one for one in items}
    chosen = next(one for one in types if one.carton == parcel.carton)
    found = []
    for at, place in enumerate(parcel.placements):
        told, spans = item[place.sku], ends(place)
        upright = (told.length_mm, told.width_mm, told.height_mm)
        if sorted((place.dx, place.dy, place.dz)) != sorted(upright) or (told.upright and place.dz != told.height_mm):
            found.append("turned in a way that it may not be")
        if any(low < 0 or high > inner for (low, high), inner in zip(spans, chosen.inner, strict=True)):
            found.append("out of the carton")
        rest = 0
        for before in parcel.placements[:at]:
            other = ends(before)
            if all(meet(a, b) for a, b in zip(spans, other, strict=True)):
                found.append("in another one's place")
            above = meet(spans[0], other[0]) and meet(spans[1], other[1])
            if above and item[(before if before.z < place.z else place).sku].fragile:
                found.append("on something fragile")
            if above and other[2][1] == place.z:
                rest += (min(spans[0][1], other[0][1]) - max(spans[0][0], other[0][0])) * (
                    min(spans[1][1], other[1][1]) - max(spans[1][0], other[1][0])
                )
        if place.z and 2 * rest < place.dx * place.dy:
            found.append("in the air, when it is put in")
    inside = [item[place.sku] for place in parcel.placements]
    for at, one in enumerate(inside):
        for other in inside[at + 1 :]:
            if (one.hazard and one.hazard in other.not_with) or (other.hazard and other.hazard in one.not_with):
                found.append("a hazard beside what it may not be with")
    if (
        parcel.weight_g != chosen.weight_g + sum(one.weight_g for one in inside)
        or parcel.weight_g > chosen.weight_max_g
    ):
        found.append("too heavy, or it says another weight")
    volume = sum(place.dx * place.dy * place.dz for place in parcel.placements)
    if abs(parcel.fill - volume / (chosen.length_mm * chosen.width_mm * chosen.height_mm)) > 1e-4:
        found.append("says that it is filled otherwise")
    return found


@settings(max_examples=150, deadline=None)
@given(orders, cartons)
def test_a_parcel_can_not_be_packed_as_it_says(items, types):
    parcels = pack(items, types, 5_000)
    assert [problem for parcel in parcels for problem in problems(parcel, items, types)] == []
    packed = Counter(place.sku for parcel in parcels for place in parcel.placements)
    assert packed == {item.sku: item.units for item in items}


@settings(max_examples=40, deadline=None)
@given(orders, cartons, st.randoms(use_true_random=False))
def test_the_same_order_is_packed_otherwise_the_next_time(items, types, rng):
    first = pack(items, types, 3_000)
    shuffled = list(types)
    rng.shuffle(shuffled)
    assert pack(items, types, 3_000) == first
    assert pack(items, shuffled, 3_000) == first


# --- beside trying everything ---------------------------------------------------------------------------------------
GRID = (4, 3, 2)
UNIT_MM = 50
small_sizes = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 2))


@cache
def ways(size: tuple[int, int, int]) -> tuple[int, ...]:
    """Each way in which a box may lie in the grid, as the set of its cells (one bit each)."""
    found = set()
    for turned in set(permutations(size)):
        for corner in product(*(range(inner - side + 1) for inner, side in zip(GRID, turned, strict=True))):
            cells = product(*(range(at, at + side) for at, side in zip(corner, turned, strict=True)))
            found.add(sum(1 << ((x * GRID[1] + y) * GRID[2] + z) for x, y, z in cells))
    return tuple(sorted(found))


@cache
def least_cartons(left: tuple[tuple[int, int, int], ...], taken: tuple[int, ...] = (), most: int = 6) -> int:
    """As few as can be, floating or not: every way of every box in every carton is tried."""
    if not left:
        return len(taken)
    best = most
    for at, cells in enumerate((*taken, 0)):
        opened = max(len(taken), at + 1)
        if opened >= best:
            continue
        for way in ways(left[0]):
            if not way & cells:
                now = tuple(sorted((*taken[:at], cells | way, *taken[at + 1 :])))
                best = min(best, least_cartons(left[1:], now, best))
    return best


@settings(max_examples=120, deadline=None)
@given(st.lists(small_sizes, min_size=1, max_size=5))
def test_a_small_order_takes_two_cartons_more_than_it_has_to(sizes):
    only = CartonType("c", *(side * UNIT_MM for side in GRID), 0, 10_000)
    items = [Item(f"s{n}", 1, *(side * UNIT_MM for side in size), 1) for n, size in enumerate(sizes)]
    needed = least_cartons(tuple(sorted(sizes, reverse=True)))
    assert needed <= len(pack(items, [only])) <= needed + 1


# --- by example -----------------------------------------------------------------------------------------------------
SMALL = CartonType("small", 200, 150, 100, 100, 2_000, 40)
LARGE = CartonType("large", 400, 300, 200, 400, 10_000, 90)


def test_a_dearer_carton_is_taken_than_needed():
    cheap = CartonType("cheap", 400, 300, 200, 400, 10_000, 30)
    assert [parcel.carton for parcel in pack([Item("a", 1, 100, 100, 100, 10)], [SMALL, LARGE, cheap])] == ["cheap"]
    assert [parcel.carton for parcel in pack([Item("a", 1, 100, 100, 100, 10)], [LARGE, SMALL])] == ["small"]


def test_the_last_parcel_goes_in_a_carton_that_is_far_too_large():
    parcels = pack(
        [Item("a", 9, 200, 150, 200, 100)], [SMALL, LARGE, CartonType("tall", 210, 160, 210, 100, 2_000, 50)]
    )
    assert [(parcel.carton, len(parcel.placements)) for parcel in parcels] == [("large", 4), ("large", 4), ("tall", 1)]


def test_a_full_carton_has_room_left():
    (parcel,) = pack([Item("a", 24, 100, 100, 100, 10)], [LARGE])
    assert (parcel.fill, parcel.weight_g) == (1.0, 640)


def test_what_stands_upright_is_laid_down():
    long_carton = CartonType("long", 400, 100, 100, 0, 5_000)
    assert len(pack([Item("bottle", 1, 80, 80, 300, 900)], [long_carton])) == 1
    body = refusal([Item("bottle", 1, 80, 80, 300, 900, upright=True)], [long_carton])
    assert (body.code, body.extra) == ("packing.does_not_fit", {"skus": ["bottle"]})


def test_glasses_are_stacked():
    tower = CartonType("tower", 100, 100, 400, 0, 5_000)
    assert len(pack([Item("glass", 4, 100, 100, 100, 100)], [tower])) == 1
    assert len(pack([Item("glass", 4, 100, 100, 100, 100, fragile=True)], [tower])) == 4
    (parcel,) = pack([Item("glass", 1, 100, 100, 100, 100, fragile=True), Item("book", 3, 100, 100, 100, 9)], [tower])
    assert [place.sku for place in parcel.placements] == ["book", "book", "book", "glass"]


def test_a_hazard_is_packed_beside_what_it_may_not_be_with():
    spray = Item("spray", 2, 50, 50, 50, 10, hazard="UN1950", not_with=("UN3481",))
    phone = Item("phone", 2, 50, 50, 50, 10, hazard="UN3481")
    parcels = pack([spray, phone, Item("sock", 2, 50, 50, 50, 10)], [SMALL])
    assert len(parcels) == 2
    for parcel in parcels:
        assert {"spray", "phone"} > {place.sku for place in parcel.placements} & {"spray", "phone"}
    alone = Item("acid", 3, 10, 10, 10, 10, hazard="UN1830", not_with=("UN1830",))
    assert len(pack([alone], [SMALL])) == 3


def test_a_carton_that_holds_it_breaks_under_it():
    body = refusal([Item("anvil", 1, 10, 10, 10, 10_000), Item("a", 1, 10, 10, 10, 1)], [SMALL, LARGE])
    assert (body.code, body.extra) == ("packing.does_not_fit", {"skus": ["anvil"]})
    assert len(pack([Item("weights", 4, 10, 10, 10, 1_000)], [SMALL])) == 4


def test_what_fits_into_nothing_keeps_quiet_about_the_others_that_do_not_either():
    items = [Item("rod", 1, 1_000, 10, 10, 1), Item("a", 1, 10, 10, 10, 1), Item("board", 2, 500, 500, 5, 1)]
    assert refusal(items, [SMALL, LARGE]).extra == {"skus": ["board", "rod"]}


def test_nonsense_is_packed():
    a = Item("a", 1, 10, 10, 10, 1)
    assert refusal([], [SMALL]).code == "packing.nothing_to_pack"
    assert refusal([a], []).code == "packing.no_cartons"
    assert refusal([a, a], [SMALL]).code == "packing.item_repeated"
    assert refusal([a], [SMALL, SMALL]).code == "packing.carton_repeated"
    many = [Item(f"s{n}", 1, 10, 10, 10, 1) for n in range(ITEMS_MAX + 1)]
    assert refusal(many, [SMALL]).code == "packing.too_many"
    assert refusal([Item("a", UNITS_MAX, 1, 1, 1, 1), Item("b", 1, 1, 1, 1, 1)], [SMALL]).extra == {
        "units": UNITS_MAX + 1
    }
    kinds = [CartonType(f"c{n}", 100, 100, 100, 0, 100) for n in range(CARTON_TYPES_MAX + 1)]
    assert refusal([a], kinds).code == "packing.too_many"


@pytest.mark.parametrize("apart", [False, True])
def test_an_order_made_to_be_slow_takes_work_without_end(apart, monkeypatch):
    counted = []
    monkeypatch.setattr(carton, "Steps", lambda left: counted.append(Steps(left)) or counted[-1])
    kinds = [
        CartonType(f"c{n}", 150 + 9 * n, 150 + 7 * n, 150 + 5 * n, 100, 30_000, n) for n in range(CARTON_TYPES_MAX)
    ]
    hazard = {"hazard": "X", "not_with": ("X",)} if apart else {}
    items = [
        Item(f"s{n}", 3, 20 + 7 * n % 130, 20 + 11 * n % 120, 20 + 13 * n % 110, 20, **hazard) for n in range(ITEMS_MAX)
    ]
    parcels = pack(items, kinds)
    assert Counter(place.sku for parcel in parcels for place in parcel.placements) == {item.sku: 3 for item in items}
    # Behind the limit there is one try for each parcel.
    assert -counted[0].left <= len(parcels) * 2 * FILL_STEPS_MAX
    assert -counted[0].left <= STEPS_MAX


def test_no_steps_are_left_and_there_is_no_answer():
    items = [Item(f"s{n}", 3, 20 + n, 30, 40 + n, 10) for n in range(20)]
    parcels = pack(items, [SMALL, LARGE], 0)
    assert Counter(place.sku for parcel in parcels for place in parcel.placements) == {f"s{n}": 3 for n in range(20)}
    assert [problem for parcel in parcels for problem in problems(parcel, items, [SMALL, LARGE])] == []


def test_the_last_parcels_of_a_large_order_get_no_steps():
    # What goes into one carton is found to be so behind parcels that have used up a part of the steps.
    items = [Item("big", 4, 390, 290, 190, 100), Item("small", 2, 90, 90, 90, 100)]
    assert [parcel.carton for parcel in pack(items, [SMALL, LARGE])] == ["large"] * 4 + ["small"]
