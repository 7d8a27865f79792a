"""The best plan for a sourcing problem of at most three places, from bounds for all sets of them.

    units     the most that any set serves; sets of three only where their pairs let hope for as much
    costs     the best of the sets of one and two that serve so much; sets of three only where their pairs let hope for less
    plans     of sets that may cost less by a close bound, worked out in its order until no set that is left can be better

The plan is that of `sourcing_solver.solve`: the same aims, the same choice among equals. The work has a limit: only so
many sets get a close bound (`CLOSE_MAX`), and only so many plans are worked out that they have `PLANNED_CELLS_MAX`
blocks together. Where that is not enough, as where most lines have to be cut, the plan is not called exact, or there is
none, and the domain's search is asked (`solver_for`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from actors.domain import sourcing_size
from actors.domain.sourcing_problem import NOTHING, Known, Plan, Problem, plan_of, reach_of
from actors.domain.sourcing_solver import OTHERS_MAX, Solution, solution_of, solve
from actors.enumeration.bounds import BLOCKS_MAX, Bounds, Flags, Ints, Places, Sets, bounds_of

PLACES_MAX = 64
# A set of three is looked at through its pairs.
SIZE_MAX = 3
PLANNED_CELLS_MAX = 1_000
# The best places for so few blocks are mostly found sooner by looking at one set after another.
FEW_BLOCKS = 4
FEW_STEPS = 3_000
# So many sets that cost least by the rough bound get a close one, whatever the limit: the others to tell come from
# them. Where more than so many would get one, too much is left open.
_CLOSE_MIN = 16
CLOSE_MAX = 8_000


def solver_for(skus: int) -> Callable[[Problem], Solution]:
    """What chooses the places for an order of so many different SKUs: this where it can, else what the domain has."""
    other = sourcing_size.solver_for(skus)

    def choose(problem: Problem) -> Solution:
        if len(problem.wanted) <= FEW_BLOCKS:
            quick = solve(problem, FEW_STEPS, FEW_STEPS)
            if quick.exact:
                return quick
        found = enumerated(problem) if is_small(problem) else None
        if found is not None and found.exact:
            return found
        searched = other(problem)
        return found if found is not None and found.plan.rank < searched.plan.rank else searched

    return choose


def is_small(problem: Problem) -> bool:
    """Are there few enough places, sets of them, and blocks?"""
    return problem.places_max <= SIZE_MAX and len(problem.fixed) <= PLACES_MAX and len(problem.wanted) <= BLOCKS_MAX


def enumerated(problem: Problem) -> Solution | None:
    """The best plan; None when the numbers are too large for arrays, or too many sets serve as much as any. Only for
    problems that are small (`is_small`)."""
    reach = reach_of(problem)
    if not any(reach) or (problem.whole and reach != problem.wanted):
        return Solution(NOTHING, [], exact=True, steps=0)
    bounds = bounds_of(problem, reach)
    return _Search(problem, bounds, sum(reach)).run() if bounds is not None else None


class _Search:
    """One search. target: what the best set could serve at all."""

    def __init__(self, problem: Problem, bounds: Bounds, target: int) -> None:
        self._problem, self._bounds, self._target = problem, bounds, target
        self._places = len(problem.fixed)
        self._size_max = min(problem.places_max, self._places)
        # By size: the sets that are looked at, and what they serve of each block.
        self._sets: list[Sets] = []
        self._units: list[Ints] = []
        # The most that any set serves, and the best plan so far that does.
        self._most = 0
        self._best = NOTHING
        # What may be best, and what it costs at least, unless that is too many; and whether all of it was
        # looked at that may be better.
        self._listed: list[tuple[Sets, Ints]] = []
        self._too_many, self._exact = False, True
        self._plans: dict[tuple[int, ...], Plan] = {}
        self._shares: Known = {}
        self._plans_max = max(OTHERS_MAX, PLANNED_CELLS_MAX // len(problem.wanted))

    def run(self) -> Solution | None:
        """None when there are too many to choose from."""
        problem = self._problem
        self._add((np.arange(self._places, dtype=np.intp),))
        if self._size_max > 1:
            self._add(np.triu_indices(self._places, 1))
        if self._size_max == SIZE_MAX and self._most < self._target:
            self._add(self._three_with_more())
        if problem.whole and self._most < sum(problem.wanted):
            return Solution(NOTHING, [], exact=True, steps=0)
        if self._most < self._target:
            self._fullest()
        else:
            self._cheapest()
        if self._too_many:
            return None
        self._tell(self._best)
        plans = {plan.places: plan for plan in self._plans.values()}
        steps = sum(len(sets[0]) for sets in self._sets)
        return solution_of(self._best, list(plans.values()), exact=self._exact, steps=steps)

    def _add(self, sets: Sets) -> None:
        units = self._bounds.units(sets)
        self._sets.append(sets)
        self._units.append(units)
        self._most = max(self._most, int(units.sum(0).max(initial=0)))

    # --- which sets
    def _three_with_more(self) -> Sets:
        """The sets of three that may serve as much as any. What a place adds shrinks as others are chosen before it
        (the units served are a submodular function of the places)."""
        of_pairs = self._units[1].sum(0)
        tried = self._with_each(tuple(int(places[int(of_pairs.argmax())]) for places in self._sets[1]))
        most = max(self._most, int(self._bounds.units(tried).sum(0).max()))
        at, (i, j), gains = np.arange(self._places), self._sets[1], self._gains()
        pair, k = np.nonzero((of_pairs[:, None] + np.minimum(gains[i], gains[j]) >= most) & (at > j[:, None]))
        i, j, one = i[pair], j[pair], self._units[0].sum(0)
        hope = np.minimum(gains[i, k] + gains[k, j] + one[i], gains[j, k] + gains[k, i] + one[j])
        return _those((i, j, k), hope >= most)

    def _gains(self) -> Ints:
        """[i, j]: units that place j adds to those of i, at most; nothing to its own."""
        (i, j), one = self._sets[1], self._units[0].sum(0)
        both = np.zeros((self._places, self._places), np.int64)
        both[i, j] = both[j, i] = self._units[1].sum(0)
        np.fill_diagonal(both, one)
        gains: Ints = both - one[:, None]
        return gains

    def _with_each(self, pair: tuple[int, ...]) -> Sets:
        """The pair with each other place, which comes last."""
        third = np.delete(np.arange(self._places), pair)
        return *(np.full_like(third, place) for place in pair), third

    def _fullest(self) -> None:
        """The cheapest of the sets that serve most, which is not all that there is of each block."""
        saved = self._bounds.saved_at_most()
        for sets, units in zip(self._sets, self._units, strict=True):
            serving = _those(sets, np.nonzero(units.sum(0) == self._most)[0])
            self._list(serving, self._bounds.fixed(serving) + saved)
        self._work_out()

    def _cheapest(self) -> None:
        """The cheapest of the sets that serve all that there is."""
        bounds, least = self._bounds, self._bounds.least()
        for sets, units in zip(self._sets, self._units, strict=True):
            serving = _those(sets, np.nonzero(units.sum(0) == self._target)[0])
            self._list(serving, bounds.rough(serving, least))
        self._work_out()
        if self._size_max == SIZE_MAX and len(self._sets) < SIZE_MAX:
            # These are only looked at where they may cost less than what smaller sets do.
            sets, rough = self._three_for_less(least)
            full = bounds.units(sets).sum(0) == self._target
            self._list(_those(sets, full), rough[full])
            self._work_out()

    def _three_for_less(self, least: Ints) -> tuple[Sets, Ints]:
        """The sets of three that may serve all for no more than the best plan, and what each costs at least."""
        pair = self._best.places
        if len(pair) == SIZE_MAX - 1:
            # The better what is known, the fewer are left to look at: a third place may save more than it costs.
            tried = self._with_each(pair)
            third = int(self._bounds.rough(tried, least).argmin())
            self._plan(tuple(sorted(int(places[third]) for places in tried)))
        i, j = self._sets[1]
        most = self._gains().max(1)
        enough = self._units[1].sum(0) + np.minimum(most[i], most[j]) >= self._target
        return self._bounds.threes(_those((i, j), enough), least, self._best.cost)

    # --- which of them
    def _list(self, serving: Sets, rough: Ints) -> None:
        """Puts those sets on the list that may be the best by the rough bound, and a few besides."""
        if not len(rough):
            return
        self._plan(tuple(int(places[int(rough.argmin())]) for places in serving))
        few = min(_CLOSE_MIN, len(rough)) - 1
        near = rough <= max(self._best.cost, int(np.partition(rough, few)[few]))
        if near.sum() > CLOSE_MAX:
            self._too_many = True
            return
        sets = _those(serving, near)
        self._listed.append((sets, self._bounds.costs(sets, self._bounds.units(sets))))

    def _work_out(self) -> None:
        """Works plans out, those first that may cost least, until none that is left can be better."""
        if self._too_many:
            return
        for cost, places in self._in_order():
            if (cost, len(places), places) >= self._best.rank[1:]:
                return
            if places not in self._plans and len(self._plans) >= self._plans_max:
                self._exact = False
                return
            self._plan(places)

    def _in_order(self) -> list[tuple[int, tuple[int, ...]]]:
        """What is on the list, as plans would come if they cost no more than they must."""
        found: list[tuple[int, tuple[int, ...]]] = []
        for sets, close in self._listed:
            found += zip(close.tolist(), zip(*(places.tolist() for places in sets), strict=True), strict=True)
        return sorted(found, key=lambda one: (one[0], len(one[1]), one[1]))

    def _plan(self, places: tuple[int, ...]) -> None:
        """Works it out."""
        if places in self._plans:
            return
        plan = self._plans[places] = plan_of(self._problem, places, self._shares)
        if plan.units == self._most and (self._best is NOTHING or plan.rank < self._best.rank):
            self._best = plan

    def _tell(self, best: Plan) -> None:
        """Works a few more plans out, so that there are others to tell: those that may cost least,
        else those that serve most."""
        chosen = set(best.places)
        told = {plan.places for plan in self._plans.values() if not chosen.issubset(plan.places)}
        for places in self._to_tell():
            if len(told) >= OTHERS_MAX:
                return
            if not chosen.issubset(places):
                self._plan(places)
                told.add(self._plans[places].places)

    def _to_tell(self) -> Iterator[tuple[int, ...]]:
        yield from (places for _, places in self._in_order())
        for sets, units in zip(self._sets[:2], self._units, strict=False):
            served = units.sum(0)
            for at in np.argsort(-served, kind="stable")[: 4 * OTHERS_MAX]:
                if served[at]:
                    yield tuple(int(places[at]) for places in sets)


def _those(sets: Sets, which: Flags | Places) -> Sets:
    return tuple(places[which] for places in sets)
