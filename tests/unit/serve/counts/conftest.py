"""A cell that knows nobody and one that asks who calls, both with stock in bins."""

from __future__ import annotations

import pytest

from tests.unit.serve.counts.counting import (
    fill,
)
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with


@pytest.fixture
async def guarded(tmp_path):
    made = GuardedCell(tmp_path, approval_adjustment_units=5, approval_expires_hours=72)
    await furnish_with(made, made.bearer())
    await fill(made)
    yield made
    await made.http.aclose()


@pytest.fixture
async def open_cell(cell):
    await fill(cell)
    return cell
