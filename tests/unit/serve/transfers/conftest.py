"""A guarded cell with some places and goods; the open one is everybody's (`../conftest.py`)."""

from __future__ import annotations

import pytest

from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with


@pytest.fixture
async def guarded(tmp_path):
    made = GuardedCell(tmp_path, approval_transfer_units=50)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()
