"""A spot is counted that is another's, unknown or not begun, or stays taken for a count that is over."""

from __future__ import annotations

from actors.domain import count
from actors.domain.count import COUNT_MAX_MS, SPOTS_MAX
from actors.domain.count_commands import BeginSpots, CloseCount, ExpireCount, SubmitSpot
from actors.domain.location_commands import BeginCounting, ReceiptLine, ReceiveStock
from actors.domain.location_counting import CHANGES_MAX
from tests.unit.domain.counting_world import A1, A2, LOOSE, MIA, TOM, World, begun, world


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
