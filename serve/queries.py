"""Query strings of the hot routes, and what all routes ask of theirs: what is one value is given once. FastAPI reads those of the others.

Of two values somebody else may have looked at the other one: the router chooses a cell by the first `lat`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from typing import get_origin
from urllib.parse import unquote_plus

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from serve.problems import Problem

PAIRS_MAX = 128
QUERY_BYTES_MAX = 16_384


# The names that are given once, by method and template.
SingleNames = dict[tuple[str, str], frozenset[str]]


def pairs(query: bytes) -> list[tuple[str, str]]:
    """Name and value of each parameter, decoded. Raises Problem 422 for too many, or what is not UTF-8."""
    if not query:
        return []
    if len(query) > QUERY_BYTES_MAX or query.count(b"&") >= PAIRS_MAX:
        detail = f"The query may have {PAIRS_MAX} parameters and {QUERY_BYTES_MAX} bytes."
        raise Problem("request.parameter_invalid", detail, errors=[{"parameter": "", "detail": detail}])
    try:
        return [_pair(part) for part in query.decode("ascii").split("&") if part]
    except UnicodeDecodeError:
        detail = "The query is not UTF-8, percent-encoded."
        raise Problem("request.parameter_invalid", detail, errors=[{"parameter": "", "detail": detail}]) from None


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
    raise Problem("request.parameter_invalid", detail, errors=[{"parameter": name, "detail": detail}])


def require_once(given: Iterable[tuple[str, str]], single: Collection[str]) -> None:
    """Raises Problem 422 with the first name of `single` that is given again."""
    seen = set()
    for name, _ in given:
        if name in single:
            if name in seen:
                detail = f"{name} is one value: give it once."
                raise Problem("request.parameter_repeated", detail, errors=[{"parameter": name, "detail": detail}])
            seen.add(name)


def single_names(routes: Iterable[BaseRoute]) -> SingleNames:
    """What FastAPI's routes take one value of; of a parameter that is a list they take many."""
    return {
        (method, route.path_format): frozenset(_single(route.dependant))
        for route in routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }


def _single(needs: Dependant) -> Iterator[str]:
    for parameter in needs.query_params:
        if get_origin(parameter.field_info.annotation) is not list:
            yield parameter.alias
    for part in needs.dependencies:
        yield from _single(part)
