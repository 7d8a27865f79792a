"""What dies at each start keeps a core busy, or what another keeper keeps is ended as if that had crashed. With real
stores: tests/integration/cells/test_keeper.py."""

import os
import sys
from pathlib import Path

import pytest

from cells import keeper
from cells.keeper import _BACKOFF_MAX_S, _CALM_S, _Backoff, end_leftovers
from cells.processes import Child, ProcessMark, is_alive, mark_of, stop
from cells.state import KeeperState


class Ending:
    """Notes what is waited for, and lets that time pass."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def test_a_store_that_dies_at_each_start_is_started_all_the_time_or_ever_later(monkeypatch: pytest.MonkeyPatch) -> None:
    ending = Ending()
    monkeypatch.setattr(keeper, "time", ending)
    backoff = _Backoff(ending)  # type: ignore[arg-type]
    for _ in range(10):
        backoff.wait()
        ending.now += 0.5
    assert ending.waits == [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, _BACKOFF_MAX_S, _BACKOFF_MAX_S]
    # It was well for a while: its next death is one like the first.
    ending.now += _CALM_S
    for _ in range(3):
        backoff.wait()
    assert ending.waits[10:] == [0, 0.1, 0.2]


def test_a_cell_whose_keeper_lives_is_ended_as_what_a_crash_has_left(tmp_path: Path) -> None:
    child = Child([sys.executable, "-c", "import time; time.sleep(600)"], log=tmp_path / "log")
    try:
        kept = KeeperState(region="us", keeper=mark_of(os.getpid()), run="of-a-test", processes={"Redis": child.mark})
        assert (end_leftovers(kept), end_leftovers(None), is_alive(child.mark)) == ("", "", True)
        kept.keeper = ProcessMark(os.getpid(), "earlier")
        assert f"Redis (process {child.mark.pid})" in end_leftovers(kept)
        assert not is_alive(child.mark)
    finally:
        stop(child.mark)
