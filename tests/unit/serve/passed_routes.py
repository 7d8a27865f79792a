"""An app has 200 routes, and most of them are only ever passed by in a test. FastAPI would make each of them twice,
as it is declared and again for the app, which took half of these tests' time: here a route is made when something is
asked of it. Until then it knows its path and its methods, by which a request passes it."""

from __future__ import annotations

from contextvars import Context
from typing import Any

from fastapi import routing
from starlette._utils import get_route_path
from starlette.routing import Match, get_name
from starlette.types import Scope

# --- as it is declared
_init = routing.APIRoute.__init__
_LATER = "_as_declared"


def _declare(route: routing.APIRoute, path: str, endpoint: Any, **how: Any) -> None:
    regex, told, convertors = routing.compile_path(path)
    vars(route).update(
        path=path, path_regex=regex, path_format=told, param_convertors=convertors, endpoint=endpoint,
        name=how["name"] or get_name(endpoint), include_in_schema=how["include_in_schema"],
        methods={method.upper() for method in how["methods"] or ["GET"]}, **{_LATER: how},
    )  # fmt: skip


def _make(route: routing.APIRoute, name: str) -> Any:
    """Of what is not there yet."""
    how = vars(route).pop(_LATER, None)
    if how is None:
        raise AttributeError(name, name=name, obj=route)
    # Not within the route of an app that FastAPI is just looking at.
    Context().run(_init, route, route.path, route.endpoint, **how)
    return getattr(route, name)


# --- as it is in an app
_InApp = routing._EffectiveRouteContext
_in_app = _InApp.from_api_route


class _Passed(_InApp):
    """A route of an app of which nothing was asked yet."""

    def __getattribute__(self, name: str) -> Any:
        # FastAPI looks what each of a router's routes is, too.
        if name not in ("__class__", "original_route"):
            _look_at(self)
        return object.__getattribute__(self, name)


def _there(route: Any) -> dict[str, Any]:
    """What is there already."""
    told: dict[str, Any] = object.__getattribute__(route, "__dict__")
    return told


def _pass(*, original_route: routing.APIRoute, include_context: Any) -> _InApp:
    made = object.__new__(_Passed)
    regex = routing.compile_path(include_context.path_for(original_route))[0]
    _there(made).update(original_route=original_route, include_context=include_context, path_regex=regex)
    return made


def _look_at(passed: _Passed) -> None:
    there = _there(passed)
    there.update(vars(_in_app(original_route=there["original_route"], include_context=there.pop("include_context"))))
    object.__setattr__(passed, "__class__", _InApp)


_Router = routing._IncludedRouter
_match = _Router._match
_NO_MATCH: Any = Match.NONE, {}, None, None


def _match_some(router: Any, scope: Scope) -> Any:
    """Most of an app's routers have no route of that path."""
    if scope["type"] == "http":
        path = get_route_path(scope)
        regexes = (_there(route).get("path_regex") for route in router.effective_candidates())
        if all(regex is not None and not regex.match(path) for regex in regexes):
            return _NO_MATCH
    return _match(router, scope)


def install() -> None:
    """From now on, for all apps of this process."""
    routing.APIRoute.__init__ = _declare
    routing.APIRoute.__getattr__ = _make
    _InApp.from_api_route = _pass
    _Router._match = _match_some
