"""What a transfer takes off the books by two people's word: units that are missing at its source, or lost on the
road."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain import approval, ids
from actors.domain.approval import AskApproval, DecideApproval, ExpireApproval, ViewApproval, WithdrawApproval
from actors.domain.approval_wanted import Wanted, reasons_of, size_of
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.location_commands import AdjustmentLine, AdjustStock, ReceiptLine
from actors.domain.order_refund_commands import GiveRefund
from actors.domain.rows import ApprovalRow
from actors.domain.transfer import TRANSFER as KIND
from actors.domain.transfer_commands import (
    ApproveTransfer,
    CloseTransfer,
    DispatchPackages,
    FoundLine,
    ReceiveUnits,
    TellMissing,
    WantStep,
)
from actors.domain.transfer_events import TransferClosed, UnitsMissing
from actors.domain.transfer_state import StepPossible
from tests.unit.domain.transfer_steps import MIA, TOM, counts, on_the_road, picking, refused
from tests.unit.domain.transfer_world import (
    DAY_MS,
    NEWARK,
    NOW_MS,
    PORTLAND,
    SEATTLE,
    TODAY,
    TRANSFER,
    World,
    package,
)

ASKED = ids.approval_id("us", NOW_MS, "key-2")
MISSING = TellMissing([("a", 60)])
LOST = CloseTransfer([("a", 60)], [FoundLine("a", 2)])


def asked(world: World, wanted: Wanted) -> World:
    world.do("approval", ASKED, AskApproval(SEATTLE, TRANSFER, wanted, MIA, DAY_MS))
    return world


def told(world: World) -> tuple[str, str]:
    one = world.entities["approval", ASKED][0]
    return one.status, one.code


def approved(world: World) -> World:
    world.do("approval", ASKED, DecideApproval("approve", TOM))
    world.settle()
    return world


# --- by two --------------------------------------------------------------------------------------------------------
def test_what_is_missing_leaves_the_books_by_one_persons_word():
    world = asked(picking(("a", 80)), MISSING)
    with pytest.raises(Refused, match=r"approval\.same_person"):
        world.do("approval", ASKED, DecideApproval("approve", MIA))
    world.settle()
    assert (counts(world, SEATTLE), world.line("a").missing) == ((100, 80), 0)
    approved(world)
    assert (told(world), counts(world, SEATTLE), world.line("a").missing) == (("done", ""), (40, 20), 60)


def test_the_ledger_does_not_say_by_which_approval_units_are_missing():
    world = World()
    world.receive(SEATTLE, ReceiptLine("a", 80), ReceiptLine("m", 5, None, "L1", TODAY + 5))
    picking(("a", 80), ("m", 5), world=world)
    approved(asked(world, TellMissing([("a", 60), ("m", 4)])))
    gone = [row for row in world.ledger[SEATTLE] if row.reason == "short_pick"]
    assert [(row.sku, row.on_hand_delta, row.cause, row.reference, row.lot) for row in gone] == [
        ("a", -60, f"{TRANSFER}.1", ASKED, None),
        ("m", -4, f"{TRANSFER}.1", ASKED, "L1"),
    ]
    # The lots that are promised to it are fewer by just these.
    assert world.place(SEATTLE).claims[f"{TRANSFER}.1"] == {("m", "L1"): 1}
    (event,) = [event for event, _ in world.events["transfer", TRANSFER] if type(event) is UnitsMissing]
    assert event.approval_id == ASKED


def test_what_one_person_may_say_alone_names_an_approval():
    world = picking()
    world.ask(TellMissing([("a", 3)]))
    (gone,) = [row for row in world.ledger[SEATTLE] if row.reason == "short_pick"]
    assert (gone.cause, gone.reference) == (f"{TRANSFER}.1", "")


def test_what_is_lost_is_given_up_by_one_persons_word():
    world = asked(on_the_road(("a", 60)), LOST)
    assert (world.view().status, world.expected(PORTLAND)) == ("dispatched", {"a": 60})
    approved(world)
    line = world.line("a")
    assert (told(world), world.view().status, world.view().outcome) == (("done", ""), "closed", "with_loss")
    assert (line.lost, line.found, counts(world, PORTLAND), world.expected(PORTLAND)) == (60, 2, (2, 0), {})
    (event,) = [event for event, _ in world.events["transfer", TRANSFER] if type(event) is TransferClosed]
    assert event.approval_id == ASKED
    assert world.again("transfer", TRANSFER) == world.transfer()


@pytest.mark.parametrize("wanted", [MISSING, LOST])
@pytest.mark.parametrize(
    ("command", "later_ms"),
    [(DecideApproval("refuse", TOM, [], "other"), 0), (WithdrawApproval(MIA), 0), (ExpireApproval(), DAY_MS)],
)
def test_a_transfer_ends_because_nobody_wants_what_it_does_not_wait_for(wanted, command, later_ms):
    world = asked(picking(("a", 60)) if wanted is MISSING else on_the_road(("a", 60)), wanted)
    before, sent = world.entities["transfer", TRANSFER], len(world.sent)
    world.now_ms += later_ms
    world.do("approval", ASKED, command)
    assert (world.entities["transfer", TRANSFER], len(world.sent)) == (before, sent)


def test_a_transfer_stands_still_while_it_waits_or_what_left_meanwhile_is_missing_too():
    world = asked(picking(("a", 60)), MISSING)
    world.ask(DispatchPackages([package(("a", 10))]))
    approved(world)
    assert told(world) == ("failed", "transfer.not_allocated")
    assert (world.line("a").missing, counts(world, SEATTLE)) == (0, (90, 50))


def test_what_came_meanwhile_is_lost_too():
    world = asked(on_the_road(("a", 60)), LOST)
    world.ask(ReceiveUnits(packages=["1"]))
    approved(world)
    assert told(world) == ("failed", "transfer.illegal_transition")
    assert (world.line("a").lost, world.line("a").found, counts(world, PORTLAND)) == (0, 0, (60, 0))


# --- could it be done? ---------------------------------------------------------------------------------------------
def test_what_could_be_done_is_done_when_one_only_asks_whether():
    for world, step in ((picking(("a", 60)), MISSING), (on_the_road(("a", 60)), LOST)):
        before, sent = world.entities["transfer", TRANSFER], len(world.sent)
        assert world.do("transfer", TRANSFER, WantStep(step)) == StepPossible(TRANSFER, before[1], SEATTLE)
        assert (world.entities["transfer", TRANSFER], len(world.sent)) == (before, sent)


def test_a_second_person_is_asked_for_what_could_not_be_done():
    assert refused(World(), WantStep(MISSING)) == "transfer.unknown"
    world = picking(("a", 60))
    for step, code in (
        (TellMissing([("a", 60)], [NEWARK]), "transfer.location_forbidden"),
        (TellMissing([("a", 60)], [PORTLAND]), "transfer.location_forbidden"),
        (TellMissing([("a", 61)]), "transfer.not_allocated"),
        (TellMissing([("z", 60)]), "transfer.sku_not_in"),
        (LOST, "transfer.illegal_transition"),
    ):
        assert refused(world, WantStep(step)) == code
    world.ask(DispatchPackages([package(("a", 60))]))
    for step, code in (
        (MISSING, "transfer.illegal_transition"),
        (CloseTransfer([("a", 60)], [], [NEWARK]), "transfer.location_forbidden"),
        (CloseTransfer([("a", 59)]), "transfer.lost_differs"),
        (CloseTransfer([("a", 60)], [FoundLine("z", 1)]), "transfer.sku_not_in"),
    ):
        assert refused(world, WantStep(step)) == code


# --- how it is told, and what is stored ----------------------------------------------------------------------------
def test_what_is_found_hides_what_is_lost():
    assert (size_of(LOST), reasons_of(LOST)) == (60, [])
    assert (size_of(TellMissing([("a", 40), ("b", 21)])), reasons_of(MISSING)) == (61, [])
    world = asked(on_the_road(("a", 60)), LOST)
    view = approval.view(*world.entities["approval", ASKED][:1], ViewApproval(ASKED), 1)
    assert isinstance(view, approval.ApprovalView)
    assert (view.action, view.target_kind, view.target_id, view.size) == ("transfer.close", "transfer", TRANSFER, 60)


def test_an_approval_comes_back_from_its_row_as_another():
    for wanted in (MISSING, LOST):
        world = asked(picking(("a", 60)), wanted)
        state, version = world.entities["approval", ASKED]
        assert world.restored("approval", ASKED) == (state, version)
        assert state.wanted == wanted


# As the program wrote them by which a transfer took units off the books without anybody's approval.
OLD: list[tuple[Wanted, bytes]] = [
    (
        AdjustStock([AdjustmentLine("a", -9, "loss")], "r"),
        b'{"type":"AdjustStock","lines":[["a",-9,"loss",null,null,"","sellable",""]],"reference":"r","cause":""}',
    ),
    (
        ApproveTransfer(SEATTLE, PORTLAND, [("a", 60)]),
        b'{"type":"ApproveTransfer","source_id":"us-wh-seattle","destination_id":"us-st-portland","lines":[["a",60]],"cause":""}',
    ),
    (GiveRefund(700, "USD", "late"), b'{"type":"GiveRefund","amount":700,"currency":"USD","reason":"late"}'),
]


@pytest.mark.parametrize(("wanted", "stored"), OLD)
def test_an_approval_of_an_older_program_is_not_understood(wanted, stored):
    kept = {
        "location_id": SEATTLE, "target_id": TRANSFER, "wanted": msgspec.json.decode(stored), "asked_by": MIA, "asked_at_ms": NOW_MS,
        "expires_at_ms": NOW_MS + DAY_MS, "status": "pending", "decided_by": "", "decided_at_ms": 0, "note": "", "code": "", "waiting": "",
    }  # fmt: skip
    made = approval.decide(
        None, AskApproval(SEATTLE, TRANSFER, wanted, MIA, DAY_MS), Context(ASKED, "c", NOW_MS)
    ).events[0]
    state = approval.evolve(None, made, Context(ASKED, "c", NOW_MS))
    (row,) = approval.rows(state, 1, [], Context(ASKED, "c", NOW_MS))
    assert isinstance(row, ApprovalRow)
    old = msgspec.structs.replace(row, state=msgspec.msgpack.encode(kept))
    assert approval.restore(ASKED, {"approvals": [old]}) == (state, 1)


def test_a_step_of_an_older_program_is_not_understood():
    commands, events = msgspec.json.Decoder(KIND.commands), msgspec.json.Decoder(KIND.events)
    assert commands.decode(b'{"type":"TellMissing","lines":[["a",60]],"within":[]}') == MISSING
    assert commands.decode(b'{"type":"CloseTransfer","lost":[["a",60]],"found":[],"within":[]}') == CloseTransfer(
        [("a", 60)]
    )
    missing = b'{"type":"UnitsMissing","source_id":"us-wh-seattle","lines":[["a",60]]}'
    assert events.decode(missing) == UnitsMissing(SEATTLE, [("a", 60)])
    closed = b'{"type":"TransferClosed","outcome":"with_loss","lost":[["a",60]]}'
    assert events.decode(closed) == TransferClosed("with_loss", [("a", 60)])
