"""The search over sets of places, against trying all of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from actors.domain.sourcing_problem import NOTHING, Problem, plan_of, reach_of
from actors.domain.sourcing_solver import COVER_STEPS_MAX, MOST_STEPS_MAX, solve
from tests.unit.domain.sourcing_worlds import cost_of, large, problems, tried


def problem(fixed, has, wanted, **more) -> Problem:
    """With costs for places alone."""
    zeros = [[0] * len(wanted) for _ in fixed]
    given = {"line": zeros, "unit": zeros, "may_cut": [True] * len(wanted), "places_max": 3, "split": 0, "cut": 0}
    return Problem(fixed=fixed, has=has, wanted=wanted, **{**given, **more})


@settings(max_examples=400, deadline=None)
@given(problems())
def test_a_better_plan_is_missed_in_a_small_world(small):
    solution = solve(small)
    assert solution.exact
    assert solution.plan.rank == tried(small)


@settings(max_examples=200, deadline=None)
@given(problems())
def test_the_shares_are_not_what_the_plan_says_that_they_are(small):
    plan = solve(small).plan
    ways = [[0] * len(small.fixed) for _ in small.wanted]
    for block, parts in enumerate(plan.shares):
        for place, units in parts:
            ways[block][place] += units
            assert 0 < units <= small.has[place][block]
    cost, used = cost_of(small, ways)
    assert (cost, tuple(used), sum(map(sum, ways))) == (plan.cost, plan.places, plan.units)


@settings(max_examples=200, deadline=None)
@given(problems())
def test_another_plan_is_told_that_is_better_or_none(small):
    solution = solve(small)
    ranks = [other.rank for other in solution.others]
    assert ranks == sorted(ranks)
    assert all(rank > solution.plan.rank for rank in ranks)
    assert all(not set(solution.plan.places) <= set(other.places) for other in solution.others)


def test_a_pair_is_missed_because_one_place_has_most():
    found = solve(problem([1, 1, 1], [[3, 2], [4, 0], [0, 4]], [4, 4], places_max=2))
    assert found.plan.places == (1, 2)


def test_a_place_is_added_that_saves_less_than_it_costs_or_one_left_out_that_saves_more():
    unit = [[10, 10], [0, 10], [10, 10]]
    base = problem([5, 5, 5], [[1, 1], [1, 0], [1, 1]], [1, 1], unit=unit)
    assert solve(base).plan.places == (0, 1)
    assert solve(problem([5, 11, 5], base.has, base.wanted, unit=unit)).plan.places == (0,)


def test_cheap_units_of_a_place_with_few_are_left_there():
    both = problem([0, 0], [[1], [5]], [5], unit=[[0], [10]], line=[[1], [1]], cut=3)
    assert solve(both).plan.shares == (((0, 1), (1, 4)),)
    dear = problem([0, 0], [[1], [5]], [5], unit=[[0], [10]], line=[[1], [1]], cut=9)
    assert solve(dear).plan.shares == (((1, 5),),)


@pytest.mark.parametrize("at", [0.9, 0.35, 0.12])
@pytest.mark.parametrize("seed", range(3))
def test_a_search_that_is_cut_short_breaks_a_limit_or_leaves_what_one_exchange_would_better(seed, at):
    given = large(seed, 30, 8, at)
    short, whole = solve(given, 2_500, 400), solve(given, 10**9, 10**9)
    assert whole.exact
    assert not short.exact
    assert len(short.plan.places) <= given.places_max
    assert whole.plan.rank <= short.plan.rank
    if short.plan.units == sum(given.wanted):
        for place in short.plan.places:
            others = tuple(other for other in short.plan.places if other != place)
            changed = [plan_of(given, tuple(sorted({*others, new}))) for new in range(30)]
            assert all(short.plan.rank <= plan.rank for plan in changed if len(plan.places) == len(others) + 1)


@pytest.mark.parametrize("at", [0.9, 0.5, 0.35])
def test_the_search_is_cut_short_so_soon_that_it_is_worse_than_choosing_greedily(at):
    for seed in range(6):
        given = large(seed, 30, 8, at)
        chosen = NOTHING
        for _ in range(given.places_max):
            following = [plan_of(given, tuple(sorted({*chosen.places, new}))) for new in range(30)]
            chosen = min([chosen, *following], key=lambda plan: plan.rank)
        assert solve(given).plan.rank <= chosen.rank


@pytest.mark.parametrize("at", [1.0, 0.5, 0.2, 0.05])
def test_the_work_has_no_limit(at):
    solution = solve(large(7, 138, 40, at, places_max=5))
    # The greedy plan is always made, and exchanges come after the search: both look at each place
    # once for each that is chosen.
    assert solution.steps <= COVER_STEPS_MAX + MOST_STEPS_MAX + 2 * 5 * 138 * 48
    assert solution.plan.units


def test_places_that_cost_the_same_take_for_ever_or_the_first_is_not_taken():
    equal = problem([5] * 60, [[1, 1, 0] if n % 2 else [0, 1, 1] for n in range(60)], [1, 1, 1])
    solution = solve(equal)
    assert solution.plan.places == (0, 1)


def test_what_nobody_has_is_reached():
    nobody = problem([1, 1], [[0, 2], [0, 1]], [3, 3], places_max=1)
    assert reach_of(nobody) == [0, 2]
    assert solve(nobody).plan.places == (0,)
    assert solve(problem([], [], [3])).plan == NOTHING
