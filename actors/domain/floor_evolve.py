"""How a floor changes by what happens on it. The rules are in `floor.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.domain.floor_commands import NewTask, NewTrip, Share
from actors.domain.floor_events import (
    DisputeClosed,
    EndNoted,
    Event,
    OrderAgreed,
    OrderAsked,
    PickingStopped,
    PutBackAsked,
    PutBackDone,
    RevisionNoted,
    ShortageBooked,
    ShortUnits,
    TripAbandoned,
    TripClaimed,
    TripHandedOver,
    TripPaused,
    TripsPlanned,
    UnitsDisputed,
    UnitsLost,
    UnitsPicked,
    UnitsShort,
    WorkBlocked,
    WorkEnded,
    WorkPrioritised,
    WorkQueued,
    WorkRevised,
    WorkSkipped,
    WorkUnblocked,
)
from actors.domain.floor_revised import revised, surplus, surplus_name
from actors.domain.floor_service import MarksSet, WorkMarked, due_changed, marked, marks_set
from actors.domain.floor_state import Dispute, Floor, Goods, Line, Task, Trip, Work
from actors.domain.kind import Context


def evolve(state: Floor | None, event: Event, context: Context) -> Floor:
    """The next state; takes over `state`."""
    floor = Floor() if state is None else state
    _happened(floor, event, context)
    floor.agenda.clean(floor.works, floor.marks)
    return floor


def _happened(floor: Floor, event: Event, context: Context) -> None:
    match event:
        case WorkQueued():
            lines = {sku: Line(units) for sku, units in event.lines}
            work = Work(lines, event.priority, event.due_ms, event.placed_at_ms, handling=event.handling)
            floor.works[event.fulfilment_id] = work
            floor.agenda.put(event.fulfilment_id, work, floor.marks)
        case WorkRevised():
            _revised(floor, event)
            due_changed(floor, event.fulfilment_id, context.now_ms)
        case RevisionNoted():
            for fulfilment_id in event.forgotten:
                del floor.revised_early[fulfilment_id]
            floor.revised_early[event.word.fulfilment_id] = event.word
        case WorkEnded():
            _ended(floor, event)
        case EndNoted():
            for fulfilment_id in event.forgotten:
                del floor.ended_early[fulfilment_id]
            floor.ended_early[event.fulfilment_id] = context.now_ms
        case WorkSkipped():
            del floor.ended_early[event.fulfilment_id]
        case UnitsDisputed():
            _disputed(floor, event, context)
        case DisputeClosed():
            del floor.disputes[event.bin_id, event.sku, event.lot]
        case TripsPlanned() | TripClaimed() | TripPaused() | TripHandedOver() | TripAbandoned():
            _trip_changed(floor, event, context)
        case UnitsPicked() | UnitsShort():
            _walked(floor, event)
        case MarksSet():
            marks_set(floor, event)
        case WorkMarked():
            marked(floor, event)
        case _:
            _work_changed(floor.works[event.fulfilment_id], event)
            if type(event) is WorkPrioritised:
                due_changed(floor, event.fulfilment_id, context.now_ms)
            _forget(floor, event.fulfilment_id)


def _forget(floor: Floor, fulfilment_id: str) -> None:
    """What was cancelled is forgotten when all of it is back."""
    work = floor.works[fulfilment_id]
    if work.ended and not work.picked:
        del floor.works[fulfilment_id]


def _ended(floor: Floor, event: WorkEnded) -> None:
    for number in event.trips:
        trip = floor.trips[number]
        for task in trip.tasks:
            task.shares = [share for share in task.shares if share.fulfilment_id != event.fulfilment_id]
        _end_if_done(floor, number)
    work = floor.works[event.fulfilment_id]
    if event.why == "packed":
        del floor.works[event.fulfilment_id]
        return
    work.ended, work.lines, work.missing, work.short, work.telling = True, {}, [], [], 0
    work.asked, work.problem = "", ""
    _forget(floor, event.fulfilment_id)


def _revised(floor: Floor, event: WorkRevised) -> None:
    floor.revised_early.pop(event.fulfilment_id, None)
    for one in event.unplanned:
        task = floor.trips[one.trip].tasks[one.task - 1]
        task.shares = less(task.shares, [Share(event.fulfilment_id, one.units, one.tote)])
    for number in dict.fromkeys(one.trip for one in event.unplanned):
        _end_if_done(floor, number)
    work = floor.works[event.fulfilment_id]
    revised(work, event)
    back = surplus(event)
    if back:
        ended = Work({}, work.priority, work.due_ms, work.placed_at_ms, picked=dict(back), ended=True)
        floor.works[surplus_name(event)] = ended


def _end_if_done(floor: Floor, number: int) -> None:
    if not any(task.shares for task in floor.trips[number].tasks):
        del floor.trips[number]


def _disputed(floor: Floor, event: UnitsDisputed, context: Context) -> None:
    for place in event.forgotten:
        # Two in one turn may have chosen the same.
        floor.disputes.pop(place, None)
    known = floor.disputes.get((event.bin_id, event.sku, event.lot))
    units = event.units + (known.units if known is not None else 0)
    floor.disputes[event.bin_id, event.sku, event.lot] = Dispute(event.code, units, context.now_ms)
    trip = floor.trips.get(event.trip)
    if trip is not None:
        trip.tasks[event.task - 1].problem = event.code


# --- trips ------------------------------------------------------------------------------------------------------------
def _trip_changed(
    floor: Floor, event: TripsPlanned | TripClaimed | TripPaused | TripHandedOver | TripAbandoned, context: Context
) -> None:
    match event:
        case TripsPlanned():
            for number, planned in enumerate(event.trips, event.first):
                floor.trips[number] = _trip_of(planned)
                _plan(floor, planned.tasks)
            floor.next_trip = event.first + len(event.trips)
        case TripClaimed():
            trip = floor.trips[event.trip]
            trip.picker, trip.paused = event.picker, False
            trip.claimed_at_ms = context.now_ms
        case TripPaused():
            floor.trips[event.trip].paused = event.paused
        case TripHandedOver():
            floor.trips[event.trip].picker = event.to
        case TripAbandoned():
            for task in floor.trips.pop(event.trip).tasks:
                _unplan(floor, task.sku, task.shares)


def _trip_of(planned: NewTrip) -> Trip:
    return Trip(
        planned.method, planned.due_ms, planned.walk_dm, planned.exact, [_task_of(task) for task in planned.tasks]
    )


def _task_of(new: NewTask) -> Task:
    units = sum(share.units for share in new.shares)
    return Task(new.bin_id, new.sku, new.lot, new.expires_on, units, list(new.shares))


def _plan(floor: Floor, tasks: Iterable[NewTask]) -> None:
    for task in tasks:
        for share in task.shares:
            floor.works[share.fulfilment_id].lines[task.sku].planned += share.units


def _unplan(floor: Floor, sku: str, shares: Iterable[Share]) -> None:
    for share in shares:
        line = floor.works[share.fulfilment_id].lines[sku]
        line.planned -= share.units
        assert line.planned >= 0, f"{share.fulfilment_id} {sku}: {line}"


def less(shares: Sequence[Share], taken: Iterable[Share]) -> list[Share]:
    """What is left of `shares`."""
    units = {(share.fulfilment_id, share.tote): share.units for share in shares}
    for share in taken:
        units[share.fulfilment_id, share.tote] -= share.units
        assert units[share.fulfilment_id, share.tote] >= 0, f"{share}"
    return [Share(fulfilment_id, n, tote) for (fulfilment_id, tote), n in units.items() if n]


def _walked(floor: Floor, event: UnitsPicked | UnitsShort) -> None:
    trip = floor.trips[event.trip]
    task = trip.tasks[event.task - 1]
    if type(event) is UnitsPicked:
        task.shares = less(task.shares, event.shares)
        _unplan(floor, event.sku, event.shares)
        for share in event.shares:
            work = floor.works[share.fulfilment_id]
            work.lines[event.sku].picked += share.units
            goods = (event.sku, event.lot)
            work.picked[goods] = work.picked.get(goods, 0) + share.units
    else:
        assert type(event) is UnitsShort
        for new in event.moved:
            task.shares = less(task.shares, new.shares)
            trip.tasks.append(_task_of(new))
        task.shares = less(task.shares, event.short)
        for share in event.short:
            short_of(floor.works[share.fulfilment_id], event, share.units)
    _end_if_done(floor, event.trip)


def short_of(work: Work, event: UnitsShort, units: int) -> None:
    """So many units of it are not to be had."""
    line = work.lines[event.sku]
    line.planned -= units
    line.short += units
    assert line.planned >= 0, f"{event.sku}: {line}"
    # What lies in no bin need not be taken out of one.
    (work.missing if event.bin_id else work.short).append(ShortUnits(event.sku, units, event.bin_id, event.lot))


# --- works ------------------------------------------------------------------------------------------------------------
def _work_changed(work: Work, event: Event) -> None:
    match event:
        case WorkPrioritised():
            work.priority, work.due_ms = event.priority, event.due_ms
        case OrderAsked() | OrderAgreed() | ShortageBooked() | PickingStopped() | WorkBlocked() | WorkUnblocked():
            talked(work, event)
        case UnitsLost():
            lose(work, event)
        case PutBackAsked():
            goods = (event.sku, event.lot)
            work.putting[goods] = work.putting.get(goods, 0) + event.units
            work.put_problem = ""
        case _:
            assert type(event) is PutBackDone
            _put_back(work, event)


def talked(
    work: Work, event: OrderAsked | OrderAgreed | ShortageBooked | PickingStopped | WorkBlocked | WorkUnblocked
) -> None:
    """Takes note of what floor and order say to each other."""
    match event:
        case ShortageBooked():
            work.missing.remove(event.missing)
            work.short.append(event.missing)
        case OrderAsked():
            work.asked = event.update
            work.telling = len(work.short) if event.update == "short_pick" else 0
        case OrderAgreed():
            work.asked = ""
            if event.update == "start_picking":
                work.started = True
            del work.short[: work.telling]
            work.telling = 0
        case PickingStopped():
            work.asked, work.started, work.telling = "", False, 0
        case WorkBlocked():
            work.asked, work.problem, work.telling = "", event.code, 0
        case WorkUnblocked():
            work.problem = ""


def lose(work: Work, event: UnitsLost) -> None:
    """They are in nobody's hands, and the order has to be told."""
    for one in event.lost:
        line = work.lines[one.sku]
        line.picked -= one.units
        line.short += one.units
        _take(work.picked, (one.sku, one.lot), one.units)
        work.short.append(one)


def _put_back(work: Work, event: PutBackDone) -> None:
    goods = (event.sku, event.lot)
    _take(work.putting, goods, event.units)
    if event.code:
        work.put_problem = event.code
    else:
        _take(work.picked, goods, event.units)


def _take(units: dict[Goods, int], goods: Goods, taken: int) -> None:
    left = units[goods] - taken
    assert left >= 0, f"{goods}: {left}"
    if left:
        units[goods] = left
    else:
        del units[goods]
