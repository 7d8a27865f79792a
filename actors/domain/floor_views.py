"""What may be asked about a building's floor, and what is answered. The rules are in `floor.py`."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from actors.domain.errors import Refused
from actors.domain.floor_commands import PlanTrips, Share
from actors.domain.floor_service import MARKS, Mark, ViewMarks, marks_view
from actors.domain.floor_state import Floor, Place, Task, Trip, Work, WorkStatus, put_back_left, status_of
from actors.domain.personal_notes import APPROVER
from actors.domain.times import HOUR_MS
from actors.domain.wave_terms import LeftOut, Method, Split

# Work by how long ago it was placed: (name, from so many hours on), oldest first.
AGES: tuple[tuple[str, int], ...] = (("over_24h", 24), ("4h_to_24h", 4), ("1h_to_4h", 1), ("under_1h", 0))
Urgency = tuple[int, int, int, str]
TripStatus = Literal["open", "claimed", "paused"]


# --- queries ----------------------------------------------------------------------------------------------------------
class ViewQueue(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A page of the queue, most urgent first, after `after`. `status`: only work of that, "" for all."""

    location_id: str
    status: str = ""
    after: Urgency | None = None
    limit: int = 100


class ViewPlannable(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What a wave can be planned from: the most urgent waiting work. `until_ms`: due by then, None for any time."""

    location_id: str
    limit: int
    lines_max: int
    until_ms: int | None = None


class ViewTrip(msgspec.Struct, frozen=True, tag=True, gc=False):
    """One trip."""

    location_id: str
    trip: int


class ViewFigures(msgspec.Struct, frozen=True, tag=True, gc=False):
    """How much there is to do, at this moment (UTC ms)."""

    location_id: str
    now_ms: int


Query = ViewQueue | ViewPlannable | ViewTrip | ViewFigures | ViewMarks


# --- answers ----------------------------------------------------------------------------------------------------------
class LineView(msgspec.Struct, frozen=True, gc=False):
    """Units of a SKU: wanted = waiting + planned + picked + short."""

    sku: str
    wanted: int
    waiting: int
    planned: int
    picked: int
    short: int


class PutBackView(msgspec.Struct, frozen=True, gc=False):
    """Units that are to go back into bins."""

    sku: str
    lot: str
    units: int


class WorkView(msgspec.Struct, frozen=True, gc=False):
    """A fulfilment in the queue. `problem`: code of why it is blocked, or of why the last put-back failed, else "".
    `handling`: how the goods are to be treated."""

    fulfilment_id: str
    status: WorkStatus
    priority: int
    due_ms: int
    placed_at_ms: int
    problem: str
    lines: list[LineView]
    put_back: list[PutBackView]
    mark: Mark = ""
    handling: list[str] = []


class QueueView(msgspec.Struct, frozen=True, gc=False):
    """A page; `next_after`: None at the end."""

    location_id: str
    version: int
    works: list[WorkView]
    next_after: Urgency | None


class Plannable(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Work that waits, with the units that do. `taken`: (SKU, lot, units) of lots that it has had, or has on trips."""

    fulfilment_id: str
    priority: int
    due_ms: int
    lines: list[tuple[str, int]]
    taken: list[tuple[str, str, int]] = []


class SpokenFor(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units in a bin that open tasks will take."""

    bin_id: str
    sku: str
    lot: str
    units: int


class PlannableView(msgspec.Struct, frozen=True, gc=False):
    """`more`: fulfilments that wait besides those told."""

    location_id: str
    version: int
    works: list[Plannable]
    spoken_for: list[SpokenFor]
    more: int


class TaskView(msgspec.Struct, frozen=True, gc=False):
    """Units to be taken from a bin. `task`: its number; `left`: of `wanted`; `expires_on`: days since 1970-01-01;
    `problem`: code of what the books say against it, else ""."""

    task: int
    bin_id: str
    sku: str
    lot: str
    expires_on: int | None
    wanted: int
    left: int
    shares: list[Share]
    problem: str


class TripView(msgspec.Struct, frozen=True, gc=False):
    """A trip with its tasks in walking order."""

    location_id: str
    version: int
    trip: int
    status: TripStatus
    method: Method
    due_ms: int
    walk_dm: int
    exact: bool
    picker: Annotated[str, APPROVER]
    claimed_at_ms: int | None
    tasks: list[TaskView]


class TripSummary(msgspec.Struct, frozen=True, gc=False):
    """A trip that was planned."""

    trip: int
    method: Method
    due_ms: int
    tasks: int
    units: int
    works: int
    walk_dm: int
    exact: bool


class PlannedView(msgspec.Struct, frozen=True, gc=False):
    """The trips that a proposal came to. See `PlanTrips`."""

    location_id: str
    version: int
    trips: list[TripSummary]
    splits: list[Split]
    left_out: list[LeftOut]
    more: int


class StepView(msgspec.Struct, frozen=True, gc=False):
    """What is left after a step. `over`: the trip has ended; `left`: units of the task; `next`: the first task of
    which something is left."""

    location_id: str
    version: int
    trip: int
    over: bool
    left: int
    next: TaskView | None


class Changed(msgspec.Struct, frozen=True, gc=False):
    """The answer to everything else."""

    location_id: str
    version: int


class StatusFigures(msgspec.Struct, frozen=True, gc=False):
    """Work of one status: fulfilments, units that are wanted, of them overdue ones, and how many by age."""

    status: WorkStatus
    works: int
    units: int
    overdue: int
    by_age: dict[str, int]


class DisputeView(msgspec.Struct, frozen=True, gc=False):
    """Goods that somebody should count, and why."""

    bin_id: str
    sku: str
    lot: str
    units: int
    reason: str
    at_ms: int


class FiguresView(msgspec.Struct, frozen=True, gc=False):
    """Open work by state and age, trips by state, and what should be counted."""

    location_id: str
    version: int
    statuses: list[StatusFigures]
    trips: dict[TripStatus, int]
    disputes: list[DisputeView]


def view(state: Floor | None, query: Query, version: int) -> msgspec.Struct:
    """See the queries. A floor of which nothing was heard has nothing to do. Raises Refused `floor.trip_unknown`."""
    floor = Floor() if state is None else state
    match query:
        case ViewQueue():
            return _queue(floor, query, version)
        case ViewPlannable():
            return _plannable(floor, query, version)
        case ViewFigures():
            return _figures(floor, query, version)
        case ViewMarks():
            return marks_view(floor, query, version)
    assert type(query) is ViewTrip
    trip = floor.trips.get(query.trip)
    if trip is None:
        raise Refused("floor.trip_unknown", f"There is no trip {query.trip}, or it is over.", trip=query.trip)
    return trip_view(query.location_id, version, query.trip, trip)


def _queue(floor: Floor, query: ViewQueue, version: int) -> QueueView:
    keys = (
        (*work.urgency, name)
        for name, work in floor.works.items()
        if not query.status or status_of(work) == query.status
    )
    after = query.after
    page = heapq.nsmallest(query.limit + 1, keys if after is None else (key for key in keys if key > after))
    shown = page[: query.limit]
    works = [_work(key[3], floor.works[key[3]]) for key in shown]
    return QueueView(query.location_id, version, works, shown[-1] if len(page) > len(shown) else None)


def _work(name: str, work: Work) -> WorkView:
    lines = [
        LineView(sku, line.wanted, line.waiting, line.planned, line.picked, line.short)
        for sku, line in work.lines.items()
    ]
    back = [PutBackView(*goods, put_back_left(work, goods)) for goods in sorted(work.picked)] if work.ended else []
    return WorkView(
        name, status_of(work), work.priority, work.due_ms, work.placed_at_ms, work.problem or work.put_problem, lines,
        [one for one in back if one.units], MARKS[work.mark], work.handling,
    )  # fmt: skip


def _plannable(floor: Floor, query: ViewPlannable, version: int) -> PlannableView:
    until_ms = query.until_ms
    waiting = [
        (*work.urgency, name)
        for name, work in floor.works.items()
        if (until_ms is None or work.due_ms <= until_ms) and not work.problem and not work.held and work.waiting
    ]
    spoken, lots = _on_trips(floor)
    told: list[Plannable] = []
    lines = 0
    for *_, name in heapq.nsmallest(query.limit, waiting):
        work = floor.works[str(name)]
        lines += len(work.lines)
        if told and lines > query.lines_max:
            break
        had = [(sku, lot, units) for (sku, lot), units in work.picked.items() if lot]
        told.append(Plannable(str(name), work.priority, work.due_ms, work.waiting, had + lots.get(str(name), [])))
    return PlannableView(
        query.location_id,
        version,
        told,
        [SpokenFor(*place, units) for place, units in spoken.items()],
        len(waiting) - len(told),
    )


def _on_trips(floor: Floor) -> tuple[dict[Place, int], dict[str, list[tuple[str, str, int]]]]:
    """Units that open tasks will take: by bin, and of lots by fulfilment."""
    spoken: dict[Place, int] = {}
    lots: dict[str, list[tuple[str, str, int]]] = {}
    for trip in floor.trips.values():
        for task in trip.tasks:
            if task.bin_id and task.shares:
                place = (task.bin_id, task.sku, task.lot)
                spoken[place] = spoken.get(place, 0) + task.left
            for share in task.shares if task.lot else ():
                lots.setdefault(share.fulfilment_id, []).append((task.sku, task.lot, share.units))
    return spoken, lots


def trip_view(location_id: str, version: int, number: int, trip: Trip) -> TripView:
    """All of a trip."""
    return TripView(
        location_id, version, number, trip_status(trip), trip.method, trip.due_ms, trip.walk_dm, trip.exact, trip.picker,
        trip.claimed_at_ms, [task_view(at, task) for at, task in enumerate(trip.tasks, 1)],
    )  # fmt: skip


def trip_status(trip: Trip) -> TripStatus:
    """Whose it is, and whether he rests."""
    if not trip.picker:
        return "open"
    return "paused" if trip.paused else "claimed"


def task_view(number: int, task: Task) -> TaskView:
    """One task."""
    return TaskView(
        number, task.bin_id, task.sku, task.lot, task.expires_on, task.wanted, task.left, list(task.shares), task.problem
    )  # fmt: skip


def planned_view(
    location_id: str, version: int, floor: Floor | None, numbers: Iterable[int], plan: PlanTrips
) -> PlannedView:
    """The trips of these numbers, which is what the plan came to."""
    trips = {} if floor is None else floor.trips
    made = [_summary(number, trips[number]) for number in numbers]
    return PlannedView(location_id, version, made, plan.splits, plan.left_out, plan.more)


def _summary(number: int, trip: Trip) -> TripSummary:
    units = sum(task.left for task in trip.tasks)
    return TripSummary(
        number, trip.method, trip.due_ms, len(trip.tasks), units, len(trip.works), trip.walk_dm, trip.exact
    )  # fmt: skip


def step_view(location_id: str, version: int, floor: Floor, number: int, task_number: int) -> StepView:
    """After a step of this task."""
    trip = floor.trips.get(number)
    if trip is None:
        return StepView(location_id, version, number, over=True, left=0, next=None)
    following = next((task_view(at, task) for at, task in enumerate(trip.tasks, 1) if task.shares), None)
    return StepView(location_id, version, number, False, trip.tasks[task_number - 1].left, following)


def _figures(floor: Floor, query: ViewFigures, version: int) -> FiguresView:
    found: dict[WorkStatus, list[Work]] = {}
    for work in floor.works.values():
        found.setdefault(status_of(work), []).append(work)
    trips: dict[TripStatus, int] = {"open": 0, "claimed": 0, "paused": 0}
    for trip in floor.trips.values():
        trips[trip_status(trip)] += 1
    disputes = [DisputeView(*place, one.units, one.code, one.at_ms) for place, one in sorted(floor.disputes.items())]
    statuses = [_of_status(status, works, query.now_ms) for status, works in sorted(found.items())]
    return FiguresView(query.location_id, version, statuses, trips, disputes)


def _of_status(status: WorkStatus, works: list[Work], now_ms: int) -> StatusFigures:
    by_age = {name: 0 for name, _ in AGES}
    bounds = [(name, now_ms - hours * HOUR_MS) for name, hours in AGES]
    for work in works:
        by_age[next((name for name, until_ms in bounds if work.placed_at_ms <= until_ms), AGES[-1][0])] += 1
    units = sum(_units_of(work) for work in works)
    return StatusFigures(status, len(works), units, sum(work.due_ms < now_ms for work in works), by_age)


def _units_of(work: Work) -> int:
    return sum(work.picked.values()) if work.ended else sum(line.wanted for line in work.lines.values())
