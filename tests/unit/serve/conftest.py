import inspect
from collections.abc import AsyncIterator, Iterator
from types import CodeType
from typing import Any, get_args, get_origin

import pytest
from fastapi.dependencies import utils
from pydantic.fields import FieldInfo

from serve.app import Api
from tests.unit.serve.documented import watched
from tests.unit.serve.small_cell import Cell, furnish

# Each test builds an app of its own, of 200 routes. FastAPI would look at each of their parameters anew every time, which took half of these tests' time.
_looked_at: dict[tuple[Any, ...], Any] = {}
_analyze_param = utils.analyze_param


def _shape(asked: Any) -> Any:
    """All that a parameter says of itself. A `Query` prints as its default alone: by that, one with another limit would be the same."""
    if isinstance(asked, FieldInfo):
        slots = {name for made in type(asked).__mro__ for name in getattr(made, "__slots__", ())}
        said = {name: getattr(asked, name, None) for name in slots} | getattr(asked, "__dict__", {})
        return type(asked), tuple(sorted((name, repr(value)) for name, value in said.items()))
    if parts := get_args(asked):
        return repr(get_origin(asked)), tuple(map(_shape, parts))
    return repr(asked)


def _once(*, param_name: str, annotation: Any, value: Any, path_param_names: set[str]) -> Any:
    key = (param_name, _shape(annotation), _shape(value), param_name in path_param_names)
    if key not in _looked_at:
        _looked_at[key] = _analyze_param(
            param_name=param_name, annotation=annotation, value=value, path_param_names=path_param_names
        )
    return _looked_at[key]


utils.analyze_param = _once

# Nor need what is written there be evaluated again: it sees the module alone, so it says the same of each function made of one piece of code.
_evaluated: dict[tuple[str, CodeType], inspect.Signature] = {}
_get_signature = utils._get_signature


def _signature(call: Any) -> inspect.Signature:
    code, written = getattr(call, "__code__", None), getattr(call, "__annotations__", {})
    if code is None or hasattr(call, "__wrapped__") or not all(isinstance(one, str) for one in written.values()):
        return _get_signature(call)
    if (call.__module__, code) not in _evaluated:
        _evaluated[call.__module__, code] = _get_signature(call)
    known, found = _evaluated[call.__module__, code], inspect.signature(call)
    parameters = [one.replace(annotation=known.parameters[one.name].annotation) for one in found.parameters.values()]
    return found.replace(parameters=parameters, return_annotation=known.return_annotation)


utils._get_signature = _signature


@pytest.fixture(autouse=True)
def _answers_are_documented(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever the API answers in a test has a status, a media type and a Location that its document tells of."""
    found: set[str] = set()
    monkeypatch.setattr(Api, "__call__", watched(Api.__call__, found))
    yield
    assert sorted(found) == []


@pytest.fixture
async def cell() -> AsyncIterator[Cell]:
    made = Cell()
    await furnish(made)
    yield made
    await made.http.aclose()
