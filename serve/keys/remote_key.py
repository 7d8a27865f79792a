"""What the ports to a key elsewhere have in common: a deadline, and the name of the key that wraps now,
kept fresh behind the calls.

learn ─▶ name known ─▶ wrap, unwrap, wrapping … each may begin a look: LOOK_EVERY_S after the last, nobody waits for it
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import TypeVar

from actors.runtime.ports import Clock
from serve.keys.port import KeyUnavailable

# Below the API's own deadline for a request, so that its caller hears why.
DEADLINE_S = 5.0
LOOK_EVERY_S = 60.0
_T = TypeVar("_T")
log = logging.getLogger("ocefs.keys")


class KeyRefused(KeyUnavailable):
    """The other side answered, and does not do it: a token, a right, a name or the key's state is wrong. Waiting
    does not help, people do."""


class RemoteKey(ABC):
    """`RegionKey` on a service. `learn` comes before all else, `close` after it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._name = ""
        self._next_look_s = 0.0
        self._looking: asyncio.Task[None] | None = None

    async def learn(self) -> None:
        """Asks for the key that wraps now. Raises KeyUnavailable."""
        self._told(await self._in_time(self._present()))

    def wrapping(self) -> str:
        """See RegionKey. After a rotation over there it is the old one for LOOK_EVERY_S at most, or
        until something is wrapped."""
        assert self._name, "learn comes first"
        self._look()
        return self._name

    async def wrap(self, key: bytes, place: str) -> tuple[bytes, str]:
        """See RegionKey."""
        self._look()
        wrapped, name = await self._in_time(self._wrapped(key, place))
        self._told(name)
        return wrapped, name

    async def unwrap(self, wrapped: bytes, wrapping: str, place: str) -> bytes:
        """See RegionKey."""
        self._look()
        return await self._in_time(self._unwrapped(wrapped, wrapping, place))

    async def close(self) -> None:
        """Gives back what was opened."""
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking

    @abstractmethod
    async def _present(self) -> str:
        """The name of the key that wraps now. Raises KeyUnavailable."""

    @abstractmethod
    async def _wrapped(self, key: bytes, place: str) -> tuple[bytes, str]:
        """As `wrap`, with no deadline."""

    @abstractmethod
    async def _unwrapped(self, wrapped: bytes, wrapping: str, place: str) -> bytes:
        """As `unwrap`, with no deadline."""

    async def _in_time(self, asked: Awaitable[_T]) -> _T:
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await asked
        except TimeoutError:
            raise KeyUnavailable(f"{self!r} did not answer within {DEADLINE_S:.0f} s") from None

    def _told(self, name: str) -> None:
        if self._name and name != self._name:
            log.info("keys.rotated", extra={"before": self._name, "now": name})
        self._name = name
        self._next_look_s = self._clock.monotonic() + LOOK_EVERY_S

    def _look(self) -> None:
        """Begins a look when it is time for one. A name that was never learned is not looked for."""
        under_way = self._looking is not None and not self._looking.done()
        if self._name and not under_way and self._clock.monotonic() >= self._next_look_s:
            self._looking = asyncio.ensure_future(self._looked())

    async def _looked(self) -> None:
        try:
            await self.learn()
        except KeyUnavailable as away:
            # The name that is known goes on being told.
            self._next_look_s = self._clock.monotonic() + LOOK_EVERY_S
            log.warning("keys.region_key_away", extra={"problem": str(away)})
