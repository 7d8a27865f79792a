"""How often somebody may try something, counted in the cell's Redis, so that all replicas count together.

    ocefs:{us}:rate:<key>   string   when the next try would be free if tries came evenly (ms), gone when that has passed

GCRA: one number a key, no counters to reset, and no burst at the turn of a minute. Clocks of replicas differ, so a
number may be further ahead than a burst, and counts: were it cut by whoever is behind, each of his tries would free the
key for all others. One that is more than SKEW_MS further ahead comes from a clock that was wrong, and would keep
everybody out until it were right: then it is as far ahead as the key still lives, a burst at most.
"""

from __future__ import annotations

from pathlib import Path

from actors.storage.shared_line import SharedLine

# By so much the clocks of a cell's machines may differ: by more, none takes the tokens of another.
SKEW_MS = 600_000
# KEYS: the key. ARGV: now, ms between tries, ms that a burst may run ahead, and by how many clocks may differ. Answers
# how many ms to wait, 0: taken.
_SCRIPT = """
local now, every, ahead, skew = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local due, latest = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0)), now + ahead + every
if due > latest + skew then
  due = math.min(latest, now + math.max(1, redis.call('PTTL', KEYS[1])))
  redis.call('SET', KEYS[1], due, 'PX', due - now)
end
if due - now > ahead then return due - now - ahead end
redis.call('SET', KEYS[1], due + every, 'PX', due + every - now)
return 0
"""


class RedisRateLimits:
    """`RateLimits` (see `serve/identity/limits.py`). url, timeout_s: see SharedLine; cell: the region's name."""

    def __init__(self, url: str | Path, cell: str, *, timeout_s: float = 2.0) -> None:
        self._shared = SharedLine(url, timeout_s)
        self._keys = f"ocefs:{{{cell}}}:rate:"

    async def take(self, key: str, now_ms: int, per_minute: int, burst: int) -> int:
        """Raises JournalUnavailable as `SharedLine.ask` does."""
        every_ms = 60_000 // per_minute
        ahead_ms = every_ms * (burst - 1)
        return int(await self._shared.ask("EVAL", _SCRIPT, 1, self._keys + key, now_ms, every_ms, ahead_ms, SKEW_MS))

    async def close(self) -> None:
        """Ends the connection."""
        await self._shared.close()
