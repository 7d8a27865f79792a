"""Each test of the API builds an app of its own. FastAPI would look at what its routes ask for anew every time: here it
looks once at what is written once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from types import CodeType, FunctionType
from typing import Any, get_args, get_origin

from fastapi import routing
from fastapi.dependencies import models, utils
from fastapi.dependencies.models import Dependant
from pydantic.fields import FieldInfo

_looked_at: dict[tuple[Any, ...], Any] = {}
_analyze_param = utils.analyze_param


def _shape(asked: Any) -> Any:
    """All that a parameter says of itself. A `Query` prints as its default alone: by that, one with another
    limit would be the same."""
    if isinstance(asked, FieldInfo):
        slots = {name for made in type(asked).__mro__ for name in getattr(made, "__slots__", ())}
        said = {name: getattr(asked, name, None) for name in slots} | getattr(asked, "__dict__", {})
        return type(asked), tuple(sorted((name, repr(value)) for name, value in said.items()))
    if parts := get_args(asked):
        return repr(get_origin(asked)), tuple(map(_shape, parts))
    return asked if isinstance(asked, type) else repr(asked)


def _once(*, param_name: str, annotation: Any, value: Any, path_param_names: set[str]) -> Any:
    key = (param_name, _shape(annotation), _shape(value), param_name in path_param_names)
    if key not in _looked_at:
        _looked_at[key] = _analyze_param(
            param_name=param_name, annotation=annotation, value=value, path_param_names=path_param_names
        )
    return _looked_at[key]


Defaults = tuple[Any, ...]
# Nor need a function be looked at again that is made of the same piece of code: what is written there sees the module
# alone, so it asks the same of each but for its defaults.
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
    defaults = _defaults(call)
    known = _asked.get(key)
    if known is None or not _same(known[0], defaults):
        known = _asked[key] = defaults, _get_dependant(path=path, call=call, **how)
    return _copied(known[1], call)


def _defaults(call: FunctionType) -> Defaults:
    return (*(call.__defaults__ or ()), *(call.__kwdefaults__ or {}).values())


def _same(some: Defaults, others: Defaults) -> bool:
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))


def _copied(known: Dependant, call: Any) -> Dependant:
    """Its own, as FastAPI adds to the lists."""
    lists = {one.name: list(getattr(known, one.name)) for one in fields(known) if one.default_factory is list}
    return replace(known, call=call, **lists)


def _by_code(look: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """What kind of function it is, is the same of all that are made of the same piece of code."""
    known: dict[CodeType, bool] = {}

    def asked(call: Any) -> bool:
        if type(call) is not FunctionType or hasattr(call, "__wrapped__"):
            return look(call)
        if call.__code__ not in known:
            known[call.__code__] = look(call)
        return known[call.__code__]

    return asked


_context = routing._extract_endpoint_context
_contexts: dict[CodeType, Any] = {}


def _where(call: Any) -> Any:
    """Where it is written, which is told with an error in its answer."""
    if not _as_written(call):
        return _context(call)
    if call.__code__ not in _contexts:
        _contexts[call.__code__] = _context(call)
    return _contexts[call.__code__]


def install() -> None:
    """From now on, for all apps of this process."""
    utils.analyze_param = _once
    utils.get_dependant = routing.get_dependant = _dependant
    routing.get_typed_return_annotation = _returns
    routing._extract_endpoint_context = _where
    routing.compile_path = cache(routing.compile_path)
    for name in ("_is_gen_callable", "_is_async_gen_callable", "_is_coroutine_callable"):
        by_code = _by_code(getattr(models, name))
        for module in (models, utils, routing):
            setattr(module, name, by_code)
