"""A cell of hosts in memory, closed after each test; a line to hosts that the test plays."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.runtime.played_hosts import Wire
from tests.unit.runtime.rig import Cell


@pytest.fixture
async def cell() -> AsyncIterator[Cell]:
    one = Cell()
    yield one
    await one.close()


@pytest.fixture
async def line() -> Wire:
    return Wire()
