"""A good plan for a sourcing problem in a time that grows with its size alone: for orders of very many SKUs, where the
search of `sourcing_solver.py` would hold up others.

The places are taken one by one: each time the one that adds most units, and of those the one with which it costs least;
then each is exchanged, once, for another with which more is served or it costs less. Who may not serve what was found
out before, exactly as for small orders (`sourcing_constraints.py`): only the choice among the
others may not be the best.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.domain.sourcing_problem import NOTHING, Problem, plan_of, reach_of
from actors.domain.sourcing_solver import Solution, solution_of

# Plans that are worked out for exchanging places; each takes as long as there are blocks.
EXCHANGE_CELLS_MAX = 2_000


def greedy(problem: Problem) -> Solution:
    """Never `exact`."""
    reach = reach_of(problem)
    if not any(reach) or (problem.whole and reach != problem.wanted):
        return Solution(NOTHING, [], exact=False, steps=0)
    chosen = _taken(problem)
    best = plan_of(problem, tuple(sorted(chosen)))
    found = [best]
    tries = EXCHANGE_CELLS_MAX // max(1, len(problem.wanted))
    for places in _exchanges(problem, chosen):
        if tries <= 0:
            break
        tries -= 1
        plan = plan_of(problem, tuple(sorted(places)))
        found.append(plan)
        if plan.rank < best.rank:
            best = plan
    if problem.whole and best.units < sum(problem.wanted):
        return Solution(NOTHING, [], exact=False, steps=len(found))
    return solution_of(best, [plan for plan in found if plan.places], exact=False, steps=len(found))


def _taken(problem: Problem) -> list[int]:
    rest, single = list(problem.wanted), [0] * len(problem.wanted)
    chosen: list[int] = []
    while len(chosen) < problem.places_max:
        best: tuple[int, int, int] | None = None
        for place in range(len(problem.fixed)):
            if place in chosen:
                continue
            gain, cost = _gain(problem, place, rest, single)
            if gain and (best is None or (-gain, cost, place) < best):
                best = (-gain, cost, place)
        if best is None:
            break
        place = best[2]
        chosen.append(place)
        for block, has in enumerate(problem.has[place]):
            if problem.may_cut[block]:
                rest[block] -= min(rest[block], max(0, has))
            else:
                single[block] = max(single[block], min(problem.wanted[block], has))
    return chosen


def _gain(problem: Problem, place: int, rest: list[int], single: list[int]) -> tuple[int, int]:
    """(units that the place adds, what they cost)."""
    has, unit, line = problem.has[place], problem.unit[place], problem.line[place]
    gain, cost = 0, problem.fixed[place]
    for block, wanted in enumerate(problem.wanted):
        if problem.may_cut[block]:
            more = min(rest[block], has[block])
        else:
            more = min(wanted, has[block]) - single[block]
        if more > 0:
            gain += more
            cost += line[block] + unit[block] * more
    return gain, cost


def _exchanges(problem: Problem, chosen: list[int]) -> Iterable[list[int]]:
    """Fewer places, then each of them for each other one, the cheapest first."""
    for out in chosen:
        yield [place for place in chosen if place != out]
    others = sorted((problem.fixed[place], place) for place in range(len(problem.fixed)) if place not in chosen)
    for _, other in others:
        for out in reversed(chosen):
            yield [*(place for place in chosen if place != out), other]
