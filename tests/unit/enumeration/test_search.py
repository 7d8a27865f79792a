"""The best places from all sets at once, against trying everything in small worlds and against the
domain's search in large ones."""

from __future__ import annotations

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings

from actors.domain.sourcing_problem import plan_of, reach_of
from actors.domain.sourcing_solver import solve
from actors.enumeration import search
from actors.enumeration.bounds import FAR, Bounds
from actors.enumeration.search import FEW_BLOCKS, PLACES_MAX, enumerated, solver_for
from tests.unit.domain.sourcing_worlds import changed, large, problems, tried

LONG = 10**9


@settings(max_examples=500, deadline=None)
@given(problems(places_max=5))
def test_a_better_plan_is_missed_in_a_small_world(small):
    solution = enumerated(small)
    assert solution.exact
    assert solution.plan.rank == tried(small)
    assert solution.plan.shares == solve(small).plan.shares


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("places_max", [1, 2, 3])
@pytest.mark.parametrize("at", [1.0, 0.8, 0.5, 0.35, 0.2, 0.1])
def test_a_better_plan_is_missed_in_a_large_world(at, places_max, whole):
    for seed in range(4):
        problem = large(seed, 24, 7, at, places_max=places_max, whole=whole)
        searched = solve(problem, LONG, LONG)
        assert searched.exact
        solution = enumerated(problem)
        assert solution.exact
        assert solution.plan == searched.plan


@pytest.mark.parametrize("at", [1.0, 0.35, 0.1])
def test_places_that_differ_in_nothing_take_for_ever_or_the_first_are_not_taken(at):
    alike = changed(large(1, 40, 6, 1.0), fixed=[5] * 40, line=[[1] * 6] * 40, unit=[[2] * 6] * 40)
    rng = random.Random(3)
    has = [[units if rng.random() < at else 0 for units in alike.wanted] for _ in range(40)]
    alike = changed(alike, has=has)
    searched = solve(alike, LONG, LONG)
    assert searched.exact
    assert enumerated(alike).plan == searched.plan


@settings(max_examples=200, deadline=None)
@given(problems(places_max=5))
def test_another_plan_is_told_that_is_better_or_the_same_twice(small):
    solution = enumerated(small)
    told = [other.places for other in solution.others]
    assert len(told) == len(set(told)) <= search.OTHERS_MAX
    for other in solution.others:
        assert other.rank > solution.plan.rank
        assert not set(solution.plan.places) <= set(other.places)
        assert other == plan_of(small, other.places)


def test_nobody_else_is_told_of_where_others_could_serve_less():
    has = [[1, 1, 1, 1, 1], *[[1, 0, 0, 0, 0]] * 11]
    problem = changed(large(5, 12, 5, 0.5, may_cut=[True] * 5, places_max=1), has=has, wanted=[1] * 5)
    solution = enumerated(problem)
    assert solution.plan.places == (0,)
    assert len(solution.others) == search.OTHERS_MAX


@pytest.mark.parametrize("at", [0.9, 0.5, 0.2])
def test_a_bound_is_more_than_what_a_set_costs(at):
    for seed in range(20):
        problem = large(seed, 9, 5, at, cut=10, split=30)
        reach = reach_of(problem)
        bounds = Bounds(problem, reach)
        for size in (1, 2, 3):
            names = [tuple(sorted(random.Random(n).sample(range(9), size))) for n in range(30)]
            sets = tuple(np.array(column, np.intp) for column in zip(*names, strict=True))
            units = bounds.units(sets)
            close, rough = bounds.costs(sets, units), bounds.rough(sets, bounds.least())
            for at_set, places in enumerate(names):
                plan = plan_of(problem, places)
                assert units[:, at_set].sum() == plan.units
                if len(plan.places) == size:
                    assert close[at_set] <= plan.cost
                    if plan.units == sum(reach):
                        assert rough[at_set] <= plan.cost


def test_a_search_that_is_broken_off_is_called_the_best(monkeypatch):
    monkeypatch.setattr(search, "PLANNED_CELLS_MAX", 1)
    broken_off = 0
    for seed in range(20):
        problem = large(seed, 20, 8, 0.8, cut=1, may_cut=[True] * 8)
        solution, best = enumerated(problem), solve(problem, LONG, LONG).plan
        assert solution.plan.units == best.units
        assert not solution.exact or solution.plan == best
        broken_off += not solution.exact
    assert broken_off


def test_where_all_lines_must_be_cut_the_search_of_the_domain_would_have_been_better():
    for seed in range(6):
        problem = large(seed, 40, 8, 1.0, may_cut=[True] * 8)
        wanted = [2 * units + 2 for units in problem.wanted]
        problem = changed(problem, wanted=wanted, has=[[units // 2 for units in wanted] for _ in range(40)])
        solution, searched = solver_for(8)(problem), solve(problem)
        assert solution.plan.rank <= searched.plan.rank
        assert all(other.rank > solution.plan.rank for other in solution.others)


@pytest.mark.parametrize("cost", [FAR, 1 << 70])
def test_costs_that_are_too_large_for_arrays_are_cut_off(cost):
    blocks = FEW_BLOCKS + 1
    problem = changed(large(2, 8, blocks, 0.9), fixed=[cost + n for n in range(8)])
    assert enumerated(problem) is None
    assert solver_for(blocks)(problem).plan == solve(problem).plan


@pytest.mark.parametrize("more", [{"places": PLACES_MAX + 1}, {"places_max": 4}])
def test_more_places_than_can_be_looked_at_are_looked_at(more, monkeypatch):
    monkeypatch.setattr(search, "enumerated", None)
    places = more.pop("places", 12)
    problem = large(2, places, FEW_BLOCKS + 1, 0.9, **more)
    assert solver_for(FEW_BLOCKS + 1)(problem).plan == solve(problem).plan


def test_an_order_of_few_goods_is_not_searched_to_the_end():
    """What a quick search leaves open is settled here."""
    problem = large(3, 40, FEW_BLOCKS, 0.35)
    assert not solve(problem, search.FEW_STEPS, search.FEW_STEPS).exact
    solution = solver_for(FEW_BLOCKS)(problem)
    assert solution.exact
    assert solution.plan == solve(problem, LONG, LONG).plan


def test_nothing_is_looked_at_where_nobody_has_any():
    nothing = large(1, 5, 3, 0.0)
    assert enumerated(nothing).plan == solve(nothing).plan
    nobody = msgspec.structs.replace(nothing, fixed=[], has=[], line=[], unit=[])
    assert enumerated(nobody).plan == solve(nobody).plan


def test_units_without_end_are_counted_wrongly():
    problem = changed(large(2, 4, FEW_BLOCKS + 1, 1.0), unit=[[0] * (FEW_BLOCKS + 1)] * 4)
    problem = changed(problem, wanted=[2**61] * (FEW_BLOCKS + 1), has=[[2**60] * (FEW_BLOCKS + 1)] * 4)
    assert solver_for(FEW_BLOCKS + 1)(problem).plan == solve(problem).plan
