"""300 worlds in every test run; `make simulate SEEDS=10000` for more. Each chunk runs in a process of its own, with the hash seed that
`python -m tests.simulation` sets, so that a failing seed replays as printed."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.simulation.runs import simulate

SEEDS = 300
CHUNK = 50


def chunk(first: int):
    run = pytest.mark.simulates("--first", str(first), "--seeds", str(CHUNK))
    return pytest.param(first, marks=run)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", [chunk(first) for first in range(1, SEEDS + 1, CHUNK)])
def test_no_promise_is_broken_whatever_fails(first, done):
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert f"{CHUNK} seeds, 0 failed" in done.stdout


@pytest.mark.timeout(120)
def test_a_seed_that_played_differently_the_second_time_could_not_be_debugged():
    first, second = simulate("--seed", "7", "--verbose"), simulate("--seed", "7", "--verbose")
    assert first.stdout.count("\n") > 300
    assert _told(first.stdout) == _told(second.stdout)
    assert _digest(first.stdout) == _digest(simulate("--seed", "7").stdout), "telling the story changed it"
    assert _digest(first.stdout) != _digest(simulate("--seed", "8").stdout), "the seed decides nothing"


@pytest.mark.timeout(120)
def test_a_world_does_not_depend_on_those_that_ran_before_it_or_on_where_its_objects_lie_in_memory():
    seeds = list(range(1, 21))
    with ThreadPoolExecutor() as pool:
        forwards, backwards = pool.map(_digests, (seeds, seeds[::-1]), (0, 99_991))
    assert len(set(forwards.values())) == len(seeds)
    assert forwards == backwards
    assert forwards["12"] == _digest(simulate("--seed", "12").stdout)


def _digests(seeds: list[int], junk: int) -> dict[str, str]:
    # The junk moves everything that is made later to other addresses, and with it the order of sets of objects.
    code = (
        "from tests.simulation.world import run_seed\n"
        f"junk = [object() for _ in range({junk})]\n"
        f"for seed in {seeds}: print(seed, run_seed(seed).digest)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120, env={"PYTHONHASHSEED": "0"}
    )  # fmt: skip
    return dict(line.split() for line in done.stdout.splitlines())


def _digest(output: str) -> str:
    found = re.search(r"trace ([0-9a-f]{32})", output)
    assert found is not None, output[-2000:]
    return found.group(1)


def _told(output: str) -> str:
    return re.sub(r"[0-9.]+ s;", "", output)
