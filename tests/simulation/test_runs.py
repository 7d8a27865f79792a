"""The runs that a test session starts at once: each is told as it was, no core is idle, and
none outlives the session."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.simulation.runs import Runs

# Takes a second to start, and hours to end.
ENDLESS = [("--seeds", "1000000", "--workers", "1", "--first", str(first)) for first in (1, 2, 3)]
START_S_MAX = 60.0


@pytest.fixture
def runs() -> Iterator[Runs]:
    made = Runs(ENDLESS, cores=2)
    yield made
    made.close()


def running(runs: Runs, number: int) -> list[subprocess.Popen[str]]:
    deadline = time.monotonic() + START_S_MAX
    while len(found := list(runs._processes)) < number:
        assert time.monotonic() < deadline, f"{len(found)} of {number} have begun"
        time.sleep(0.01)
    return found


def test_a_run_that_failed_is_taken_for_a_good_one_or_its_words_are_lost():
    wanted = [("--help",), ("--sneeds", "7")]
    runs = Runs(wanted)
    good, bad = (runs.finished(arguments) for arguments in wanted)
    assert (good.returncode, bad.returncode) == (0, 2)
    assert "how many" in good.stdout
    assert "--sneeds 7" in bad.stderr


def test_a_core_is_idle_while_a_run_waits(runs):
    assert len(running(runs, 2)) == 2


def test_a_run_outlives_the_session_that_wanted_it(runs):
    began = running(runs, 2)
    runs.close()
    assert [process.poll() for process in began] == [-9, -9]
    assert not runs._processes
    assert runs._runs[ENDLESS[2]].cancelled()


def test_a_run_that_nobody_wanted_is_waited_for(runs):
    with pytest.raises(KeyError):
        runs.finished(("--seed", "7"))
