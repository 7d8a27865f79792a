"""Betters a plan by exchanging one of its places at a time: what is left to do when a search ran out of steps."""

from __future__ import annotations

from actors.domain.sourcing_problem import Plan, Problem, plan_of

CANDIDATES_MAX = 6
ROUNDS_MAX = 2


def bettered(problem: Problem, plan: Plan) -> Plan:
    """The plan after at most `ROUNDS_MAX` rounds, never a worse one. In each the best exchange of one
    place for another is made."""
    for _ in range(ROUNDS_MAX):
        best = plan
        for place in plan.places:
            others = tuple(other for other in plan.places if other != place)
            for other in _candidates(problem, others):
                changed = plan_of(problem, tuple(sorted((*others, other))))
                if changed.rank < best.rank:
                    best = changed
        if best is plan:
            break
        plan = best
    return plan


def _candidates(problem: Problem, others: tuple[int, ...]) -> list[int]:
    """The places that add most to these."""
    served = [sum(units for _, units in parts) for parts in plan_of(problem, others).shares]
    served = served or [0] * len(problem.wanted)

    def adds(place: int) -> int:
        units = 0
        for has, have, wanted, may_cut in zip(problem.has[place], served, problem.wanted, problem.may_cut, strict=True):
            units += min(has, wanted - have) if may_cut else max(0, min(has, wanted) - have)
        return units

    left = [place for place in range(len(problem.fixed)) if place not in others]
    return sorted(left, key=lambda place: (-adds(place), problem.fixed[place], place))[:CANDIDATES_MAX]
