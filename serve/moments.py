"""Times as callers write them. The domain counts them in UTC ms.

RFC 3339 knows the years 1 to 9999, and with an offset a time can even lie outside of these: nobody
could read such a one back.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta
from pydantic import BeforeValidator

from serve.problems import field_problem, parameter_problem

# 2100-01-01: nobody plans further ahead, and a time that far off is a slip.
END_MS = 4_102_444_800_000
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RANGE = "A time lies between the years 1970 and 2099."
# Whoever takes one turns it into ms by `ms_of`, which looks at the range: a type can't say it.
Moment = Annotated[
    datetime,
    Meta(tz=True, description="RFC 3339 with offset, of the years 1970 to 2099", examples=["2026-03-01T12:00:00Z"]),
]


def ms_of(at: datetime, pointer: str) -> int:
    """A time as UTC ms. Raises Problem 422 when it is of another century."""
    at_ms = _ms(at)
    if not 0 <= at_ms < END_MS:
        raise field_problem("body.invalid", _RANGE, pointer)
    return at_ms


def ms_asked(name: str, at: datetime) -> int:
    """The same of a parameter, which may lack its offset. Raises Problem 422."""
    if at.tzinfo is None:
        raise parameter_problem(name, "A time needs its offset, e.g. 2026-03-14T12:00:00Z.")
    at_ms = _ms(at)
    if not 0 <= at_ms < END_MS:
        raise parameter_problem(name, _RANGE)
    return at_ms


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _written(value: object) -> object:
    if isinstance(value, str) and not _DAY.match(value):
        raise ValueError("write it as RFC 3339, e.g. 2026-03-01T00:00:00Z")
    return value


# For a moment in a query: FastAPI would take a number for seconds since 1970.
WRITTEN = BeforeValidator(_written)
