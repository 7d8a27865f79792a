"""What sets of places can serve, and what they cost at least, for many sets at once.

Sets of one size are columns: the first place of each set, the second, the third, ascending within a set. Tables are
indexed by block and then by place or set, so that sums over blocks run along whole rows. All numbers are integers of 64
bits; `bounds_of` gives nothing for a problem whose sums might not be.
"""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from actors.domain.sourcing_problem import Problem

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Sets = tuple[Places, ...]

# More than anything costs. The sum of so many blocks that cost so much is far from the end of what an integer holds.
FAR = 1 << 50
# Working a plan out takes as long as there are blocks; of more a greedy choice is as quick.
BLOCKS_MAX = 100
_CELLS = 131_072


def bounds_of(problem: Problem, reach: list[int]) -> Bounds | None:
    """None where numbers are too large."""
    once = [problem.split, problem.cut]
    numbers = ([problem.fixed], problem.line, problem.unit, problem.has, [problem.wanted], [once])
    fixed, line, unit, has, wanted, more = (max(max(map(abs, row)) for row in rows) for rows in numbers)
    blocks = len(problem.wanted)
    if has >= FAR or 4 * (fixed + 4 * more + blocks * (line + more + (unit + 1) * wanted)) >= FAR:
        return None
    return Bounds(problem, reach)


class Bounds:
    """Of one problem, whose numbers are small enough (`bounds_of`). has: block × place, at most what is wanted.
    of_places: what serving at all costs with a `split`; over a set it is to be added up, less one `split`.

    `reach`: units of each block that could be served if no other block were there."""

    def __init__(self, problem: Problem, reach: list[int]) -> None:
        self._split, self._cut = problem.split, problem.cut
        self._reach, self._wanted = _column(reach), _column(problem.wanted)
        self._may_cut: Flags = np.array(problem.may_cut, np.bool_)[:, None]
        self._line, self._unit = _table(problem.line), _table(problem.unit)
        self.has: Ints = np.minimum(_table(problem.has), self._wanted)
        self.of_places: Ints = np.array(problem.fixed, np.int64) + problem.split
        some = self.has > 0
        self._lines: Ints = np.where(some, self._line, FAR)
        self._units: Ints = np.where(some, self._unit, FAR)
        self._everything: Ints = np.where(some, self._line + self._unit * self.has + self._cut, 0)

    def units(self, sets: Sets) -> Ints:
        """Units of each block that each set serves."""
        has = [self.has.take(places, 1) for places in sets]
        together = np.minimum(reduce(add, has), self._wanted)
        if self._may_cut.all():
            return together
        return np.where(self._may_cut, together, reduce(np.maximum, has))

    def least(self) -> Ints:
        """Block × place: the least that serving `reach` of the block can cost when the place takes part. The least of a
        row over the places of a set is a bound for the set, and what a place takes off the sum of these shrinks as
        others come before it (a supermodular function of the places): so from the sums of pairs follow
        bounds for three places."""
        reach, some = self._reach, self.has > 0
        alone = np.where(self.has >= reach, self._line + self._unit * reach, FAR)
        parted = self._may_cut & (reach > 1) & (some & (self.has < reach)).any(1, keepdims=True)
        if parted.any():
            # Some of it here, the rest elsewhere at the best price there is. Between the least and the most that is
            # taken here, the cost is a straight line.
            unit_least = self._units.min(1, keepdims=True)
            more = self._unit - unit_least
            ends = np.minimum(more, more * np.minimum(self.has, reach - 1)) + unit_least * reach
            cut = self._line + self._lines.min(1, keepdims=True) + self._cut + ends
            alone = np.where(parted & some, np.minimum(alone, cut), alone)
        return np.where(reach > 0, alone, 0)

    def rough(self, sets: Sets, least: Ints) -> Ints:
        """What each set costs at least, by the rows of `least`."""
        rows = reduce(np.minimum, [least.take(places, 1) for places in sets])
        total: Ints = rows.sum(0) + self.fixed(sets)
        return total

    def threes(self, pairs: Sets, least: Ints, limit: int) -> tuple[Sets, Ints]:
        """The sets of three that cost no more than this by the rough bound, of the pairs that come into question
        (ascending), and that bound of each."""
        (first, second), places = pairs, len(self.of_places)
        costs = self.rough(pairs, least)
        # By place: what a second one adds to its cost at least. No third one adds less.
        more = np.full(places, FAR)
        np.minimum.at(more, first, costs)
        np.minimum.at(more, second, costs)
        more -= self.rough((np.arange(places),), least)
        near = costs + np.maximum(more[first], more[second]) <= limit
        first, second = first[near], second[near]
        rows = np.minimum(least.take(first, 1), least.take(second, 1))
        room = limit + self._split - self.of_places[first] - self.of_places[second]
        # No third place is better than one that were the best for each block.
        near = np.minimum(rows, least.min(1, keepdims=True)).sum(0) + self.of_places.min() <= room
        first, second, rows, room = first[near], second[near], rows[:, near], room[near, None]
        found: list[Sets] = [(first[:0], first[:0], first[:0])]
        rough: list[Ints] = [costs[:0]]
        # A few pairs at a time with all third places, so that all of it stays in the processor's cache.
        few = max(1, _CELLS // least.size)
        for begin in range(0, len(first), few):
            these = slice(begin, begin + few)
            costs = np.minimum(rows[:, these, None], least[:, None, :]).sum(0)
            costs += self.of_places
            pair, third = np.nonzero(costs <= room[these])
            if len(pair):
                pair += begin
                after = third > second[pair]
                rough.append(costs[pair[after] - begin, third[after]] + limit - room[pair[after], 0])
                pair, third = pair[after], third[after]
                found.append((first[pair], second[pair], third))
        return tuple(np.concatenate(column) for column in zip(*found, strict=True)), np.concatenate(rough)

    def costs(self, sets: Sets, units: Ints) -> Ints:
        """What each set costs at least when it serves these units (block × set) and each of its places serves
        something. Exact where no block is cut that one place has whole."""
        has = [self.has.take(places, 1) for places in sets]
        alone = [
            np.where(held >= units, self._line.take(places, 1) + self._unit.take(places, 1) * units, FAR)
            for held, places in zip(has, sets, strict=True)
        ]
        whole = reduce(np.minimum, alone)
        lines = [self._lines.take(places, 1) for places in sets]
        unit = reduce(np.minimum, [self._units.take(places, 1) for places in sets])
        several = np.minimum(whole, self._cut + _two_least(lines) + unit * units)
        everything = reduce(add, [self._everything.take(places, 1) for places in sets]) - self._cut
        cut = np.where(reduce(add, has) <= self._wanted, everything, several)
        blocks = np.where(units > 0, np.where(self._may_cut, cut, whole), 0)
        total: Ints = blocks.sum(0) + self.fixed(sets)
        return total

    def saved_at_most(self) -> int:
        """What units may bring at most, as a cost below 0."""
        return int((np.minimum(0, self._unit.min(1, keepdims=True)) * self._wanted).sum())

    def fixed(self, sets: Sets) -> Ints:
        """What the places of each set cost at all, and their splits."""
        return reduce(add, [self.of_places[places] for places in sets]) - self._split


def _column(numbers: list[int]) -> Ints:
    return np.array(numbers, np.int64)[:, None]


def _table(rows: list[list[int]]) -> Ints:
    """By place and block, turned."""
    return np.ascontiguousarray(np.array(rows, np.int64).T)


def _two_least(lines: list[Ints]) -> Ints:
    """The sum of the two least over one, two or three places; FAR or more where there is but one that has any."""
    total = reduce(add, lines)
    if len(lines) == 1:
        return np.full_like(total, FAR)
    return total if len(lines) == 2 else total - reduce(np.maximum, lines)
