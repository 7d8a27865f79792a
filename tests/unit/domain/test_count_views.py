"""Who counts blind is shown what should be there, or somebody of another place looks or counts."""

from __future__ import annotations

import pytest

from actors.domain import count
from actors.domain.count_commands import BeginSpots, CloseCount, SubmitSpot
from actors.domain.count_views import ViewCount
from actors.domain.errors import Refused
from tests.unit.domain.counting_world import A1, ID, MIA, PLACE, TOM, begun, refused_correction


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


@pytest.mark.parametrize("blind", [True, False])
def test_who_counts_again_what_failed_is_shown_the_books_though_the_count_is_blind(blind):
    made = refused_correction(blind=blind)
    [shown] = count.view(made.state, ViewCount(ID), 1).spots
    assert (shown.status, shown.problem, shown.times) == ("failed", "stock.not_in_bin", 1)
    assert shown.lines == ([] if blind else [("a", "", 10, 3)])
    assert (shown.book, shown.counted_by) == (([], "") if blind else ([("a", "", 10)], MIA))
