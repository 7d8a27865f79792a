"""A cell of hosts in memory, closed after each test."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.runtime.rig import Cell


@pytest.fixture
async def cell() -> AsyncIterator[Cell]:
    one = Cell()
    yield one
    await one.close()
