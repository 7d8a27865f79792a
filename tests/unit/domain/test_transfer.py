"""A transfer by example: the whole way, receiving and what does not arrive, with the locations that
it moves units between."""

from __future__ import annotations

import pytest

from actors.domain import ids
from actors.domain.errors import Refused
from actors.domain.transfer_commands import (
    CancelTransfer,
    CloseTransfer,
    DispatchPackages,
    FoundLine,
    ReceivedLine,
    ReceiveUnits,
    SourceShipped,
    StartPicking,
    StopSending,
    TellMissing,
)
from tests.unit.domain.transfer_steps import SSCC, counts, furnished, on_the_road, picking, refused
from tests.unit.domain.transfer_world import (
    NOW_MS,
    PORTLAND,
    SEATTLE,
    TRANSFER,
    package,
    request,
)


# --- the whole way --------------------------------------------------------------------------------------------------
def test_units_are_in_two_places_or_in_none_on_their_way():
    world = furnished()
    asked = world.ask(request(("a", 10)))
    assert (asked.status, asked.allowed) == ("allocated", ["start_picking", "cancel"])
    assert counts(world, SEATTLE) == (100, 10)
    assert world.ask(StartPicking()).status == "picking"
    sent = world.ask(DispatchPackages([package(("a", 4)), package(("a", 2))]))
    assert sent.status == "partly_dispatched"
    assert (counts(world, SEATTLE), world.expected(PORTLAND)) == ((94, 4), {"a": 6})
    assert world.ask(DispatchPackages([package(("a", 4))])).status == "dispatched"
    assert (counts(world, SEATTLE), world.expected(PORTLAND)) == ((90, 0), {"a": 10})
    partly = world.ask(ReceiveUnits(packages=["1"]))
    assert (partly.status, [p.status for p in partly.packages]) == (
        "receiving",
        ["arrived", "on_the_way", "on_the_way"],
    )
    assert (counts(world, PORTLAND), world.expected(PORTLAND)) == ((4, 0), {"a": 6})
    assert world.ask(ReceiveUnits(lines=[ReceivedLine("a", 5)])).status == "receiving"
    over = world.ask(ReceiveUnits(packages=["3"]))
    assert (over.status, over.outcome, over.allowed) == ("closed", "complete", ["receive"])
    assert (counts(world, PORTLAND), world.expected(PORTLAND)) == ((10, 0), {})


def test_the_books_do_not_say_by_which_transfer_stock_changed():
    world = on_the_road(reference="refill-7")
    world.ask(ReceiveUnits(packages=["1"]))
    causes = [
        (event.cause, event.reference, entry.reason)
        for place in (SEATTLE, PORTLAND)
        for event, _ in world.events["location", place]
        if type(event).__name__ == "StockChanged"
        for entry in event.entries
    ]
    part = f"{TRANSFER}.1"
    assert causes[1:] == [(part, "", "allocate"), (part, "", "ship"), (part, "refill-7", "receipt")]


def test_what_the_source_lacks_is_promised_or_not_told():
    world = furnished(a=3)
    asked = world.ask(request(("a", 10), ("b", 2)))
    assert (asked.status, [(line.sku, line.allocated, line.short) for line in asked.lines]) == (
        "allocated",
        [("a", 3, 7), ("b", 0, 2)],
    )
    world.ask(StartPicking())
    world.ask(DispatchPackages([package(("a", 3))]))
    assert world.ask(ReceiveUnits(packages=["1"])).outcome == "partial"


def test_a_transfer_waits_for_ever_for_a_source_that_has_nothing_or_is_not_there():
    world = furnished(b=3)
    asked = world.ask(request(("a", 10)))
    assert (asked.status, asked.outcome, asked.allowed) == ("closed", "nothing_available", [])
    other = ids.transfer_id("us", NOW_MS, "key-2")
    nowhere = world.ask(request(source_id="us-wh-nowhere"), other)
    assert (nowhere.outcome, nowhere.last_refusal) == ("nothing_available", "location.unknown")


# --- receiving ------------------------------------------------------------------------------------------------------
def test_damaged_units_are_sold():
    world = on_the_road()
    over = world.ask(ReceiveUnits(lines=[ReceivedLine("a", 3, "damaged"), ReceivedLine("a", 7)]))
    stock = world.place(PORTLAND).stock["a"]
    assert (over.outcome, stock.on_hand, stock.damaged, stock.available) == ("complete", 10, 3, 7)
    assert over.lines[0].damaged == 3


def test_more_is_received_than_was_sent_or_what_was_found_is_not():
    world = on_the_road()
    assert refused(world, ReceiveUnits(lines=[ReceivedLine("a", 11)])) == "transfer.more_than_sent"
    with pytest.raises(Refused) as error:
        world.do("transfer", TRANSFER, ReceiveUnits(lines=[ReceivedLine("a", 11)]))
    assert error.value.body.extra["in_transit"] == 10
    twice = [ReceivedLine("a", 6), ReceivedLine("a", 5)]
    assert refused(world, ReceiveUnits(lines=twice)) == "transfer.more_than_sent"
    assert refused(world, ReceiveUnits(["1"], [ReceivedLine("a", 1)])) == "transfer.more_than_sent"
    over = world.ask(ReceiveUnits(lines=[ReceivedLine("a", 10)], found=[FoundLine("a", 2)]))
    assert (over.outcome, over.lines[0].received, over.lines[0].found) == ("complete", 10, 2)
    assert counts(world, PORTLAND) == (12, 0)


def test_a_package_is_received_twice():
    world = picking()
    world.ask(DispatchPackages([package(("a", 4), sscc=SSCC), package(("a", 6))]))
    world.ask(ReceiveUnits(packages=[SSCC]))
    for name in (SSCC, "1"):
        assert refused(world, ReceiveUnits(packages=[name])) == "transfer.package_received"
    assert refused(world, ReceiveUnits(packages=["2", "2"])) == "transfer.package_received"
    assert refused(world, ReceiveUnits(packages=["3"])) == "transfer.package_unknown"
    assert counts(world, PORTLAND) == (4, 0)


def test_units_are_received_from_a_package_that_does_not_hold_them():
    world = picking()
    world.ask(DispatchPackages([package(("a", 4)), package(("a", 6))]))
    assert refused(world, ReceiveUnits(lines=[ReceivedLine("a", 5, package="1")])) == "transfer.more_than_sent"
    world.ask(ReceiveUnits(lines=[ReceivedLine("a", 6, package="2")]))
    assert [p.status for p in world.view().packages] == ["on_the_way", "arrived"]


def test_a_receipt_that_the_destination_refuses_is_lost_or_counted():
    world = on_the_road()
    told = world.ask(ReceiveUnits(lines=[ReceivedLine("a", 10, bin="A-01")]))
    assert (told.status, told.last_refusal) == ("dispatched", "bins.unknown")
    assert (counts(world, PORTLAND), world.expected(PORTLAND)) == ((0, 0), {"a": 10})
    assert world.ask(ReceiveUnits(packages=["1"])).outcome == "complete"


def test_a_found_receipt_that_is_refused_counts_as_found():
    world = on_the_road()
    told = world.ask(ReceiveUnits(found=[FoundLine("a", 2, bin="A-01")]))
    assert (told.lines[0].found, told.last_refusal, counts(world, PORTLAND)) == (0, "bins.unknown", (0, 0))


def test_units_are_received_before_the_source_knows_that_they_left():
    world = picking()
    world.do("transfer", TRANSFER, DispatchPackages([package(("a", 10))]))
    assert refused(world, ReceiveUnits(packages=["1"])) == "transfer.package_leaving"
    assert refused(world, ReceiveUnits(lines=[ReceivedLine("a", 1)])) == "transfer.more_than_sent"
    assert refused(world, CloseTransfer()) == "transfer.books_open"
    assert refused(world, CancelTransfer()) == "transfer.illegal_transition"


def test_units_that_are_being_written_down_are_received_or_lost_besides():
    world = on_the_road()
    world.do("transfer", TRANSFER, ReceiveUnits(lines=[ReceivedLine("a", 6)]))
    assert refused(world, ReceiveUnits(lines=[ReceivedLine("a", 5)])) == "transfer.more_than_sent"
    assert refused(world, CloseTransfer([("a", 4)])) == "transfer.books_open"
    world.settle()
    assert world.ask(CloseTransfer([("a", 4)])).outcome == "with_loss"


# --- what does not arrive -------------------------------------------------------------------------------------------
def test_units_are_lost_that_nobody_named():
    world = on_the_road()
    world.ask(ReceiveUnits(lines=[ReceivedLine("a", 7)]))
    for lost in ([], [("a", 2)], [("a", 4)], [("a", 3), ("b", 1)]):
        assert refused(world, CloseTransfer(lost)) == "transfer.lost_differs"
    over = world.ask(CloseTransfer([("a", 3)], [FoundLine("a", 1)]))
    line = over.lines[0]
    assert (over.status, over.outcome, line.received, line.lost, line.found) == ("closed", "with_loss", 7, 3, 1)
    assert (counts(world, PORTLAND), world.expected(PORTLAND)) == ((8, 0), {})


def test_a_parcel_that_turns_up_after_all_can_not_be_taken_in():
    world = on_the_road()
    world.ask(CloseTransfer([("a", 10)]))
    assert refused(world, ReceiveUnits(packages=["1"])) == "transfer.package_received"
    late = world.ask(ReceiveUnits(found=[FoundLine("a", 10)]))
    assert (late.outcome, late.lines[0].lost, late.lines[0].found) == ("with_loss", 10, 10)
    assert counts(world, PORTLAND) == (10, 0)


def test_what_never_leaves_stays_allocated():
    world = picking()
    world.ask(DispatchPackages([package(("a", 4))]))
    stopped = world.ask(StopSending())
    assert (stopped.status, stopped.lines[0].released, counts(world, SEATTLE)) == ("dispatched", 6, (96, 0))
    assert world.ask(ReceiveUnits(packages=["1"])).outcome == "partial"
    other = ids.transfer_id("us", NOW_MS, "key-2")
    world.ask(request(("a", 10)), other)
    world.ask(StartPicking(), other)
    world.ask(DispatchPackages([package(("a", 4))]), other)
    world.ask(CloseTransfer([("a", 4)]), other)
    assert counts(world, SEATTLE) == (92, 0)


def test_it_stays_open_once_all_is_in_and_nothing_more_will_leave():
    world = picking()
    world.ask(DispatchPackages([package(("a", 4))]))
    assert world.ask(ReceiveUnits(packages=["1"])).status == "receiving"
    assert world.ask(StopSending()).outcome == "partial"


def test_units_that_are_not_there_can_be_sent():
    world = picking()
    assert refused(world, TellMissing([("a", 11)])) == "transfer.not_allocated"
    world.ask(TellMissing([("a", 1), ("a", 2)]))
    assert counts(world, SEATTLE) == (97, 7)
    assert refused(world, DispatchPackages([package(("a", 8))])) == "transfer.not_allocated"
    gone = world.ask(TellMissing([("a", 7)]))
    assert (gone.status, gone.outcome, counts(world, SEATTLE)) == ("closed", "nothing_available", (90, 0))


def test_what_the_source_refuses_to_ship_is_on_the_road_or_can_not_go_again():
    world = picking()
    world.do("transfer", TRANSFER, DispatchPackages([package(("a", 10), sscc=SSCC)]))
    world.waiting.clear()
    told = world.ask(SourceShipped(1, [], "stock.not_allocated"))
    assert (told.status, told.last_refusal, told.lines[0].to_go, told.packages[0].status) == (
        "picking", "stock.not_allocated", 10, "stayed",
    )  # fmt: skip
    assert world.ask(DispatchPackages([package(("a", 10), sscc=SSCC)])).status == "dispatched"
    assert world.ask(ReceiveUnits(packages=[SSCC])).outcome == "complete"


def test_what_can_not_leave_stays_allocated_after_sending_was_stopped():
    world = picking()
    world.do("transfer", TRANSFER, DispatchPackages([package(("a", 4))]))
    world.waiting.clear()
    world.ask(StopSending())
    over = world.ask(SourceShipped(1, [], "stock.not_allocated"))
    assert (over.outcome, counts(world, SEATTLE)) == ("nothing_available", (100, 0))
