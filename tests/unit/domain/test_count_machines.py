"""A machine (a scanner that nobody works on, a client) is taken for a person where two are needed."""

from __future__ import annotations

import pytest

from actors.domain import count, ids
from actors.domain.count_commands import SubmitSpot
from actors.domain.count_events import SpotCompared
from actors.domain.kind import Context
from tests.unit.domain.counting_world import A1, ANN, ID, MIA, TOM, begun

SCANNER = ids.device_id("us", 1_767_225_600_000, "scanner")
MACHINES = (SCANNER, "us-client-erp")


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_counts_as_the_second_person_or_the_third(machine):
    made = begun()
    made.submit(A1, ("a", "", 7))
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms, machine)) == "approval.person_required"
    made.submit(A1, ("a", "", 8), by=TOM)
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms, machine, True)) == "approval.person_required"


@pytest.mark.parametrize("machine", MACHINES)
def test_what_one_person_has_found_with_a_machine_and_as_himself_is_corrected(machine):
    made = begun()
    made.submit(A1, ("a", "", 7), by=machine)
    made.submit(A1, ("a", "", 7), by=MIA, senior=False)
    assert (made.status(), made.corrections()) == ("decide", {})
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms, MIA, True)) == "count.same_person"
    assert made.refused(SubmitSpot(A1, [], made.books.now_ms, TOM, False)) == "count.senior_required"
    made.submit(A1, ("a", "", 6), by=ANN)
    assert (made.status(), made.corrections()) == ("corrected", {("a", "", "A-01"): -4})


@pytest.mark.parametrize("machine", MACHINES)
def test_a_person_who_finds_the_books_right_after_a_machine_needs_somebody_else(machine):
    made = begun()
    made.submit(A1, ("a", "", 7), by=machine)
    made.submit(A1, ("a", "", 10), by=MIA, senior=False)
    assert (made.status(), made.state.status) == ("accepted", "closed")


@pytest.mark.parametrize("machine", MACHINES)
def test_a_difference_that_waits_for_approval_comes_of_a_machine_alone(machine):
    made = begun(tolerance_units=9, approval_units=2)
    made.submit(A1, ("a", "", 7), by=machine)
    assert (made.status(), made.state.status) == ("recount", "open")
    made.submit(A1, ("a", "", 7), by=MIA)
    assert (made.status(), made.state.status) == ("asked", "closed")
    (asked,) = made.approvals.values()
    assert asked.asked_by == MIA


@pytest.mark.parametrize("machine", MACHINES)
def test_a_small_difference_that_a_machine_found_is_counted_again_though_it_is_tolerated(machine):
    made = begun(tolerance_units=9, approval_units=5)
    made.submit(A1, ("a", "", 7), by=machine)
    assert made.status() == "corrected"


def test_a_count_of_before_that_took_a_machine_for_a_person_reads_otherwise_now():
    made = begun()
    made.submit(A1, ("a", "", 7), by=SCANNER)
    made.do(SubmitSpot(A1, [("a", "", 7)], made.books.now_ms, MIA))
    written = SpotCompared(A1, [("a", "", 10, 7)], "accepted")
    state = count.evolve(made.state, written, Context(ID, "c", made.books.now_ms))
    assert (state.spots[A1].status, state.variance_units) == ("accepted", 3)


def test_in_a_cell_that_knows_nobody_two_counts_alike_are_one_of_a_machine():
    made = begun(by="")
    for _ in range(2):
        made.submit(A1, ("a", "", 7), by="")
    assert made.status() == "corrected"
