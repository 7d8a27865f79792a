"""Which places serve most, when no places can serve all: branch and bound over sets of places, by what each adds.

What a place adds shrinks as others are chosen before it (the units served are a submodular function of the places), so
what it adds now is an upper bound for all that follows: when the next best additions together don't come up to the best
plan so far, the branch ends.
Reference: Nemhauser, Wolsey, Fisher (1978), "An analysis of approximations for maximizing submodular set functions".

As in `sourcing_cover.py`, the work is counted in steps, never in time.
"""

from __future__ import annotations

from actors.domain.sourcing_problem import NOTHING, Plan, Problem, plan_of

# Beside the blocks, what looking at a place takes, counted as blocks.
_STEP = 8


class Most:
    """One search. After `run`, `found` has the plan of each set of places that was looked at, and
    `best` the best of them."""

    def __init__(self, problem: Problem, steps_max: int) -> None:
        self._problem = problem
        self._steps_max = steps_max
        self._each = _STEP + len(problem.wanted)
        self.steps = 0
        self.exact = True
        self.found: dict[tuple[int, ...], Plan] = {}
        self.best: Plan = NOTHING
        blocks = range(len(problem.wanted))
        self._cut = [block for block in blocks if problem.may_cut[block]]
        self._single = [block for block in blocks if not problem.may_cut[block]]
        self._cut_units = [[row[block] for block in self._cut] for row in problem.has]
        self._single_units = [[min(row[block], problem.wanted[block]) for block in self._single] for row in problem.has]
        self._floor = sum(self._least(block) for block in blocks)

    def _least(self, block: int) -> int:
        """What a block's shares cost at least, whatever is served of it."""
        problem = self._problem
        units = [problem.unit[place][block] for place, has in enumerate(problem.has) if has[block] > 0]
        return min(0, min(units, default=0) * problem.wanted[block])

    def run(self) -> None:
        """Searches."""
        places = sorted(range(len(self._problem.fixed)), key=lambda place: (self._problem.fixed[place], place))
        wanted = [self._problem.wanted[block] for block in self._cut]
        self._greedy(places, wanted, [0] * len(self._single))
        self._branch((), places, wanted, [0] * len(self._single), 0)

    def _greedy(self, places: list[int], rest: list[int], have: list[int]) -> None:
        chosen: tuple[int, ...] = ()
        while len(chosen) < self._problem.places_max:
            places = [place for place in places if place not in chosen]
            gains = [self._gain(place, rest, have) for place in places]
            gain = max(gains, default=0)
            if not gain:
                break
            place = places[gains.index(gain)]
            chosen = (*chosen, place)
            rest, have = self._after(place, rest, have)
        self._look_at(chosen)

    def _gain(self, place: int, rest: list[int], have: list[int]) -> int:
        """Units that the place adds. `rest`: what is open of blocks that may be cut; `have`: the most that
        was found of the others."""
        more = sum(map(min, self._cut_units[place], rest))
        return more + sum(map(max, self._single_units[place], have)) - sum(have)

    def _after(self, place: int, rest: list[int], have: list[int]) -> tuple[list[int], list[int]]:
        left = [max(0, units - has) for units, has in zip(rest, self._cut_units[place], strict=True)]
        return left, list(map(max, self._single_units[place], have))

    def _branch(self, chosen: tuple[int, ...], places: list[int], rest: list[int], have: list[int], units: int) -> None:
        left = self._problem.places_max - len(chosen)
        gains = sorted(((self._gain(place, rest, have), place) for place in places), key=lambda one: -one[0])
        self.steps += len(gains) * self._each
        spent = sum(self._problem.fixed[place] for place in chosen) + self._problem.split * len(chosen) + self._floor
        for at, (gain, place) in enumerate(gains):
            most = units + sum(more for more, _ in gains[at : at + left])
            if most < self.best.units or not self._may_go_on():
                return
            if most == self.best.units and spent + self._problem.fixed[place] > self.best.cost:
                continue
            more = (*chosen, place)
            if units + gain >= self.best.units:
                self._look_at(more)
            if left > 1:
                following = [other for _, other in gains[at + 1 :]]
                self._branch(more, following, *self._after(place, rest, have), units + gain)

    def _may_go_on(self) -> bool:
        if self.steps > self._steps_max:
            self.exact = False
        return self.exact

    def _look_at(self, chosen: tuple[int, ...]) -> None:
        places = tuple(sorted(chosen))
        if places in self.found:
            return
        plan = self.found[places] = plan_of(self._problem, places)
        if plan.rank < self.best.rank:
            self.best = plan
