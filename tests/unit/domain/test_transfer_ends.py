"""Who may ask, approve and cancel a transfer, and what the clock does to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.domain import ids, transfer
from actors.domain.approval import DecideApproval, ExpireApproval, WithdrawApproval
from actors.domain.errors import Refused
from actors.domain.location_commands import AdjustmentLine, AdjustStock, Allocate, ReceiptLine, Ship
from actors.domain.transfer import TRANSFER as KIND
from actors.domain.transfer_commands import (
    LINES_MAX,
    ApproveTransfer,
    CancelTransfer,
    CloseTransfer,
    DispatchPackages,
    FoundLine,
    LeaveTransfer,
    LookAtTransfer,
    NewPackage,
    ReceivedLine,
    ReceiveUnits,
    RequestTransfer,
    SentUnits,
    SourceShipped,
    StartPicking,
    StopSending,
    TellMissing,
)
from actors.domain.transfer_events import TransferLate
from actors.domain.transfer_sending import AHEAD_MAX_MS
from actors.domain.transfer_state import ViewTransfer
from tests.unit.domain.transfer_steps import APPROVAL, MIA, SSCC, TOM, counts, furnished, on_the_road, picking, refused
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


# --- cancelling -----------------------------------------------------------------------------------------------------
def test_a_cancelled_transfer_keeps_its_units():
    world = picking()
    over = world.ask(CancelTransfer())
    assert (over.status, counts(world, SEATTLE)) == ("cancelled", (100, 0))
    assert refused(world, StartPicking()) == "transfer.illegal_transition"


@pytest.mark.parametrize("whose", [None, ("us-order-1", 1)])
def test_an_order_leaves_twice_what_is_on_its_way_or_what_is_for_none(whose):
    world = on_the_road(for_order=whose)
    versions = [world.entities["transfer", TRANSFER][1]]
    for _ in range(2):
        world.do("transfer", TRANSFER, LeaveTransfer())
        versions.append(world.entities["transfer", TRANSFER][1])
    assert versions[0] == versions[1] if whose is None else versions[0] < versions[1]
    assert versions[1] == versions[2]


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
    # A message of any size is answered: one that fails is sent for ever.
    assert refused(world, request(*((f"s{number}", 1) for number in range(LINES_MAX + 1)))) == "transfer.lines_number"
    assert refused(world, RequestTransfer(SEATTLE, PORTLAND, [])) == "transfer.lines_number"
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
