from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi.dependencies import utils

from tests.unit.serve.small_cell import Cell, furnish

# Each test builds an app of its own, of 200 routes. FastAPI would look at each of their parameters anew every time, which took half of these tests' time.
_looked_at: dict[tuple[Any, ...], Any] = {}
_analyze_param = utils.analyze_param


def _once(*, param_name: str, annotation: Any, value: Any, path_param_names: set[str]) -> Any:
    key = (param_name, repr(annotation), repr(value), param_name in path_param_names)
    if key not in _looked_at:
        _looked_at[key] = _analyze_param(
            param_name=param_name, annotation=annotation, value=value, path_param_names=path_param_names
        )
    return _looked_at[key]


utils.analyze_param = _once


@pytest.fixture
async def cell() -> AsyncIterator[Cell]:
    made = Cell()
    await furnish(made)
    yield made
    await made.http.aclose()
