"""What many carts for one SKU cost its location: `python -m perf.reservations [--holds 10000]`.

A location's turn is measured as a host takes it (decide, evolve, rows, the reply), without the journal: at a place
where no cart holds anything, and by turns at one where so many hold units of the same SKU. It may cost half as much
again there, at most. Then what the carts themselves cost, and what giving all of them back at once
takes, as when a sale ends.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from actors.domain import ids, reservation
from actors.domain.allocation import Place
from actors.domain.kind import Context, Kind
from actors.domain.location import LOCATION
from actors.domain.location_commands import Convert, OpenLocation, ReceiptLine, ReceiveStock, Reserve, Unreserve
from actors.domain.reservation_commands import ExpireReservation, HoldAnswered, MakeReservation

NOW_MS = 1_767_225_600_000
PLACE, SKU = "us-wh-seattle", "hot"
SAMPLE = 1_000
LOTS = 20
RATIO_MAX = 1.5


class Entity:
    """One entity without a host."""

    def __init__(self, kind: Kind, entity_id: str) -> None:
        self.kind, self.entity_id = kind, entity_id
        self.state: Any = None
        self.version = 0

    def turn(self, command: msgspec.Struct, now_ms: int = NOW_MS) -> None:
        """As a host does it, but for the journal."""
        context = Context(self.entity_id, "c", now_ms)
        decision = self.kind.decide(self.state, command, context)
        for event in decision.events:
            self.state = self.kind.evolve(self.state, event, context)
        self.version += len(decision.events)
        if decision.events:
            self.kind.rows(self.state, self.version, decision.events, context)
        msgspec.json.encode(decision.reply(self.state, self.version))


def cart_id(number: int) -> str:
    return ids.reservation_id("us", NOW_MS, f"cart-{number}")


def location(units: int, *, lots: bool) -> Entity:
    entity = Entity(LOCATION, PLACE)
    entity.turn(OpenLocation("warehouse", "Seattle", "", "US", 47.4, -122.2))
    lines = [ReceiptLine(SKU, units)]
    if lots:
        lines = [ReceiptLine(SKU, units // LOTS + 1, None, f"lot-{n}") for n in range(LOTS)]
    entity.turn(ReceiveStock(lines))
    return entity


def micros(entities: Sequence[Entity], commands: Iterable[msgspec.Struct]) -> list[float]:
    """Median microseconds of one turn of each entity. They take turns command by command: so the
    machine is the same for all."""
    took: list[list[int]] = [[] for _ in entities]
    for command in commands:
        for entity, times in zip(entities, took, strict=True):
            began = time.perf_counter_ns()
            entity.turn(command)
            times.append(time.perf_counter_ns() - began)
    return [statistics.median(times) / 1000 for times in took]


def reserve(first: int, count: int) -> list[msgspec.Struct]:
    return [Reserve(cart_id(first + n), [(SKU, 1)], "online") for n in range(count)]


def of_location(holds: int, *, lots: bool) -> list[tuple[str, float, float]]:
    """(what, µs without other carts, µs beside so many)."""
    quiet, busy = location(holds + 4 * SAMPLE, lots=lots), location(holds + 4 * SAMPLE, lots=lots)
    for command in reserve(0, holds):
        busy.turn(command)
    assert busy.state.stock[SKU].reserved == holds
    half = SAMPLE // 2
    steps: dict[str, list[msgspec.Struct]] = {
        "reserve": reserve(holds, SAMPLE),
        "give back": [Unreserve(cart_id(holds + n), [(SKU, 1)]) for n in range(half)],
        "convert": [Convert(cart_id(holds + n), f"us-order-{n}", 1, [(SKU, 1)]) for n in range(half, SAMPLE)],
    }
    kept = "a SKU with 20 lots" if lots else "a SKU"
    found = []
    for step, commands in steps.items():
        before, beside = micros([quiet, busy], commands)
        found.append((f"{step}, {kept}", before, beside))
    return found


def of_carts(holds: int) -> list[tuple[str, float]]:
    """(what, µs a cart): made, answered, expired."""
    make = MakeReservation([(SKU, 1)], [Place(PLACE, {SKU: 5})], "online", 600_000)
    carts = [Entity(reservation.RESERVATION, cart_id(n)) for n in range(holds)]
    later_ms = NOW_MS + make.ttl_ms
    steps = (("a cart is made", make, NOW_MS), ("its location answers", HoldAnswered(PLACE, [(SKU, 1)]), NOW_MS), ("it expires", ExpireReservation(), later_ms))  # fmt: skip
    found = []
    for what, command, now_ms in steps:
        began = time.perf_counter()
        for cart in carts:
            cart.turn(command, now_ms)
        found.append((what, (time.perf_counter() - began) * 1e6 / holds))
    return found


def all_back_s(holds: int) -> float:
    """Seconds of the location's turns when all carts give back at once."""
    place = location(holds, lots=False)
    for command in reserve(0, holds):
        place.turn(command)
    back = [Unreserve(cart_id(n), [(SKU, 1)]) for n in range(holds)]
    began = time.perf_counter()
    for command in back:
        place.turn(command)
    return time.perf_counter() - began


def main() -> None:
    """Prints a table; exit code 1 when a turn beside so many holds costs more than `RATIO_MAX` of the first ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--holds", type=int, default=10_000)
    holds = parser.parse_args().holds
    table = Table(title=f"{holds} carts hold units of one SKU")
    for heading in ("turn", "µs alone", "µs beside them", "ratio"):
        table.add_column(heading, justify="left" if heading == "turn" else "right")
    worst = 0.0
    for lots in (False, True):
        for what, before, beside in of_location(holds, lots=lots):
            worst = max(worst, beside / before)
            table.add_row(what, f"{before:.1f}", f"{beside:.1f}", f"{beside / before:.2f}")
    for what, cost in of_carts(holds):
        table.add_row(what, f"{cost:.1f}", "", "")
    Console().print(table)
    print(f"all {holds} given back at once: {all_back_s(holds):.2f} s of the location's host")
    met = worst <= RATIO_MAX
    print(
        f"target: a turn beside them costs at most {RATIO_MAX} of what it costs alone; {worst:.2f}; {'met' if met else 'MISSED'}"
    )
    raise SystemExit(not met)


if __name__ == "__main__":
    main()
