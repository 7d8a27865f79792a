"""How often somebody may try something, counted in the cell's Redis, so that all replicas count together.

    ocefs:{us}:rate:<key>    string   when the next try would be free if tries came evenly (ms), gone when that is over
    ocefs:{us}:rate:<once>   string   empty: this very thing was counted, and is not again; gone after a while

GCRA: one number a key, no counters to reset, and no burst at the turn of a minute. The number is how long the key still
lives, by Redis's own clock: those of replicas differ, and whoever were ahead would keep callers out at all others, and
whoever were behind let them in. So nobody waits longer than the key lives. What stands in it is for whoever looks, and
for replicas of the release before, which count by it.
"""

from __future__ import annotations

from pathlib import Path

from actors.storage.shared_line import SharedLine

# KEYS: the key; what counts once, if anything does. ARGV: ms between tries, ms that a burst may run ahead, ms that
# something is not counted again. Answers how many ms to wait, 0: taken. A key
# lives longer than a burst only when Redis's clock was set back, or the limit was another: it is cut to that.
_SCRIPT = """
if KEYS[2] and redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
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
if KEYS[2] then redis.call('SET', KEYS[2], '', 'PX', ARGV[3]) end
return 0
"""


class RedisRateLimits:
    """`RateLimits` (see `serve/identity/limits.py`). url, timeout_s: see SharedLine; cell: the region's name."""

    def __init__(self, url: str | Path, cell: str, *, timeout_s: float = 2.0) -> None:
        self._shared = SharedLine(url, timeout_s)
        self._keys = f"ocefs:{{{cell}}}:rate:"

    async def take(self, key: str, now_ms: int, per_minute: int, burst: int, once: str = "", once_ms: int = 0) -> int:
        """now_ms: not asked for, since Redis's clock counts. Raises JournalUnavailable as `SharedLine.ask` does."""
        every_ms = 60_000 // per_minute
        keys = [self._keys + name for name in (key, once) if name]
        ahead_ms = every_ms * (burst - 1)
        return int(await self._shared.ask("EVAL", _SCRIPT, len(keys), *keys, every_ms, ahead_ms, once_ms))

    async def close(self) -> None:
        """Ends the connection."""
        await self._shared.close()
