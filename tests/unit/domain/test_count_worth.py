"""Counts by what a variance is worth: what would be tolerated or corrected for want of looking at the price."""

from __future__ import annotations

import pytest

from actors.domain.acts import audited_of
from actors.domain.audit import Act, Audited, Who
from actors.domain.count import COUNT
from actors.domain.count_commands import CloseCount, SubmitSpot
from actors.domain.count_events import CountOpened, SpotCompared
from actors.domain.count_worth import CostsTold, Worth, WorthAsked, worth_of
from actors.domain.kind import Context
from actors.domain.location_commands import ReceiptLine, ReceiveStock
from tests.unit.domain.counting_world import A1, A2, ID, LOOSE, MIA, PLACE, TOM, World

USD = "USD"


def begun(*spots, worth, costs, **more) -> World:
    made = World(spots=list(spots or [A1]), tolerance_units=2, worth=worth, **more)
    made.costs.update(costs)
    made.books.do(
        ReceiveStock([ReceiptLine("a", 10, bin="A-01"), ReceiptLine("b", 10, bin="A-01"), ReceiptLine("a", 5)])
    )
    made.opened().begin(*(spots or [A1]))
    return made


def test_one_dear_thing_is_tolerated_as_if_it_were_a_screw():
    made = begun(worth=Worth(USD, 500), costs={"a": (501, USD), "b": (100, USD)})
    made.submit(A1, ("a", "", 9), ("b", "", 10))
    assert (made.status(), made.corrections()) == ("recount", {})
    made = begun(worth=Worth(USD, 500), costs={"a": (500, USD), "b": (100, USD)})
    made.submit(A1, ("a", "", 9), ("b", "", 8))
    assert made.status() == "corrected"
    assert made.state.variance_minor == 700


def test_what_whoever_counts_does_not_name_is_worth_nothing():
    made = begun(worth=Worth(USD, 500), costs={"b": (900_000, USD)}, tolerance_percent=100)
    made.submit(A1, ("a", "", 10))
    assert made.status() == "recount"


def test_units_are_not_looked_at_any_more_where_it_is_cheap():
    made = begun(worth=Worth(USD, 500), costs={"a": (1, USD)})
    made.submit(A1, ("a", "", 7), ("b", "", 10))
    assert made.status() == "recount"


@pytest.mark.parametrize("costs", [{}, {"a": (900_000, "EUR")}])
def test_a_cost_that_nobody_knows_is_made_up(costs):
    made = begun(worth=Worth(USD, 1, 1), costs=costs)
    made.submit(A1, ("a", "", 9), ("b", "", 10))
    assert (made.status(), made.state.variance_minor) == ("corrected", 0)


def test_much_is_corrected_in_small_dear_pieces_without_a_second_person():
    made = begun(A1, LOOSE, worth=Worth(USD, 0, 300), costs={"a": (200, USD)})
    made.submit(A1, ("a", "", 9), ("b", "", 10))
    assert made.status(A1) == "corrected"
    made.submit(LOOSE, ("a", "", 4))
    assert (made.status(LOOSE), made.state.status, made.state.variance_minor) == ("asked", "closed", 400)
    (asked,) = made.approvals.values()
    assert [(line.sku, line.quantity) for line in asked.wanted.lines] == [("a", -1)]


def test_without_a_difference_the_catalogue_is_asked():
    made = begun(worth=Worth(USD, 1), costs={})
    made.submit(A1, ("a", "", 10), ("b", "", 10))
    assert made.status() == "accepted"
    assert not any(type(event) is WorthAsked for event in made.events)


def test_whoever_waits_for_the_answer_is_told_before_it_is_known():
    made = begun(worth=Worth(USD, 500), costs={"a": (600, USD)})
    told = made.do(SubmitSpot(A1, [("a", "", 9), ("b", "", 10)], made.books.now_ms, MIA))
    assert told.spots[0].status == "comparing"
    (mine,) = [name for name, final in made.finals.items() if final is None]
    made.deliver()
    made.deliver()
    assert (made.status(), made.finals[mine]) == ("comparing", None)
    made.settle()
    assert made.finals[mine].spots[0].status == "recount"


def test_an_answer_that_comes_after_the_end_is_heard():
    made = begun(worth=Worth(USD, 500), costs={"a": (1, USD)})
    made.do(SubmitSpot(A1, [("a", "", 9), ("b", "", 10)], made.books.now_ms, MIA))
    made.deliver()
    made.deliver()
    made.do(CloseCount(TOM))
    made.settle()
    assert (made.status(), made.corrections()) == ("begun", {})


def test_an_answer_of_an_earlier_counting_decides_a_later_one():
    made = begun(worth=Worth(USD, 500), costs={"a": (1, USD)})
    made.do(SubmitSpot(A1, [("a", "", 9), ("b", "", 10)], made.books.now_ms, MIA))
    made.deliver()
    made.deliver()
    at_ms = made.state.spots[A1].counted_at_ms
    before = len(made.events)
    made.do(CostsTold(A1, at_ms - 1, {}))
    assert len(made.events) == before
    made.settle()
    made.do(CostsTold(A1, at_ms, {}))
    assert made.corrections() == {("a", "", "A-01"): -1}


def test_what_failed_is_worth_what_it_was_twice():
    made = begun(worth=Worth(USD, 0, 10_000), costs={"a": (200, USD)})
    made.submit(A1, ("a", "", 9), ("b", "", 10))
    assert made.state.variance_minor == 200
    made.state.spots[A1].status = "failed"
    made.state.status = "open"
    made.begin(A1)
    assert (made.state.variance_units, made.state.variance_minor) == (0, 0)


def test_worth_is_added_up_in_another_currency():
    lines = [("a", "", 10, 8), ("b", "", 1, 4), ("c", "", 5, 5)]
    assert worth_of(Worth(USD, 599), lines, {"a": (300, USD), "b": (1_000, "EUR"), "c": (9, USD)}) == (600, True)
    assert worth_of(Worth(USD, 600), lines, {"a": (300, USD)}) == (600, False)
    assert worth_of(None, lines, {"a": (300, USD)}) == (0, False)


@pytest.mark.parametrize("blind", [True, False])
def test_the_monitor_does_not_see_what_one_person_found_alone(blind):
    made = World(spots=[A1, A2], tolerance_units=2, blind=blind).opened()
    made.books.do(ReceiveStock([ReceiptLine("a", 10, bin="A-01")]))
    made.begin(A1, A2)

    def lines(spot, *found):
        made.do(SubmitSpot(spot, list(found), made.books.now_ms, TOM))
        made.deliver()
        (answer,) = made.pending
        command = COUNT.on_reply(answer[0], *answer[1])
        state = made.state
        events = COUNT.decide(state, command, Context(ID, "c", made.books.now_ms)).events
        told = audited_of(COUNT, None, state, command, events)
        made.settle()
        return told

    assert lines(A1, ("a", "", 9)) == [Audited(Who(TOM), Act("count.compare", PLACE, "request", {"a": (10, 9)}))]
    # Nothing differs, or somebody else has to look at it too: then that is told.
    assert lines(A2) == []


def test_old_counts_are_read_as_they_were():
    assert CountOpened(PLACE, [A1], "request", True, 0, 0, 0, 0, "", 1).worth is None
    assert SpotCompared(A1, [], "accepted").worth_minor == 0
