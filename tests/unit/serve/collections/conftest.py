from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.post_office import without_waiting
from tests.unit.serve.small_cell import furnish_with


@pytest.fixture
async def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GuardedCell]:
    without_waiting(monkeypatch)
    made = GuardedCell(tmp_path, approval_transfer_units=50)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()
