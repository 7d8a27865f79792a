"""A transfer by example: each promise once, with the locations that it moves units between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actors.domain import gs1, ids, transfer
from actors.domain.approval import DecideApproval, ExpireApproval, WithdrawApproval
from actors.domain.errors import Refused
from actors.domain.location_commands import AdjustmentLine, AdjustStock, Allocate, ReceiptLine, Ship
from actors.domain.transfer import TRANSFER as KIND
from actors.domain.transfer_commands import (
    ApproveTransfer,
    CancelTransfer,
    CloseTransfer,
    DispatchPackages,
    FoundLine,
    LookAtTransfer,
    NewPackage,
    ReceivedLine,
    ReceiveUnits,
    SentUnits,
    SourceShipped,
    StartPicking,
    StopSending,
    TellMissing,
)
from actors.domain.transfer_events import TransferLate
from actors.domain.transfer_sending import AHEAD_MAX_MS
from actors.domain.transfer_state import ViewTransfer
from tests.unit.domain.transfer_world import (
    DAY_MS,
    NEWARK,
    NOW_MS,
    PORTLAND,
    SEATTLE,
    TODAY,
    TOMORROW_MS,
    TRANSFER,
    World,
    package,
    request,
)

APPROVAL = ids.approval_of(TRANSFER)
MIA, TOM = ids.account_id("us", b"m" * 16), ids.account_id("us", b"t" * 16)
SSCC = gs1.sscc("9521234", 42)


def furnished(**units: int) -> World:
    world = World()
    world.receive(SEATTLE, *(ReceiptLine(sku, n) for sku, n in (units or {"a": 100}).items()))
    return world


def picking(*lines: tuple[str, int], world: World | None = None, **more: Any) -> World:
    world = world or furnished()
    world.ask(request(*lines, **more))
    world.ask(StartPicking())
    return world


def on_the_road(*lines: tuple[str, int], world: World | None = None, **more: Any) -> World:
    world = picking(*lines, world=world, **more)
    world.ask(DispatchPackages([package(*(lines or (("a", 10),)))]))
    return world


def refused(world: World, command: Any, transfer_id: str = TRANSFER) -> str:
    before = world.entities.get(("transfer", transfer_id), (None, 0))[1]
    with pytest.raises(Refused) as error:
        world.do("transfer", transfer_id, command)
    assert world.entities.get(("transfer", transfer_id), (None, 0))[1] == before
    return error.value.body.code


def counts(world: World, place: str, sku: str = "a") -> tuple[int, int]:
    stock = world.place(place).stock.get(sku)
    return (stock.on_hand, stock.allocated) if stock else (0, 0)


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


# --- lots -----------------------------------------------------------------------------------------------------------
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


# --- cancelling -----------------------------------------------------------------------------------------------------
def test_a_cancelled_transfer_keeps_its_units():
    world = picking()
    over = world.ask(CancelTransfer())
    assert (over.status, counts(world, SEATTLE)) == ("cancelled", (100, 0))
    assert refused(world, StartPicking()) == "transfer.illegal_transition"


def test_units_stay_allocated_that_come_after_the_cancellation():
    world = furnished()
    world.do("transfer", TRANSFER, request())
    world.do("transfer", TRANSFER, CancelTransfer())
    world.settle()
    assert (world.view().status, counts(world, SEATTLE)) == ("cancelled", (100, 0))


def test_it_is_cancelled_with_units_on_the_road():
    world = on_the_road()
    assert refused(world, CancelTransfer()) == "transfer.illegal_transition"


# --- four eyes ------------------------------------------------------------------------------------------------------
def large() -> World:
    world = furnished()
    world.ask(request(("a", 60), approval_ms=DAY_MS, asked_by=MIA))
    return world


def test_a_large_transfer_goes_before_somebody_else_approves_it():
    world = large()
    view = world.view()
    assert (view.status, view.approval_id, view.allowed, counts(world, SEATTLE)) == (
        "requested", APPROVAL, ["cancel"], (100, 0),
    )  # fmt: skip
    approval = world.entities["approval", APPROVAL][0]
    assert (approval.location_id, approval.target_id, approval.asked_by) == (SEATTLE, TRANSFER, MIA)
    assert approval.wanted == ApproveTransfer(SEATTLE, PORTLAND, [("a", 60)])
    with pytest.raises(Refused, match=r"approval\.same_person"):
        world.do("approval", APPROVAL, DecideApproval("approve", MIA))
    world.do("approval", APPROVAL, DecideApproval("approve", TOM))
    world.settle()
    assert (world.view().status, counts(world, SEATTLE)) == ("allocated", (100, 60))
    assert world.entities["approval", APPROVAL][0].status == "done"


@pytest.mark.parametrize(
    ("command", "outcome", "later_ms"),
    [
        (DecideApproval("refuse", TOM, [], "other"), "refused", 0),
        (WithdrawApproval(MIA), "withdrawn", 0),
        (ExpireApproval(), "expired", DAY_MS),
    ],
)
def test_a_transfer_waits_for_an_approval_that_will_not_come(command, outcome, later_ms):
    world = large()
    world.now_ms += later_ms
    world.do("approval", APPROVAL, command)
    world.settle()
    assert (world.view().status, world.view().outcome) == ("refused", outcome)
    assert counts(world, SEATTLE) == (100, 0)


def test_a_cancelled_transfer_goes_when_it_is_approved():
    world = large()
    world.ask(CancelTransfer())
    world.do("approval", APPROVAL, DecideApproval("approve", TOM))
    world.settle()
    approval = world.entities["approval", APPROVAL][0]
    assert (approval.status, approval.code) == ("failed", "transfer.not_waiting")
    assert (world.view().status, counts(world, SEATTLE)) == ("cancelled", (100, 0))


def test_a_refused_approval_stops_a_transfer_that_was_cancelled_before():
    world = large()
    world.ask(CancelTransfer())
    world.do("approval", APPROVAL, DecideApproval("refuse", TOM, [], "other"))
    world.settle()
    assert world.view().status == "cancelled"


# --- the clock ------------------------------------------------------------------------------------------------------
def late(world: World) -> list[TransferLate]:
    return [event for event, _ in world.events["transfer", TRANSFER] if isinstance(event, TransferLate)]


def test_nobody_hears_that_it_is_late_or_everybody_again_and_again():
    world = picking()
    world.ask(DispatchPackages([package(("a", 4))]))
    assert KIND.due(world.transfer()) == TOMORROW_MS
    assert KIND.wake is LookAtTransfer
    world.now_ms = TOMORROW_MS - 1
    assert not world.ask(LookAtTransfer()).late
    world.now_ms = TOMORROW_MS
    assert world.ask(LookAtTransfer()).late
    world.ask(LookAtTransfer())
    assert late(world) == [TransferLate(TOMORROW_MS, 4, 6)]
    assert KIND.due(world.transfer()) is None


def test_a_transfer_that_is_over_or_waits_for_its_approval_is_late():
    world = on_the_road()
    world.ask(ReceiveUnits(packages=["1"]))
    waiting = large()
    for one in (world, waiting):
        assert KIND.due(one.transfer()) is None
        one.now_ms = TOMORROW_MS + 1
        assert not one.ask(LookAtTransfer()).late


def test_it_leaves_though_nobody_said_when_it_is_expected_or_for_yesterday():
    world = picking(expected_at_ms=None)
    leaves = [package(("a", 10))]
    assert refused(world, DispatchPackages(leaves)) == "transfer.expected_at_missing"
    assert refused(world, DispatchPackages(leaves, NOW_MS)) == "transfer.expected_in_past"
    world.ask(DispatchPackages(leaves, NOW_MS + 5))
    assert world.place(PORTLAND).incoming[TRANSFER].expected_at_ms == NOW_MS + 5
    assert refused(World(), request(expected_at_ms=NOW_MS)) == "transfer.expected_in_past"


def test_it_is_expected_when_no_clock_goes_any_more():
    late = NOW_MS + AHEAD_MAX_MS + 1
    assert refused(World(), request(expected_at_ms=late)) == "transfer.expected_too_late"
    world = picking(expected_at_ms=None)
    assert refused(world, DispatchPackages([package(("a", 10))], late)) == "transfer.expected_too_late"
    world.ask(DispatchPackages([package(("a", 10))], late - 1))


# --- who, and what makes no sense -----------------------------------------------------------------------------------
def test_people_of_a_third_place_move_units():
    elsewhere = [NEWARK]
    assert refused(furnished(), request(within=elsewhere)) == "transfer.location_forbidden"
    world = on_the_road()
    for command in (
        StartPicking(elsewhere),
        TellMissing([("a", 1)], elsewhere),
        DispatchPackages([package(("a", 1))], None, elsewhere),
        StopSending(elsewhere),
        ReceiveUnits(["1"], within=elsewhere),
        CloseTransfer([("a", 10)], [], elsewhere),
        CancelTransfer(elsewhere),
    ):
        assert refused(world, command) == "transfer.location_forbidden"
    with pytest.raises(Refused, match=r"transfer\.location_forbidden"):
        KIND.view(world.transfer(), ViewTransfer(TRANSFER, elsewhere), 1)


def test_the_source_receives_or_the_destination_sends():
    world = picking()
    assert refused(world, DispatchPackages([package(("a", 1))], None, [PORTLAND])) == "transfer.location_forbidden"
    world.ask(DispatchPackages([package(("a", 10))], None, [SEATTLE]))
    assert refused(world, ReceiveUnits(["1"], within=[SEATTLE])) == "transfer.location_forbidden"
    assert world.ask(ReceiveUnits(["1"], within=[PORTLAND])).status == "closed"


def test_what_makes_no_sense_is_taken():
    world = furnished()
    assert refused(world, request(destination_id=SEATTLE)) == "transfer.same_location"
    assert refused(world, request(("a", 1), ("a", 2))) == "transfer.sku_repeated"
    assert refused(world, StartPicking()) == "transfer.unknown"
    world.ask(request())
    assert refused(world, request()) == "transfer.exists"
    for early in (TellMissing([("a", 1)]), DispatchPackages([package(("a", 1))]), ReceiveUnits(["1"]), CloseTransfer()):
        assert refused(world, early) == "transfer.illegal_transition"
    world.ask(StartPicking())
    assert refused(world, DispatchPackages([package(("z", 1))])) == "transfer.sku_not_in"
    assert refused(world, DispatchPackages([package(("a", 6)), package(("a", 6))])) == "transfer.not_allocated"
    assert refused(world, DispatchPackages([package(("a", 1), sscc=SSCC[:-1] + "x")])) == "barcode.not_digits"
    same = [package(("a", 1), sscc=SSCC), package(("a", 1), sscc=SSCC)]
    assert refused(world, DispatchPackages(same)) == "transfer.package_repeated"
    many = [NewPackage("", [("a", 1)])] * 501
    assert refused(world, DispatchPackages(many)) == "transfer.too_many_packages"
    world.ask(DispatchPackages([package(("a", 10))]))
    assert refused(world, ReceiveUnits()) == "transfer.nothing_named"
    assert refused(world, ReceiveUnits(lines=[ReceivedLine("z", 1)])) == "transfer.sku_not_in"
    assert refused(world, ReceiveUnits(found=[FoundLine("z", 1)])) == "transfer.sku_not_in"


def test_an_id_changes_its_shard_when_the_call_is_repeated_later():
    later = ids.transfer_id("us", NOW_MS + DAY_MS, "key-1")
    assert ids.TRANSFER_PATTERN.match(TRANSFER)
    assert ids.APPROVAL_PATTERN.match(APPROVAL)
    assert later > TRANSFER
    assert ids.routing_part("transfer", later) == ids.routing_part("transfer", TRANSFER)
    assert ids.routing_part("approval", APPROVAL) == ids.routing_part("transfer", TRANSFER)


def test_a_count_at_the_source_takes_what_a_transfer_was_given():
    world = picking()
    loss = AdjustStock([AdjustmentLine("a", -95, "loss")])
    with pytest.raises(Refused, match=r"stock\.insufficient"):
        world.do("location", SEATTLE, loss)
    assert world.ask(DispatchPackages([package(("a", 10))])).lines[0].in_transit == 10


def test_an_answer_that_comes_again_counts_twice():
    world = on_the_road()
    version = world.view().version
    world.ask(SourceShipped(1, [SentUnits("a", 10)]))
    assert (world.view().version, world.line("a").dispatched) == (version, 10)


def test_the_source_does_not_say_which_lots_left():
    world = World()
    world.receive(SEATTLE, ReceiptLine("m", 2, None, "L1", TODAY + 5), ReceiptLine("m", 2, None, "L2"))
    world.receive(SEATTLE, ReceiptLine("a", 9))
    world.do("location", SEATTLE, Allocate("us-order", 1, [("m", 3), ("a", 1)]))
    told = world.do("location", SEATTLE, Ship("us-order", 1, [("m", 3), ("a", 1)]))
    assert [(one.sku, one.units, one.lot, one.expires_on) for one in told.lots] == [
        ("m", 2, "L1", TODAY + 5),
        ("m", 1, "L2", None),
    ]


def test_the_page_shows_another_picture_than_the_code():
    picture = (transfer.__doc__ or "").split("\n\n")[1]
    page = Path(__file__).parents[3] / "docs" / "domain" / "transfer.md"
    assert "partly_dispatched" in picture
    assert f"```\n{picture}\n```" in page.read_text()
