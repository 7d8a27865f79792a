"""100 worlds in every test run; `make simulate SEEDS=10000` for more. Each chunk runs in a process of its own, with the
hash seed that `python -m tests.simulation` sets, so that a failing seed replays as printed."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.simulation.faults import BLOWS
from tests.simulation.runs import RUN_S_MAX, simulate

SEEDS = 100
CHUNK = 50
CHUNKS = [("--first", str(first), "--seeds", str(CHUNK)) for first in range(1, SEEDS + 1, CHUNK)]
RUNS = [pytest.mark.simulates(*arguments) for arguments in CHUNKS]
# What the lines between processes do to calls, as `wire.py` counts it, and what the journal
# says no to because of it all.
WEATHER = [
    *(f"{line}: {fault}" for line in ("network", "journal", "store") for fault in ("slow", "request lost", "reply lost")),
    "network: repeated",
    "journal: late",
    "journal: append done without a reply",
    "stale appends refused",
]  # fmt: skip


@pytest.mark.timeout(RUN_S_MAX + 60)
@pytest.mark.parametrize(
    "first", [pytest.param(arguments[1], marks=run) for arguments, run in zip(CHUNKS, RUNS, strict=True)]
)
def test_no_promise_is_broken_whatever_fails(first, done):
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert f"{CHUNK} seeds, 0 failed" in done.stdout


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fault", [pytest.param(fault, marks=RUNS) for fault in (*BLOWS, *WEATHER)])
def test_a_fault_that_no_promise_may_break_by_is_never_played(fault, runs):
    assert sum(_counted(runs.finished(arguments).stdout).get(fault, 0) for arguments in CHUNKS) > 0


@pytest.mark.parametrize("seeds", ["0", "-3"])
def test_a_run_of_no_seeds_is_taken_for_one_that_found_nothing(seeds):
    refused = simulate("--seeds", seeds)
    assert refused.returncode == 2
    assert "--seeds must be 1 or more" in refused.stderr
    assert "0 failed" not in refused.stdout


@pytest.mark.timeout(RUN_S_MAX + 60)
def test_a_seed_that_played_differently_the_second_time_could_not_be_debugged():
    first, second = simulate("--seed", "7", "--verbose"), simulate("--seed", "7", "--verbose")
    assert first.stdout.count("\n") > 300
    assert _told(first.stdout) == _told(second.stdout)
    assert _digest(first.stdout) == _digest(simulate("--seed", "7").stdout), "telling the story changed it"
    assert _digest(first.stdout) != _digest(simulate("--seed", "8").stdout), "the seed decides nothing"


@pytest.mark.timeout(RUN_S_MAX + 60)
def test_a_world_does_not_depend_on_those_that_ran_before_it_or_on_where_its_objects_lie_in_memory():
    seeds = list(range(5, 13))
    with ThreadPoolExecutor() as pool:
        forwards, backwards = pool.map(_digests, (seeds, seeds[::-1]), (0, 99_991))
    assert len(set(forwards.values())) == len(seeds)
    assert forwards == backwards
    assert forwards["12"] == _digest(simulate("--seed", "12").stdout)


def _counted(output: str) -> dict[str, int]:
    """The counts of the summary, by name."""
    summary = (output.splitlines() or [""])[-1].partition("; ")[2]
    return {name: int(count) for name, count in re.findall(r"(?:^|, )(\D+) (\d+)(?=, |$)", summary)}


def _digests(seeds: list[int], junk: int) -> dict[str, str]:
    # The junk moves everything that is made later to other addresses, and with it the order of sets of objects.
    code = (
        "from tests.simulation.world import run_seed\n"
        f"junk = [object() for _ in range({junk})]\n"
        f"for seed in {seeds}: print(seed, run_seed(seed).digest)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=RUN_S_MAX, env={"PYTHONHASHSEED": "0"}
    )  # fmt: skip
    return dict(line.split() for line in done.stdout.splitlines())


def _digest(output: str) -> str:
    found = re.search(r"trace ([0-9a-f]{32})", output)
    assert found is not None, output[-2000:]
    return found.group(1)


def _told(output: str) -> str:
    return re.sub(r"[0-9.]+ s;", "", output)
