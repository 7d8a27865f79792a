from collections.abc import AsyncIterator

import pytest

from tests.unit.serve.packing.pack_rig import Station, open_cell
from tests.unit.serve.small_cell import furnish


@pytest.fixture
async def station() -> AsyncIterator[Station]:
    """In a cell that knows nobody."""
    cell = open_cell()
    await furnish(cell)
    made = Station(cell)
    await made.goods()
    yield made
    await cell.http.aclose()
