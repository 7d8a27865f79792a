"""Who is where at present: at a network, at work in a role. What many do at once is nobody's secret.

Not kept over a restart: after an hour it is known again.
"""

from __future__ import annotations

from actors.anomalies.record import Record
from actors.domain.times import HOUR_MS

# Of those who work here, and of visitors.
PLACES_MAX = 4096
_SUBJECTS_MAX = 64
_LATELY_MS = 12 * HOUR_MS


class Presence:
    """Places by name, each with those who were there and when (UTC ms). Visitors push no colleague out, and are none:
    where they are stays a strange place."""

    def __init__(self) -> None:
        self._at_work: dict[str, dict[str, int]] = {}
        self._visiting: dict[str, dict[str, int]] = {}

    def others(self, place: str, record: Record) -> int:
        """How many others of the subject's sort (two is as good as many) were there within the last
        hour; the subject is noted."""
        places = self._visiting if record.visits else self._at_work
        seen = places.pop(place, None) or {}
        places[place] = seen
        if len(places) > PLACES_MAX:
            del places[next(iter(places))]
        seen.pop(record.subject, None)
        others = 0
        for at_ms in reversed(seen.values()):
            if at_ms < record.at_ms - HOUR_MS or others > 1:
                break
            others += 1
        seen[record.subject] = record.at_ms
        if len(seen) > _SUBJECTS_MAX:
            del seen[next(iter(seen))]
        return others

    def lately(self, place: str, now_ms: int) -> bool:
        """Was anybody there within half a day?"""
        return any(
            at_ms >= now_ms - _LATELY_MS
            for places in (self._at_work, self._visiting)
            for at_ms in places.get(place, {}).values()
        )
