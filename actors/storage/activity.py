"""When sessions of staff were last used, in the cell's Redis, so that all replicas know.

    ocefs:{us}:activity   sorted set   session → when it was last used (UTC ms); what is older than any idle limit goes

Of two that tell of one session the later counts, in whichever order they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from actors.domain.account_state import IDLE_MS
from actors.storage.shared_line import SharedLine

# Longer than whatever is asked for.
KEEP_MS = 2 * max(IDLE_MS.values())
# KEYS: the set. ARGV: what is not later is forgotten (UTC ms), ms until all of it is, then a
# time and a session in turn.
_TELL = """
redis.call('ZADD', KEYS[1], 'GT', unpack(ARGV, 3))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 0
"""
# KEYS: the set. ARGV: ms until all of it is forgotten, time, session. It writes even where nothing is new: a Redis that
# takes nothing tells of nothing.
_LATER = """
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('ZSCORE', KEYS[1], ARGV[3])
"""


class RedisActivity:
    """`SharedActivity` (see `serve/identity/activity.py`). url, timeout_s: see SharedLine; cell: the region's name."""

    def __init__(self, url: str | Path, cell: str, *, timeout_s: float = 2.0) -> None:
        self._shared = SharedLine(url, timeout_s)
        self._key = f"ocefs:{{{cell}}}:activity"

    async def tell(self, used: Mapping[str, int], now_ms: int) -> None:
        """Raises JournalUnavailable as `SharedLine.ask` does."""
        if used:
            pairs = [part for session_id, used_ms in used.items() for part in (used_ms, session_id)]
            await self._shared.ask("EVAL", _TELL, 1, self._key, now_ms - KEEP_MS, KEEP_MS, *pairs)

    async def later(self, session_id: str, used_ms: int) -> int:
        """Raises JournalUnavailable as `tell` does."""
        return int(float(await self._shared.ask("EVAL", _LATER, 1, self._key, KEEP_MS, used_ms, session_id)))

    async def close(self) -> None:
        """Ends the connection."""
        await self._shared.close()
