"""What is open at a location, and what happened in the present minute: folded from the ledger and the floor's events,
each in the order of its versions.

    allocate, convert ──▶ open ──pick (it is packed)──▶ packed ──ship──▶ gone         release: gone, short_pick: less of it
    floor: WorkQueued tells the due time, UnitsPicked what is in hands before it is packed

A fulfilment is allocated once, so one that is known already (from the orders, at the start) is not counted again.
Messages keep no order: a pick that comes after its shipment changes nothing any more. Who picks is remembered for as
long as he is at work, and never told: only how many.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec

from actors.domain.ids import order_time_ms
from actors.domain.order_floor import DUE_AFTER_MS
from actors.domain.personal_notes import APPROVER
from actors.domain.times import MINUTE_MS
from actors.figures.minute import AGES, Flow, Level, add, age_of

# Reasons of the ledger that are of orders. Transfers have some of them too: told apart by whose they are.
REASONS = ("allocate", "convert", "release", "pick", "short_pick", "ship")
# Seen to pick within so long: at work.
AT_WORK_MS = 5 * MINUTE_MS
# Due times of work of which nothing was heard in the ledger are kept that long.
ENDED_KEPT_MS = 60 * MINUTE_MS
# More than a floor may have at once.
_TRIPS_MAX = 4_000


class StockMove(msgspec.Struct, frozen=True, array_like=True):
    """One turn of the ledger for a fulfilment of an order (`cause`). `at`: UTC ms."""

    location_id: str
    version: int
    at: int
    reason: str
    cause: str
    units: int
    lines: int


class FloorStep(msgspec.Struct):
    """What is read of a floor's event, whatever its type. shares: (fulfilment, units, tote)."""

    type: str
    fulfilment_id: str = ""
    due_ms: int = 0
    trip: int = 0
    picker: Annotated[str, APPROVER] = ""
    to: Annotated[str, APPROVER] = ""
    shares: list[tuple[str, int, int]] = []


class FloorTurn(msgspec.Struct, frozen=True, array_like=True):
    """Events of a floor, of one turn."""

    location_id: str
    version: int
    at: int
    steps: list[FloorStep]


class Open(msgspec.Struct):
    """A fulfilment that has not left. units: as allocated, less what was given back; picked: in hands;
    packed: of them, packed."""

    placed_ms: int
    due_ms: int
    units: int
    picked: int = 0
    packed: int = 0
    by_floor: bool = False

    @property
    def left(self) -> int:
        """Units that are yet to be picked."""
        return max(0, self.units - max(self.picked, self.packed))


class Book:
    """One location's. `flow`: of the present minute."""

    def __init__(self) -> None:
        self.open: dict[str, Open] = {}
        self.flow = Flow()
        self._dues: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._trips: dict[int, str] = {}
        self._picked_at: dict[str, int] = {}

    # --- the start
    def begin(self, cause: str, one: Open) -> None:
        """It was open when the book was begun."""
        self.open[cause] = one

    def begin_work(self, fulfilment_id: str, due_ms: int, picked: int) -> None:
        """The floor has it."""
        self._queued(fulfilment_id, due_ms)
        one = self.open.get(fulfilment_id)
        if one is not None:
            one.picked = picked

    def begin_trip(self, trip: int, picker: str) -> None:
        """The picker has that trip."""
        self._trips[trip] = picker

    # --- the ledger
    def moved(self, move: StockMove, counts: bool) -> None:
        """Takes note. `counts`: it is of the present minute, or hardly before."""
        match move.reason:
            case "allocate" | "convert":
                self._allocated(move, counts)
            case "pick":
                self._packed(move, counts)
            case "ship":
                self._shipped(move, counts)
            case "release" | "short_pick":
                self._given_back(move, counts)

    def _allocated(self, move: StockMove, counts: bool) -> None:
        if move.cause in self.open:
            return
        placed_ms = order_time_ms(move.cause)
        due_ms = self._dues.get(move.cause)
        by_floor = due_ms is not None
        self.open[move.cause] = Open(
            placed_ms, placed_ms + DUE_AFTER_MS if due_ms is None else due_ms, move.units, by_floor=by_floor
        )
        if counts:
            self.flow.arrived += 1
            self.flow.arrived_units += move.units

    def _packed(self, move: StockMove, counts: bool) -> None:
        one = self.open.get(move.cause)
        if one is not None:
            one.packed += move.units
        if not counts:
            return
        due_ms = one.due_ms if one is not None else order_time_ms(move.cause) + DUE_AFTER_MS
        self.flow.packed += 1
        self.flow.packed_in_time += move.at <= due_ms
        # A floor has told of its picks when they were scanned.
        if one is None or not one.by_floor:
            self.flow.picked_units += move.units
            self.flow.picked_lines += move.lines

    def _shipped(self, move: StockMove, counts: bool) -> None:
        one = self.open.pop(move.cause, None)
        self._dues.pop(move.cause, None)
        if counts:
            due_ms = one.due_ms if one is not None else order_time_ms(move.cause) + DUE_AFTER_MS
            self.flow.shipped += 1
            self.flow.shipped_in_time += move.at <= due_ms

    def _given_back(self, move: StockMove, counts: bool) -> None:
        one = self.open.get(move.cause)
        if one is None:
            return
        one.units -= move.units
        if counts and move.reason == "short_pick":
            self.flow.short_units += move.units
        if one.units <= 0 or move.reason == "release":
            del self.open[move.cause]
            self._dues.pop(move.cause, None)
            if counts and move.reason == "release":
                self.flow.cancelled += 1

    # --- the floor
    def walked(self, turn: FloorTurn, counts: bool) -> None:
        """Takes note. `counts`: as `moved`."""
        for step in turn.steps:
            match step.type:
                case "WorkQueued" | "WorkPrioritised":
                    self._queued(step.fulfilment_id, step.due_ms)
                case "WorkEnded":
                    self._ended[step.fulfilment_id] = turn.at
                case "TripClaimed":
                    self._trips[step.trip] = step.picker
                case "TripHandedOver":
                    self._trips[step.trip] = step.to
                case "TripAbandoned":
                    self._trips.pop(step.trip, None)
                case "UnitsPicked":
                    self._picked(step, turn.at, counts)

    def _queued(self, fulfilment_id: str, due_ms: int) -> None:
        self._dues[fulfilment_id] = due_ms
        one = self.open.get(fulfilment_id)
        if one is not None:
            one.due_ms, one.by_floor = due_ms, True

    def _picked(self, step: FloorStep, at: int, counts: bool) -> None:
        units = 0
        for fulfilment_id, n, _ in step.shares:
            units += n
            one = self.open.get(fulfilment_id)
            if one is not None:
                one.picked += n
        picker = self._trips.get(step.trip, "")
        if picker:
            self._picked_at[picker] = max(at, self._picked_at.get(picker, 0))
        if counts:
            self.flow.picked_units += units
            self.flow.floor_units += units
            self.flow.picked_lines += 1

    # --- the end of a minute
    def ended(self, end_ms: int) -> Flow:
        """The minute's flow; another begins."""
        # Of a floor's events those of a few minutes may come at once: nobody is at work in two places for that.
        since = end_ms - AT_WORK_MS
        self._picked_at = {picker: at for picker, at in self._picked_at.items() if at > since}
        flow, self.flow = self.flow, Flow()
        flow.picker_minutes = len(self._picked_at)
        self._forget(end_ms)
        return flow

    def _forget(self, now_ms: int) -> None:
        for name in [name for name, at in self._ended.items() if at < now_ms - ENDED_KEPT_MS]:
            del self._ended[name]
            if name not in self.open:
                self._dues.pop(name, None)
        if len(self._trips) > _TRIPS_MAX:
            # Their ends are not told: the oldest are over.
            for trip in sorted(self._trips)[:-_TRIPS_MAX]:
                del self._trips[trip]

    def levels(self, now_ms: int) -> dict[str, Level]:
        """What the floor does not tell of: what waits where none runs, and what is packed."""
        found: dict[str, Level] = {}
        for one in self.open.values():
            packed = one.packed >= one.units
            if packed or not one.by_floor:
                ages = [0] * len(AGES)
                ages[age_of(one.placed_ms, now_ms)] = 1
                add(found, "packed" if packed else "allocated", 1, one.units, one.due_ms < now_ms, ages)
        return found

    def queue(self) -> list[tuple[int, int]]:
        """(due time, units yet to be picked) of what is yet to be picked."""
        return [(one.due_ms, left) for one in self.open.values() if (left := one.left)]


def opened(
    order_id: str, placed_ms: int, parts: Iterable[tuple[int, str, str, int, int | None]]
) -> list[tuple[str, str, Open]]:
    """(location, cause, what is open) of an order's fulfilments: (number, location, status, units, promised by)."""
    found = []
    for number, location_id, status, units, promised_by_ms in parts:
        if status in {"allocated", "picking", "packed"} and units:
            due_ms = min(placed_ms + DUE_AFTER_MS, promised_by_ms or placed_ms + DUE_AFTER_MS)
            packed = units if status == "packed" else 0
            found.append((location_id, f"{order_id}.{number}", Open(placed_ms, due_ms, units, packed=packed)))
    return found
