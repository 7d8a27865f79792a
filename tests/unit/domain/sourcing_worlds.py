"""Small worlds for the tests of sourcing, and the plain, slow way to the best plan."""

from __future__ import annotations

import random
from itertools import product

import msgspec
from hypothesis import strategies as st

from actors.domain.sourcing_demand import Candidate, Demand, Wanted
from actors.domain.sourcing_policy import Costs, Limits, Policy, Rules, ValueStep
from actors.domain.sourcing_problem import Problem


def changed(struct, **fields):
    """The same with other fields."""
    return msgspec.structs.replace(struct, **fields)


@st.composite
def problems(draw, places_max=4, blocks_max=3, units_max=3):
    """Problems small enough to try everything."""
    places, blocks = draw(st.integers(0, places_max)), draw(st.integers(1, blocks_max))

    def table(numbers):
        return [[draw(numbers) for _ in range(blocks)] for _ in range(places)]

    wanted = [draw(st.integers(1, units_max)) for _ in range(blocks)]
    has = [
        [min(units, most) for units, most in zip(row, wanted, strict=True)] for row in table(st.integers(0, units_max))
    ]
    return Problem(
        fixed=[draw(st.integers(0, 12)) for _ in range(places)],
        has=has,
        line=table(st.integers(0, 4)),
        unit=table(st.integers(-4, 8)),
        wanted=wanted,
        may_cut=[draw(st.booleans()) for _ in range(blocks)],
        places_max=draw(st.integers(1, 3)),
        split=draw(st.integers(0, 6)),
        cut=draw(st.integers(0, 3)),
        whole=draw(st.booleans()),
    )


def every_way(problem, block):
    """Each way to serve some of a block: units by place."""
    ways = product(*(range(has[block] + 1) for has in problem.has))
    fit = [way for way in ways if sum(way) <= problem.wanted[block]]
    return fit if problem.may_cut[block] else [way for way in fit if sum(units > 0 for units in way) <= 1]


def cost_of(problem, ways):
    used = [place for place in range(len(problem.fixed)) if any(way[place] for way in ways)]
    cost = sum(problem.fixed[place] for place in used) + problem.split * max(0, len(used) - 1)
    for block, way in enumerate(ways):
        cost += problem.cut * max(0, sum(units > 0 for units in way) - 1)
        for place, units in enumerate(way):
            if units:
                cost += problem.line[place][block] + problem.unit[place][block] * units
    return cost, used


def tried(problem):
    """The rank of the best plan, by trying all."""
    best = (0, 0, 0, ())
    for ways in product(*(every_way(problem, block) for block in range(len(problem.wanted)))):
        cost, used = cost_of(problem, ways)
        units = sum(map(sum, ways))
        if len(used) > problem.places_max or (problem.whole and units < sum(problem.wanted)):
            continue
        best = min(best, (-units, cost, len(used), tuple(used)))
    return best


def large(seed, places, blocks, at, **more) -> Problem:
    """Too many places to try all."""
    rng = random.Random(seed)
    wanted = [rng.randrange(1, 5) for _ in range(blocks)]
    return Problem(
        fixed=[rng.randrange(300, 900) for _ in range(places)],
        has=[[min(most, rng.randrange(1, 7)) if rng.random() < at else 0 for most in wanted] for _ in range(places)],
        line=[[rng.randrange(10, 40)] * blocks for _ in range(places)],
        unit=[[rng.randrange(-90, 200) for _ in wanted] for _ in range(places)],
        wanted=wanted,
        **{"may_cut": [rng.random() < 0.7 for _ in wanted], "places_max": 3, "split": 200, "cut": 50, **more},
    )


# --- whole demands and places ---------------------------------------------------------------------------------------
NOW = 1_763_800_000_000
SKUS = ("a", "b", "c", "d")


def lines():
    """Lines of few SKUs, so that they repeat and meet in groups."""
    line = st.builds(
        Wanted,
        sku=st.sampled_from(SKUS),
        units=st.integers(1, 4),
        value_minor=st.integers(0, 5_000),
        weight_g=st.integers(0, 3_000),
        group=st.sampled_from(("", "", "", "g", "h")),
        temperature=st.sampled_from(("ambient", "ambient", "ambient", "frozen")),
    )
    return st.lists(line, min_size=1, max_size=4).map(tuple)


demands = st.builds(
    Demand,
    lines=lines(),
    to_country=st.just("US"),
    now_ms=st.just(NOW),
    promise_by_ms=st.sampled_from((None, NOW + 3 * 86_400_000)),
    ship_complete=st.booleans(),
)


@st.composite
def places(draw, most=6):
    """Places that differ in all that decides."""
    found = []
    for number in range(draw(st.integers(0, most))):
        stock = draw(st.dictionaries(st.sampled_from(SKUS), st.integers(-1, 5)))
        found.append(
            Candidate(
                f"us-{number}",
                draw(st.sampled_from(("warehouse", "store"))),
                draw(st.sampled_from(("US", "CA"))),
                draw(st.sampled_from((None, 10.0, 10.0, 200.0, 900.0, 3_500.0))),
                stock,
                ships=draw(st.sampled_from((True, True, True, False))),
                capacity_units=draw(st.sampled_from((None, None, 3))),
                temperatures=draw(st.sampled_from((("ambient",), ("ambient", "frozen")))),
                supply_weeks=dict.fromkeys(stock, draw(st.floats(0, 12))),
                markdown_risk=dict.fromkeys(stock, draw(st.floats(0, 1))),
                workload=draw(st.floats(0, 2)),
                labour_order_minor=draw(st.integers(0, 200)),
                labour_line_minor=draw(st.integers(0, 60)),
            )
        )
    return found


policies = st.builds(
    Policy,
    rules=st.builds(Rules, cross_border=st.booleans(), promise=st.sampled_from(("reject", "cost"))),
    limits=st.builds(
        Limits,
        places=st.integers(2, 4),
        by_value=st.sampled_from(((), (ValueStep(3_000, 1),), (ValueStep(3_000, 1), ValueStep(9_000, 2)))),
        ship_complete=st.sampled_from((False, False, True)),
        cut_lines=st.booleans(),
    ),
    costs=st.builds(Costs, split_minor=st.sampled_from((0, 400)), supply_minor=st.sampled_from((0, 5, 300))),
)
