"""How well and how fast cartons are chosen: `python -m perf.cartons [--orders 40] [--steps 150000]`.

Random orders of 1 to 60 units, of goods as a department store has them, into eight cartons of usual sizes. Beside it,
what is common: the cheapest carton whose volume and weight suffice, with a margin for air; then it is looked at whether
the units really go in. What does not is packed again by whoever stands at the table, and the label is void. Times are
of the CPU: it is arithmetic alone, and waits for nothing.
"""

from __future__ import annotations

import argparse
import random
import time
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from actors.domain.carton import STEPS_MAX, CartonType, Item, PackedParcel, pack
from actors.domain.errors import Refused
from perf.latency import percentile

UNITS = (1, 2, 3, 5, 8, 12, 20, 30, 45, 60)
CARTONS = [
    CartonType("A5", 220, 150, 80, 90, 5_000, 25),
    CartonType("shoe", 330, 200, 120, 180, 10_000, 38),
    CartonType("A4 flat", 310, 220, 60, 130, 5_000, 33),
    CartonType("A4", 310, 220, 200, 240, 15_000, 52),
    CartonType("long", 600, 150, 150, 310, 10_000, 64),
    CartonType("A3", 430, 310, 250, 420, 25_000, 85),
    CartonType("cube", 400, 400, 400, 620, 30_000, 110),
    CartonType("large", 600, 400, 400, 850, 30_000, 140),
]
# (share, sides in mm from … to, g per litre from … to, upright, fragile)
GOODS = [
    (0.25, ((140, 240), (100, 170), (8, 45)), (500, 900), False, False),  # books
    (0.30, ((220, 320), (150, 230), (10, 60)), (120, 300), False, False),  # folded clothes
    (0.20, ((60, 200), (50, 150), (30, 120)), (200, 700), False, False),  # boxed small things
    (0.10, ((70, 110), (70, 110), (150, 320)), (600, 1000), True, False),  # bottles
    (0.10, ((90, 160), (90, 160), (80, 130)), (250, 500), False, True),  # glasses and cups
    (0.05, ((280, 340), (180, 210), (100, 125)), (150, 250), False, False),  # shoes
]


class Figures(NamedTuple):
    """Of the orders with so many units. fill: mean share of the parcels' volume; air_fits: share of the orders whose
    units really go into the cartons that volume alone names; air_fill: their fill, of those that do."""

    units: int
    parcels: float
    fill: float
    cost: float
    p50_ms: float
    p99_ms: float
    air_fits: float
    air_fill: float


def order(rng: random.Random, units: int) -> list[Item]:
    """So many units of random goods; a third of the lines have more than one unit."""
    items: list[Item] = []
    while units > 0:
        _, sides, density, upright, fragile = rng.choices(GOODS, [row[0] for row in GOODS])[0]
        length, width, height = (rng.randint(*side) for side in sides)
        litres = length * width * height / 1e6
        several = min(units, rng.choice((1, 1, 1, 1, 2, 3)))
        weight = max(5, round(litres * rng.randint(*density)))
        items.append(
            Item(f"SKU-{len(items)}", several, length, width, height, weight, upright=upright, fragile=fragile)
        )
        units -= several
    return items


def by_volume(items: list[Item], margin: float) -> CartonType | None:
    """The cheapest carton with room for all by volume and weight, `margin` of it left as air;
    None when there is none."""
    volume = sum(item.units * item.length_mm * item.width_mm * item.height_mm for item in items)
    weight = sum(item.units * item.weight_g for item in items)
    fit = [one for one in CARTONS if one.volume * (1 - margin) >= volume and one.load_max_g >= weight]
    return min(fit, key=lambda one: (one.cost, one.volume), default=None)


def measure(units: int, orders: int, steps: int, margin: float) -> Figures:
    """See Figures."""
    rng = random.Random(units)
    taken_ms: list[float] = []
    parcels: list[PackedParcel] = []
    air: list[float | None] = []
    for _ in range(orders):
        items = order(rng, units)
        began = time.process_time()
        packed = pack(items, CARTONS, steps)
        taken_ms.append((time.process_time() - began) * 1e3)
        parcels.extend(packed)
        chosen = by_volume(items, margin)
        if chosen is not None:
            air.append(_goes_in(items, chosen, steps))
    taken_ms.sort()
    went = [fill for fill in air if fill is not None]
    costs = {one.carton: one.cost for one in CARTONS}
    return Figures(
        units, len(parcels) / orders, sum(parcel.fill for parcel in parcels) / len(parcels),
        sum(costs[parcel.carton] for parcel in parcels) / orders, percentile(taken_ms, 50), percentile(taken_ms, 99),
        len(went) / len(air) if air else 0.0, sum(went) / len(went) if went else 0.0,
    )  # fmt: skip


def _goes_in(items: list[Item], chosen: CartonType, steps: int) -> float | None:
    try:
        packed = pack(items, [chosen], steps)
    except Refused:
        return None
    return packed[0].fill if len(packed) == 1 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=40, help="of each size")
    parser.add_argument("--steps", type=int, default=STEPS_MAX)
    parser.add_argument("--margin", type=float, default=0.2, help="air that volume alone leaves")
    args = parser.parse_args()
    table = Table(title=f"{args.orders} orders each, at most {args.steps:,} steps an order")
    for title in (
        "units",
        "parcels",
        "fill",
        "cartons cost",
        "p50 CPU ms",
        "p99 CPU ms",
        "by volume: goes in",
        "its fill",
    ):
        table.add_column(title, justify="right")
    for units in UNITS:
        row = measure(units, args.orders, args.steps, args.margin)
        table.add_row(
            str(row.units), f"{row.parcels:.2f}", f"{row.fill:.0%}", f"{row.cost:.0f}", f"{row.p50_ms:.1f}",
            f"{row.p99_ms:.1f}", f"{row.air_fits:.0%}", f"{row.air_fill:.0%}",
        )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
