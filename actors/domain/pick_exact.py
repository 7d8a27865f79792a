"""The shortest way past stops in aisles, exactly: dynamic programming from the left aisle to the right.

H. D. Ratliff and A. S. Rosenthal ("Order-Picking in a Rectangular Warehouse: A Solvable Case of the Traveling Salesman
Problem", Operations Research 31,
1983) look at the corridors that a tour uses instead of at the order of its stops. Left of a line between two aisles,
  all that matters for the rest is, for
each cross aisle, whether the tour has been at its corner and how often it still has to leave there (even or odd), and
which corners hang together. So there are few states, and work grows with the aisles only. Theirs is one block (two
cross aisles) and a tour that comes back; here the same is done

- over any number of blocks (K. J. Roodbergen and R. de Koster 2001 for two; L. Pansart, N. Catusse and H. Cambazard
  2018 for more), whose states are more: some ten for one block, hundreds for three; and
- with another end than the start: both are corners with one end more, so that what is found is a way between them.

A shortest way uses only aisles with stops, since any two stops are joined by a shortest way within
theirs and one cross aisle.

A state is a tuple with a number for each cross aisle: 0 not been at, else 2 × its piece + (1 if odd); pieces
are numbered as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, product

import msgspec

from actors.domain.pick_layout import Layout, Spot, door_of, gate_of

State = tuple[int, ...]
# How often each bit of corridor is walked.
Counts = tuple[int, ...]
# (state after it, what it costs in decimetres, how often the bits of corridor are walked)
Choice = tuple[State, int, Counts]
Stage = Callable[[State], Iterable[Choice]]
# state → (cost so far, state before, counts chosen)
Layer = dict[State, tuple[int, State, Counts]]
Node = tuple[int, int]
# A block's aisle takes some thirty changes of state, each as long as three looks at a distance.
STEPS_AN_AISLE = 100
# With six there are thousands of states.
EXACT_CROSS_AISLES_MAX = 5


class _Column(msgspec.Struct):
    """An aisle with stops, or where a door is. inner: the y of its stops within each block, rising; corners: cross
    aisles where it has a stop; doors: start and end, by their cross aisles. An aisle has blocks, a door has none."""

    x_dm: int
    inner: list[list[int]]
    corners: list[int]
    doors: list[int]


def exact_steps(spots: Sequence[Spot], layout: Layout) -> int:
    """What it takes, about, in the steps of `pick_search.py`: for each aisle all states, which are seven times as many
    with each cross aisle more (measured)."""
    states: int = 7 ** len(layout.cross_y_dm)  # times 49
    return STEPS_AN_AISLE * len({spot.aisle for spot in spots}) * states // 49


def exact_order(spots: Sequence[Spot], layout: Layout) -> list[int] | None:
    """The places of `spots` (all different) in the order of a shortest way; None when some are not between the outer
    cross aisles, or there are too many of those."""
    cross = layout.cross_y_dm
    if not spots or not 0 < len(cross) <= EXACT_CROSS_AISLES_MAX:
        return None
    if any(spot.aisle is None or not cross[0] <= spot.y_dm <= cross[-1] for spot in spots):
        return None
    columns = _columns(spots, layout)
    layers = _solve(columns, cross)
    where = {(spot.aisle, spot.y_dm): i for i, spot in enumerate(spots)}
    aisles = [number for _, number in sorted({(spot.x_dm, spot.aisle or 0) for spot in spots})]
    numbers = _numbers(columns, aisles)
    order = []
    for column, y_dm in _walk(_corridors(columns, cross, layers), _door_nodes(columns, cross, layout)):
        found = where.pop((numbers[column], y_dm), None)
        if found is not None:
            order.append(found)
    return order


def _columns(spots: Sequence[Spot], layout: Layout) -> list[_Column]:
    """From left to right; a door's column comes before the aisle at the same x."""
    cross = layout.cross_y_dm
    aisles: dict[tuple[int, int], _Column] = {}
    for spot in sorted(spots, key=lambda spot: spot.y_dm):
        key = (spot.x_dm, spot.aisle or 0)
        column = aisles.setdefault(key, _Column(spot.x_dm, [[] for _ in cross[1:]], [], []))
        if spot.y_dm in cross:
            column.corners.append(cross.index(spot.y_dm))
        else:
            column.inner[sum(y_dm < spot.y_dm for y_dm in cross) - 1].append(spot.y_dm)
    doors: dict[int, _Column] = {}
    for point in (layout.start, layout.end):
        doors.setdefault(point.x_dm, _Column(point.x_dm, [], [], [])).doors.append(gate_of(layout, point))
    # Sorting is stable: doors stay before aisles.
    return sorted([*doors.values(), *(aisles[key] for key in sorted(aisles))], key=lambda column: column.x_dm)


def _numbers(columns: Sequence[_Column], aisles: Iterable[int]) -> list[int | None]:
    """The aisle's number of each column, None for a door's."""
    names = iter(aisles)
    return [None if column.doors else next(names) for column in columns]


def _solve(columns: Sequence[_Column], cross: Sequence[int]) -> list[Layer]:
    """The layers of the search, one after each stage; the last has the empty state alone."""
    nowhere = (0,) * len(cross)
    layer: Layer = {nowhere: (0, nowhere, ())}
    layers: list[Layer] = []
    for stage in _stages(columns, cross):
        following: Layer = {}
        for state, (cost, _, _) in layer.items():
            for after, more, counts in stage(state):
                known = following.get(after)
                if known is None or cost + more < known[0]:
                    following[after] = (cost + more, state, counts)
        layers.append(following)
        layer = following
    assert layer, "some way leads past all stops"
    return layers


class _Corners:
    """Stage: the stops and doors on cross aisles have to be on the way."""

    def __init__(self, column: _Column) -> None:
        self.column = column

    def __call__(self, state: State) -> Iterable[Choice]:
        for corner in self.column.corners:
            state = _touched(state, corner, 0)
        for corner in self.column.doors:
            state = _touched(state, corner, 1)
        return ((state, 0, ()),)


class _Block:
    """Stage: how an aisle is walked within a block.

    Once through; twice; or from one end or both as far as the last stop before a gap, and back. Not
    at all when it has no stops.
    """

    def __init__(self, block: int, points: Sequence[int]) -> None:
        self.block = block
        self.gaps = [high - low for low, high in pairwise(points)]
        length, count = sum(self.gaps), len(self.gaps)
        self.once: tuple[int, Counts] = (length, (1,) * count)
        self.twice: tuple[int, Counts] = (2 * length, (2,) * count)
        left_out = {0, count - 1}
        if count > 2:
            left_out.add(max(range(1, count - 1), key=lambda gap: self.gaps[gap]))
        self.apart = [
            (gap > 0, gap < count - 1, 2 * (length - self.gaps[gap]), _but(gap, count)) for gap in sorted(left_out)
        ]

    def __call__(self, state: State) -> Iterator[Choice]:
        block = self.block
        yield (_joined(state, block, 1), *self.once)
        yield (_joined(state, block, 0), *self.twice)
        for from_below, from_above, cost, counts in self.apart:
            after = _touched(state, block, 0) if from_below else state
            yield (_touched(after, block + 1, 0) if from_above else after, cost, counts)


class _Onward:
    """Stage: along the cross aisles to the next column."""

    def __init__(self, x_dm: int) -> None:
        self.x_dm = x_dm

    def __call__(self, state: State) -> Iterator[Choice]:
        for after, counts in _onward(state):
            yield after, self.x_dm * sum(counts), counts


def _end(state: State) -> Iterable[Choice]:
    """Stage: what is right of the last column is nothing, so all has to hang together and be even."""
    been = {number for number in state if number}
    return (((), 0, ()),) if been == {2} else ()


def _stages(columns: Sequence[_Column], cross: Sequence[int]) -> Iterator[Stage]:
    for place, column in enumerate(columns):
        if place:
            yield _Onward(column.x_dm - columns[place - 1].x_dm)
        yield _Corners(column)
        for block, inner in enumerate(column.inner):
            yield _Block(block, (cross[block], *inner, cross[block + 1]))
    yield _end


def _but(gap: int, count: int) -> Counts:
    return tuple(0 if i == gap else 2 for i in range(count))


# --- states: what follows hangs on nothing else, so it is worked out once ---------------------------------------------
@lru_cache(maxsize=50_000)
def _touched(state: State, corner: int, odd: int) -> State:
    """The way has been at this corner, as often more as `odd` says."""
    numbers = list(state)
    numbers[corner] = numbers[corner] ^ odd if numbers[corner] else 2 * (len(state) + 1) + odd
    return _renumbered(numbers)


@lru_cache(maxsize=50_000)
def _joined(state: State, block: int, odd: int) -> State:
    """The two ends of a block are joined by a passage (odd) or by two."""
    numbers = list(_touched(_touched(state, block, odd), block + 1, odd))
    kept, gone = numbers[block] >> 1, numbers[block + 1] >> 1
    return _renumbered([2 * kept + (n & 1) if n and n >> 1 == gone else n for n in numbers])


@lru_cache(maxsize=50_000)
def _onward(state: State) -> tuple[tuple[State, Counts], ...]:
    """All ways to go on along the cross aisles: once where it is odd, twice or not where it is even; each piece
    somewhere, or it would be lost."""
    pieces = {number >> 1 for number in state if number}
    found = []
    for counts in product(*((0,) if not number else (1,) if number & 1 else (0, 2) for number in state)):
        after = [2 * (number >> 1) + (count & 1) if count else 0 for number, count in zip(state, counts, strict=True)]
        if {number >> 1 for number in after if number} == pieces:
            found.append((_renumbered(after), counts))
    return tuple(found)


def _renumbered(numbers: Iterable[int]) -> State:
    names: dict[int, int] = {}
    return tuple(2 * names.setdefault(n >> 1, len(names) + 1) + (n & 1) if n else 0 for n in numbers)


# --- from the states back to a way ------------------------------------------------------------------------------------
def _corridors(columns: Sequence[_Column], cross: Sequence[int], layers: Sequence[Layer]) -> dict[Node, list[Node]]:
    """Node (column, y) → the nodes that the way goes to or comes from there, as often as it does."""
    chosen: list[Counts] = []
    state: State = ()
    for layer in reversed(layers):
        _, state, counts = layer[state]
        chosen.append(counts)
    choices = reversed(chosen)
    ways: dict[Node, list[Node]] = {}
    for place, column in enumerate(columns):
        if place:
            _walked(ways, [((place - 1, y_dm), (place, y_dm)) for y_dm in cross], next(choices))
        next(choices)
        for block, inner in enumerate(column.inner):
            points = [(place, y_dm) for y_dm in (cross[block], *inner, cross[block + 1])]
            _walked(ways, list(pairwise(points)), next(choices))
    return ways


def _walked(ways: dict[Node, list[Node]], corridors: Sequence[tuple[Node, Node]], counts: Counts) -> None:
    for (one, other), count in zip(corridors, counts, strict=True):
        for _ in range(count):
            ways.setdefault(one, []).append(other)
            ways.setdefault(other, []).append(one)


def _door_nodes(columns: Sequence[_Column], cross: Sequence[int], layout: Layout) -> tuple[Node, Node]:
    start, end = door_of(layout, layout.start), door_of(layout, layout.end)
    place = {column.x_dm: number for number, column in enumerate(columns) if column.doors}
    return (place[start.x_dm], start.y_dm), (place[end.x_dm], end.y_dm)


def _walk(ways: dict[Node, list[Node]], doors: tuple[Node, Node]) -> list[Node]:
    """All corridors one after another from the first door to the second (Hierholzer 1873)."""
    start, end = doors
    pending, walk = [start], []
    while pending:
        here = pending[-1]
        onward = ways.get(here)
        if onward:
            there = onward.pop()
            ways[there].remove(here)
            pending.append(there)
        else:
            walk.append(pending.pop())
    walk.reverse()
    assert walk[0] == start
    assert walk[-1] == end
    return walk
