"""Query strings of the hot routes, and what all routes ask of theirs: no name that they don't know, and what is one
value once. FastAPI reads those of the others.

Who misspells a filter would be told about everybody's orders. Of two values somebody else may have looked at the other
one: the router chooses a cell by the first `lat`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, get_origin
from urllib.parse import unquote_plus

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.routing import BaseRoute

from serve.context import Scope
from serve.problems import Problem, parameter_problem
from serve.requests import check_target

PAIRS_MAX = 128
QUERY_BYTES_MAX = 16_384
# Of the API. What else there is (probes, metrics, pages) is asked by who adds what he likes, and ignores it.
_PREFIX = "/v1/"
_NAME_CHARS_MAX = 100


class Names(NamedTuple):
    """The parameters of a route's query: those that stand for one value, and those that are lists.
    optional: of the first."""

    single: frozenset[str] = frozenset()
    many: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()


NO_NAMES = Names()
# What there may be at an endpoint, a method and a template; None at one that is not the API's.
NamesOfRoutes = Callable[[tuple[str, str]], Names | None]


def pairs(query: bytes) -> list[tuple[str, str]]:
    """Name and value of each parameter, decoded. Raises Problem 422 for too many, or what is not UTF-8."""
    if not query:
        return []
    if len(query) > QUERY_BYTES_MAX or query.count(b"&") >= PAIRS_MAX:
        detail = f"The query may have {PAIRS_MAX} parameters and {QUERY_BYTES_MAX} bytes."
        raise parameter_problem("", detail)
    try:
        return [_pair(part) for part in query.decode("ascii").split("&") if part]
    except UnicodeDecodeError:
        detail = "The query is not UTF-8, percent-encoded."
        raise parameter_problem("", detail) from None


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    # Most are plain: looking costs less than decoding.
    if "%" in part or "+" in part:
        return unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
    return name, value


def number(name: str, value: str, least: float, most: float) -> float:
    """A finite number within its bounds. Raises Problem 422."""
    try:
        found = float(value) if value.isascii() and len(value) <= 32 and "_" not in value else math.nan
    except ValueError:
        found = math.nan
    if least <= found <= most:
        return found
    detail = f"{name} must be a number from {least:g} to {most:g}."
    raise parameter_problem(name, detail)


def check_names(scope: Scope, given: Iterable[tuple[str, str]], names: Names) -> None:
    """Raises Problem 422 with the first name that is unknown, or given again though it is one value."""
    seen = set()
    for name, _ in given:
        if name in names.single:
            if name in seen:
                detail = f"{name} is one value: give it once."
                raise parameter_problem(name, detail, "request.parameter_repeated")
            seen.add(name)
        elif name not in names.many:
            # A card's number is told as that, and not sent back.
            check_target(scope)
            raise _unknown(name[:_NAME_CHARS_MAX], sorted(names.single | names.many))


def check_query(request: Request, names: Names) -> None:
    """The same of a request that FastAPI has begun with. What is optional and empty is left out then: it is a field of
    a form that nobody filled in, and not given. Not so what may not be empty: whose orders are asked for is never
    everybody's because a caller's variable was not set."""
    given = request.query_params.multi_items()
    check_names(request.scope, given, names)
    kept = [(name, value) for name, value in given if value or name not in names.optional]
    if len(kept) != len(given):
        # FastAPI has looked at them for the check itself, and they are remembered here.
        request._query_params = QueryParams(kept)  # noqa: SLF001 - Starlette has no other way


def _unknown(name: str, known: list[str]) -> Problem:
    detail = f"There is no parameter `{name}` here; there {_told(known)}."
    return parameter_problem(name, detail, "request.parameter_unknown")


def _told(known: list[str]) -> str:
    if not known:
        return "are none"
    return f"{'is' if len(known) == 1 else 'are'} {', '.join(known)}"


def names_of(routes: Iterable[BaseRoute]) -> NamesOfRoutes:
    """What the queries of FastAPI's routes may have in them; each is looked through when it is first asked."""
    by_endpoint = {
        (method, route.path_format): route
        for route in routes
        if isinstance(route, APIRoute) and route.path_format.startswith(_PREFIX)
        for method in route.methods or ()
    }
    known: dict[tuple[str, str], Names] = {}

    def named(endpoint: tuple[str, str]) -> Names | None:
        if endpoint not in known and endpoint in by_endpoint:
            known[endpoint] = _names(by_endpoint[endpoint].dependant)
        return known.get(endpoint)

    return named


def _names(needs: Dependant) -> Names:
    parameters = list(_parameters(needs))
    return Names(
        single=frozenset(name for name, is_list, _ in parameters if not is_list),
        many=frozenset(name for name, is_list, _ in parameters if is_list),
        optional=frozenset(name for name, is_list, needed in parameters if not (is_list or needed)),
    )


def _parameters(needs: Dependant) -> Iterator[tuple[str, bool, bool]]:
    """Name, whether it is a list, whether something must stand there."""
    for parameter in needs.query_params:
        field = parameter.field_info
        needed = field.is_required() or any(getattr(rule, "min_length", 0) for rule in field.metadata)
        yield parameter.alias, get_origin(field.annotation) is list, needed
    for part in needs.dependencies:
        yield from _parameters(part)
