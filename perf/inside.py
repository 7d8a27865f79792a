"""What a decision costs without the cell around it: measured in this process, each by turns with what it is compared
with, in processor time of the same machine at the same moment.

    placements with sourcing over 138 locations   `Sourcing.proposal` of a replica that knows so many   beside `candidates` and `allocation.plan`, as without a policy
    availability of 50 SKUs                       the replica's answers for each of them                beside answers for 5
    reservations under contention                 a location's turn beside 10,000 carts of one SKU      beside the same turn where nobody holds any
    wave of 5,000 lines                           `plan_wave`                                           beside trips that are filled as orders come

`python -m perf.inside` shows these rows alone; `make bench` has them among its own.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rich.console import Console

from actors.domain.allocation import Need, need_of, plan
from actors.domain.location_commands import Reserve
from actors.domain.order_state import Line
from actors.domain.rows import LocationRow, StockRow
from actors.domain.sourcing_policy import Policy
from actors.domain.wave import plan_wave
from perf import rows
from perf.latency import percentile
from perf.reservations import SKU, cart_id, location
from perf.rows import Row
from perf.waves import LIMITS, first_come, floor, queue
from serve.availability.index import AvailabilityIndex
from serve.availability.places import Viewpoint
from serve.orders.sourcing import Sourcing

PLACES = 138
SKUS = 500
HOLDS = 10_000
WAVE_LINES = 5_000
NOW_MS = 1_763_800_000_000
WITHOUT = "without"


class Pair(NamedTuple):
    """A work of ours, and what it is compared with: seconds of each round of both. each: how much of the work a round
    does. against: what the other one is."""

    work: str
    ours: list[float]
    other: list[float]
    each: int
    against: str


def _index(rng: random.Random) -> AvailabilityIndex:
    """Places over the United States, a fifth of them warehouses, that have a SKU six times out of ten."""
    index = AvailabilityIndex("us", 39.8, -98.6)
    index.steering.begin(Policy(), "USD")
    made: list[LocationRow | StockRow] = []
    for number in range(PLACES):
        name = f"us-place-{number:03}"
        kind = "warehouse" if number % 5 == 0 else "store"
        lat, lon = rng.uniform(30, 47), rng.uniform(-120, -75)
        made.append(LocationRow(name, 1, kind, name, "", "US", lat, lon, "UTC"))
        made += [
            StockRow(name, f"SKU-{sku:03}", rng.randrange(1, 60), 0, 0) for sku in range(SKUS) if rng.random() < 0.6
        ]
    index.rows(made)
    return index


def _timed(work: Callable[..., object], *given: Any) -> float:
    began = time.thread_time()
    work(*given)
    return time.thread_time() - began


def placements(rounds: int) -> Pair:
    """Orders of one to ten lines."""
    rng = random.Random(11)
    index = _index(rng)
    sourcing = Sourcing(index)

    def nearest(need: Need, view: Viewpoint) -> None:
        plan(need, index.candidates(need, view))

    ours, other = [], []
    for _ in range(rounds):
        lines = [
            Line(f"SKU-{sku:03}", rng.choice((1, 1, 2, 3)), 1_999)
            for sku in rng.sample(range(SKUS), rng.randint(1, 10))
        ]
        view = index.places.seen_from(rng.uniform(30, 47), rng.uniform(-120, -75))
        need = need_of((line.sku, line.quantity) for line in lines)
        other.append(_timed(nearest, need, view))
        ours.append(_timed(sourcing.proposal, lines, view, "US", "online", "USD", NOW_MS))
    return Pair(rows.SOURCED_INSIDE, ours, other, 1, "the nearest places without a policy")


def availability(rounds: int) -> Pair:
    """Queries that nobody has asked before, or the answer would be remembered."""
    rng = random.Random(12)
    index = _index(rng)
    ours, other = [], []

    def ask(count: int) -> None:
        view = index.places.seen_from(rng.uniform(30, 47), rng.uniform(-120, -75))
        for sku in rng.sample(range(SKUS), count):
            index.encoded(f"SKU-{sku:03}", view, 5)

    for _ in range(rounds):
        ours.append(_timed(ask, 50))
        other.append(_timed(ask, 5))
    return Pair(rows.AVAILABILITY_INSIDE, ours, other, 1, "of 5 SKUs")


def reservations(rounds: int) -> Pair:
    """Turns of a location: decide, evolve, rows, reply."""
    quiet, busy = (location(HOLDS + rounds + 10, lots=False) for _ in range(2))
    for number in range(HOLDS):
        busy.turn(Reserve(cart_id(number), [(SKU, 1)], "online"))
    ours, other = [], []
    for number in range(HOLDS, HOLDS + rounds):
        command = Reserve(cart_id(number), [(SKU, 1)], "online")
        other.append(_timed(quiet.turn, command))
        ours.append(_timed(busy.turn, command))
    return Pair(rows.RESERVED_INSIDE, ours, other, 1, "where nobody else holds any")


def waves(rounds: int) -> Pair:
    """One wave over two blocks of a floor; a line is what is counted."""
    works, layout = queue(WAVE_LINES, seed=4), floor(2)
    ours, other = [], []
    for _ in range(rounds):
        ours.append(_timed(plan_wave, works, "cluster", LIMITS, layout))
        other.append(_timed(first_come, works, "cluster", layout))
    _, other_dm = first_come(works, "cluster", layout)
    saved = 100 - 100 * plan_wave(works, "cluster", LIMITS, layout).walk_dm / other_dm
    return Pair(
        rows.WAVE_INSIDE,
        ours,
        other,
        WAVE_LINES,
        f"trips filled as orders come, of whose walking {saved:.0f} % is saved",
    )


def rows_of(pair: Pair) -> list[tuple[Row, str]]:
    """The row of ours and the one that it is compared with, each with its note."""
    ratio = sum(pair.other) / max(sum(pair.ours), 1e-12)
    told = f"{ratio:.2f} × {pair.against}, by turns; in this process, processor time"
    return [
        (_row(pair.work, rows.OURS, pair.ours, pair.each), told),
        (_row(pair.work, WITHOUT, pair.other, pair.each), pair.against),
    ]


def _row(work: str, system: str, seconds: Sequence[float], each: int) -> Row:
    ms = sorted(one * 1000 for one in seconds)
    rate = each * len(seconds) / max(sum(seconds), 1e-12)
    p50, p95, p99 = (round(percentile(ms, at), 3) for at in (50, 95, 99))
    return Row(work, system, round(rate, 1), p50, p95, p99, 0)


def measure(rounds: int) -> list[tuple[Row, str]]:
    """All of them. rounds: of the quick ones; a wave is planned three times."""
    pairs = (placements(rounds), availability(rounds), reservations(rounds), waves(3))
    return [found for pair in pairs for found in rows_of(pair)]


def main() -> None:
    """Prints the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    found = measure(parser.parse_args().rounds)
    notes = {(row.work, row.system): note for row, note in found}
    rows.show_rows(Console(width=180), [row for row, _ in found], notes)


if __name__ == "__main__":
    main()
