"""A scanner that nobody works on is taken for a person where two are needed."""

from __future__ import annotations

from actors.domain import ids
from actors.domain.count_commands import SubmitSpot
from tests.unit.domain.counting_world import A1, MIA, TOM, begun

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
