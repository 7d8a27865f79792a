"""Short ways past places of which only the distances are known: `matrix[i][j]`, row 0 the start, the last row
the end, the same both ways.

Exactly for few (M. Held and R. M. Karp 1962), else a start improved until nothing near it is shorter: 2-opt (a stretch
is walked backwards, G. A. Croes
1958) and Or-opt (up to three places move elsewhere, I. Or 1976). Steps are counted instead of seconds, so the same
  question has the same answer everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

Matrix = Sequence[Sequence[int]]
# A way: places of the matrix, from 0 to the last.
Way = list[int]

HELD_KARP_MAX = 11
MOVED_MAX = 3


class Steps:
    """How much work is left; one step looks at one distance or move."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, count: int) -> bool:
        """False when no more is to be done."""
        self.left -= count
        return self.left >= 0


def length_of(way: Sequence[int], matrix: Matrix) -> int:
    """How long it is."""
    return sum(matrix[i][j] for i, j in pairwise(way))


def held_karp_steps(count: int) -> int:
    """What `held_karp` takes for so many places between start and end."""
    return count * count << max(0, count - 2)


def held_karp(matrix: Matrix) -> Way:
    """A shortest way past all places. At most HELD_KARP_MAX lie between start and end."""
    end = len(matrix) - 1
    places = range(1, end)
    assert len(places) <= HELD_KARP_MAX
    if not places:
        return [0, end]
    # (places been at as bits, the last of them) → (length, the one before)
    best: dict[tuple[int, int], tuple[int, int]] = {(1 << place, place): (matrix[0][place], 0) for place in places}
    for size in range(2, end):
        for group in combinations(places, size):
            bits = sum(1 << place for place in group)
            for last in group:
                rest, row = bits ^ (1 << last), matrix[last]
                best[bits, last] = min((best[rest, place][0] + row[place], place) for place in group if place != last)
    bits = sum(1 << place for place in places)
    last = min(places, key=lambda place: best[bits, place][0] + matrix[place][end])
    way = [end]
    while last:
        way.append(last)
        last, bits = best[bits, last][1], bits ^ (1 << last)
    return [0, *reversed(way)]


def inserted(matrix: Matrix, steps: Steps) -> Way:
    """Nearest insertion: the place that is nearest to the way so far is put where it adds least; when the steps are
    used up, the rest in turn at the end."""
    end = len(matrix) - 1
    way = [0, end]
    # How far the nearest place of the way is.
    near = {place: min(matrix[0][place], matrix[end][place]) for place in range(1, end)}
    while near:
        if not steps.take(len(way) + len(near)):
            return [*way[:-1], *near, end]
        place = min(near, key=near.__getitem__)
        del near[place]
        row = matrix[place]
        added = [row[i] + row[j] - matrix[i][j] for i, j in pairwise(way)]
        way.insert(added.index(min(added)) + 1, place)
        for other in near:
            near[other] = min(near[other], row[other])
    return way


def improved(way: Sequence[int], matrix: Matrix, steps: Steps) -> Way:
    """The same places in an order that is never longer."""
    best = list(way)
    while steps.left > 0 and (_turned(best, matrix, steps) or _moved(best, matrix, steps)):
        pass
    return best


def _turned(way: Way, matrix: Matrix, steps: Steps) -> bool:
    """2-opt, once over all pairs; every stretch that is shorter backwards is turned at once.
    Says whether there was one."""
    found, last = False, len(way) - 1
    for i in range(1, last - 1):
        if not steps.take(last - i):
            break
        for j in range(i + 1, last):
            before, first, final, behind = way[i - 1], way[i], way[j], way[j + 1]
            old = matrix[before][first] + matrix[final][behind]
            if matrix[before][final] + matrix[first][behind] < old:
                way[i : j + 1] = way[i : j + 1][::-1]
                found = True
    return found


def _moved(way: Way, matrix: Matrix, steps: Steps) -> bool:
    """Or-opt, once over all places. Says whether one moved."""
    found = False
    for size in range(1, MOVED_MAX + 1):
        for i in range(1, len(way) - size):
            if not steps.take(len(way)):
                return found
            found |= _move(way, i, size, matrix)
    return found


def _move(way: Way, i: int, size: int, matrix: Matrix) -> bool:
    """The stretch from `i` to where it adds least, either way round, if that is less than where it is."""
    part = way[i : i + size]
    first, last = part[0], part[-1]
    rest = way[:i] + way[i + size :]
    head, tail = matrix[first], matrix[last]
    least = head[way[i - 1]] + tail[way[i + size]] - matrix[way[i - 1]][way[i + size]]
    place = backwards = 0
    for at, (one, other) in enumerate(pairwise(rest), 1):
        between = matrix[one][other]
        forth, back = head[one] + tail[other] - between, tail[one] + head[other] - between
        if forth < least:
            least, place, backwards = forth, at, 0
        if back < least:
            least, place, backwards = back, at, 1
    if not place:
        return False
    way[:] = [*rest[:place], *(part[::-1] if backwards else part), *rest[place:]]
    return True
