"""What a transfer knows of lots stays with the units."""

from __future__ import annotations

from actors.domain import transfer_receiving
from actors.domain.kind import Context
from actors.domain.location_commands import ReceiptLine
from actors.domain.transfer_commands import (
    DispatchPackages,
    ReceivedLine,
    ReceiveUnits,
    StartPicking,
)
from actors.domain.transfer_events import ReceiptBooked
from actors.domain.transfer_receiving import arrived, booked, receive
from tests.unit.domain.transfer_steps import furnished, on_the_road, refused
from tests.unit.domain.transfer_world import (
    DAY_MS,
    NOW_MS,
    PORTLAND,
    SEATTLE,
    TODAY,
    TRANSFER,
    World,
    package,
    request,
)


def test_another_lot_or_another_expiry_arrives_than_left():
    world = World()
    world.receive(SEATTLE, ReceiptLine("m", 6, None, "L2", TODAY + 90), ReceiptLine("m", 4, None, "L1", TODAY + 30))
    world.ask(request(("m", 7)))
    world.ask(StartPicking())
    sent = world.ask(DispatchPackages([package(("m", 5)), package(("m", 2))]))
    assert [[(one.lot, one.quantity, one.expires_on) for one in p.lines] for p in sent.packages] == [
        [("L1", 4, TODAY + 30), ("L2", 1, TODAY + 90)],
        [("L2", 2, TODAY + 90)],
    ]
    assert world.ask(ReceiveUnits(packages=["1", "2"])).outcome == "complete"
    there = {name: (lot.on_hand, lot.expires_on) for name, lot in world.place(PORTLAND).lots["m"].items()}
    assert there == {"L1": (4, TODAY + 30), "L2": (3, TODAY + 90)}


def test_a_lot_that_ended_on_the_road_can_not_be_received_or_is_sold():
    world = World()
    world.receive(SEATTLE, ReceiptLine("m", 5, None, "L1", TODAY + 1))
    on_the_road(("m", 5), world=world)
    world.now_ms += 3 * DAY_MS
    assert world.ask(ReceiveUnits(lines=[ReceivedLine("m", 5)])).outcome == "complete"
    stock = world.place(PORTLAND).stock["m"]
    assert (stock.on_hand, stock.quality_hold, stock.available) == (5, 5, 0)
    assert world.line("m").damaged == 5


def test_a_serial_number_is_one_among_others_after_its_way():
    world = World()
    world.receive(SEATTLE, ReceiptLine("phone", 1, None, "S-1", serial=True), ReceiptLine("phone", 1, None, "S-2"))
    on_the_road(("phone", 2), world=world)
    assert world.ask(ReceiveUnits(lines=[ReceivedLine("phone", 1, lot="S-1")])).status == "receiving"
    assert world.place(PORTLAND).lots["phone"]["S-1"].serial


def test_units_of_a_lot_are_received_that_was_not_sent():
    world = World()
    world.receive(SEATTLE, ReceiptLine("m", 5, None, "L1", TODAY + 50))
    on_the_road(("m", 5), world=world)
    assert refused(world, ReceiveUnits(lines=[ReceivedLine("m", 1, lot="L9")])) == "transfer.more_than_sent"


def test_a_receipt_without_lots_is_refused_as_one_of_too_many(monkeypatch):
    monkeypatch.setattr(transfer_receiving, "LOTS_MAX", 1)
    world = on_the_road(("a", 2), ("b", 2), world=furnished(a=2, b=2))
    assert world.ask(ReceiveUnits(packages=["1"])).outcome == "complete"


# --- thousands of numbers in one package ------------------------------------------------------------------------------
class Looked(list):
    """Counts how many of its lines were looked at."""

    seen = 0

    def __iter__(self):
        for one in super().__iter__():
            Looked.seen += 1
            yield one

    def __getitem__(self, at):
        Looked.seen += 1
        return super().__getitem__(at)


def of_numbers(n: int) -> World:
    world = World()
    world.receive(SEATTLE, *(ReceiptLine("s", 1, None, f"N{k:05}", serial=True) for k in range(n)))
    on_the_road(("s", n), world=world)
    return world


def looks(n: int) -> int:
    """How many lines of the package a receipt of all of it looks at."""
    transfer = of_numbers(n).transfer()
    package = transfer.packages[0]
    package.lines = Looked(package.lines)
    Looked.seen = 0
    context = Context(TRANSFER, "c", NOW_MS)
    for event in receive(transfer, ReceiveUnits(["1"]), context):
        arrived(transfer, event)
        booked(transfer, ReceiptBooked(event.receipt))
    assert package.status == "arrived"
    return Looked.seen


def test_a_receipt_of_many_numbers_looks_at_each_of_them_for_each_of_them():
    few, many = looks(50), looks(200)
    assert many <= 4 * few
    assert many < 200 * 10


def test_numbers_that_are_named_one_by_one_are_each_looked_for_in_the_whole_package():
    seen = []
    for n in (50, 200):
        transfer = of_numbers(n).transfer()
        transfer.packages[0].lines = Looked(transfer.packages[0].lines)
        Looked.seen = 0
        lines = [ReceivedLine("s", 1, lot=f"N{k:05}") for k in range(n)]
        (event,) = receive(transfer, ReceiveUnits(lines=lines), Context(TRANSFER, "c", NOW_MS))
        assert [one.lot for one in event.lines] == [line.lot for line in lines]
        seen.append(Looked.seen)
    assert seen[1] <= 4 * seen[0]


def test_a_receipt_has_so_many_numbers_that_all_others_wait_for_it(monkeypatch):
    monkeypatch.setattr(transfer_receiving, "LOTS_MAX", 20)
    world = of_numbers(50)
    assert refused(world, ReceiveUnits(["1"])) == "transfer.too_many_lots"
    for _ in range(2):
        assert world.ask(ReceiveUnits(lines=[ReceivedLine("s", 20, package="1")])).status == "receiving"
    assert world.ask(ReceiveUnits(["1"])).outcome == "complete"
    assert world.place(PORTLAND).stock["s"].on_hand == 50
