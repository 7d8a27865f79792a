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
_LOOK_S = 0.1


def as_of(services: Services) -> datetime | None:
    """Everything acknowledged before this moment is in lists; None while not every host has told. To
    be taken before reading."""
    fresh_ms = services.gateway.fresh_ms()
    return None if fresh_ms is None else moment(fresh_ms)


async def fresh_enough(services: Services, at_ms: int, within_s: float) -> bool:
    """Is everything in lists that was acknowledged before `at_ms` (UTC)? Waits so long for it to come about."""
    clock = services.clock
    until_s = clock.monotonic() + within_s
    while True:
        fresh_ms = services.gateway.fresh_ms()
        if fresh_ms is not None and fresh_ms >= at_ms:
            return True
        if clock.monotonic() >= until_s:
            return False
        await clock.sleep(_LOOK_S)


async def from_store(reading: Awaitable[T]) -> T:
    """A read of the read model. Raises Problem 503 when Postgres is away; orders go on without it."""
    try:
        return await reading
    except StoreUnavailable:
        detail = "Lists can't be read at the moment. Orders themselves are not concerned."
        raise Problem("cell.store_unavailable", detail) from None
