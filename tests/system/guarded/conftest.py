"""One real cell with identity for all tests of this folder: each leaves it whole."""

from collections.abc import Iterator

import pytest

from perf.chaos.own_cell import OwnCell
from tests.system.guarded.guarded_cell import GuardedCell


@pytest.fixture(scope="package")
def guarded() -> Iterator[GuardedCell]:
    with OwnCell({"identity": {"mode": "required"}}, name="ocefs-id-") as cell:
        yield GuardedCell(cell)
