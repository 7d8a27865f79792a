"""What many orders in line for one SKU cost its location: `python -m perf.backorders [--waiting 10000]`.

A location's turn is measured as a host takes it (decide, evolve, rows, the reply), without the journal. Beside a place
where nobody waits: somebody gets in line, one unit comes in and goes to the first, an order that comes later gets
nothing; and all of them are served by one receipt, turn by turn.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable

import msgspec
from rich.console import Console
from rich.table import Table

from actors.domain.location import LOCATION
from actors.domain.location_commands import (
    Allocate,
    LookAtLocation,
    OpenLocation,
    ReceiptLine,
    ReceiveStock,
    WaitInLine,
)
from perf.reservations import NOW_MS, PLACE, Entity

SKU = "hot"
SAMPLE = 500


def location() -> Entity:
    """Open, with stock of something else."""
    entity = Entity(LOCATION, PLACE)
    entity.turn(OpenLocation("warehouse", "Seattle", "", "US", 47.4, -122.2))
    entity.turn(ReceiveStock([ReceiptLine("plenty", 1_000_000)]))
    return entity


def wait(number: int, units: int = 1) -> WaitInLine:
    """Orders come as their ids say, some of them a little late."""
    return WaitInLine(f"us-{number:08}", 10_001, NOW_MS + number - 50 * (number % 7 == 0), [(SKU, units)])


def micros(entity: Entity, commands: Iterable[msgspec.Struct]) -> float:
    """The median turn, in microseconds."""
    took = []
    for command in commands:
        began = time.perf_counter()
        entity.turn(command)
        took.append((time.perf_counter() - began) * 1e6)
    return statistics.median(took)


def all_served(waiting: int) -> tuple[int, float]:
    """(turns, seconds) until all have what they wait for."""
    entity, turns, now_ms = location(), 0, NOW_MS
    for number in range(waiting):
        entity.turn(wait(number))
    began = time.perf_counter()
    entity.turn(ReceiveStock([ReceiptLine(SKU, waiting)]), now_ms)
    while entity.state.waiting.due_ms is not None:
        turns, now_ms = turns + 1, entity.state.waiting.due_ms
        entity.turn(LookAtLocation(), now_ms)
    assert entity.state.stock[SKU].available == 0
    return turns + 1, time.perf_counter() - began


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m perf.backorders")
    parser.add_argument("--waiting", type=int, default=10_000, help="orders in line for the SKU")
    waiting = parser.parse_args().waiting
    table = Table("a turn, microseconds", "nobody waits", f"{waiting:,} wait")
    quiet, busy = location(), location()
    for number in range(waiting):
        busy.turn(wait(number))
    rows: list[tuple[str, Callable[[int], msgspec.Struct]]] = [
        ("gets in line", lambda at: wait(waiting + at)),
        ("one unit comes in", lambda at: ReceiveStock([ReceiptLine(SKU, 1)])),
        ("somebody new asks for it", lambda at: Allocate(f"us-new{at}", 1, [(SKU, 1)])),
        ("somebody asks for something else", lambda at: Allocate(f"us-other{at}", 1, [("plenty", 1)])),
    ]
    for name, make in rows:
        figures = [micros(entity, (make(at) for at in range(SAMPLE))) for entity in (quiet, busy)]
        table.add_row(
            name, *("-" if name == "gets in line" and at == 0 else f"{one:.0f}" for at, one in enumerate(figures))
        )
        if name == "gets in line":
            quiet = location()
    console = Console()
    console.print(table)
    turns, seconds = all_served(waiting)
    console.print(f"one receipt serves all {waiting:,}: {turns} turns, {seconds:.2f} s together")


if __name__ == "__main__":
    main()
