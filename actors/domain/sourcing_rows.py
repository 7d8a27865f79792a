"""A sourcing problem as the search for a cover reads it: rows of costs by place, and bit sets of who has what.

Places go by rank: those that cost least at all come first, so that a bound that is passed once is passed for all that
follow. Blocks go by scarcity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actors.domain.sourcing_problem import Problem


def ranks_of(bits: int) -> Iterator[int]:
    """The positions of the bits that are set, the lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _saves(line: int, cut: int, saved: int, line_most: int) -> bool:
    """May a part pay whose units save so much? Two parts at least take the place of one line: none does where neither
    saves half of what that costs."""
    return 2 * (line + cut - saved) < line_most + cut


class Rows:
    """place: by rank. fixed: of the place. blocks: those of which anything can be had. all: all of them, as bits.

    By rank: whole: the blocks that it can serve alone, as bits. costs: of each block, served whole by it alone (more
    than anything else costs: it can't). least: of each block, the least that it can cost when the place serves any of
    it. floor: the sum of the least that each block costs anyhow. far: a row of what is more than anything."""

    def __init__(self, problem: Problem, reach: list[int]) -> None:
        self._problem = problem
        self.place = sorted(range(len(problem.fixed)), key=lambda place: (problem.fixed[place], place))
        self.fixed = [problem.fixed[place] for place in self.place]
        useful = {
            block: [
                rank
                for rank, place in enumerate(self.place)
                if problem.has[place][block] >= (1 if problem.may_cut[block] else units)
            ]
            for block, units in enumerate(reach)
            if units
        }
        self.blocks = sorted(useful, key=lambda block: (len(useful[block]), block))
        self.all = (1 << len(self.blocks)) - 1
        self._reach = [reach[block] for block in self.blocks]
        self._has = [[problem.has[place][block] for block in self.blocks] for place in self.place]
        self._holders = [sum(1 << rank for rank in useful[block]) for block in self.blocks]
        bits = [1 << at for at in range(len(self.blocks))]
        self.whole = [
            sum(bit for bit, has, units in zip(bits, row, self._reach, strict=True) if has >= units)
            for row in self._has
        ]
        self.everywhere = (1 << len(self.place)) - 1
        self.costs = self._costs()
        self.least = self.costs
        self._parts = [0] * len(self.place)
        self._may_pay = [0] * len(self.place)
        self._parted: list[int] = []
        self._prepare_cuts([useful[block] for block in self.blocks])
        self.floor = sum(map(min, zip(*self.least, strict=True)))

    def _costs(self) -> list[list[int]]:
        rows = []
        for place in self.place:
            line, unit = self._problem.line[place], self._problem.unit[place]
            rows.append([line[b] + unit[b] * units for b, units in zip(self.blocks, self._reach, strict=True)])
        # So much for each unit that no saving makes up for it.
        far = sum(max(map(abs, column)) for column in zip(*rows, strict=True))
        far = 4 * (far + (max(self.fixed) + self._problem.split + self._problem.cut) * self._problem.places_max) + 1
        self.far = [far * units for units in self._reach]
        for row, has in zip(rows, self._has, strict=True):
            for at, units in enumerate(self._reach):
                if has[at] < units:
                    row[at] = self.far[at]
        return rows

    def _prepare_cuts(self, useful: list[list[int]]) -> None:
        """Blocks that some place has a part of may have to be cut, or it may pay to cut them; of the others a
        place has all or nothing."""
        reach = self._reach
        self._parted = [at for at, ranks in enumerate(useful) if any(self._has[rank][at] < reach[at] for rank in ranks)]
        if not self._parted:
            return
        self.least = [list(row) for row in self.costs]
        for at in self._parted:
            block, cut = self.blocks[at], self._problem.cut
            lines = {rank: self._problem.line[self.place[rank]][block] for rank in useful[at]}
            units = {rank: self._problem.unit[self.place[rank]][block] for rank in useful[at]}
            line_least, line_most = min(lines.values()), max(lines.values())
            unit_least, unit_most = min(units.values()), max(units.values())
            for rank in useful[at]:
                has, unit = self._has[rank][at], units[rank]
                most = min(has, reach[at] - 1)
                if most:
                    # Some of it here, the rest elsewhere at the best price there is.
                    ends = [unit * here + unit_least * (reach[at] - here) for here in (1, most)]
                    parted = lines[rank] + line_least + cut + min(ends)
                    self.least[rank][at] = min(self.least[rank][at], parted)
                if has < reach[at]:
                    self._parts[rank] |= 1 << at
                    if _saves(lines[rank], cut, (unit_most - unit) * has, line_most):
                        self._may_pay[rank] |= 1 << at

    def floors(self, ranks: Sequence[int]) -> list[int]:
        """For each of these places: `floor` when those before it in the sequence are not there."""
        others = [row for rank, row in enumerate(self.least) if rank not in ranks]
        least = list(map(min, zip(*others, strict=True))) if others else self.least[ranks[-1]]
        floors = []
        for rank in reversed(ranks):
            least = list(map(min, least, self.least[rank]))
            floors.append(sum(least))
        floors.reverse()
        return floors

    def cuts_of(self, chosen: Sequence[int]) -> list[int]:
        """The blocks that these places have to cut, or for which it may pay."""
        whole = parts = may_pay = 0
        for rank in chosen:
            whole |= self.whole[rank]
            parts |= self._parts[rank]
            may_pay |= self._may_pay[rank]
        must = parts & ~whole
        return [*ranks_of(must), *(at for at in ranks_of(may_pay & ~must) if self._pays(at, chosen))]

    def _pays(self, at: int, chosen: Sequence[int]) -> bool:
        """May a cut pay, where one of these places has the whole block?"""
        block, cut, reach = self.blocks[at], self._problem.cut, self._reach[at]
        held = [
            (self._problem.unit[place][block], self._problem.line[place][block], self._has[rank][at])
            for rank, place in ((rank, self.place[rank]) for rank in chosen)
            if self._has[rank][at]
        ]
        unit_most = max(unit for unit, _, _ in held)
        line_most = max(line for _, line, _ in held)
        return any(_saves(line, cut, (unit_most - unit) * has, line_most) for unit, line, has in held if has < reach)

    def holders_among(self, at: int, chosen: Sequence[int]) -> list[int]:
        """Those of the places (not ranks) that have any of the block, sorted."""
        return sorted(self.place[rank] for rank in chosen if self._has[rank][at])

    def next_after(self, served: int, *, last: bool) -> int:
        """The places of which one has to be chosen next, as bits: that have the scarcest open block, or, for the last
        choice, all that are open."""
        open_blocks = self.all & ~served
        lowest = open_blocks & -open_blocks
        ranks = self._holders[lowest.bit_length() - 1]
        open_blocks ^= lowest
        while last and open_blocks and ranks:
            lowest = open_blocks & -open_blocks
            ranks &= self._holders[lowest.bit_length() - 1]
            open_blocks ^= lowest
        return ranks

    def with_parts(self, chosen: Sequence[int], served: int) -> int:
        """`served` with the blocks of which these places have enough together."""
        if len(chosen) > 1 and self._parted and served != self.all:
            for at in self._parted:
                if not served >> at & 1 and sum(self._has[rank][at] for rank in chosen) >= self._reach[at]:
                    served |= 1 << at
        return served

    def served(self, chosen: Sequence[int]) -> int:
        """The blocks that these places serve whole, as bits."""
        served = 0
        for rank in chosen:
            served |= self.whole[rank]
        return self.with_parts(chosen, served)
