"""Days as callers write them. The domain counts them from 1970-01-01, UTC."""

from __future__ import annotations

from datetime import date

from serve.problems import parameter_problem

_FIRST = date(1970, 1, 1).toordinal()


def date_of(day: int) -> date:
    """Days since 1970-01-01 as a date."""
    return date.fromordinal(_FIRST + day)


def day_of(on: date) -> int:
    """A date as days since 1970-01-01."""
    return on.toordinal() - _FIRST


def day_asked(name: str, value: str) -> int:
    """A parameter as days since 1970-01-01. Raises Problem 422."""
    try:
        on = date.fromisoformat(value)
    except ValueError:
        on = None
    # ISO 8601 knows other spellings, weeks for one.
    if on is not None and on.isoformat() == value:
        return day_of(on)
    detail = f"{name} must be a date such as 2026-03-01."
    raise parameter_problem(name, detail)
