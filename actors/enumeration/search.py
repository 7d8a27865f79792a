"""The best plan for a sourcing problem of at most three places, from bounds for all sets of them.

    units     the most that any set serves; sets of three only where their pairs let hope for as much
    costs     the best of the sets of one and two that serve so much; sets of three only where their pairs let hope for less
    plans     of sets that may cost less by a close bound, worked out in its order until no set that is left can be better

The plan is that of `sourcing_solver.solve`: the same aims, the same choice among equals. What it takes depends on the numbers of places and blocks far more than on how the goods lie. Only so many
plans are worked out that they have `PLANNED_CELLS_MAX` blocks together; when that is not enough the plan is not called exact.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from actors.domain import sourcing_size
from actors.domain.sourcing_problem import NOTHING, Plan, Problem, plan_of, reach_of
from actors.domain.sourcing_solver import OTHERS_MAX, Solution, solution_of, solve
from actors.enumeration.bounds import Bounds, Flags, Ints, Places, Sets

PLACES_MAX = 64
# Working a plan out takes as long as there are blocks; of very many a greedy choice is as quick.
BLOCKS_MAX = 100
# A set of three is looked at through its pairs.
SIZE_MAX = 3
PLANNED_CELLS_MAX = 3_000
# The best places for so few blocks are mostly found sooner by looking at one set after another.
FEW_BLOCKS = 4
FEW_STEPS = 3_000
# So many sets that cost least by the rough bound get a close one, whatever the limit: the others to tell come from them.
_CLOSE_MIN = 16


def solver_for(skus: int) -> Callable[[Problem], Solution]:
    """What chooses the places for an order of so many different SKUs: this where it can, else what the domain has."""
    other = sourcing_size.solver_for(skus)

    def choose(problem: Problem) -> Solution:
        if len(problem.wanted) <= FEW_BLOCKS:
            found = solve(problem, FEW_STEPS, FEW_STEPS)
            if found.exact:
                return found
        better = enumerated(problem) if is_small(problem) else None
        return better if better is not None else other(problem)

    return choose


def is_small(problem: Problem) -> bool:
    """Are there few enough places, sets of them, and blocks?"""
    return problem.places_max <= SIZE_MAX and len(problem.fixed) <= PLACES_MAX and len(problem.wanted) <= BLOCKS_MAX


def enumerated(problem: Problem) -> Solution | None:
    """The best plan; None when the numbers are too large for arrays. Only for problems that are small (`is_small`)."""
    reach = reach_of(problem)
    if not any(reach) or (problem.whole and reach != problem.wanted):
        return Solution(NOTHING, [], exact=True, steps=0)
    try:
        bounds = Bounds(problem, reach)
    except OverflowError:
        return None
    return _Search(problem, bounds, sum(reach)).run() if bounds.fits() else None


class _Search:
    """One search. target: what the best set could serve at all."""

    def __init__(self, problem: Problem, bounds: Bounds, target: int) -> None:
        self._problem, self._bounds, self._target = problem, bounds, target
        self._places = len(problem.fixed)
        self._size_max = min(problem.places_max, self._places)
        # By size: the sets that are looked at, and what they serve of each block.
        self._sets: list[Sets] = []
        self._units: list[Ints] = []
        # What may be best, and what it costs at least: in the order in which plans are worked out.
        self._order: list[tuple[int, tuple[int, ...]]] = []
        self._planned: dict[tuple[int, ...], Plan] = {}
        self._plans_max = max(1, PLANNED_CELLS_MAX // len(problem.wanted))
        self._exact = True

    def run(self) -> Solution:
        problem = self._problem
        self._add((np.arange(self._places, dtype=np.intp),))
        if self._size_max > 1:
            self._add(np.triu_indices(self._places, 1))
        most = self._most()
        if self._size_max == SIZE_MAX and most < self._target:
            self._add(self._three_with_more(most))
            most = self._most()
        if problem.whole and most < sum(problem.wanted):
            return Solution(NOTHING, [], exact=True, steps=0)
        best = self._fullest(most) if most < self._target else self._cheapest()
        self._tell(best)
        plans = {plan.places: plan for plan in self._planned.values()}
        steps = sum(len(sets[0]) for sets in self._sets)
        return solution_of(best, list(plans.values()), exact=self._exact, steps=steps)

    def _add(self, sets: Sets) -> None:
        self._sets.append(sets)
        self._units.append(self._bounds.units(sets))

    def _most(self) -> int:
        return max(int(units.sum(0).max(initial=0)) for units in self._units)

    def _three_with_more(self, most: int) -> Sets:
        """The sets of three that may serve as much as any. What a place adds shrinks as others are chosen before it (the units served are a submodular function of the places)."""
        of_pairs = self._units[1].sum(0)
        tried = self._with_each(tuple(int(places[int(of_pairs.argmax())]) for places in self._sets[1]))
        most = max(most, int(self._bounds.units(tried).sum(0).max()))
        at, (i, j), gains = np.arange(self._places), self._sets[1], self._gains()
        pair, k = np.nonzero((of_pairs[:, None] + np.minimum(gains[i], gains[j]) >= most) & (at > j[:, None]))
        i, j, of_pairs = i[pair], j[pair], of_pairs[pair]
        others = self._units[0].sum(0)
        hope = np.minimum(gains[i, k] + gains[k, j] + others[i], gains[j, k] + gains[k, i] + others[j])
        return _those((i, j, k), hope >= most)

    def _gains(self) -> Ints:
        """[i, j]: units that place j adds to those of i, at most; nothing to its own."""
        (i, j), one = self._sets[1], self._units[0].sum(0)
        both = np.zeros((self._places, self._places), np.int64)
        both[i, j] = both[j, i] = self._units[1].sum(0)
        np.fill_diagonal(both, one)
        gains: Ints = both - one[:, None]
        return gains

    def _three_for_less(self, least: Ints, best: Plan) -> Sets:
        """The sets of three that may serve all for no more than the plan, which does."""
        limit = best.cost
        if len(best.places) == SIZE_MAX - 1:
            # The better what is known, the fewer are left to look at: a third place may save more than it costs.
            tried = self._with_each(best.places)
            third = int(self._bounds.rough(tried, least).argmin())
            limit = min(limit, self._plan(tuple(sorted(int(places[third]) for places in tried))).cost)
        i, j = self._sets[1]
        gains = self._gains()
        enough = self._units[1].sum(0) + np.minimum(gains.max(1)[i], gains.max(1)[j]) >= self._target
        return self._bounds.threes(_those((i, j), enough), least, limit)

    def _with_each(self, pair: tuple[int, ...]) -> Sets:
        """The pair with each other place, which comes last."""
        third = np.delete(np.arange(self._places), pair)
        return *(np.full_like(third, place) for place in pair), third

    def _fullest(self, most: int) -> Plan:
        """The cheapest of the sets that serve most, which is not all that there is of each block."""
        for sets, units in zip(self._sets, self._units, strict=True):
            serving = np.nonzero(units.sum(0) == most)[0]
            self._list(_those(sets, serving), units[:, serving])
        return self._best_of(None)

    def _cheapest(self) -> Plan:
        """The cheapest of the sets that serve all that there is."""
        least, best = self._bounds.least(), None
        for sets, units in zip(self._sets[:2], self._units, strict=False):
            self._list_near(sets, units, least)
        if self._order:
            best = self._best_of(None)
        if len(self._sets) == SIZE_MAX:
            self._list_near(self._sets[2], self._units[2], least)
        elif self._size_max == SIZE_MAX:
            assert best is not None, "sets of three are looked at for their units, unless smaller ones serve all"
            self._add(self._three_for_less(least, best))
            self._list_near(self._sets[2], self._units[2], least)
        return self._best_of(best)

    def _list_near(self, sets: Sets, units: Ints, least: Ints) -> None:
        """Puts those sets on the list that serve all and may be the best, and a few besides."""
        serving = np.nonzero(units.sum(0) == self._target)[0]
        if not len(serving):
            return
        rough = self._bounds.rough(_those(sets, serving), least)
        first = self._plan(tuple(int(places[serving[int(rough.argmin())]]) for places in sets))
        few = int(np.partition(rough, _CLOSE_MIN)[_CLOSE_MIN]) if len(rough) > _CLOSE_MIN else first.cost
        near = serving[rough <= max(first.cost, few)]
        self._list(_those(sets, near), units[:, near])

    def _list(self, sets: Sets, units: Ints) -> None:
        close = self._bounds.costs(sets, units).tolist()
        self._order += zip(close, zip(*(places.tolist() for places in sets), strict=True), strict=True)

    def _best_of(self, best: Plan | None) -> Plan:
        """The best of the sets on the list, and of a plan that is known."""
        self._order.sort(key=lambda one: (one[0], len(one[1]), one[1]))
        for cost, places in self._order:
            if best is not None and (cost, len(places), places) >= best.rank[1:]:
                break
            if len(self._planned) >= self._plans_max and best is not None:
                self._exact = False
                break
            plan = self._plan(places)
            best = plan if best is None or plan.rank < best.rank else best
        assert best is not None, "some set serves most"
        return best

    def _plan(self, places: tuple[int, ...]) -> Plan:
        plan = self._planned.get(places)
        if plan is None:
            plan = self._planned[places] = plan_of(self._problem, places)
        return plan

    def _tell(self, best: Plan) -> None:
        """Works a few more plans out, so that there are others to tell: those that may cost least, else those that serve most."""
        chosen = set(best.places)
        known = {plan.places for plan in self._planned.values() if not chosen.issubset(plan.places)}
        few = max(0, OTHERS_MAX - len(known))
        after = [places for _, places in self._order if places not in self._planned and not chosen.issubset(places)]
        if len(after) < few:
            for sets, units in zip(self._sets[:2], self._units, strict=False):
                served = units.sum(0)
                for at in np.argsort(-served, kind="stable")[: 2 * OTHERS_MAX]:
                    places = tuple(int(column[at]) for column in sets)
                    if served[at] and not chosen.issubset(places):
                        after.append(places)
        for places in after[:few]:
            self._plan(places)


def _those(sets: Sets, which: Flags | Places) -> Sets:
    return tuple(places[which] for places in sets)
