"""Latency of the fakes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

# Called on the way there and on the way back; the simulation waits in virtual time, with seeded lengths.
Delay = Callable[[], Awaitable[None]]


async def no_delay() -> None:
    """None at all."""
