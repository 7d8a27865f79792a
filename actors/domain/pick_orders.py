"""The orders in which pickers are usually sent past stops, as they stand in textbooks; start points for something
better, and what it is measured against.

    S-shape        each aisle with stops is walked through, the next one the other way
    largest gap    in from both ends of an aisle, but not across the widest stretch without a stop; the first and the last aisle are walked through
    return         in from one end of an aisle, and back
    by name        as the bins are called

Several blocks are done one after another, the farthest from the start first (K. J. Roodbergen and R. de Koster,
"Routing methods for warehouses with multiple cross aisles", 2001). All take places of `spots` and
give them in another order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise

from actors.domain.pick_layout import Layout, Spot

# Places of spots in one aisle of one block, by rising y.
Run = list[int]


def s_shape(spots: Sequence[Spot], layout: Layout) -> list[int]:
    """Through one aisle after another."""
    order: list[int] = []
    rising = _from_below(layout)
    for block in _blocks(spots, layout):
        for run in block:
            order += run if rising else run[::-1]
            rising = not rising
        rising = not _from_below(layout)  # a nearer block is entered from its far side
    return order


def back_and_forth(spots: Sequence[Spot], layout: Layout) -> list[int]:
    """Into each aisle from the side where the start is, and back."""
    rising = _from_below(layout)
    return [i for block in _blocks(spots, layout) for run in block for i in (run if rising else run[::-1])]


def largest_gap(spots: Sequence[Spot], layout: Layout) -> list[int]:
    """Along the far side of a block and back along the near one."""
    order: list[int] = []
    rising = _from_below(layout)
    for block in _blocks(spots, layout):
        runs = [run if rising else run[::-1] for run in block]  # from near to far
        if len(runs) == 1:
            order += runs[0]
            continue
        parts = [_at_gap(run, spots, layout) for run in runs[1:-1]]
        order += runs[0]
        for _, far in parts:
            order += far[::-1]
        order += runs[-1][::-1]
        for near, _ in reversed(parts):
            order += near
    return order


TEXTBOOK: tuple[Callable[[Sequence[Spot], Layout], list[int]], ...] = (s_shape, largest_gap, back_and_forth)


def _from_below(layout: Layout) -> bool:
    """Is the start on the side of the aisles where y is small?"""
    return 2 * layout.start.y_dm <= layout.cross_y_dm[0] + layout.cross_y_dm[-1]


def _blocks(spots: Sequence[Spot], layout: Layout) -> list[list[Run]]:
    """Blocks from far to near; within each its aisles from one side to the other, beginning where
    the one before has ended."""
    inner = layout.cross_y_dm[1:-1]
    by_block: dict[int, dict[tuple[int, int], Run]] = {}
    for i in sorted(range(len(spots)), key=lambda i: spots[i].y_dm):
        spot = spots[i]
        block = by_block.setdefault(bisect_right(inner, spot.y_dm), {})
        block.setdefault((spot.x_dm, spot.aisle or 0), []).append(i)
    columns = [spot.x_dm for spot in spots]
    leftwards = 2 * layout.start.x_dm > min(columns, default=0) + max(columns, default=0)
    out = []
    for number in sorted(by_block, reverse=_from_below(layout)):
        block = by_block[number]
        out.append([block[key] for key in sorted(block, reverse=leftwards)])
        leftwards = not leftwards
    return out


def _at_gap(run: Run, spots: Sequence[Spot], layout: Layout) -> tuple[Run, Run]:
    """The stops before and behind the widest stretch without one, from cross aisle to cross aisle."""
    inner = layout.cross_y_dm[1:-1]
    block = bisect_right(inner, spots[run[0]].y_dm)
    ends = (layout.cross_y_dm[block], layout.cross_y_dm[min(block + 1, len(layout.cross_y_dm) - 1)])
    near, far = ends if _from_below(layout) else ends[::-1]
    points = [near, *(spots[i].y_dm for i in run), far]
    gaps = [abs(other - one) for one, other in pairwise(points)]
    cut = gaps.index(max(gaps))
    return run[:cut], run[cut:]
