"""The greedy choice for large orders, beside the search for the best: what it must never do for being quick."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain.sourcing_greedy import greedy
from actors.domain.sourcing_problem import Problem, plan_of
from actors.domain.sourcing_solver import solve

PLACES, BLOCKS = 5, 4
_costs = st.integers(0, 50)


@st.composite
def problems(draw):
    def table(values):
        return [[draw(values) for _ in range(BLOCKS)] for _ in range(PLACES)]

    return Problem(
        fixed=[draw(_costs) for _ in range(PLACES)], has=table(st.integers(0, 4)), line=table(_costs), unit=table(_costs),
        wanted=[draw(st.integers(1, 4)) for _ in range(BLOCKS)], may_cut=[draw(st.booleans()) for _ in range(BLOCKS)],
        places_max=draw(st.integers(1, 3)), split=draw(_costs), cut=draw(_costs), whole=draw(st.booleans()),
    )  # fmt: skip


@given(problems())
@settings(max_examples=300, deadline=None)
def test_a_quick_choice_serves_more_than_there_is_part_of_a_whole_or_is_called_the_best(problem):
    quick, best = greedy(problem), solve(problem)
    assert not quick.exact
    assert quick.plan.rank >= best.plan.rank
    assert len(quick.plan.places) <= problem.places_max
    if quick.plan.places:
        assert quick.plan == plan_of(problem, quick.plan.places)
    if problem.whole:
        assert quick.plan.units in (0, sum(problem.wanted))
    elif best.plan.units:
        # Taking the place that adds most gets at least 1 - 1/e of what can be had (Nemhauser, Wolsey, Fisher 1978).
        assert quick.plan.units >= 0.63 * best.plan.units


@given(problems())
@settings(max_examples=100, deadline=None)
def test_one_place_that_serves_all_is_overlooked(problem):
    alone = any(all(has >= wanted for has, wanted in zip(row, problem.wanted, strict=True)) for row in problem.has)
    if alone:
        assert greedy(problem).plan.units == sum(problem.wanted)
