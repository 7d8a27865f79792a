"""Pages of what was written behind: one item more is read than is told, so that it is known whether there are more; the
cursor says where these begin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence, Set
from datetime import datetime
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from fastapi import Query
from starlette.requests import Request

from serve.callers import places_asked
from serve.freshness import as_of, from_store
from serve.limits import PAGE_MAX
from serve.problems import parameter_problem
from serve.services import Services

T = TypeVar("T")
# Parameters that lists share.
Cursor = Annotated[
    str | None,
    Query(
        max_length=512, description="`next_cursor` of the page before, with the same filters; none for the first page"
    ),
]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="how many at most")]
LocationAsked = Annotated[
    str | None, Query(max_length=80, description="only at this location; without it, at all that one's rights reach")
]


def one_of(choices: Collection[str], description: str = "only those of this status") -> Any:
    """A parameter with a word of these; sets are shown in the alphabet's order. What is none of them,
    `check_choice` refuses."""
    shown = sorted(choices) if isinstance(choices, Set) else list(choices)
    return Query(max_length=32, description=description, json_schema_extra={"enum": shown})


class Page(NamedTuple, Generic[T]):
    """Some items of a list. as_of: how fresh they are, None while not every host has told;
    next_cursor: None at the end."""

    items: Sequence[T]
    as_of: datetime | None
    next_cursor: str | None


async def page_of(
    services: Services, scope: str, cursor: str | None, limit: int,
    read: Callable[[str | None, int], Awaitable[Sequence[T]]], position_of: Callable[[T], str],
) -> Page[T]:  # fmt: skip
    """At most `limit` items of the list that `scope` names with its filters.

    read: gives items after a position (None: from the beginning), at most so many; position_of: an item's own, as
    `read` takes it. Raises Problem 400 `cursor.invalid`, 503 when the store is away.
    """
    position = services.cursors.open(scope, cursor)
    fresh = as_of(services)
    found = await from_store(read(position, limit + 1))
    items = found[:limit]
    more = services.cursors.seal(scope, position_of(items[-1])) if len(found) > limit else None
    return Page(items, fresh, more)


async def page_at_places(
    services: Services, request: Request, name: str, status: str | None, statuses: Collection[str], location_id: str | None,
    cursor: str | None, limit: int, read: Callable[..., Awaitable[Sequence[T]]], position_of: Callable[[T], str],
) -> Page[T]:  # fmt: skip
    """A page of the list `name`: those of a status, at a location or at all that the caller's rights reach.

    read: takes status, locations, before and limit by name. Raises Problem 400, 403, 422, 503.
    """
    check_choice("status", status, statuses)
    places = places_asked(request.scope, location_id)
    return await page_of(
        services, f"{name}\0{status or ''}\0{location_id or ''}", cursor, limit,
        lambda before, some: read(status=status, locations=places, before=before, limit=some), position_of,
    )  # fmt: skip


def check_choice(name: str, value: str | None, choices: Collection[str]) -> None:
    """Raises Problem 422 when a parameter is given and is none of these."""
    if value is not None and value not in choices:
        detail = f"{name} must be one of {', '.join(sorted(choices))}."
        raise parameter_problem(name, detail)
