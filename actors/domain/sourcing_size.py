"""How much is looked at to source an order, by how many different SKUs it has: to search for the best among many places
and SKUs would hold up others."""

from __future__ import annotations

from collections.abc import Callable

from actors.domain.sourcing_greedy import greedy
from actors.domain.sourcing_problem import Problem
from actors.domain.sourcing_solver import Solution, solve

CONSIDERED_MAX = 60
# SKUs × places.
CELLS_MAX = 1_000
# From so many different SKUs on the choice is greedy where all sets of places can't be looked at at once
# (`actors/enumeration/`); the parts of kits are counted, not the kits.
GREEDY_SKUS = 40
GREEDY_CELLS_MAX = 1_600
# However many SKUs an order has, so many places are looked at.
GREEDY_PLACES_MIN = 4
# What chooses the places for an order of so many different SKUs.
Solvers = Callable[[int], Callable[[Problem], Solution]]
# The nearest are looked at whatever they have, so that it can be told why none of them serves; not
# for orders of very many SKUs.
NEAREST = 12


def places_considered(skus: int) -> int:
    """How many places at most."""
    cells = CELLS_MAX if skus < GREEDY_SKUS else GREEDY_CELLS_MAX
    return min(CONSIDERED_MAX, max(GREEDY_PLACES_MIN, cells // max(1, skus)))


def solver_for(skus: int) -> Callable[[Problem], Solution]:
    """What chooses among them."""
    return greedy if skus >= GREEDY_SKUS else solve
