"""How much a day usually brings under a key: one sum for each day that had any, instead of all that made it up.
Bounded in days and in keys.

    DaySums(28)   account and currency ──▶ {day: sum}     usual ◀── mean of the whole days before the last 24 hours

Days are of UTC. The one in which the last 24 hours begin is cut in two and is left out, as are those that are not over.
"""

from __future__ import annotations

from actors.anomalies.windows import KEYS_MAX
from actors.domain.times import DAY_MS

# Day (since 1970) → sum.
Days = dict[int, float]
# Keys that are looked at for being over, with each sum: as for windows.
_OVER_MAX = 2


class DaySums:
    """See the module's docstring. `days`: so many before the last 24 hours are remembered."""

    def __init__(self, days: int, *, keys_max: int = KEYS_MAX) -> None:
        self._days = days
        self._keys_max = keys_max
        self._sums: dict[str, Days] = {}

    def __len__(self) -> int:
        return len(self._sums)

    def add(self, key: str, at_ms: int, amount: float) -> None:
        """Something more at that time (UTC ms)."""
        sums = self._sums.pop(key, None)
        if sums is None:
            sums = {}
            if len(self._sums) >= self._keys_max:
                del self._sums[next(iter(self._sums))]
        self._sums[key] = sums  # last in the dict's order: heard of most lately
        day = at_ms // DAY_MS
        sums[day] = sums.get(day, 0.0) + amount
        oldest = self._oldest(at_ms)
        for over in [known for known in sums if known < oldest]:
            del sums[over]
        self._let_go(oldest)

    def _let_go(self, oldest: int) -> None:
        """Drops keys of which no day counts any more."""
        for _ in range(min(_OVER_MAX, len(self._sums))):
            key, sums = next(iter(self._sums.items()))
            if max(sums) >= oldest:
                return
            del self._sums[key]

    def usual(self, key: str, now_ms: int, days_min: int) -> float:
        """What a day had that had any, of the whole days before the last 24 hours; as if these
        were `days_min` at least."""
        oldest, cut = self._oldest(now_ms), _cut(now_ms)
        known = [amount for day, amount in self._sums.get(key, {}).items() if oldest <= day < cut]
        return sum(known) / max(len(known), days_min, 1)

    def _oldest(self, now_ms: int) -> int:
        return _cut(now_ms) - self._days

    def dump(self) -> dict[str, Days]:
        """What is kept over a restart."""
        return self._sums

    def restore(self, kept: dict[str, Days]) -> None:
        """Takes over what `dump` gave."""
        self._sums = kept


def _cut(now_ms: int) -> int:
    """The day in which the last 24 hours begin."""
    return (now_ms - DAY_MS) // DAY_MS
