"""The best plan for a sourcing problem: all that can be had from at most so many places, or the most of it.

    solve ──▶ Cover: all that can be had, at least cost ──found──▶ the best plan
                       └─ no places can ──▶ Most: as many units as possible, then at least cost

Exact when the search comes to its end within its steps, as it does for small orders (`Solution.exact`); otherwise at
least as good as a greedy choice bettered by exchanging places one by one.
"""

from __future__ import annotations

from heapq import nsmallest

import msgspec

from actors.domain.sourcing_cover import Cover
from actors.domain.sourcing_exchange import bettered
from actors.domain.sourcing_most import Most
from actors.domain.sourcing_problem import NOTHING, Plan, Problem, plan_of, reach_of

COVER_STEPS_MAX = 16_000
MOST_STEPS_MAX = 8_000
OTHERS_MAX = 3


class Solution(msgspec.Struct, frozen=True, gc=False):
    """others: the best other plans that the search met, best first, without those that only add
    places to the chosen one."""

    plan: Plan
    others: list[Plan]
    exact: bool
    steps: int


def solve(problem: Problem, cover_steps_max: int = COVER_STEPS_MAX, most_steps_max: int = MOST_STEPS_MAX) -> Solution:
    """The best plan, in the sense of `sourcing_problem.py`."""
    reach = reach_of(problem)
    if not any(reach) or (problem.whole and reach != problem.wanted):
        return Solution(NOTHING, [], exact=True, steps=0)
    cover = Cover(problem, reach, cover_steps_max)
    cover.run()
    if cover.best is not None:
        units = sum(reach)
        plans = [Plan(places, units, cost) for places, cost in cover.found.items()]
        return solution_of(plan_of(problem, cover.best[3]), plans, exact=cover.exact, steps=cover.steps)
    if problem.whole:
        return Solution(NOTHING, [], exact=cover.exact, steps=cover.steps)
    most = Most(problem, most_steps_max)
    most.run()
    exact, steps = cover.exact and most.exact, cover.steps + most.steps
    plan = most.best if exact else bettered(problem, most.best)
    return solution_of(plan, list(most.found.values()), exact=exact, steps=steps)


def solution_of(plan: Plan, plans: list[Plan], *, exact: bool, steps: int) -> Solution:
    """The plan, with the best of the others that were met and are more than its places with some besides."""
    chosen = set(plan.places)
    others = [other for other in plans if not chosen.issubset(other.places)]
    return Solution(plan, nsmallest(OTHERS_MAX, others, key=lambda other: other.rank), exact, steps)
