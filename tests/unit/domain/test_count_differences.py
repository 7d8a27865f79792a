"""A difference is corrected on one person's word, to the wrong number, or never."""

from __future__ import annotations

from actors.domain.count_commands import SubmitSpot
from actors.domain.location_commands import Allocate, MoveLine, MoveUnits
from actors.domain.location_events import PromisesAtRisk
from tests.unit.domain.counting_world import A1, A2, ANN, ID, LOOSE, MIA, TOM, begun, refused_correction, world


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


def test_a_correction_that_the_location_refuses_is_forgotten():
    made = refused_correction()
    assert (made.status(), made.state.spots[A1].problem) == ("failed", "stock.not_in_bin")
    assert (made.state.status, made.corrections(), made.state.variance_units) == ("open", {}, 7)
    made.begin(A1)
    assert (made.status(), made.state.variance_units, made.state.spots[A1].attempts) == ("begun", 0, [])
    made.submit(A1)
    assert (made.status(), made.state.status) == ("accepted", "closed")
