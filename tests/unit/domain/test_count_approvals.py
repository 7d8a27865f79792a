"""What waits for a second person is corrected without one, counted again and taken off twice,
or never counted again."""

from __future__ import annotations

import pytest

from actors.domain import approval
from actors.domain.count_commands import BeginSpots, CloseCount, ExpireCount, SubmitSpot
from actors.domain.errors import Refused
from actors.domain.location_commands import MoveLine, MoveUnits, ReceiptLine, ReceiveStock
from actors.domain.location_events import PromisesAtRisk
from tests.unit.domain.counting_world import A1, A2, BOB, ID, LOOSE, MIA, TOM, World, begun


def test_what_waits_for_approval_is_done_or_split_into_small_parts():
    made = begun(A1, A2, LOOSE, tolerance_units=99, approval_units=5, approval_good_for_ms=1000)
    made.submit(A1, ("a", "", 6))
    assert (made.status(A1), made.corrections()) == ("corrected", {("a", "", "A-01"): -4})
    made.submit(A2, ("a", "", 2), by=TOM)
    made.submit(LOOSE, ("a", "", 4), by=BOB)
    # Together more than five, though each is less.
    assert made.corrections() == {("a", "", "A-01"): -4}
    assert [made.status(spot) for spot in (A1, A2, LOOSE)] == ["corrected", "asked", "asked"]
    asked = {one.asked_by: one for one in made.approvals.values()}
    assert {by: [(line.quantity, line.bin) for line in one.wanted.lines] for by, one in asked.items()} == {
        TOM: [(2, "A-02")], BOB: [(-1, "")],
    }  # fmt: skip
    assert all(one.wanted.as_far and one.wanted.as_left and one.wanted.reference == ID for one in asked.values())
    assert {one.approval_id for one in made.state.spots.values()} == {"", *made.approvals}
    # Whose counting decided may not approve it.
    for by, one in asked.items():
        context = approval.Context("us-approval-x", "c", made.books.now_ms)
        with pytest.raises(Refused):
            approval.decide(one, approval.DecideApproval("approve", by), context)


def test_a_count_that_is_closed_early_forgets_what_is_held():
    made = begun(A1, A2, tolerance_units=99, approval_units=1, approval_good_for_ms=1000)
    made.submit(A1, ("a", "", 6))
    assert (made.status(A1), made.approvals) == ("held", {})
    made.do(CloseCount(TOM))
    made.settle()
    assert (made.status(A1), len(made.approvals), made.state.closed_by) == ("asked", 1, TOM)
    # What is held stays taken; the other is free.
    assert list(made.books.state.counting) == [A1]
    for command in (CloseCount(TOM), BeginSpots([A2], MIA), SubmitSpot(A2, [], made.books.now_ms, MIA)):
        assert made.refused(command) == "count.closed"


# --- what waits for a second person is not counted again --------------------------------------------------------------
def held(of: int = 300, there: int = 200) -> World:
    """A large loss that waits for its approval."""
    made = World(spots=[A1], approval_units=20, approval_good_for_ms=1000)
    made.books.do(ReceiveStock([ReceiptLine("a", of, bin="A-01")]))
    made.opened()
    made.begin(A1)
    for by in (MIA, TOM):
        made.submit(A1, ("a", "", there), by=by)
    assert made.status(A1) == "asked"
    return made


def counted_again(made: World, there: int = 200) -> World:
    other = World(beside=made, spots=[A1], approval_units=0).opened()
    other.begin(A1)
    if other.status(A1) == "begun":
        other.submit(A1, ("a", "", there), by=MIA)
        if other.status(A1) == "recount":
            other.submit(A1, ("a", "", there), by=TOM)
    return other


def test_a_loss_is_taken_off_twice_when_it_is_counted_again_before_it_is_approved():
    made = held()
    other = counted_again(made)
    assert (other.status(A1), other.state.spots[A1].problem) == ("open", "count.spot_taken")
    (name,) = made.approvals
    made.approve(name, approval.DecideApproval("approve", BOB))
    # Approved, and not booked yet.
    assert counted_again(made).state.spots[A1].problem == "count.spot_taken"
    made.settle()
    assert (made.approvals[name].status, made.books.stock("a").on_hand) == ("done", 200)
    assert counted_again(made).status(A1) == "accepted"
    assert (made.books.stock("a").on_hand, made.books.state.counting) == (200, {})


@pytest.mark.parametrize("how", ["refused", "withdrawn", "expired", "failed"])
def test_a_spot_whose_approval_came_to_nothing_is_never_counted_again(how):
    made = held()
    (name,) = made.approvals
    if how == "expired":
        made.books.now_ms += 1000
        made.approve(name, approval.ExpireApproval())
    elif how == "withdrawn":
        made.approve(name, approval.WithdrawApproval(TOM))
    elif how == "refused":
        made.approve(name, approval.DecideApproval("refuse", BOB))
    else:
        made.approve(name, approval.DecideApproval("approve", BOB))
        ((adjust, _),) = made.pending
        made.pending.clear()
        made.approve(name, approval.TargetAnswered("stock.insufficient"))
        assert adjust.command.cause == name
    made.settle()
    assert (made.approvals[name].status, made.books.state.counting) == (how, {})
    assert counted_again(made).status(A1) == "corrected"
    assert made.books.stock("a").on_hand == 200


def test_a_count_that_expires_frees_what_it_holds_before_that_is_decided():
    made = World(spots=[A1, A2], approval_units=20, approval_good_for_ms=10 * 86_400_000)
    made.books.do(ReceiveStock([ReceiptLine("a", 300, bin="A-01")]))
    made.opened()
    made.begin(A1, A2)
    for by in (MIA, TOM):
        made.submit(A1, ("a", "", 200), by=by)
    assert (made.status(A1), made.state.status) == ("held", "open")
    assert counted_again(made).state.spots[A1].problem == "count.spot_taken"
    made.books.now_ms = made.state.expires_at_ms
    made.do(ExpireCount())
    made.settle()
    assert (made.status(A1), list(made.books.state.counting)) == ("asked", [A1])
    assert counted_again(made).state.spots[A1].problem == "count.spot_taken"


def test_words_on_a_held_spot_that_cross_leave_it_taken_for_ever():
    made = World(spots=[A1], approval_units=20, approval_good_for_ms=1000)
    made.books.do(ReceiveStock([ReceiptLine("a", 300, bin="A-01")]))
    made.opened()
    made.begin(A1)
    made.submit(A1, ("a", "", 200))
    made.do(SubmitSpot(A1, [("a", "", 200)], made.books.now_ms, TOM))
    made.deliver()
    made.deliver()
    late = made.pending.pop(0)
    assert late[0].command.taken
    made.settle()
    (name,) = made.approvals
    made.approve(name, approval.DecideApproval("refuse", BOB))
    made.settle()
    made.pending.append(late)
    made.settle()
    assert made.books.state.counting == {}


def test_one_bin_that_was_emptied_meanwhile_lets_all_that_was_approved_be_refused():
    made = World(spots=[A1, A2], approval_units=20, approval_good_for_ms=1000)
    made.books.do(ReceiveStock([ReceiptLine("a", 60, bin="A-01"), ReceiptLine("b", 60, bin="A-02")]))
    made.opened()
    made.begin(A1, A2)
    for spot, sku in ((A1, "a"), (A2, "b")):
        for by in (MIA, TOM):
            made.submit(spot, (sku, "", 30), by=by)
    made.books.do(MoveUnits([MoveLine("a", 40, "A-01", "B-01")]))
    (name,) = made.approvals
    made.approve(name, approval.DecideApproval("approve", BOB))
    made.settle()
    assert (made.approvals[name].status, made.books.stock("a").on_hand, made.books.stock("b").on_hand) == (
        "done",
        40,
        30,
    )
    assert made.books.events[-2] == PromisesAtRisk("a", 10)
