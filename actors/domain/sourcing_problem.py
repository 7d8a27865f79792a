"""The choice that sourcing comes down to, in plain numbers, and what a given set of places makes of it.

Of some places at most `places_max` are chosen. What is wanted comes in blocks: a line, or a group of lines that go
together. A place has units of a block, and serving x > 0 of them costs `line + unit * x` there, on top of `fixed` for
each place chosen, `split` for each but the first, and `cut` for each place but the first that one block comes from.
Since no block's share depends on another block's, the best shares of a given set of places are found block by block
(`share`); the search is over sets of places alone.

A plan is better that serves more units; of those, the cheaper one; then the one of fewer places; then the
one whose places come first.
"""

from __future__ import annotations

from itertools import combinations

import msgspec

Shares = tuple[tuple[int, int], ...]
# (block, those of the places that have any of it) → its share there.
Known = dict[tuple[int, tuple[int, ...]], tuple[int, int, Shares]]
# (- units, cost, number of places, places): the least is the best.
Rank = tuple[int, int, int, tuple[int, ...]]


class Problem(msgspec.Struct, frozen=True, gc=False):
    """has, line, unit: by place, then by block. may_cut: by block, whether it may come from several places; one that
    may not comes from one of those that have most of it. Costs are integers of any one unit; all but `unit` are 0 or
    more. whole: all that is wanted or nothing."""

    fixed: list[int]
    has: list[list[int]]
    line: list[list[int]]
    unit: list[list[int]]
    wanted: list[int]
    may_cut: list[bool]
    places_max: int
    split: int
    cut: int
    whole: bool = False


class Plan(msgspec.Struct, frozen=True, gc=False):
    """shares: of each block, (place, units)."""

    places: tuple[int, ...]
    units: int
    cost: int
    shares: tuple[Shares, ...] = ()

    @property
    def rank(self) -> Rank:
        """By which plans are compared."""
        return -self.units, self.cost, len(self.places), self.places


NOTHING = Plan((), 0, 0)


def reach_of(problem: Problem) -> list[int]:
    """Units of each block that could be served if no other block were there."""
    reach = []
    for block, wanted in enumerate(problem.wanted):
        most = sorted((has[block] for has in problem.has), reverse=True)
        places = problem.places_max if problem.may_cut[block] else 1
        reach.append(min(wanted, sum(most[:places])))
    return reach


def plan_of(problem: Problem, places: tuple[int, ...], known: Known | None = None) -> Plan:
    """The best that these places (sorted) can do. Those that serve nothing in it are left out. known: where many plans
    of a problem are worked out, the shares that come again."""
    if known is None:
        shares = [share(problem, block, places) for block in range(len(problem.wanted))]
    else:
        shares = [_known(problem, block, places, known) for block in range(len(problem.wanted))]
    used = sorted({place for _, _, parts in shares for place, _ in parts})
    units = sum(units for units, _, _ in shares)
    cost = sum(cost for _, cost, _ in shares) + sum(problem.fixed[place] for place in used)
    cost += problem.split * max(0, len(used) - 1)
    return Plan(tuple(used), units, cost, tuple(parts for _, _, parts in shares))


def _known(problem: Problem, block: int, places: tuple[int, ...], known: Known) -> tuple[int, int, Shares]:
    holders = tuple(place for place in places if problem.has[place][block] > 0)
    found = known.get((block, holders))
    if found is None:
        found = known[block, holders] = share(problem, block, holders)
    return found


def share(problem: Problem, block: int, places: tuple[int, ...]) -> tuple[int, int, Shares]:
    """Units, cost and who serves how many: as many units as these places can, as cheaply as they can."""
    wanted = problem.wanted[block]
    held = [(place, problem.has[place][block]) for place in places if problem.has[place][block] > 0]
    if not held:
        return 0, 0, ()
    if not problem.may_cut[block]:
        units = min(wanted, max(has for _, has in held))
        cost, place = min((_alone(problem, block, place, units), place) for place, has in held if has >= units)
        return units, cost, ((place, units),)
    together = sum(has for _, has in held)
    if len(held) == 1 or together <= wanted:
        parts = tuple((place, min(has, wanted)) for place, has in held)
        cost = sum(_alone(problem, block, place, units) for place, units in parts) + problem.cut * (len(held) - 1)
        return min(wanted, together), cost, parts
    cost, parts = _cut(problem, block, held)
    return wanted, cost, parts


def _alone(problem: Problem, block: int, place: int, units: int) -> int:
    return problem.line[place][block] + problem.unit[place][block] * units


def _cut(problem: Problem, block: int, held: list[tuple[int, int]]) -> tuple[int, Shares]:
    """The cheapest way to take all that is wanted: of some of the places, from the one with
    the cheapest units first."""
    wanted = problem.wanted[block]
    offers = sorted(
        (problem.unit[place][block], place, has, problem.line[place][block] + problem.cut) for place, has in held
    )
    best: tuple[int, int, Shares] | None = None
    for size in range(1, len(offers) + 1):
        for chosen in combinations(offers, size):
            left, cost, parts = wanted, -problem.cut, []
            for unit, place, has, line in chosen:
                take = min(has, left)
                left -= take
                cost += line + unit * take
                parts.append((place, take))
            # One from which nothing is taken costs all the same, so that a smaller choice was no dearer.
            if not left and (best is None or (cost, size) < best[:2]):
                best = cost, size, tuple(sorted(parts))
    assert best is not None, "together they have all that is wanted"
    return best[0], best[2]
