"""A cell that stands still while others are measured."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from cells.keeper import store_token
from cells.paths import CellPaths
from cells.processes import RUN_TOKEN, mark_of, wait_until
from cells.state import KeeperState, write_state
from perf.cell import REGION
from perf.comparison import StartFailed
from perf.standing_still import standing_still
from tests.fakes.loopback_server import Answer, LoopbackServer, Request

# Nobody else's, also not of the same test that another run of all tests is at: processes are found by it.
RUN = f"run-of-a-test-{secrets.token_hex(8)}"


@contextmanager
def program(token: str) -> Iterator[int]:
    """A process that waits, of a session of its own."""
    command = [sys.executable, "-c", "import signal; signal.pause()"]
    started = subprocess.Popen(command, env=os.environ | {RUN_TOKEN: token}, start_new_session=True)
    try:
        yield started.pid
    finally:
        started.kill()
        started.wait()


class Ready(LoopbackServer):
    def answer(self, request: Request) -> Answer:
        return Answer(200, b"{}")


@pytest.fixture
def base() -> Iterator[str]:
    server = Ready()
    yield server.address
    server.stop()


def stands_still(pid: int) -> bool:
    return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)


def has_token(pid: int, token: str) -> bool:
    return bool(psutil.Process(pid).environ().get(RUN_TOKEN) == token)


def test_a_part_of_the_cell_takes_the_machine_from_what_is_measured(tmp_path: Path, base: str) -> None:
    paths = CellPaths(REGION, tmp_path)
    paths.create()
    with ExitStack() as stack:
        keeper, ray, redis, other = (
            stack.enter_context(program(token)) for token in ("", RUN, store_token(RUN), "another-run")
        )
        write_state(paths.state_file, KeeperState(region=REGION, run=RUN, keeper=mark_of(keeper)))
        told = {ray: RUN, redis: store_token(RUN), other: "another-run"}
        assert wait_until(lambda: all(has_token(pid, token) for pid, token in told.items()), 30, 0.02)

        def measure() -> None:
            with standing_still(tmp_path, base):
                assert wait_until(lambda: all(map(stands_still, (keeper, ray, redis))), 30, 0.02)
                assert not stands_still(other)
                raise KeyError("what is measured fails")

        with pytest.raises(KeyError):
            measure()
        assert wait_until(lambda: not any(map(stands_still, (keeper, ray, redis))), 30, 0.02)


def test_no_cell_is_taken_for_one_that_stands_still(tmp_path: Path, base: str) -> None:
    with pytest.raises(StartFailed, match="no cell runs"), standing_still(tmp_path, base):
        pytest.fail("it was entered")
