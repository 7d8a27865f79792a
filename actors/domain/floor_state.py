"""What is known of a building's floor, and how what happens changes it. The rules are in `floor.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec

from actors.domain.floor_commands import FloorUpdate, NewTask, NewTrip, ReviseWork, Share
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
from actors.domain.floor_service import Agenda, MarksSet, ServiceMarks, WorkMarked, due_changed, marked, marks_set
from actors.domain.kind import Context
from actors.domain.personal_notes import APPROVER
from actors.domain.wave_terms import Method

WorkStatus = Literal["waiting", "planned", "picking", "picked", "blocked", "held", "put_back"]
# (bin id, SKU, lot)
Place = tuple[str, str, str]
# (SKU, lot)
Goods = tuple[str, str]


class Line(msgspec.Struct, array_like=True, gc=False):
    """Units of a SKU of a fulfilment. Each is in one of these places, or waits."""

    wanted: int
    planned: int = 0
    picked: int = 0
    short: int = 0

    @property
    def waiting(self) -> int:
        """On no trip, and not done with."""
        return self.wanted - self.planned - self.picked - self.short

    @property
    def settled(self) -> bool:
        """Nothing is to be picked any more."""
        return self.wanted == self.picked + self.short


class Work(msgspec.Struct):
    """A fulfilment. started: the order knows that it is being picked; asked: what the order was asked for and has not answered, "" for nothing;
    missing: what was not found and is in its bin yet, as far as the books know; short: what the order has to be told is missing, of which it was asked about the
    first `telling`; problem: why it is blocked; picked: units in
    hands by (SKU, lot); ended: it was cancelled, and these go back; putting: of them, those that the location is asked to take; put_problem: why it did not; mark: how late it is
    (`floor_service.py`); turn: of the order's last word; held: it says that the work is to lie; less: units that it does not want any more since it came; handling: how the goods are to be treated."""

    lines: dict[str, Line]
    priority: int
    due_ms: int
    placed_at_ms: int
    started: bool = False
    asked: FloorUpdate | Literal[""] = ""
    missing: list[ShortUnits] = []
    short: list[ShortUnits] = []
    telling: int = 0
    problem: str = ""
    picked: dict[Goods, int] = {}
    ended: bool = False
    putting: dict[Goods, int] = {}
    put_problem: str = ""
    mark: int = 0
    turn: int = 0
    held: bool = False
    less: dict[str, int] = {}
    handling: list[str] = []

    @property
    def settled(self) -> bool:
        """Nothing is to be picked any more."""
        return all(line.settled for line in self.lines.values())

    @property
    def planned(self) -> bool:
        """Something of it is on a trip."""
        return any(line.planned for line in self.lines.values())

    @property
    def waiting(self) -> list[tuple[str, int]]:
        """Units per SKU that are on no trip."""
        return [(sku, units) for sku, line in self.lines.items() if (units := line.waiting)]

    @property
    def urgency(self) -> tuple[int, int, int]:
        """Rises as it may wait."""
        return self.due_ms, -self.priority, self.placed_at_ms


class Task(msgspec.Struct):
    """Units to be taken from a bin. wanted: at first; shares: for whom units are left; problem: what the books say against it."""

    bin_id: str
    sku: str
    lot: str
    expires_on: int | None
    wanted: int
    shares: list[Share]
    problem: str = ""

    @property
    def left(self) -> int:
        """Units that are still to be picked."""
        return sum(share.units for share in self.shares)


class Trip(msgspec.Struct):
    """A trip that is not over. A task's number is its place, from 1; picker: "" for nobody yet."""

    method: Method
    due_ms: int
    walk_dm: int
    exact: bool
    tasks: list[Task]
    picker: Annotated[str, APPROVER] = ""
    paused: bool = False
    claimed_at_ms: int | None = None

    @property
    def works(self) -> list[str]:
        """For whom something is left, each once."""
        return list(dict.fromkeys(share.fulfilment_id for task in self.tasks for share in task.shares))


class Dispute(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Books and floor differ, for this reason: units, and when that was (UTC ms)."""

    code: str
    units: int
    at_ms: int


class Floor(msgspec.Struct):
    """The state. works: by fulfilment id; trips: by number; ended_early: fulfilments whose end came before their beginning, and when (UTC ms). marks, agenda: when work is told to be late, and
    of which next; looked_ms: when that was looked at last (UTC ms); revised_early: words about work that is not here yet."""

    works: dict[str, Work] = {}
    trips: dict[int, Trip] = {}
    next_trip: int = 1
    disputes: dict[Place, Dispute] = {}
    ended_early: dict[str, int] = {}
    marks: ServiceMarks = ServiceMarks()
    looked_ms: int = 0
    agenda: Agenda = msgspec.field(default_factory=Agenda)
    revised_early: dict[str, ReviseWork] = {}

    def trip_of(self, picker: str) -> int | None:
        """The number of the picker's open trip."""
        return next((number for number, trip in self.trips.items() if trip.picker == picker), None)


def status_of(work: Work) -> WorkStatus:
    """How far it is."""
    if work.ended:
        return "put_back"
    if work.problem:
        return "blocked"
    if work.held:
        return "held"
    # Asked of the whole queue at once, so the lines are looked at only once.
    wanted = planned = done = 0
    for line in work.lines.values():
        wanted += line.wanted
        planned += line.planned
        done += line.picked + line.short
    if done == wanted:
        return "picked"
    if done or (planned and work.started):
        return "picking"
    return "planned" if planned else "waiting"


def put_back_left(work: Work, goods: Goods) -> int:
    """Units that are still in hands, and that no bin is asked to take."""
    return work.picked.get(goods, 0) - work.putting.get(goods, 0)


# --- evolve -----------------------------------------------------------------------------------------------------------
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
