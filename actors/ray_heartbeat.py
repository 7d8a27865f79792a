"""Whether a host's loop turns and what it owns, asked several times a second.

    owned ──▶ by the link to its door (0.2 ms of CPU) ── none, or lost ──▶ by Ray (4 ms), which also knows whether its process is dead

Ten of these a second by Ray took three hundredths of a core, for nothing that the link does not tell.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from actors.link import HostLink, connected
from actors.ray_gateway import DOOR_PAUSE_S, door_beside_us
from actors.runtime.errors import HostUnreachable


class Heartbeat:
    """Of one process of a host, by its Ray handle."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._link: HostLink | None = None
        self._door_after = 0.0

    async def owned(self) -> Mapping[int, int]:
        """See `Host.owned`: an answer says that its loop turns. Raises RayError: ActorDiedError when it is dead."""
        if self._link is not None:
            try:
                return await self._link.owned()
            except HostUnreachable:
                self.end()
        owned: Mapping[int, int] = await self._handle.ping.remote()
        if time.monotonic() >= self._door_after:
            self._link = await self._connected()
        return owned

    def end(self) -> None:
        """Closes the link."""
        link, self._link = self._link, None
        if link is not None:
            link.abandon()

    async def _connected(self) -> HostLink | None:
        """None when it is on another machine, or its door does not open yet. Raises RayError."""
        self._door_after = time.monotonic() + DOOR_PAUSE_S
        door = door_beside_us(await self._handle.address.remote())
        if not door:
            self._door_after = math.inf
            return None
        try:
            return await connected(door)
        except HostUnreachable:
            return None
