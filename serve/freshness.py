"""How fresh lists are: what is read from Postgres is behind the actors by the write-behind lag."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import TypeVar

from actors.domain.times import moment
from actors.runtime.errors import StoreUnavailable
from serve.problems import Problem
from serve.services import Services

T = TypeVar("T")


def as_of(services: Services) -> datetime | None:
    """Everything acknowledged before this moment is in lists; None while not every host has told. To be taken before reading."""
    fresh_ms = services.gateway.fresh_ms()
    return None if fresh_ms is None else moment(fresh_ms)


async def from_store(reading: Awaitable[T]) -> T:
    """A read of the read model. Raises Problem 503 when Postgres is away; orders go on without it."""
    try:
        return await reading
    except StoreUnavailable:
        detail = "Lists can't be read at the moment. Orders themselves are not concerned."
        raise Problem("cell.store_unavailable", detail) from None
