"""Cycle counts by example: what could be corrected wrongly, by the wrong person, or never."""

from __future__ import annotations

import pytest

from actors.domain import approval, count, ids
from actors.domain.count import COUNT_MAX_MS, SPOTS_MAX
from actors.domain.count_commands import BeginSpots, CloseCount, ExpireCount, SubmitSpot
from actors.domain.count_views import ViewCount
from actors.domain.errors import Refused
from actors.domain.location_commands import (
    Allocate,
    BeginCounting,
    MoveLine,
    MoveUnits,
    ReceiptLine,
    ReceiveStock,
)
from actors.domain.location_counting import CHANGES_MAX
from actors.domain.location_events import PromisesAtRisk
from tests.unit.domain.counting_world import A1, A2, ANN, BOB, ID, LOOSE, MIA, PLACE, TOM, World


def world(**more) -> World:
    """Ten units of a in A-01, five outside of bins; the count is open."""
    made = World(**more)
    made.books.do(ReceiveStock([ReceiptLine("a", 10, bin="A-01"), ReceiptLine("a", 5)]))
    return made.opened()


def begun(*spots, **more) -> World:
    made = world(spots=list(spots or [A1]), **more)
    made.begin(*(spots or [A1]))
    return made


def test_a_count_without_a_difference_changes_stock_or_stays_open():
    made = begun(A1, A2)
    before = len(made.books.ledger("a"))
    made.submit(A1, ("a", "", 10))
    assert (made.status(A1), made.state.status) == ("accepted", "open")
    made.submit(A2)
    assert (made.status(A2), made.state.status) == ("accepted", "closed")
    assert (len(made.books.ledger("a")), made.books.state.counting) == (before, {})
    assert [row.sku for row in made.books.stored["last_counted"].values()] == ["a"]


def test_a_difference_within_tolerance_is_counted_again_or_one_beyond_is_not():
    made = begun(tolerance_units=2)
    made.submit(A1, ("a", "", 8))
    assert (made.status(), made.corrections()) == ("corrected", {("a", "", "A-01"): -2})
    made = begun(tolerance_percent=10)
    made.submit(A1, ("a", "", 11))
    assert made.corrections() == {("a", "", "A-01"): 1}
    made = begun(tolerance_percent=10)
    made.submit(A1, ("a", "", 8))
    assert (made.status(), made.corrections()) == ("recount", {})


def test_the_same_person_counts_again_or_two_who_agree_are_not_believed():
    made = begun()
    made.submit(A1, ("a", "", 7))
    assert made.status() == "recount"
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms, MIA)) == "count.same_person"
    made.submit(A1, ("a", "", 7), by=TOM)
    assert (made.status(), made.corrections()) == ("corrected", {("a", "", "A-01"): -3})
    (entry,) = [row for row in made.books.ledger("a") if row.reason == "count"]
    assert (entry.cause, entry.reference, entry.on_hand) == (ID, ID, 12)


def test_stock_that_moved_between_two_counts_makes_them_differ():
    made = begun()
    made.submit(A1, ("a", "", 7))
    made.books.now_ms += 10
    made.books.do(MoveUnits([MoveLine("a", 4, "A-01", "A-02")]))
    made.books.now_ms += 10
    made.submit(A1, ("a", "", 3), by=TOM)
    assert made.status() == "corrected"
    assert made.books.state.contents["a"] == {("A-01", ""): 3, ("A-02", ""): 4}


def test_the_second_finds_all_and_the_first_is_believed():
    made = begun()
    made.submit(A1, ("a", "", 7))
    made.submit(A1, ("a", "", 10), by=TOM)
    assert (made.status(), made.corrections()) == ("accepted", {})


def test_two_who_differ_are_decided_by_one_of_them_or_by_just_anybody():
    made = begun()
    made.submit(A1, ("a", "", 7))
    made.submit(A1, ("a", "", 8), by=TOM)
    assert (made.status(), made.corrections()) == ("decide", {})
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms, TOM)) == "count.same_person"
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms, ANN, senior=False)) == "count.senior_required"
    made.submit(A1, ("a", "", 9), by=ANN)
    assert (made.status(), made.corrections()) == ("corrected", {("a", "", "A-01"): -1})
    assert [attempt.by for attempt in made.state.spots[A1].attempts] == [MIA, TOM, ANN]


def test_where_nobody_is_known_nobody_can_count_again():
    made = begun(by="")
    for units in (7, 8, 9):
        made.submit(A1, ("a", "", units), by="")
    assert made.corrections() == {("a", "", "A-01"): -1}


def test_a_foreign_sku_stays_off_the_books():
    made = begun(tolerance_units=9)
    made.submit(A1, ("a", "", 10), ("z", "", 4))
    assert made.corrections() == {("z", "", "A-01"): 4}
    assert made.books.stock("z").available == 4


def test_a_loss_of_what_is_promised_is_passed_over_in_silence():
    made = world(spots=[LOOSE], tolerance_units=15)
    made.books.do(Allocate("us-o", 1, [("a", 14)]))
    made.begin(LOOSE)
    made.submit(LOOSE, ("a", "", 2))
    assert (made.status(LOOSE), made.books.stock("a").on_hand) == ("corrected", 14)
    assert made.books.events[-1] == PromisesAtRisk("a", 2)


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


def test_a_count_that_nobody_finishes_is_kept_for_ever():
    made = begun(A1, A2)
    assert count.COUNT.due(made.state) == made.books.now_ms + COUNT_MAX_MS
    made.do(ExpireCount())
    assert made.state.status == "open"
    made.books.now_ms += COUNT_MAX_MS
    made.do(ExpireCount())
    made.settle()
    assert (made.state.status, made.books.state.counting, count.COUNT.due(made.state)) == ("closed", {}, None)
    made.do(ExpireCount())
    assert made.pending == []


def test_the_location_keeps_changes_of_a_count_that_was_closed_before_it_answered():
    made = world()
    made.do(BeginSpots([A1], MIA))
    made.do(CloseCount(MIA))
    made.settle()
    assert made.books.state.counting == {}


def test_it_is_counted_before_the_location_knows_or_twice_at_once():
    made = world()
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms, MIA)) == "count.not_begun"
    made.do(BeginSpots([A1], MIA))
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms, MIA)) == "count.spot_busy"
    assert made.refused(BeginSpots([A1], MIA)) == "count.spot_busy"
    made.settle()
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms - 1, MIA)) == "count.too_early"
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms + 1, MIA)) == "count.in_future"
    made.do(SubmitSpot(A1, [("a", "", 7)], made.books.now_ms, MIA))
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms, TOM)) == "count.spot_busy"
    made.settle()
    made.submit(A1, ("a", "", 10), by=TOM)
    assert made.state.status == "closed"


def test_bad_lines_or_spots_are_taken():
    made = begun(A1, A2, LOOSE)
    now_ms = made.books.now_ms
    assert made.refused(SubmitSpot(A1, [("a", "", 1), ("a", "", 2)], now_ms, MIA)) == "count.line_twice"
    assert made.refused(SubmitSpot(LOOSE, [("b", "", 1)], now_ms, MIA)) == "count.sku_elsewhere"
    assert made.refused(SubmitSpot(("X-1", ""), [], now_ms, MIA)) == "count.spot_unknown"
    assert made.refused(BeginSpots([A1, ("X-1", "")], MIA)) == "count.spot_unknown"
    assert made.refused(made.opening) == "count.exists"
    assert World(spots=[A1, A1]).refused(World(spots=[A1, A1]).opening) == "count.spot_twice"
    for number in (0, SPOTS_MAX + 1):
        many = World(spots=[("", f"s{n}") for n in range(number)])
        assert many.refused(many.opening) == "count.spots_number"
    made.submit(A1, ("a", "", 10))
    assert made.refused(SubmitSpot(A1, [], now_ms, TOM)) == "count.spot_settled"
    assert made.refused(BeginSpots([A1], TOM)) == "count.spot_settled"
    assert World().refused(CloseCount(MIA)) == "count.unknown"


def test_somebody_of_another_place_counts_or_looks():
    made = begun()
    elsewhere = ["us-st-2"]
    now_ms = made.books.now_ms
    for command in (
        BeginSpots([A1], MIA, elsewhere), SubmitSpot(A1, [], now_ms, MIA, True, elsewhere), CloseCount(MIA, elsewhere),
    ):  # fmt: skip
        assert made.refused(command) == "count.location_forbidden"
    with pytest.raises(Refused) as refused:
        count.view(made.state, ViewCount(ID, elsewhere), made.version)
    assert refused.value.body.code == "count.location_forbidden"
    made.begin(A1)
    assert count.view(made.state, ViewCount(ID, [PLACE]), made.version).count_id == ID


def test_who_counts_blind_is_told_what_should_be_there_or_what_another_found():
    made = begun()
    made.submit(A1, ("a", "", 7))
    (spot,) = count.view(made.state, ViewCount(ID), made.version).spots
    assert (spot.book, spot.lines, spot.counted_by, spot.times) == ([], [], "", 1)
    made.submit(A1, ("a", "", 7), by=TOM)
    (spot,) = count.view(made.state, ViewCount(ID), made.version).spots
    assert (spot.lines, spot.counted_by, spot.times) == ([("a", "", 10, 7)], TOM, 2)
    seeing = begun(blind=False)
    (spot,) = count.view(seeing.state, ViewCount(ID), seeing.version).spots
    assert spot.book == [("a", "", 10)]


def test_callers_wait_for_ever_for_what_the_location_says():
    made = world(spots=[A1, ("X-1", "")])
    made.begin(A1, ("X-1", ""))
    (first,) = made.finals.values()
    assert [(one.status, one.problem) for one in first.spots] == [("begun", ""), ("open", "bins.unknown")]
    made.submit(A1, ("a", "", 10))
    assert [one.spots[0].status for one in made.finals.values()] == ["begun", "accepted"]
    # The count is closed before the location has answered.
    made.do(BeginSpots([("X-1", "")], MIA))
    made.do(CloseCount(MIA))
    made.settle()
    assert all(one is not None for one in made.finals.values())


def test_another_counts_spot_is_counted():
    made = world()
    made.books.do(BeginCounting("us-count-other", [A1]))
    made.begin(A1)
    assert (made.status(), made.state.spots[A1].problem) == ("open", "count.spot_taken")
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms, MIA)) == "count.not_begun"


def test_after_too_many_changes_a_spot_is_compared_or_can_never_be_counted():
    made = begun()
    made.submit(A1, ("a", "", 7))
    for _ in range(CHANGES_MAX + 1):
        made.books.do(ReceiveStock([ReceiptLine("b", 1, bin="A-01")]))
    made.submit(A1, ("a", "", 7), ("b", "", 1), by=TOM)
    assert (made.status(), made.state.spots[A1].problem) == ("open", "count.too_many_changes")
    made.begin(A1, by=TOM)
    assert (made.status(), made.state.spots[A1].problem) == ("recount", "")
    made.submit(A1, ("a", "", 7), ("b", "", CHANGES_MAX + 1), by=TOM)
    assert made.corrections() == {("a", "", "A-01"): -3}


def test_a_spot_in_which_too_much_changed_is_kept_for_a_count_that_is_over():
    made = begun()
    for _ in range(CHANGES_MAX + 1):
        made.books.do(ReceiveStock([ReceiptLine("b", 1, bin="A-01")]))
    made.submit(A1, ("a", "", 7))
    assert made.state.spots[A1].problem == "count.too_many_changes"
    made.settle()
    assert made.books.state.counting == {}, "no other count can have the spot"


def refused_correction(**more) -> World:
    made = begun(tolerance_units=9, **more)
    made.do(SubmitSpot(A1, [("a", "", 3)], made.books.now_ms, MIA))
    # The books say that all was taken out; the seven that were missed can't have been.
    made.books.now_ms += 5
    made.books.do(MoveUnits([MoveLine("a", 10, "A-01", "")]))
    made.settle()
    return made


@pytest.mark.parametrize("blind", [True, False])
def test_who_counts_again_what_failed_is_shown_the_books_though_the_count_is_blind(blind):
    made = refused_correction(blind=blind)
    [shown] = count.view(made.state, ViewCount(ID), 1).spots
    assert (shown.status, shown.problem, shown.times) == ("failed", "stock.not_in_bin", 1)
    assert shown.lines == ([] if blind else [("a", "", 10, 3)])
    assert (shown.book, shown.counted_by) == (([], "") if blind else ([("a", "", 10)], MIA))


def test_a_correction_that_the_location_refuses_is_forgotten():
    made = refused_correction()
    assert (made.status(), made.state.spots[A1].problem) == ("failed", "stock.not_in_bin")
    assert (made.state.status, made.corrections(), made.state.variance_units) == ("open", {}, 7)
    made.begin(A1)
    assert (made.status(), made.state.variance_units, made.state.spots[A1].attempts) == ("begun", 0, [])
    made.submit(A1)
    assert (made.status(), made.state.status) == ("accepted", "closed")


# --- what waits for a second person is not counted again ---------------------------------------------------------------
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


SCANNER = ids.device_id("us", 1_767_225_600_000, "scanner")


def test_a_scanner_that_nobody_works_on_counts_as_the_second_person():
    made = begun()
    made.submit(A1, ("a", "", 7))
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms, SCANNER)) == "approval.person_required"
    made.submit(A1, ("a", "", 8), by=TOM)
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms, SCANNER, True)) == "approval.person_required"


def test_a_difference_that_waits_for_approval_comes_of_a_scanner_alone():
    made = begun(tolerance_units=9, approval_units=2)
    made.submit(A1, ("a", "", 7), by=SCANNER)
    assert (made.status(), made.state.status) == ("recount", "open")
    made.submit(A1, ("a", "", 7), by=MIA)
    assert (made.status(), made.state.status) == ("asked", "closed")
    (asked,) = made.approvals.values()
    assert asked.asked_by == MIA


def test_a_small_difference_that_a_scanner_found_is_counted_again_though_it_is_tolerated():
    made = begun(tolerance_units=9, approval_units=5)
    made.submit(A1, ("a", "", 7), by=SCANNER)
    assert made.status() == "corrected"
