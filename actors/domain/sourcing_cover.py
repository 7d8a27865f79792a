"""Which places serve all that can be had, at least cost: branch and bound over sets of places.

A block that few places have decides most, so the search always goes on with the scarcest block that is not yet served
whole: one of the places that have it must be chosen. What was tried is forbidden to its later siblings, so no set is
met twice. For the last place only those come into question that have every block that is still open: an intersection of
bit sets. When all is served, places are added only as long as they may save more than they cost.

What a place saves shrinks as others are chosen before it (the least cost of all blocks is a supermodular function of
the places). So what the places that are left would save one by one bounds what any of them can save together, and a
branch ends when even that leaves it above the best plan so far. Plans that cost as much as the best one are looked at,
so that the choice among equals is by the places alone, and not by the way of the search.

The work is counted in steps, never in time: the same problem ends at the same point on every machine.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from actors.domain.sourcing_problem import Problem, Rank, share
from actors.domain.sourcing_rows import Rows, ranks_of

# Beside the blocks, what looking at a set of places takes, counted as blocks.
_STEP = 8
_CUT_STEP = 16
EXCHANGES_MAX = 8


# By rank: what adding the place would save at most; the most first.
Savings = dict[int, int]


class _Node(NamedTuple):
    """chosen: places by rank. least: what each block costs at least with them. fixed: what the places cost at all.
    served: the blocks that they serve whole, as bits. forbidden: places that may not be added, as bits."""

    chosen: tuple[int, ...]
    least: list[int]
    fixed: int
    served: int
    forbidden: int


class Cover:
    """One search. `reach`: from `reach_of`. After `run`, `found` has the cost of each set of places that was looked at
    and serves all; `exact`: whether the search came to its end, so that the best of them is the best of all."""

    def __init__(self, problem: Problem, reach: list[int], steps_max: int) -> None:
        self._problem = problem
        self._rows = Rows(problem, reach)
        self._fixed = self._rows.fixed
        self._steps_max = steps_max
        self._each = _STEP + len(self._rows.blocks)
        self._shares: dict[tuple[int, ...], int] = {}
        self.steps = 0
        self.exact = True
        self.found: dict[tuple[int, ...], int] = {}
        self.best: Rank | None = None
        # What the best plan so far costs: what is above that at least is left.
        self._limit: float = inf

    def run(self) -> None:
        """Searches."""
        for rank, whole in enumerate(self._rows.whole):
            if whole == self._rows.all:
                self._look_at((rank,), self._fixed[rank])
        self._start()
        if self._problem.places_max > 1:
            self._begin()
        if not self.exact and self.best is not None:
            self._exchange()

    def _start(self) -> None:
        """A greedy plan, so that there is a bound from the beginning: the place that serves most of what is open each
        time, and of those the one with which all costs least; places that serve none of it as long
        as they make it cheaper."""
        rows, split, chosen, served = self._rows, self._problem.split, list[int](), 0
        least, fixed = rows.far, 0
        while len(chosen) < min(self._problem.places_max, len(self._fixed)):
            self.steps += self._each * len(self._fixed)
            cost, rank = min(
                (self._fixed[rank] + sum(map(min, least, row)), rank)
                for rank, row in enumerate(rows.costs)
                if rank not in chosen
            )
            if served == rows.all and cost + split >= sum(least):
                return
            chosen.append(rank)
            fixed += self._fixed[rank]
            least = list(map(min, least, rows.costs[rank]))
            served = rows.with_parts(chosen, served | rows.whole[rank])
            if served == rows.all:
                self._look_at(tuple(chosen), fixed)

    def _begin(self) -> None:
        """Tries each place that has the scarcest block as the first, the most promising first: the
        less is left to the others."""
        rows, forbidden = self._rows, 0
        bits = rows.next_after(0, last=False)
        ranks = sorted(ranks_of(bits), key=lambda rank: self._fixed[rank] + sum(rows.least[rank]))
        for rank, floor in zip(ranks, rows.floors(ranks), strict=True):
            if not self._step():
                return
            forbidden |= 1 << rank
            if floor + self._fixed[rank] + self._problem.split + self._fixed[0] <= self._limit:
                self._go_on(_Node((rank,), rows.least[rank], self._fixed[rank], rows.whole[rank], forbidden), None)

    def _go_on(self, node: _Node, savings: Savings | None) -> None:
        """Adds places to those of the node. `savings`: what each place would save at most, as
        seen from the node before."""
        rows, left = self._rows, self._problem.places_max - len(node.chosen)
        if left == 1:
            self._finish(node, savings)
            return
        least = self._sum(node)
        savings = self._savings(node, savings)
        first = rows.next_after(node.served, last=False) if node.served != rows.all else rows.everywhere
        forbidden, ahead, passed = node.forbidden, list(savings.values()), list[int]()
        for at, (rank, saving) in enumerate(savings.items(), 1):
            if not first >> rank & 1:
                passed.append(saving)
                continue
            following = [*passed[: left - 1], *ahead[at : at + left - 1]][: left - 1]
            more = sum(max(0, saved) for saved in following)
            if least - saving - more > self._limit or not self._step():
                return
            forbidden |= 1 << rank
            chosen, fixed = (*node.chosen, rank), node.fixed + self._fixed[rank]
            served = rows.with_parts(chosen, node.served | rows.whole[rank])
            if served == rows.all and least - saving <= self._limit:
                self._look_at(chosen, fixed)
            costs = list(map(min, node.least, rows.least[rank]))
            self._go_on(_Node(chosen, costs, fixed, served, forbidden), savings)

    def _sum(self, node: _Node) -> int:
        return node.fixed + self._problem.split * (len(node.chosen) - 1) + sum(node.least)

    def _savings(self, node: _Node, before: Savings | None) -> Savings:
        """What each place that may still be added would save at most, the most first."""
        rows, split, total = self._rows, self._problem.split, sum(node.least)
        fixed, costs, forbidden = self._fixed, rows.least, node.forbidden
        places = [rank for rank in (before if before is not None else range(len(fixed))) if not forbidden >> rank & 1]
        if not self._step(len(places)):
            return {}
        savings = [(sum(map(min, node.least, costs[rank])) + fixed[rank], rank) for rank in places]
        savings.sort()
        return {rank: total - split - saved for saved, rank in savings}

    def _finish(self, node: _Node, savings: Savings | None) -> None:
        """Tries each place that may be the last."""
        rows, least, open_ = self._rows, self._sum(node), node.served != self._rows.all
        others = least - sum(node.least) + self._problem.split
        allowed = (rows.next_after(node.served, last=True) if open_ else rows.everywhere) & ~node.forbidden
        for rank in ranks_of(allowed):
            if savings is not None and least - savings[rank] > self._limit:
                continue
            if not self._step():
                return
            if others + self._fixed[rank] + sum(map(min, node.least, rows.least[rank])) > self._limit:
                continue
            chosen = (*node.chosen, rank)
            if not open_ or rows.with_parts(chosen, node.served | rows.whole[rank]) == rows.all:
                self._look_at(chosen, node.fixed + self._fixed[rank])

    def _exchange(self) -> None:
        """Replaces a place of the best plan by another, adds one or leaves one out, as long as that makes it better:
        what is left to do when the steps have run out."""
        rows = self._rows
        for _ in range(EXCHANGES_MAX):
            before = self.best
            assert before is not None
            ranks = [rows.place.index(place) for place in before[3]]
            if len(ranks) < self._problem.places_max:
                self._add(tuple(ranks), set(ranks))
            for left_out in ranks:
                others = [rank for rank in ranks if rank != left_out]
                if others and rows.served(others) == rows.all:
                    self._look_at(tuple(others), sum(self._fixed[rank] for rank in others))
                self._add(tuple(others), set(ranks))
            if self.best is before:
                return

    def _add(self, others: tuple[int, ...], ranks: set[int]) -> None:
        """Tries every place beside these that is not among `ranks`."""
        rows, served = self._rows, self._rows.served(others)
        least = list(map(min, rows.far, *(rows.least[rank] for rank in others))) if others else rows.far
        fixed = sum(self._fixed[rank] for rank in others)
        room = self._limit - fixed - self._problem.split * len(others)
        for rank, costs in enumerate(self._fixed):
            if costs + sum(map(min, least, rows.least[rank])) <= room and rank not in ranks:
                chosen = (*others, rank)
                if rows.with_parts(chosen, served | rows.whole[rank]) == rows.all:
                    self._look_at(chosen, fixed + costs)

    def _step(self, times: int = 1) -> bool:
        """Counts the work; False when there has been enough of it."""
        self.steps += self._each * times
        if self.steps > self._steps_max:
            self.exact = False
        return self.exact

    def _shared(self, chosen: tuple[int, ...]) -> list[int]:
        """What each block costs when these places serve all of it."""
        rows = self._rows
        costs = (
            list(map(min, *(rows.costs[rank] for rank in chosen))) if len(chosen) > 1 else list(rows.costs[chosen[0]])
        )
        for at in rows.cuts_of(chosen):
            key = (at, *rows.holders_among(at, chosen))
            known = self._shares.get(key)
            if known is None:
                self.steps += _CUT_STEP
                known = self._shares[key] = share(self._problem, rows.blocks[at], key[1:])[1]
            costs[at] = known
        return costs

    def _look_at(self, chosen: tuple[int, ...], fixed: int) -> None:
        """Notes what these places cost, which serve all."""
        cost = fixed + self._problem.split * (len(chosen) - 1) + sum(self._shared(chosen))
        places = tuple(sorted(self._rows.place[rank] for rank in chosen))
        self.found[places] = cost
        rank: Rank = (0, cost, len(places), places)
        if self.best is None or rank < self.best:
            self.best, self._limit = rank, cost
