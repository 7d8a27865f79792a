"""A short pick that says of which lot: from the trip to the location's books."""

from __future__ import annotations

import pytest

from actors.domain.errors import Refused
from actors.domain.floor_commands import TellShort
from actors.domain.location_commands import Allocate, ReceiptLine, ReceiveStock, ShortPick
from actors.domain.manifest_commands import CloseManifest, NoteManifest, ScanParcel
from actors.domain.order_commands import UpdateOrder
from actors.domain.shipment_commands import CloseParcel, PackUnits, TakeOut, TellMissing
from tests.unit.domain.books import Books
from tests.unit.domain.floor_world import PLACE, TODAY, World
from tests.unit.domain.packing_world import ORDER, SEATTLE, SHIPMENT, PackingWorld

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
        # Of a lot of which it has less, the rest is of what ends soonest; so is what is of a lot that it has
        # not, or that nobody knows.
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


# --- at the pack station ---------------------------------------------------------------------------------------------
ALLOTTED = [("lotted", "L1", 3), ("lotted", "L2", 1)]


@pytest.fixture(params=["order", "sample"])
def packed(request) -> tuple[PackingWorld, str]:
    """All of L1 is in the parcel, and nothing of L2; of an order, or of a manual shipment."""
    world = PackingWorld()
    name = world.opened(("lotted", 4)) if request.param == "order" else world.manual(("lotted", 4))
    world.parcel(name=name, close=False)
    world.step(PackUnits(1, "lotted", 3, "L1", [("L1", 3), ("L2", 1)]), name)
    return world, name


def kept(world: PackingWorld, name: str) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """Units by lot on hand, and what is set aside for the shipment."""
    place = world.place(SEATTLE)
    cause = f"{ORDER}.1" if name == SHIPMENT else f"{name}.1"
    return {lot: one.on_hand for lot, one in place.lots["lotted"].items()}, dict(place.claims.get(cause, {}))


def test_another_lot_leaves_the_books_than_the_one_that_is_missing_at_the_table(packed):
    world, name = packed
    world.step(TellMissing([("lotted", 1)], allotted=ALLOTTED), name)
    assert kept(world, name) == ({"L1": 3, "L2": 4}, {("lotted", "L1"): 3})
    world.step(CloseParcel(1, 350, 50, 5), name)
    world.label(name=name)
    ticket = world.at_dock(CloseManifest())
    world.at_dock(NoteManifest(ticket.number, "MF1"))
    world.at_dock(ScanParcel(ticket.number, world.shipment(name).parcels[0].sscc))
    gone = [
        (row.lot, row.on_hand_delta) for row in world.ledger[SEATTLE] if row.sku == "lotted" and row.reason == "ship"
    ]
    assert gone == [("L1", -3)]


@pytest.mark.parametrize(
    ("taken_out", "lines", "lots", "code"),
    [
        # Two of them are in no parcel, of two lots: which one is it?
        (1, 1, [], "shipment.lot_required"),
        (1, 1, [("lotted", "L3", 1)], "shipment.wrong_lot"),
        (0, 1, [("lotted", "L1", 1)], "shipment.wrong_lot"),
        (1, 2, [("lotted", "L2", 1), ("lotted", "L2", 1)], "shipment.sku_repeated"),
    ],
)
def test_a_lot_is_guessed_at_the_table(packed, taken_out, lines, lots, code):
    world, name = packed
    if taken_out:
        world.step(TakeOut(1, "lotted", taken_out, "L1"), name)
    before = kept(world, name)
    with pytest.raises(Refused) as caught:
        world.step(TellMissing([("lotted", lines)], [], lots, ALLOTTED), name)
    assert (caught.value.body.code, kept(world, name)) == (code, before)


@pytest.mark.parametrize(
    ("lines", "lots", "left"),
    [(1, [("lotted", "L1", 1)], {"L1": 2, "L2": 5}), (2, [], {"L1": 2, "L2": 4}), (2, [("lotted", "L1", 1)], {"L1": 2, "L2": 4})],
)  # fmt: skip
def test_a_lot_that_is_named_at_the_table_or_can_be_no_other_stays_in_the_books(packed, lines, lots, left):
    world, name = packed
    world.step(TakeOut(1, "lotted", 1, "L1"), name)
    world.step(TellMissing([("lotted", lines)], [], lots, ALLOTTED), name)
    assert kept(world, name)[0] == left


def test_goods_without_lots_are_told_as_missing_with_one():
    world = PackingWorld()
    world.opened(("a", 2))
    with pytest.raises(Refused, match="not kept by lot"):
        world.step(TellMissing([("a", 1)], [], [("a", "L1", 1)]))


def test_what_came_before_lots_were_kept_can_not_be_told_as_missing():
    world = PackingWorld()
    world.opened(("lotted", 2))
    world.step(TellMissing([("lotted", 2)]))
    assert world.status() == "cancelled"
