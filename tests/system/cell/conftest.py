"""One real cell for all tests of this folder: PostgreSQL, Redis, Ray, hosts and API, as `make up` starts them.

It is started on first use, and ends before the tests of other folders begin. Each test gets it whole: what
the one before broke is back.
"""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

from perf.chaos import faults, found
from perf.chaos.own_cell import OwnCell
from perf.chaos.run import Settings, fill, make_clients
from perf.chaos.told import Notebook
from perf.chaos.verdict import judge

WHOLE_S = 120.0


class RunningCell:
    """The cell, and everything that its clients were told so far."""

    def __init__(self, cell: OwnCell) -> None:
        self.cell = cell
        self.notebook = Notebook()
        self.counts = {kind: len(faults.find(cell, kind)) for kind in faults.KINDS}
        asyncio.run(fill(cell, make_clients(cell, self.notebook, Settings(tag="first-"))))

    def wait_whole(self) -> None:
        """Until every part is there and well."""
        deadline = time.monotonic() + WHOLE_S
        while problem := faults.is_whole(self.cell, self.counts):
            assert time.monotonic() < deadline, f"the cell is not whole again: {problem}\n{self.cell.logs()}"
            time.sleep(0.2)

    def check_promises(self) -> None:
        """Nothing that any client was ever told is lost, doubled or otherwise untrue."""
        assert not found.wait_settled(self.cell)
        verdict = judge(self.notebook, found.read(self.cell))
        assert (verdict.lost[:5], verdict.doubled[:5], verdict.wrong[:5]) == ([], [], [])
        assert verdict.acknowledged > 0


@pytest.fixture(scope="package")
def running_cell() -> Iterator[RunningCell]:
    with OwnCell(name="ocefs-st-") as cell:
        yield RunningCell(cell)


@pytest.fixture
def cell(running_cell: RunningCell) -> RunningCell:
    """The cell, whole."""
    running_cell.wait_whole()
    return running_cell


@pytest.fixture
def api(cell: RunningCell) -> Iterator[httpx.Client]:
    """A client of the cell's own door."""
    with httpx.Client(base_url=cell.cell.base, timeout=20, trust_env=False) as client:
        yield client
