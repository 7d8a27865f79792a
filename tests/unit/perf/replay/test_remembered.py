"""A trace is sent again when the cell has forgotten its keys, and done twice; or it is refused though it is safe."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from perf.replay import remembered
from perf.replay.readback import Present
from perf.replay.remembered import KEYS_REMEMBERED_S, KeysForgotten, check_speed, remembers_orders, sends_receipts
from perf.replay.run import _is_to_be_sent
from perf.replay.survey import Survey, survey
from tests.unit.perf.replay.traces import csv_of, row

HOUR_S = 3600


@pytest.fixture
def found(tmp_path: Path) -> Survey:
    """Three orders in 40 hours, the last of which is not the last in the file."""
    path = tmp_path / "us.csv"
    times = ("2020-01-01T10:00:00", "2020-01-03T02:00:00", "2020-01-02T10:00:00")
    path.write_text(csv_of(*(row(order_ref=n, ordered_at=at) for n, at in enumerate(times))))
    return survey(path)


def test_orders_are_placed_twice_or_are_sent_again_though_all_are_there(found: Survey) -> None:
    console = Console(file=io.StringIO(), width=300)
    old, young = KEYS_REMEMBERED_S, KEYS_REMEMBERED_S - 1
    for present in (Present(0, 0), Present(2, young), Present(3, young)):
        assert _is_to_be_sent(present, found, None, console)
    with pytest.raises(KeysForgotten, match=r"2 of the trace's 3 orders were placed up to 23 h ago.*place them twice"):
        _is_to_be_sent(Present(2, old), found, None, console)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""
    assert not _is_to_be_sent(Present(3, old), found, None, console)
    assert "All orders of this trace are there, from up to 23 h ago" in console.file.getvalue()
    assert remembers_orders(0, 3, 0)


def test_orders_in_trace_time_come_so_late_that_they_are_placed_twice(found: Survey) -> None:
    console = Console(quiet=True)
    assert found.span_s == 40 * HOUR_S
    with pytest.raises(KeysForgotten) as raised:
        _is_to_be_sent(Present(1, 3 * HOUR_S), found, 2.0, console)
    assert str(raised.value) == (
        "1 of the trace's orders are there, from up to 3 h ago: the cell may forget their keys in 20 h, and at --speed 2 its last order would"
        " be sent in 20 h. That could place orders twice. Run it without --speed, or with --speed 3."
    )
    for speed in (3.0, 2.01, None):
        assert _is_to_be_sent(Present(1, 3 * HOUR_S), found, speed, console)
    # None is there, so the cell has no key to forget but those that this run sends.
    assert _is_to_be_sent(Present(0, 0), found, 0.1, console)
    # All are there and are not sent.
    assert not _is_to_be_sent(Present(3, 30 * HOUR_S), found, 0.1, console)


def test_the_speed_that_is_named_is_too_low(found: Survey) -> None:
    for age_s in (0, 60, 10 * HOUR_S, KEYS_REMEMBERED_S - 1):
        with pytest.raises(KeysForgotten) as raised:
            check_speed(found, 1, age_s, 0.001)
        check_speed(found, 1, age_s, float(str(raised.value).rpartition(" ")[2].rstrip(".")))


def test_stock_is_received_twice_or_a_trace_is_refused_that_needs_none() -> None:
    for age_s in (0, KEYS_REMEMBERED_S - 1):
        assert sends_receipts(age_s, all_there=False)
    with pytest.raises(KeysForgotten, match=r"received up to 23 h ago.*receive it twice"):
        sends_receipts(KEYS_REMEMBERED_S, all_there=False)
    assert not sends_receipts(KEYS_REMEMBERED_S, all_there=True)


def test_orders_that_wait_for_others_on_their_way_come_too_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trace's clock stands still while too many are."""
    path = tmp_path / "us.csv"
    shipped = {"shipped_at": "2020-01-04T10:00:00", "final_status": "shipped"}
    path.write_text(csv_of(*(row(order_ref=n, ordered_at="2020-01-01T10:00:00", **shipped) for n in range(3))))
    found = survey(path)
    assert (found.span_s, found.steps_span_s) == (0, 72 * HOUR_S)
    check_speed(found, 1, HOUR_S, 3.0)
    monkeypatch.setattr(remembered, "PENDING_MAX", 2)
    with pytest.raises(KeysForgotten, match=r"--speed 4\."):
        check_speed(found, 1, HOUR_S, 3.0)


def test_a_trace_of_one_moment_has_no_span(tmp_path: Path) -> None:
    path = tmp_path / "us.csv"
    path.write_text(csv_of(row()))
    check_speed(survey(path), 1, 0, 0.001)
