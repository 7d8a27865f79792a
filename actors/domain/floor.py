"""A building's floor: what is to be picked, on which trips, by whom. One entity for each location that has
one, with the location's id.

    a unit of a fulfilment's line:
                            ┌──────────── abandoned ────────────┐
                            ▼                                   │
      QueueWork ──▶ waiting ──PlanTrips──▶ on one trip ──ConfirmPick──▶ picked ──the order is packed──▶ forgotten
                                               │   ▲                         └──it is cancelled──▶ to be put back ──▶ forgotten
                                           TellShort │ elsewhere
                                               ├─────┘
                                               └──▶ short: the order asks other places

    a trip:   open ──ClaimTrip──▶ claimed ⇄ paused        it is over when nothing is left on it, or abandoned
    work:     waiting, planned, picking, picked; blocked: the order refused; held: its order stands still; put_back: cancelled, with goods in hands

What is planned is a proposal: it takes up to a second, so it is made outside (`floor_plan.py`), and the floor takes of
it what still waits in that very turn. So no unit is on two trips, and a trip is one picker's: both are turns of one
entity. What is scanned has to be what the task says: bin, SKU, lot, tote.

The order tells the floor of a fulfilment once (`QueueWork`), and once of its end (`EndWork`: packed, or cancelled); the
end may come first. The floor takes the order from step to step (`floor_work.py`), and learns whether it may. What is
picked leaves its bin in the books of the location (`MoveUnits`); when these say otherwise the pick stands, and the bin
is told as one to be counted. Units that were not found are first taken out of their bin in the books, and then leave
them by the order's `short_pick`: the other way about the location would take them from what is in hands. What is lost
after it was picked is out of its bin already (`floor_losses.py`).

Switching a floor off only keeps new work away: what is there is finished.

    floor_commands.py  floor_events.py  floor_views.py                    floor_work.py     the queue, and the order
    floor_state.py     what is known; floor_evolve.py: how it changes
    floor_terms.py     what a trip carries, and where one walks           floor_picking.py  trips, and what is taken on them
    floor_revisions.py what orders say later   floor_revised.py what that changes
    floor_plan.py      which trips to propose                             floor_disputes.py where books and floor differ
    floor_service.py   what is late, or will be                           floor_losses.py  what was picked, and is lost
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from actors.domain import floor_disputes, floor_losses, floor_picking, floor_revisions, floor_work
from actors.domain.errors import decode_refusal
from actors.domain.floor_commands import (
    AbandonTrip,
    ClaimTrip,
    CloseDispute,
    Command,
    ConfirmPick,
    EndWork,
    HandOver,
    MoveRefused,
    OrderAnswered,
    PauseTrip,
    PlanTrips,
    Prioritise,
    PutBack,
    PutBackAnswered,
    QueueWork,
    RetryWork,
    ReviseWork,
    ShortBooked,
    TellLost,
    TellShort,
)
from actors.domain.floor_events import (
    EndNoted,
    Event,
    OrderAsked,
    PutBackAsked,
    RevisionNoted,
    TripAbandoned,
    TripClaimed,
    TripHandedOver,
    TripPaused,
    TripsPlanned,
    UnitsDisputed,
    UnitsPicked,
    UnitsShort,
    WorkEnded,
    WorkQueued,
    WorkRevised,
    WorkSkipped,
)
from actors.domain.floor_evolve import evolve
from actors.domain.floor_revised import surplus_name
from actors.domain.floor_service import (
    LookAtWork,
    MarksSet,
    ServiceMarks,
    SetMarks,
    WorkMarked,
    due,
    look,
    set_marks,
    warns,
)
from actors.domain.floor_state import Dispute, Floor, Place, Trip, Work, status_of
from actors.domain.floor_views import Changed, Query, planned_view, step_view, trip_view, view
from actors.domain.kind import Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.location_commands import MoveLine, MoveUnits
from actors.domain.order_commands import UpdateOrder
from actors.domain.rows_of_floor import FloorRow, FloorTripRow, FloorWorkRow


# --- decide -----------------------------------------------------------------------------------------------------------
def decide(state: Floor | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules. Raises Refused `floor.…`."""
    floor = Floor() if state is None else state
    events = _events(floor, command, context)
    return Decision(events, _reply(floor, command, events, context))


def _events(floor: Floor, command: Command, context: Context) -> list[Event]:
    match command:
        case QueueWork():
            found = floor_work.queue(floor, command)
            return (
                [*found, *floor_revisions.queued(floor, command)]
                if any(type(e) is WorkQueued for e in found)
                else found
            )
        case ReviseWork():
            return floor_revisions.revise(floor, command)
        case EndWork():
            return floor_work.end(floor, command)
        case OrderAnswered():
            return floor_work.answered(floor, command)
        case Prioritise():
            return floor_work.prioritise(floor, command, context)
        case RetryWork():
            return floor_work.retry(floor, command)
        case PlanTrips():
            return floor_picking.plan(floor, command)
        case ConfirmPick():
            return floor_picking.confirm(floor, command, context)
        case TellShort():
            return floor_picking.tell_short(floor, command)
        case TellLost():
            return floor_losses.tell_lost(floor, command)
        case PutBack():
            return floor_picking.put_back(floor, command)
        case CloseDispute():
            return floor_disputes.close_dispute(floor, command)
    return _of_trips(floor, command, context)


def _of_trips(floor: Floor, command: Command, context: Context) -> list[Event]:
    match command:
        case ClaimTrip():
            return floor_picking.claim(floor, command)
        case PauseTrip():
            return floor_picking.pause(floor, command)
        case HandOver():
            return floor_picking.hand_over(floor, command)
        case AbandonTrip():
            return floor_picking.abandon(floor, command)
        case MoveRefused():
            return floor_disputes.move_refused(floor, command)
        case ShortBooked():
            return floor_work.short_booked(floor, command)
        case SetMarks():
            return [*set_marks(floor, command)]
        case LookAtWork():
            return [*look(floor, context.now_ms)]
    assert type(command) is PutBackAnswered
    return floor_picking.put_back_answered(floor, command)


def _reply(
    before: Floor, command: Command, events: Sequence[Event], context: Context
) -> Callable[[Floor | None, int], msgspec.Struct]:
    name = context.entity_id
    match command:
        case PlanTrips():
            planned = [event for event in events if type(event) is TripsPlanned]
            numbers = [number for event in planned for number in range(event.first, event.first + len(event.trips))]
            return lambda state, version: planned_view(name, version, state, numbers, command)
        case ClaimTrip():
            claimed = [event.trip for event in events if type(event) is TripClaimed]
            mine = claimed[0] if claimed else before.trip_of(command.picker)
            assert mine is not None
            return lambda state, version: _trip_view(name, version, state, mine)
        case PauseTrip() | HandOver():
            return lambda state, version: _trip_view(name, version, state, command.trip)
        case ConfirmPick() | TellShort():
            return lambda state, version: step_view(name, version, state or Floor(), command.trip, command.task)
    return lambda state, version: Changed(name, version)


def _trip_view(name: str, version: int, floor: Floor | None, number: int) -> msgspec.Struct:
    assert floor is not None
    return trip_view(name, version, number, floor.trips[number])


# --- messages and their answers ---------------------------------------------------------------------------------------
def messages(location_id: str, event: Event) -> Iterable[Message]:
    """What orders are asked for, and what the location's books have to know."""
    match event:
        case OrderAsked():
            order_id, _, number = event.fulfilment_id.rpartition(".")
            update = UpdateOrder(event.update, int(number), lines=event.lines, by_floor=True, lots=event.lots)
            yield Message("order", order_id, update, on_reply=True)
        case UnitsPicked() if event.bin_id:
            units = sum(share.units for share in event.shares)
            yield _moved(location_id, event.sku, units, event.bin_id, "", event.lot, f"{event.trip}.{event.task}")
        case UnitsShort() if event.bin_id:
            # They leave the books by the order's word, and then from outside of bins.
            for share in event.short:
                reference = f"{_SHORT}{share.fulfilment_id}"
                yield _moved(location_id, event.sku, share.units, event.bin_id, "", event.lot, reference)
        case PutBackAsked() if event.bin_id:
            yield _moved(location_id, event.sku, event.units, "", event.bin_id, event.lot, event.fulfilment_id)
        case _:
            pass


def _moved(location_id: str, sku: str, units: int, from_bin: str, to_bin: str, lot: str, reference: str) -> Message:
    move = MoveUnits([MoveLine(sku, units, from_bin, to_bin, lot)], reference)
    return Message("location", location_id, move, on_reply=True)


# Before the fulfilment's id in the reference of a move: not taken, but missing.
_SHORT = "short."


def on_reply(message: Message, reply: bytes, refused: bool) -> Command | None:
    """What order and location say; None where all is as it was thought."""
    sent, refusal = message.command, decode_refusal(reply) if refused else None
    code = refusal.code if refusal is not None else ""
    if type(sent) is UpdateOrder:
        status = str(refusal.extra.get("fulfilment_status", "")) if refusal is not None else ""
        assert sent.update in ("start_picking", "short_pick", "cancel")
        turn = int(refusal.extra.get("turn", 0)) if refusal is not None else 0
        return OrderAnswered(f"{message.entity_id}.{sent.fulfilment}", sent.update, code, status, turn)
    assert type(sent) is MoveUnits
    (line,) = sent.lines
    if line.to_bin:
        return PutBackAnswered(sent.reference, line.sku, line.lot, line.quantity, code)
    if sent.reference.startswith(_SHORT):
        name = sent.reference.removeprefix(_SHORT)
        return ShortBooked(name, line.from_bin, line.sku, line.lot, line.quantity, code)
    if not code:
        return None
    trip, _, task = sent.reference.partition(".")
    return MoveRefused(line.from_bin, line.sku, line.lot, line.quantity, code, int(trip), int(task))


# --- projections ------------------------------------------------------------------------------------------------------
class _Rest(msgspec.Struct):
    """What of a floor is neither work nor trip."""

    next_trip: int
    disputes: dict[Place, Dispute]
    ended_early: dict[str, int]
    marks: ServiceMarks = ServiceMarks()
    looked_ms: int = 0
    revised_early: dict[str, ReviseWork] = {}


_encode = msgspec.msgpack.Encoder().encode
_decode_rest = msgspec.msgpack.Decoder(_Rest).decode
_decode_work = msgspec.msgpack.Decoder(Work).decode
_decode_trip = msgspec.msgpack.Decoder(Trip).decode


def rows(state: Floor, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The floor's row, and those of the work and the trips that the events touched."""
    place, works, trips = context.entity_id, dict[str, None](), dict[int, None]()
    for event in events:
        works.update(dict.fromkeys(_works_of(event)))
        trips.update(dict.fromkeys(_trips_of(event)))
    rest = _Rest(state.next_trip, state.disputes, state.ended_early, state.marks, state.looked_ms, state.revised_early)
    out: list[Row] = [FloorRow(place, version, len(state.works), len(state.trips), _encode(rest), due(state))]
    out += [_work_row(place, name, state.works.get(name)) for name in works]
    out += [_trip_row(place, number, state.trips.get(number)) for number in trips]
    return out


def _works_of(event: Event) -> Iterable[str]:
    match event:
        case TripsPlanned():
            yield from (s.fulfilment_id for trip in event.trips for task in trip.tasks for s in task.shares)
        case TripAbandoned():
            yield from event.works
        case WorkRevised():
            yield event.fulfilment_id
            if event.picked:
                yield surplus_name(event)
        case UnitsPicked():
            yield from (share.fulfilment_id for share in event.shares)
        case UnitsShort():
            yield from (share.fulfilment_id for share in event.short)
        case WorkMarked():
            yield from (one.fulfilment_id for one in event.works)
        case (
            TripClaimed()
            | TripPaused()
            | TripHandedOver()
            | UnitsDisputed()
            | EndNoted()
            | WorkSkipped()
            | RevisionNoted()
            | MarksSet()
        ):
            pass
        case _:
            name = getattr(event, "fulfilment_id", "")
            yield from [name] if name else []


def _trips_of(event: Event) -> Iterable[int]:
    match event:
        case TripsPlanned():
            yield from range(event.first, event.first + len(event.trips))
        case WorkEnded():
            yield from event.trips
        case WorkRevised():
            yield from dict.fromkeys(one.trip for one in event.unplanned)
        case UnitsDisputed():
            # Of the books' objection to what belongs to no trip, the number is 0.
            yield from [event.trip] if event.trip else []
        case TripClaimed() | TripPaused() | TripHandedOver() | TripAbandoned() | UnitsPicked() | UnitsShort():
            yield event.trip
        case _:
            pass


def _work_row(place: str, name: str, work: Work | None) -> FloorWorkRow:
    if work is None:
        return FloorWorkRow(place, name, gone=True)
    units = sum(line.wanted for line in work.lines.values())
    return FloorWorkRow(
        place, name, status_of(work), work.priority, work.due_ms, work.placed_at_ms, units, _encode(work)
    )  # fmt: skip


def _trip_row(place: str, number: int, trip: Trip | None) -> FloorTripRow:
    if trip is None:
        return FloorTripRow(place, number, gone=True)
    return FloorTripRow(place, number, trip.picker, trip.due_ms, _encode(trip))


def restore(entity_id: str, stored: StoredRows) -> tuple[Floor, int] | None:
    """The state and version from the stored rows."""
    found: Sequence[FloorRow] = stored.get("floors", ())
    if not found:
        return None
    rest = _decode_rest(found[0].state)
    floor = Floor(
        next_trip=rest.next_trip, disputes=rest.disputes, ended_early=rest.ended_early, marks=rest.marks,
        looked_ms=rest.looked_ms, revised_early=rest.revised_early,
    )  # fmt: skip
    floor.works.update((row.fulfilment_id, _decode_work(row.state)) for row in stored.get("floor_work", ()))
    floor.trips.update((row.trip, _decode_trip(row.state)) for row in stored.get("floor_trips", ()))
    floor.agenda.fill(floor.works, floor.marks)
    return floor, found[0].version


FLOOR = Kind(
    name="floor", commands=Command, events=Event, queries=Query, decide=decide, evolve=evolve, view=view,
    tables=(FloorRow, FloorWorkRow, FloorTripRow), restore=restore, rows=rows, messages=messages, on_reply=on_reply,
    due=due, wake=LookAtWork, warns=warns,
)  # fmt: skip
