"""Trips: who has which, and what is taken on it, checked by what was scanned. The rules are in `floor.py`."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

import msgspec

from actors.domain.errors import Refused
from actors.domain.floor_commands import (
    AbandonTrip,
    ClaimTrip,
    ConfirmPick,
    HandOver,
    NewTask,
    PauseTrip,
    PlanTrips,
    PutBack,
    PutBackAnswered,
    Share,
    TellShort,
)
from actors.domain.floor_disputes import SHORT, disputed
from actors.domain.floor_events import (
    Event,
    PutBackAsked,
    PutBackDone,
    TripAbandoned,
    TripClaimed,
    TripHandedOver,
    TripPaused,
    TripsPlanned,
    UnitsPicked,
    UnitsShort,
)
from actors.domain.floor_evolve import short_of
from actors.domain.floor_state import Floor, Task, Trip, put_back_left
from actors.domain.floor_work import next_step
from actors.domain.gs1 import gtin
from actors.domain.kind import Context
from actors.domain.times import DAY_MS

TRIPS_MAX = 2_000


# --- planning ---------------------------------------------------------------------------------------------------------
def plan(floor: Floor, command: PlanTrips) -> list[Event]:
    """Of the proposal, what still waits: the queue has gone on since it was made. Raises Refused
    `floor.too_many_trips`."""
    if len(floor.trips) + len(command.trips) > TRIPS_MAX:
        detail = f"There are {len(floor.trips)} trips already, of at most {TRIPS_MAX}."
        raise Refused("floor.too_many_trips", detail, limit=TRIPS_MAX, open=len(floor.trips))
    taken: dict[tuple[str, str], int] = {}
    trips = []
    for trip in command.trips:
        tasks = [msgspec.structs.replace(task, shares=_still_waiting(floor, task, taken)) for task in trip.tasks]
        tasks = [task for task in tasks if task.shares]
        if tasks:
            trips.append(msgspec.structs.replace(trip, tasks=tuple(tasks)))
    return [TripsPlanned(floor.next_trip, trips)] if trips else []


def _still_waiting(floor: Floor, task: NewTask, taken: dict[tuple[str, str], int]) -> tuple[Share, ...]:
    """`taken`: by shares before this one."""
    kept: dict[tuple[str, int], int] = {}
    for share in task.shares:
        work, key = floor.works.get(share.fulfilment_id), (share.fulfilment_id, task.sku)
        line = work.lines.get(task.sku) if work is not None and not work.problem and not work.held else None
        if line is None or share.units < 1 or share.units > line.waiting - taken.get(key, 0):
            continue
        taken[key] = taken.get(key, 0) + share.units
        whose = (share.fulfilment_id, share.tote)
        kept[whose] = kept.get(whose, 0) + share.units
    return tuple(Share(name, units, tote) for (name, tote), units in kept.items())


# --- whose trip it is -------------------------------------------------------------------------------------------------
def claim(floor: Floor, command: ClaimTrip) -> list[Event]:
    """The most urgent trip that nobody has; whoever has one gets no other, and if he paused it, it goes on. Raises
    Refused `floor.nothing_to_pick`."""
    mine = floor.trip_of(command.picker)
    if mine is not None:
        return [TripPaused(mine, paused=False)] if floor.trips[mine].paused else []
    free = [(trip.due_ms, number) for number, trip in floor.trips.items() if not trip.picker]
    if not free:
        raise Refused("floor.nothing_to_pick", "No trip waits for anybody.")
    number = min(free)[1]
    begun = [asked for name in floor.trips[number].works for asked in next_step(name, floor.works[name])]
    return [TripClaimed(number, command.picker), *begun]


def pause(floor: Floor, command: PauseTrip) -> list[Event]:
    """Raises Refused `floor.trip_…`."""
    trip = _own(floor, command.trip, command.by)
    return [TripPaused(command.trip, command.paused)] if trip.paused != command.paused else []


def hand_over(floor: Floor, command: HandOver) -> list[Event]:
    """Raises Refused `floor.trip_…`, `floor.has_trip`."""
    trip = _own(floor, command.trip, "" if command.senior else command.by)
    if trip.picker == command.to:
        return []
    other = floor.trip_of(command.to)
    if other is not None:
        raise Refused("floor.has_trip", "Who takes over has a trip already.", trip=other)
    return [TripHandedOver(command.trip, command.to)]


def abandon(floor: Floor, command: AbandonTrip) -> list[Event]:
    """Also one that nobody has: it is planned anew. Raises Refused `floor.trip_…`."""
    trip = _trip(floor, command.trip)
    if trip.picker:
        _own(floor, command.trip, "" if command.senior else command.by)
    return [TripAbandoned(command.trip, trip.works)]


def _trip(floor: Floor, number: int) -> Trip:
    trip = floor.trips.get(number)
    if trip is None:
        raise Refused("floor.trip_unknown", f"There is no trip {number}, or it is over.", trip=number)
    return trip


def _own(floor: Floor, number: int, by: str) -> Trip:
    trip = _trip(floor, number)
    if not trip.picker:
        raise Refused("floor.trip_unclaimed", "Nobody has this trip: claim the next one.", trip=number)
    if by and by != trip.picker:
        raise Refused("floor.trip_not_yours", "Somebody else has this trip.", trip=number)
    return trip


def _task(floor: Floor, number: int, task_number: int, by: str) -> Task:
    trip = _own(floor, number, by)
    if trip.paused:
        raise Refused("floor.trip_paused", "The trip is paused: resume it.", trip=number)
    if not 0 < task_number <= len(trip.tasks):
        raise Refused("floor.task_unknown", f"The trip has no task {task_number}.", tasks=len(trip.tasks))
    task = trip.tasks[task_number - 1]
    if not task.shares:
        following = next((at for at, other in enumerate(trip.tasks, 1) if other.shares), None)
        raise Refused("floor.task_done", "Nothing is left of this task.", next_task=following)
    return task


# --- what is taken ----------------------------------------------------------------------------------------------------
def confirm(floor: Floor, command: ConfirmPick, context: Context) -> list[Event]:
    """Raises Refused `floor.wrong_…`, `floor.lot_expired`, `floor.too_many`, `floor.task_…`, `floor.trip_…`."""
    task = _task(floor, command.trip, command.task, command.by)
    _check_scanned(task, command, context)
    shares = _for_whom(task, command)
    return [UnitsPicked(command.trip, command.task, task.bin_id, task.sku, task.lot, shares)]


def _check_scanned(task: Task, command: ConfirmPick, context: Context) -> None:
    if command.bin_id != task.bin_id:
        where = task.bin_id or "no bin"
        raise Refused("floor.wrong_bin", f"It is to be taken from {where}.", expected_bin=task.bin_id)
    if not same_article(command.sku, task.sku):
        raise Refused("floor.wrong_item", f"{task.sku} is to be taken.", expected_sku=task.sku)
    if task.lot and command.lot != task.lot:
        raise Refused("floor.wrong_lot", f"Lot {task.lot} is to be taken.", expected_lot=task.lot)
    if task.expires_on is not None and task.expires_on < context.now_ms // DAY_MS:
        detail = f"Lot {task.lot} has expired: leave it there, and tell it as short."
        raise Refused("floor.lot_expired", detail, lot=task.lot, expired_on=task.expires_on)


def same_article(scanned: str, sku: str) -> bool:
    """Is it the SKU, or the same GTIN in another of its lengths?"""
    if scanned == sku:
        return True
    try:
        return gtin(scanned) == gtin(sku)
    except Refused:
        return False


def _for_whom(task: Task, command: ConfirmPick) -> list[Share]:
    totes = sorted({share.tote for share in task.shares if share.tote})
    shares = task.shares
    if totes and (command.tote or len(totes) > 1):
        if command.tote not in totes:
            detail = f"It goes into tote {' or '.join(map(str, totes))}."
            raise Refused("floor.wrong_tote", detail, expected_totes=totes)
        shares = [share for share in shares if share.tote == command.tote]
    left = sum(share.units for share in shares)
    if command.units > left:
        raise Refused("floor.too_many", f"{left} units are to be taken.", left=left)
    return _first(shares, command.units)


def _first(shares: Iterable[Share], units: int) -> list[Share]:
    """So many units of them, from the first on."""
    taken = []
    for share in shares:
        n = min(units, share.units)
        if n:
            taken.append(Share(share.fulfilment_id, n, share.tote))
            units -= n
    return taken


# --- what is not there ------------------------------------------------------------------------------------------------
def tell_short(floor: Floor, command: TellShort) -> list[Event]:
    """The least urgent go without; of them the most urgent get what is elsewhere. Raises Refused `floor.too_many`,
    `floor.task_…`, `floor.trip_…`."""
    task = _task(floor, command.trip, command.task, command.by)
    if command.units > task.left:
        raise Refused("floor.too_many", f"{task.left} units are to be taken.", left=task.left)
    missing = _first(task.shares[::-1], command.units)[::-1]
    moved: list[NewTask] = []
    for other in command.elsewhere:
        if not other.bin_id or other.bin_id in (task.bin_id, *(new.bin_id for new in moved)):
            continue
        there = _first(missing, max(0, other.units - spoken_for(floor, other.bin_id, task.sku, task.lot)))
        if there:
            moved.append(NewTask(other.bin_id, task.sku, task.lot, task.expires_on, tuple(there)))
            missing = _rest(missing, sum(share.units for share in there))
    place = (task.bin_id, task.sku, task.lot)
    short = UnitsShort(command.trip, command.task, *place, moved, missing)
    odd = disputed(floor, *place, command.units, SHORT, command.trip, command.task)
    return [short, odd, *_asked_after(floor, short)]


def _rest(shares: Iterable[Share], units: int) -> list[Share]:
    """All but the first so many units."""
    rest = []
    for share in shares:
        n = min(units, share.units)
        units -= n
        if share.units > n:
            rest.append(Share(share.fulfilment_id, share.units - n, share.tote))
    return rest


def _asked_after(floor: Floor, short: UnitsShort) -> Iterable[Event]:
    """What orders are asked because of units that are short."""
    for name in dict.fromkeys(share.fulfilment_id for share in short.short):
        work = deepcopy(floor.works[name])
        for share in short.short:
            if share.fulfilment_id == name:
                short_of(work, short, share.units)
        yield from next_step(name, work)


def spoken_for(floor: Floor, bin_id: str, sku: str, lot: str) -> int:
    """Units in a bin that open tasks will take."""
    place = (bin_id, sku, lot)
    return sum(
        task.left for trip in floor.trips.values() for task in trip.tasks if (task.bin_id, task.sku, task.lot) == place
    )


# --- back again -------------------------------------------------------------------------------------------------------
def put_back(floor: Floor, command: PutBack) -> list[Event]:
    """Raises Refused `floor.nothing_to_put_back`, `floor.too_many`."""
    work = floor.works.get(command.fulfilment_id)
    left = put_back_left(work, (command.sku, command.lot)) if work is not None and work.ended else 0
    if not left:
        detail = f"No {command.sku} of this fulfilment and lot is to be put back."
        raise Refused("floor.nothing_to_put_back", detail, sku=command.sku, lot=command.lot)
    if command.units > left:
        raise Refused("floor.too_many", f"{left} units are to be put back.", left=left)
    said = (command.fulfilment_id, command.sku, command.lot, command.units)
    asked = PutBackAsked(*said, command.bin_id)
    return [asked] if command.bin_id else [asked, PutBackDone(*said, "")]


def put_back_answered(floor: Floor, command: PutBackAnswered) -> list[Event]:
    """Never refused."""
    work = floor.works.get(command.fulfilment_id)
    if work is None or work.putting.get((command.sku, command.lot), 0) < command.units:
        return []
    return [PutBackDone(command.fulfilment_id, command.sku, command.lot, command.units, command.code)]
