"""How often somebody may try something, counted in the cell's Redis, so that all replicas count together.

    ocefs:{us}:rate:<key>   string   when the next try would be free if tries came evenly (ms), gone when that has passed

GCRA: one number a key, no counters to reset, and no burst at the turn of a minute. The number is how long the key still
lives, by Redis's own clock: those of replicas differ, and whoever were ahead would keep callers out at all others, and
whoever were behind let them in. So nobody waits longer than the key lives. What stands in it is for whoever looks, and
for replicas of the release before, which count by it.
"""

from __future__ import annotations

from pathlib import Path

from actors.storage.shared_line import SharedLine

# KEYS: the key. ARGV: ms between tries, ms that a burst may run ahead. Answers how many ms to wait, 0: taken. A key
# lives longer than a burst only when Redis's clock was set back, or the limit was another: it is cut to that.
_SCRIPT = """
local every, ahead = tonumber(ARGV[1]), tonumber(ARGV[2])
local left, most = math.max(0, redis.call('PTTL', KEYS[1])), ahead + every
if left > most then
  left = most
  redis.call('PEXPIRE', KEYS[1], left)
end
if left > ahead then return left - ahead end
local time = redis.call('TIME')
local due = time[1] * 1000 + math.floor(time[2] / 1000) + left + every
redis.call('SET', KEYS[1], due, 'PX', left + every)
return 0
"""


class RedisRateLimits:
    """`RateLimits` (see `serve/identity/limits.py`). url, timeout_s: see SharedLine; cell: the region's name."""

    def __init__(self, url: str | Path, cell: str, *, timeout_s: float = 2.0) -> None:
        self._shared = SharedLine(url, timeout_s)
        self._keys = f"ocefs:{{{cell}}}:rate:"

    async def take(self, key: str, now_ms: int, per_minute: int, burst: int) -> int:
        """now_ms: not asked for, since Redis's clock counts. Raises JournalUnavailable as `SharedLine.ask` does."""
        every_ms = 60_000 // per_minute
        return int(await self._shared.ask("EVAL", _SCRIPT, 1, self._keys + key, every_ms, every_ms * (burst - 1)))

    async def close(self) -> None:
        """Ends the connection."""
        await self._shared.close()
