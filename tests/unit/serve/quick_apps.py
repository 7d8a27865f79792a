"""Each test of the API builds an app of its own, of 200 routes, and asks few of them. FastAPI would look at each of
them anew every time, which took half of these tests' time: here it looks once at what is written once, and at a route
of an app when something is asked of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from copy import copy
from dataclasses import fields
from functools import cache
from types import CodeType, FunctionType, SimpleNamespace
from typing import Any, get_args, get_origin

from fastapi import routing
from fastapi.dependencies import models, utils
from fastapi.dependencies.models import Dependant
from pydantic.fields import FieldInfo
from starlette._utils import get_route_path
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

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


_FIELDS = [one.name for one in fields(Dependant)]
_LISTS = [one.name for one in fields(Dependant) if one.default_factory is list]


def _copied(known: Dependant, call: Any) -> Dependant:
    """Its own, as FastAPI adds to the lists."""
    told = {name: getattr(known, name) for name in _FIELDS} | {"call": call}
    return Dependant(**(told | {name: list(told[name]) for name in _LISTS}))


# Nor is a route made anew of which the same is asked, but for the app that it is in.
_APP = "dependency_overrides_provider"
_routes: dict[tuple[Any, ...], tuple[Defaults, dict[str, Any], dict[str, Any]]] = {}
_populate = routing._populate_api_route_state
_get_handler = routing.APIRoute.get_route_handler


def _populated(route: Any, path: str, endpoint: Any, **how: Any) -> None:
    if not _as_written(endpoint):
        _populate(route, path, endpoint, **how)
        return
    app = how.pop(_APP, None)
    # A route is asked for twice, by its router and by the app.
    key = (type(route), path, endpoint.__module__, endpoint.__code__)
    defaults = _defaults(endpoint)
    known = _routes.get(key)
    if known is None or known[1] != how or not _same(known[0], defaults):
        made = SimpleNamespace()
        _populate(made, path, endpoint, **how)
        known = _routes[key] = defaults, how, vars(made)
    own = {name: copy(told) if type(told) in (list, dict, set) else told for name, told in known[2].items()}
    vars(route).update(own, endpoint=endpoint, dependant=_copied(own["dependant"], endpoint), **{_APP: app})


# And most of an app's routes are only ever passed by: what stands here is all that is looked at then.
_init_route = routing.APIRoute.__init__
_LATER = "_as_given"


def _begun(route: routing.APIRoute, path: str, endpoint: Any, **how: Any) -> None:
    if not _as_written(endpoint):
        _init_route(route, path, endpoint, **how)
        return
    regex, told, convertors = routing.compile_path(path)
    vars(route).update(
        path=path, path_regex=regex, path_format=told, param_convertors=convertors, endpoint=endpoint,
        name=how["name"] or endpoint.__name__,
        methods={method.upper() for method in how["methods"] or ["GET"]}, include_in_schema=how["include_in_schema"],
        **{_LATER: how},
    )  # fmt: skip


def _asked_for(route: routing.APIRoute, name: str) -> Any:
    """Of what is not there yet."""
    how = vars(route).pop(_LATER, None)
    if how is None:
        raise AttributeError(name, name=name, obj=route)
    # Not within the route of an app that FastAPI is just looking at.
    Context().run(_init_route, route, route.path, route.endpoint, **how)
    return getattr(route, name)


_Context = routing._EffectiveRouteContext
_of_route = _Context.from_api_route


class _Passed(_Context):
    """A route of an app that no request was for yet, nor anything else asked."""

    def __getattribute__(self, name: str) -> Any:
        if name not in ("__class__", "original_route", "matches"):
            _look_at(self)
        return object.__getattribute__(self, name)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and not _told_of(self)["path_regex"].match(get_route_path(scope)):
            return Match.NONE, {}
        _look_at(self)
        return self.matches(scope)


_Inclusion = routing._IncludedRouter
_matched = _Inclusion._match
_NO_MATCH: Any = Match.NONE, {}, None, None


def _match(router: Any, scope: Scope) -> Any:
    """Most of an app's routers have no route of that path."""
    if scope["type"] == "http":
        path = get_route_path(scope)
        regexes = (_told_of(route).get("path_regex") for route in router.effective_candidates())
        if all(regex is not None and not regex.match(path) for regex in regexes):
            return _NO_MATCH
    return _matched(router, scope)


def _told_of(passed: Any) -> dict[str, Any]:
    """What is there already."""
    told: dict[str, Any] = object.__getattribute__(passed, "__dict__")
    return told


def _passed(*, original_route: routing.APIRoute, include_context: Any) -> _Context:
    made = object.__new__(_Passed)
    regex = routing.compile_path(include_context.path_for(original_route))[0]
    _told_of(made).update(original_route=original_route, include_context=include_context, path_regex=regex)
    return made


def _look_at(passed: _Passed) -> None:
    told = _told_of(passed)
    looked = _of_route(original_route=told["original_route"], include_context=told.pop("include_context"))
    told.update(vars(looked))
    object.__setattr__(passed, "__class__", _Context)


def _handler_when_asked(route: routing.APIRoute) -> Callable[[Request], Awaitable[Response]]:
    """Most tests ask few of the routes. What is said around it where it is made belongs to it."""
    around = copy_context()
    handler: Callable[[Request], Awaitable[Response]] | None = None

    async def handle(request: Request) -> Response:
        nonlocal handler
        if handler is None:
            handler = around.run(_get_handler, route)
        return await handler(request)

    return handle


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
    routing._populate_api_route_state = _populated
    routing.APIRoute.get_route_handler = _handler_when_asked
    routing.APIRoute.__init__ = _begun
    routing.APIRoute.__getattr__ = _asked_for
    _Context.from_api_route = _passed
    _Inclusion._match = _match
    routing._extract_endpoint_context = _where
    routing.compile_path = cache(routing.compile_path)
    for name in ("_is_gen_callable", "_is_async_gen_callable", "_is_coroutine_callable"):
        by_code = _by_code(getattr(models, name))
        for module in (models, utils, routing):
            setattr(module, name, by_code)
