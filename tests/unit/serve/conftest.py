from collections.abc import AsyncIterator

import pytest

from tests.unit.serve.small_cell import Cell, furnish


@pytest.fixture
async def cell() -> AsyncIterator[Cell]:
    made = Cell()
    await furnish(made)
    yield made
    await made.http.aclose()
