"""Whoever reads a ratio must learn that the machine was another one by then."""

from types import SimpleNamespace

import pytest

from perf import pace


def test_a_machine_that_slowed_down_in_the_middle_is_not_told_of():
    assert pace.described([10.0, 19.5, 12.0]) == (
        "the same loop took 10.0 to 19.5 ms beside the rows: ratios of rows beside which it differs say so much less"
    )


def test_a_steady_machine_is_called_unsteady_or_one_without_rows_anything():
    assert pace.described([10.0, 11.0]) == "the same loop took 10.0 to 11.0 ms beside the rows"
    assert pace.described([]) == ""


def test_what_else_ran_meanwhile_does_not_count(monkeypatch):
    """By the clock on the wall: a loop that was not let run took longer, whatever processor time it had."""
    moments = iter(range(0, 10_000, 7))
    # Its clock alone: a thread of another test that read it would take a moment away.
    monkeypatch.setattr(pace, "time", SimpleNamespace(perf_counter=lambda: next(moments) / 1000))
    assert pace.loop_ms() == pytest.approx(7.0)
