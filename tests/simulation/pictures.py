"""The state pictures of `docs/domain/`: made from what the nouns did in runs, so that none shows what the code does not
do, nor leaves out what it does.

    python -m tests.simulation.pictures --write                            plays some hundred seeds and writes the pictures into the pages (`make pictures`)
    python -m tests.simulation.pictures --write --keep --first 50010 --seeds 1     adds what one seed does, which is rare

A page holds each picture as Mermaid between two comments. Every run of the simulation compares its steps with the pages
(`checks.pictured`): a step that no picture shows fails the run. What a picture shows and no run did any more only a new
`make pictures` takes out.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from actors.domain import floor_state, inbound_state, order_state, reservation_state, shipment_state, transfer_state
from actors.domain.floor_views import trip_status

PAGES = Path(__file__).resolve().parents[2] / "docs" / "domain"
SEEDS = 400
CHUNK = 20
# Before it exists, and once it is forgotten.
OUTSIDE = "[*]"
# status by the name of the part
Statuses = Mapping[object, str]


class Machine(NamedTuple):
    """Something with states: of which noun, on which page, and the statuses of those parts of an entity that are it."""

    kind: str
    page: str
    statuses: Callable[[Any], Statuses]


class Step(NamedTuple):
    """Events, joined by ", ", took one from a status to another."""

    machine: str
    before: str
    after: str
    events: str


def _parcel(parcel: shipment_state.Parcel) -> str:
    return parcel.place or ("closed" if parcel.closed else "open")


MACHINES: dict[str, Machine] = {
    "order": Machine("order", "order.md", lambda order: {"": order_state.status_of(order)}),
    "fulfilment": Machine("order", "order.md", lambda order: {f.number: f.status for f in order.fulfilments}),
    "reservation": Machine("reservation", "reservation.md", lambda one: {"": reservation_state.status_of(one)}),
    "transfer": Machine("transfer", "transfer.md", lambda one: {"": transfer_state.status_of(one)}),
    "package of a transfer": Machine(
        "transfer", "transfer.md", lambda one: {n: package.status for n, package in enumerate(one.packages, 1)}
    ),
    "count": Machine("count", "count.md", lambda count: {"": count.status}),
    "spot": Machine("count", "count.md", lambda count: {name: spot.status for name, spot in count.spots.items()}),
    "inbound": Machine("inbound", "inbound.md", lambda one: {"": inbound_state.status_of(one)}),
    "package of an inbound": Machine(
        "inbound", "inbound.md", lambda one: {sscc: package.status for sscc, package in one.packages.items()}
    ),
    "receipt": Machine("inbound", "inbound.md", lambda one: {n: receipt.status for n, receipt in one.receipts.items()}),
    "work": Machine(
        "floor", "floor.md", lambda floor: {name: floor_state.status_of(work) for name, work in floor.works.items()}
    ),
    "collection": Machine("collection", "collection.md", lambda one: {"": one.stage}),
    "shipment": Machine("shipment", "packing.md", lambda one: {"": shipment_state.status_of(one)}),
    "parcel": Machine("shipment", "packing.md", lambda one: {p.number: _parcel(p) for p in one.parcels}),
    "label": Machine(
        "shipment",
        "packing.md",
        lambda one: {(p.number, p.labels): p.label.status for p in one.parcels if p.label is not None},
    ),
    "manifest": Machine("manifest", "packing.md", lambda dock: {n: one.status for n, one in dock.manifests.items()}),
    "simulation": Machine("simulations", "simulation.md", lambda all_: {n: one.status for n, one in all_.all.items()}),
    "trip": Machine("floor", "floor.md", lambda floor: {n: trip_status(trip) for n, trip in floor.trips.items()}),
}
_OF_KIND: dict[str, list[str]] = {}
for _name, _machine in MACHINES.items():
    _OF_KIND.setdefault(_machine.kind, []).append(_name)


class Watch:
    """What a turn does to the statuses of one entity."""

    def __init__(self, kind: str, state: Any) -> None:
        self._machines = _OF_KIND.get(kind, ())
        self._first = self._last = self._statuses(state)
        self._by: dict[tuple[str, object], list[str]] = {}

    def _statuses(self, state: Any) -> list[Statuses]:
        return [MACHINES[name].statuses(state) if state is not None else {} for name in self._machines]

    def happened(self, event: Any, state: Any) -> None:
        """`state`: after the event."""
        if not self._machines:
            return
        before, self._last = self._last, self._statuses(state)
        for name, old, new in zip(self._machines, before, self._last, strict=True):
            for part in {**old, **new}:
                if old.get(part) != new.get(part):
                    self._by.setdefault((name, part), []).append(type(event).__name__)

    def steps(self) -> Iterable[Step]:
        """From the beginning of the turn to its end: nobody sees what is between."""
        for name, old, new in zip(self._machines, self._first, self._last, strict=True):
            for part in {**old, **new}:
                before, after = old.get(part, OUTSIDE), new.get(part, OUTSIDE)
                if before != after:
                    yield Step(name, before, after, ", ".join(dict.fromkeys(self._by[name, part])))


# --- pages ------------------------------------------------------------------------------------------------------------
def picture(machine: str, steps: Iterable[Step]) -> str:
    """Mermaid between its comments; one arrow for each way from a status to another, with all that leads there."""
    ways: dict[tuple[str, str], set[str]] = {}
    for step in steps:
        if step.machine == machine:
            ways.setdefault((step.before, step.after), set()).add(step.events)
    arrows = [f"    {old} --> {new}: {' | '.join(sorted(events))}" for (old, new), events in sorted(ways.items())]
    body = "\n".join(["```mermaid", "stateDiagram-v2", *arrows, "```"])
    return f"{_opening(machine)}\n{body}\n{_closing(machine)}"


def _opening(machine: str) -> str:
    return f"<!-- states of {machine}: written by `make pictures` -->"


def _closing(machine: str) -> str:
    return f"<!-- end of {machine} -->"


_ARROW = re.compile(r"^ *(\S+) --> (\S+): (.+)$", re.MULTILINE)


def shown_in(page: str, machine: str) -> set[Step]:
    """The steps that the picture of `machine` on `page` shows."""
    inside = page.partition(_opening(machine))[2].partition(_closing(machine))[0]
    return {
        Step(machine, old, new, by) for old, new, events in _ARROW.findall(inside) for by in str(events).split(" | ")
    }


@cache
def all_shown() -> frozenset[Step]:
    """What the pages show."""
    return frozenset(
        step for name, machine in MACHINES.items() for step in shown_in((PAGES / machine.page).read_text(), name)
    )


@cache
def _ways() -> frozenset[tuple[str, str, str]]:
    return frozenset(step[:3] for step in all_shown())


def unshown(steps: Iterable[Step]) -> list[Step]:
    """Those from a status to another that no page shows, by whatever event."""
    return [step for step in steps if step[:3] not in _ways()]


def drawn(page: str, machine: str, steps: Iterable[Step]) -> str:
    """The page with its picture made anew. Raises ValueError where it has no place for it."""
    opening, closing = _opening(machine), _closing(machine)
    if page.count(opening) != 1 or page.count(closing) != 1:
        raise ValueError(f"the page needs one place for it:\n{opening}\n{closing}")
    head, rest = page.split(opening)
    return head + picture(machine, steps) + rest.split(closing)[1]


def _seen(seeds: list[int]) -> set[Step]:
    from tests.simulation.world import run_seed

    return set().union(*(run_seed(seed).steps for seed in seeds))


def main(arguments: list[str]) -> int:
    """Plays seeds; tells what no page shows (exit code 1), or writes the pages."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.pictures")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--write", action="store_true", help="write the pictures into the pages")
    parser.add_argument("--keep", action="store_true", help="with what the pages show by now")
    options = parser.parse_args(arguments)
    seeds = range(options.first, options.first + options.seeds)
    chunks = [list(seeds[at : at + CHUNK]) for at in range(0, len(seeds), CHUNK)]
    with ProcessPoolExecutor() as pool:
        steps = set().union(*pool.map(_seen, chunks))
    if options.keep:
        steps |= all_shown()
    if options.write:
        for name, machine in MACHINES.items():
            page = PAGES / machine.page
            page.write_text(drawn(page.read_text(), name, steps))
    missing, gone = sorted(unshown(steps)), sorted(all_shown() - steps)
    for told, found in (("no page shows", missing), ("no run did", gone)):
        for step in found:
            print(f"{told}: {step.machine} from {step.before} to {step.after} by {step.events}")
    print(f"{len(steps)} steps of {len(MACHINES)} machines in {options.seeds} seeds")
    return 1 if missing else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        command = [sys.executable, "-m", "tests.simulation.pictures", *sys.argv[1:]]
        os.execve(sys.executable, command, os.environ | {"PYTHONHASHSEED": "0"})
    sys.exit(main(sys.argv[1:]))
