"""Which parts of orders go on a trip together: seeds and what saves most walking.

A trip begins with the most urgent part that waits; of equally urgent ones with the one that walks farthest, since short
ones ride along more easily. Then, while something fits, the part is added for which least has to be walked in addition,
a line (the savings of G. Clarke and J. W. Wright 1964, with the additional-aisles rule of R. de Koster, E. S. van der
Poort and M. Wolters 1999 as estimate). Less urgent parts are looked at only when none of the more urgent ones fits any
more, so nothing with a later cut-off goes before something with an earlier one that fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nsmallest
from itertools import groupby

from actors.domain.wave_parts import Part
from actors.domain.wave_terms import Limits

# Companions are looked for among so many that are nearest to the trip so far.
NEAR_MAX = 128


class Filling:
    """A trip while it is filled. segment_dm: what one more stretch of aisle is taken to cost."""

    def __init__(self, seed: Part, limits: Limits, door_dm: int, segment_dm: int) -> None:
        self.parts: list[Part] = []
        self._lines, self._units, self._totes = limits.lines, limits.units, limits.totes
        self._weight_g, self._volume_ml = limits.weight_g, limits.volume_ml
        self._segments = 0
        self._low_dm = self._high_dm = door_dm
        self._segment_dm = segment_dm
        self.add(seed)

    def fits(self, part: Part) -> bool:
        """Does it break no limit?"""
        return (
            part.lines <= self._lines
            and part.units <= self._units
            and part.weight_g <= self._weight_g
            and part.volume_ml <= self._volume_ml
            and self._totes > 0
        )

    def add(self, part: Part) -> None:
        """Takes it along."""
        self.parts.append(part)
        self._lines -= part.lines
        self._units -= part.units
        self._weight_g -= part.weight_g
        self._volume_ml -= part.volume_ml
        self._totes -= 1
        self._segments |= part.segments
        self._low_dm = min(self._low_dm, part.low_dm)
        self._high_dm = max(self._high_dm, part.high_dm)

    def added_dm(self, part: Part) -> int:
        """What is walked more with it, by estimate: stretches of aisle that are new, and the way beyond where the
        trip goes anyway and back."""
        new = (part.segments & ~self._segments).bit_count() * self._segment_dm
        if part.low_dm < self._low_dm:
            new += 2 * (self._low_dm - part.low_dm)
        if part.high_dm > self._high_dm:
            new += 2 * (part.high_dm - self._high_dm)
        return new

    def nearness(self, part: Part) -> tuple[int, int, int]:
        """Least for the best companion: added decimetres a line, then what shares most of the way,
        then who waits longest."""
        return self.added_dm(part) // part.lines, -(part.segments & self._segments).bit_count(), part.rank


def filled(parts: Sequence[Part], limits: Limits, door_dm: int, segment_dm: int) -> Iterator[list[Part]]:
    """The parts of one group, trip by trip. limits.totes: how many parts a trip takes at most; door_dm: x
    of where pickers start."""
    waiting = [list(equals) for _, equals in groupby(sorted(parts, key=_queue), key=lambda part: part.work.urgency)]
    while waiting:
        trip = Filling(waiting[0].pop(0), limits, door_dm, segment_dm)
        waiting = [left for equals in waiting if (left := _add_companions(trip, equals))]
        yield trip.parts


def _queue(part: Part) -> tuple[tuple[int, int], int, int]:
    return part.work.urgency, -part.segments.bit_count(), part.rank


def _add_companions(trip: Filling, equals: list[Part]) -> list[Part]:
    """Adds what fits of equally urgent parts, and gives back the rest in its order."""
    possible = [part for part in equals if trip.fits(part)]
    if not possible:
        return equals
    before = len(trip.parts)
    while possible:
        near = nsmallest(NEAR_MAX, possible, key=trip.nearness)
        while near:
            near = _add_nearest(trip, near)
        taken = {part.rank for part in trip.parts[before:]}
        possible = [part for part in possible if trip.fits(part) and part.rank not in taken]
    return [part for part in equals if part.rank not in taken]


def _add_nearest(trip: Filling, near: list[Part]) -> list[Part]:
    """Adds all that cost no more way, or else the best one; gives back those that still fit."""
    left = []
    before = len(trip.parts)
    for part in near:
        if not trip.fits(part):
            continue
        if trip.added_dm(part):
            left.append(part)
        else:
            trip.add(part)
    if len(trip.parts) == before and left:
        best = min(left, key=trip.nearness)
        trip.add(best)
        left.remove(best)
    return [part for part in left if trip.fits(part)]
