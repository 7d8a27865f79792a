"""The cell's Redis for what all replicas of the API know together and nobody journals: how often somebody tried
something (`rate_limits.py`), when sessions were last used (`activity.py`)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from actors.runtime.errors import JournalUnavailable
from actors.storage.redis_line import RedisLine, is_of_a_replica


class SharedLine:
    """One connection, to Redis 6.2 or newer.

    Args:
        url: as for RedisJournal.
        timeout_s: of each call, and of the wait for one's turn: while Redis hangs, nobody waits for everybody's time.
            Each has its own, for a call that began with what the wait had left would be given up on the way, and its
            connection with it: the next one would have still less.
    """

    def __init__(self, url: str | Path, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._line = RedisLine(f"unix://{url}" if str(url).startswith("/") else str(url), timeout_s)

    async def ask(self, *parts: str | int) -> Any:
        """The answer to a command. Raises JournalUnavailable, also where Redis is full or a replica by now: its
        connection is left then, for who is the primary shows when connecting anew."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._turn.acquire()
            try:
                return await self._line.call(parts)
            finally:
                self._turn.release()
        except (OSError, TimeoutError, RedisError) as fault:
            if is_of_a_replica(fault):
                await self._line.leave()
            raise JournalUnavailable(f"Redis: {str(fault) or 'no turn within the time'}") from fault

    async def close(self) -> None:
        """Ends the connection."""
        await self._line.close()
