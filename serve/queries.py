"""Query strings of the hot routes; FastAPI reads those of the others."""

from __future__ import annotations

import math
from urllib.parse import unquote_plus

from serve.problems import Problem

PAIRS_MAX = 128
QUERY_BYTES_MAX = 16_384


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
