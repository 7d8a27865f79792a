"""How far picking routes are from the shortest: `python -m perf.pick_routes [--lists 50]`.

Random pick lists on a floor of 12 aisles of 75 m, 4 m apart, cut into one, two and three blocks, start and end in front
of the first aisle; every bin is as likely as any other. Each list is walked by the route (as it is when a picker asks,
and as it is while a wave is planned), by the heuristics without the exact solution, and as textbooks send pickers:
S-shape, largest gap, and by the bins' names. Textbook orders are walked by the shortest way between one stop and the
next, which flatters them. Tables say by how much all lists together are longer than the optimum, and the worst one.
All is drawn from one seed.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from actors.domain.pick_exact import exact_order
from actors.domain.pick_layout import Layout, Point, Spot, Stop, matrix_of, spot_of, walked_dm
from actors.domain.pick_orders import largest_gap, s_shape
from actors.domain.pick_route import STEPS_MAX, near_order, order_of
from actors.domain.wave import STEPS_MAX as WAVE_STEPS_MAX

AISLES = 12
AISLE_STEP_DM = 40
DEPTH_DM = 750
STOPS = (5, 10, 20, 30, 45, 60)
Order = Callable[[Sequence[Spot], Layout], list[int]]


def floor(blocks: int) -> Layout:
    cross = tuple(DEPTH_DM * i // blocks for i in range(blocks + 1))
    door = Point(0, -20)
    return Layout({aisle: aisle * AISLE_STEP_DM for aisle in range(AISLES)}, cross, door, door)


def pick_list(rng: random.Random, count: int, layout: Layout) -> list[Spot]:
    """Different places, by the names of their bins."""
    places = rng.sample([(aisle, y_dm) for aisle in range(AISLES) for y_dm in range(5, DEPTH_DM, 10)], count)
    return [spot_of(layout, Stop(f"A-{aisle:02}-{y_dm:03}-1", aisle, 0, y_dm)) for aisle, y_dm in sorted(places)]


ORDERS: dict[str, Order] = {
    "route": lambda spots, layout: order_of(spots, layout, STEPS_MAX)[0],
    "in a wave": lambda spots, layout: order_of(spots, layout, WAVE_STEPS_MAX)[0],
    "heuristic": lambda spots, layout: near_order(spots, layout, matrix_of(layout, spots), STEPS_MAX),
    "S-shape": s_shape,
    "largest gap": largest_gap,
    "by name": lambda spots, layout: list(range(len(spots))),
}


def measured(
    order: Order, lists: Sequence[list[Spot]], shortest: Sequence[int], layout: Layout
) -> tuple[float, float, float]:
    """Percent above the optimum of all lists together, and of the worst; milliseconds a list."""
    began = time.perf_counter()
    orders = [order(spots, layout) for spots in lists]
    took_ms = (time.perf_counter() - began) * 1000 / len(lists)
    lengths = [walked_dm(layout, [spots[i] for i in found]) for spots, found in zip(lists, orders, strict=True)]
    worst = max(length / best for length, best in zip(lengths, shortest, strict=True))
    return 100 * sum(lengths) / sum(shortest) - 100, 100 * worst - 100, took_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lists", type=int, default=50, help="pick lists for each number of stops")
    count = parser.parse_args().lists
    for blocks in (1, 2, 3):
        layout = floor(blocks)
        table = Table(title=f"{blocks} block{'s' * (blocks > 1)}: % above the optimum (worst list), ms a list")
        table.add_column("stops", justify="right")
        table.add_column("optimum m", justify="right")
        for name in ORDERS:
            table.add_column(name, justify="right")
        for stops in STOPS:
            rng = random.Random(1000 * blocks + stops)
            lists = [pick_list(rng, stops, layout) for _ in range(count)]
            shortest = [shortest_dm(spots, layout) for spots in lists]
            cells = []
            for order in ORDERS.values():
                above, worst, took_ms = measured(order, lists, shortest, layout)
                cells.append(f"{above:.1f} ({worst:.0f}) {took_ms:.1f}")
            table.add_row(str(stops), f"{sum(shortest) / count / 10:.0f}", *cells)
        Console(width=140).print(table)


def shortest_dm(spots: Sequence[Spot], layout: Layout) -> int:
    order = exact_order(spots, layout)
    assert order is not None
    return walked_dm(layout, [spots[i] for i in order])


if __name__ == "__main__":
    main()
