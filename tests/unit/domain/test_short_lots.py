"""A short pick that says of which lot: from the trip to the location's books."""

from __future__ import annotations

import pytest

from actors.domain.errors import Refused
from actors.domain.floor_commands import TellShort
from actors.domain.location_commands import Allocate, ReceiptLine, ReceiveStock, ShortPick
from actors.domain.order_commands import UpdateOrder
from tests.unit.domain.books import Books
from tests.unit.domain.floor_world import PLACE, TODAY, World

CAUSE = "us-o.1"


def lots(books: Books) -> dict[str, int]:
    return {name: lot.on_hand for name, lot in books.state.lots["m"].items()}


@pytest.fixture
def books() -> Books:
    made = Books()
    made.do(ReceiveStock([ReceiptLine("m", 3, lot="soon", expires_on=TODAY + 3), ReceiptLine("m", 4, lot="late")]))
    made.do(Allocate("us-o", 1, [("m", 5)]))
    return made


def test_another_lot_leaves_the_books_than_the_one_that_is_missing(books):
    books.do(ShortPick("us-o", 1, [("m", 2)], [("m", "late", 2)]))
    assert lots(books) == {"soon": 3, "late": 2}
    assert books.state.claims[CAUSE] == {("m", "soon"): 3}


def test_without_a_lot_those_that_end_soonest_stay(books):
    books.do(ShortPick("us-o", 1, [("m", 2)]))
    assert lots(books) == {"soon": 1, "late": 4}


@pytest.mark.parametrize(
    ("named", "left"),
    [
        # Of a lot of which it has less, the rest is of what ends soonest; so is what is of a lot that it has not, or that nobody knows.
        ([("m", "late", 4)], {"soon": 1, "late": 2}),
        ([("m", "nowhere", 4)], {"late": 3}),
        ([("m", "late", 1), ("m", "late", 1)], {"soon": 1, "late": 2}),
        ([("x", "late", 2)], {"late": 3}),
        ([("m", "late", -5)], {"late": 3}),
    ],
)
def test_a_lot_that_it_does_not_have_stops_the_message(books, named, left):
    books.do(ShortPick("us-o", 1, [("m", 4)], named))
    assert lots(books) == left
    stock = books.state.stock["m"]
    assert (stock.on_hand, stock.allocated) == (3, 1)


def test_what_the_trip_says_is_forgotten_on_its_way_to_the_books():
    world = World()
    world.receive(
        ReceiptLine("m", 5, lot="soon", expires_on=TODAY + 30, bin="B-01"), ReceiptLine("m", 9, lot="late", bin="A-02")
    )
    name = world.order(("m", 7))
    world.settle()
    world.plan()
    trip = world.claim("mia").trip
    tasks = {task.lot: number for number, task in enumerate(world.floor().trips[trip].tasks, 1)}
    world.do("floor", PLACE, TellShort(trip, tasks["late"], 2, by="mia"))
    world.settle()
    place = world.place()
    assert {lot: one.on_hand for lot, one in place.lots["m"].items()} == {"soon": 5, "late": 7}
    assert place.claims[name] == {("m", "soon"): 5}
    # Nothing is outside of bins that is in none: the bin lost what the lot lost.
    assert place.contents["m"] == {("B-01", "soon"): 5, ("A-02", "late"): 7}
    assert world.parked == []


def test_more_units_of_lots_are_missing_than_are_missing():
    world = World(floor=False)
    world.receive(ReceiptLine("a", 5))
    name = world.order(("a", 3))
    world.settle()
    world.update(name, "start_picking")
    before = world.bought(name)
    with pytest.raises(Refused) as refused:
        world.do("order", name[:-2], UpdateOrder("short_pick", 1, lines=[("a", 1)], lots=[("a", "x", 2)]))
    assert refused.value.body.code == "order.short_pick_lots"
    assert world.bought(name) == before
