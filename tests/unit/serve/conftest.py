from collections.abc import AsyncIterator, Iterator
from dataclasses import fields, replace
from types import CodeType, FunctionType
from typing import Any, get_args, get_origin

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from fastapi import routing
from fastapi.dependencies import utils
from fastapi.dependencies.models import Dependant
from pydantic.fields import FieldInfo

from serve.app import Api
from serve.identity import passwords, sessions
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

Defaults = tuple[Any, ...]
# Nor need a function be looked at again that is made of the same piece of code: what is written there sees the module alone, so it asks the same of each but for its defaults.
_asked: dict[tuple[Any, ...], tuple[Defaults, Dependant]] = {}
_returned: dict[tuple[str, CodeType], Any] = {}
_get_dependant, _get_returned = utils.get_dependant, utils.get_typed_return_annotation


def _as_written(call: Any) -> bool:
    """Does it say what its piece of code says?"""
    if type(call) is not FunctionType or hasattr(call, "__wrapped__"):
        return False
    return all(type(one) is str for one in call.__annotations__.values())


def _returns(call: Any) -> Any:
    if not _as_written(call):
        return _get_returned(call)
    key = (call.__module__, call.__code__)
    if key not in _returned:
        _returned[key] = _get_returned(call)
    return _returned[key]


def _dependant(*, path: str, call: Any, **how: Any) -> Dependant:
    if not _as_written(call):
        return _get_dependant(path=path, call=call, **how)
    key = (path, call.__module__, call.__code__, repr(how))
    defaults = (*(call.__defaults__ or ()), *(call.__kwdefaults__ or {}).values())
    known = _asked.get(key)
    if known is None or not _same(known[0], defaults):
        known = _asked[key] = defaults, _get_dependant(path=path, call=call, **how)
    return _copied(known[1], call)


def _same(some: Defaults, others: Defaults) -> bool:
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))


def _copied(known: Dependant, call: Any) -> Dependant:
    """Its own, as FastAPI adds to the lists."""
    lists = {one.name: list(getattr(known, one.name)) for one in fields(known) if one.default_factory is list}
    return replace(known, call=call, **lists)


utils.get_dependant = routing.get_dependant = _dependant
routing.get_typed_return_annotation = _returns

# The hash of a password takes 0.1 s and 64 MiB, by intention. Few tests are about that; the others took a fifth of their time for it.
_cheap_hasher = PasswordHasher.from_parameters(CHEAPEST)
_CHEAP_DUMMY = _cheap_hasher.hash("nobody's")


@pytest.fixture(autouse=True)
def _hashes_are_cheap(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the test is marked with `real_hashes`."""
    if request.node.get_closest_marker("real_hashes") is None:
        monkeypatch.setattr(passwords, "_hasher", _cheap_hasher)
        for module in (passwords, sessions):
            monkeypatch.setattr(module, "DUMMY_HASH", _CHEAP_DUMMY)


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
