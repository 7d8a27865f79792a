"""What a transfer knows of lots stays with the units."""

from __future__ import annotations

from actors.domain.location_commands import ReceiptLine
from actors.domain.transfer_commands import (
    DispatchPackages,
    ReceivedLine,
    ReceiveUnits,
    StartPicking,
)
from tests.unit.domain.transfer_steps import on_the_road, refused
from tests.unit.domain.transfer_world import (
    DAY_MS,
    PORTLAND,
    SEATTLE,
    TODAY,
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
