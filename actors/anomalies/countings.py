"""Counts that find a little too little, again and again, each within what is tolerated: the rule `nibbles`.

Goods get lost, so that a little less is found than more is everybody's lot: it is compared with what the others find.
Each SKU of a spot is a difference of its own, for each is tolerated by itself, up to so many of one counting that one
does not fill the window; and who finds a spot that others have plundered finds all of it at once, so a few countings
tell nothing, and the differences of one less than as many countings.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import islice

from actors.anomalies.findings import Finding, found_by
from actors.anomalies.record import Record
from actors.anomalies.settings import AnomalySettings
from actors.anomalies.windows import Windows

# So many differences that others found say what is usual; and so far from it (standard deviations of a
# binomial) nobody is by chance.
_OTHERS_MIN, _SIGMAS = 30, 3.5
# Who finds a little too little finds it in so many countings.
_COUNTINGS_MIN = 4
_OF_A_COUNTING_MAX = 20
# One SKU that is found hides nothing of the others of its spot.
_NEARLY_ALL = 0.8
# What one counting finds goes one way more often than chance would have it: a spot that somebody else plundered, or put
# things of another into. So many of its pairs of differences agree for that alone (the correlation within a cluster,
# of which its variance is 1 + (size - 1) times that larger: Kish, Survey Sampling, 1965, 5.4).
_ALIKE = 0.1


class Countings:
    """own: differences by who counted; together: those of all, by whom."""

    def __init__(self, settings: AnomalySettings, own: Windows, together: Windows) -> None:
        self._settings, self._own, self._together = settings, own, together

    def see(self, record: Record) -> Finding | None:
        """What this comparison of a count with the books completes."""
        pairs = [(b, n) for b, n in record.changes.values() if isinstance(b, int) and isinstance(n, int)]
        if not pairs or not record.subject:
            return None
        limits, share = self._settings, sum(n < b for b, n in pairs) / len(pairs)
        for _ in islice(pairs, _OF_A_COUNTING_MAX):
            self._own.add(record.subject, record, record.entity_id, share)
        window = self._own.get(record.subject, record.at_ms)
        together = self._together.add("", record, record.subject, share)
        number, fewer = len(window), window.weight()
        sizes = Counter(entry.reference for entry in window.entries)
        one_way = sum(entry.weight >= _NEARLY_ALL for entry in window.entries)
        if (
            share < _NEARLY_ALL
            or number < limits.nibbles
            or len(sizes) < _COUNTINGS_MIN
            or one_way < limits.nibbles_down * number
        ):
            return None
        others = [entry.weight for entry in together.entries if entry.member != record.subject]
        usual = max(0.5, sum(others) / len(others)) if len(others) >= _OTHERS_MIN else 0.5
        alike = sum(size * (1 + (size - 1) * _ALIKE) for size in sizes.values())
        if fewer <= number * usual + _SIGMAS * math.sqrt(alike * usual * (1 - usual)):
            return None
        reason = (
            f"{number} differences within tolerance found in {len(sizes)} countings in {limits.nibble_days} days, {int(fewer)} of them too little; "
            f"of others' {usual:.0%}"
        )
        return found_by("nibbles", record, window, number / limits.nibbles, "none", reason)
