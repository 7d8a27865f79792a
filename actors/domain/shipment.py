"""A shipment: an order's fulfilment on its way from picked units to parcels that the carrier has. A manual one has no
order: a sample, a return to a supplier.

                           ┌─── a parcel without a label is opened again ──┐
                           ▼                                               │
    (unknown) ──open──▶ packing ──all in closed parcels──▶ settling ──▶ packed ──first parcel before the driver──▶ leaving ──▶ shipped
        │                 ▲  │                    pack │      │           │ ▲                            ship │      │
        │ manual          │  │                         ▼      │           │ │                                 ▼      │
        └──▶ allocating ──┘  │                       the order            │ └── not now ────────────────  the order ┘
                 │           │      is it cancelled?   │                  │                                   │
                 │           └───────────┬─────────────┴──────────────────┴───────────────────────────────────┘
                 ▼                       ▼
           not_available             unpacking ──labels given back, goods put back──▶ cancelled

Packing: cartons are opened, filled scan by scan, weighed and closed. What should go into which is proposed beside the
turn (`carton.py`), and nobody has to follow. Once all that the fulfilment holds is in closed parcels, the order is told
`pack` with just these lines; if it holds something else by then (a short pick), it says so, and packing goes on. It
goes on as well when a parcel that no carrier takes is opened again: the order stays packed then, also with less of it.
Once other parcels have left, such a one is packed otherwise beside them: just what is taken out of it is packed again,
or told as missing and left behind, and the shipment is over when that has left, too. `pack` and `ship` by themselves,
without a pack station, go on as ever: that the order is there already is as good as a yes.

Each parcel has an SSCC, counted by `sscc_series.py`; a label (`shipment_labels.py`), bought beside the turn under a key
that is given here; and a place at the dock of its carrier (`manifest.py`). Before the first parcel leaves the dock
asks, and the shipment asks the order to `ship`: a cancelled order's goods never leave, and one whose goods leave can't
be cancelled any more. After that its other parcels may leave when they are found.

A shipment that is stopped is withdrawn from the dock, its labels are given back, its goods put back; what the books say
of them, the order's cancellation has done. Of a manual shipment the location allocates the units to "<its id>.1", and
ships or releases them: no stock is moved without an entry in the ledger.

Who it goes to is with the order and is never here in the clear: what the carrier is asked, and the label's document,
are sealed under the order's data key. How long these stay, and where, is told in `shipment_papers.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from actors.domain import shipment_labels, shipment_leaving, shipment_packing, shipment_papers
from actors.domain.kind import Answer, Context, Decision, Kind, Row, StoredRows
from actors.domain.rows_of_packing import ShipmentRow
from actors.domain.shipment_commands import (
    AskLabel,
    AskVoid,
    CancelManual,
    ClearParcel,
    CloseParcel,
    Command,
    DockAnswered,
    FinishPacking,
    ForgetRecipient,
    MissingAnswered,
    NoteCancelled,
    NoteHandedOver,
    NoteLabel,
    NoteLabelRefused,
    NoteLabelUnavailable,
    NoteVoided,
    OpenManual,
    OpenParcel,
    OpenShipment,
    OrderAnswered,
    PackUnits,
    PutBack,
    RemoveParcel,
    ReopenParcel,
    SsccGiven,
    StockTaken,
    TakeOut,
    TellMissing,
    TryLabel,
)
from actors.domain.shipment_events import (
    Event,
    ManualOpened,
    MissingAsked,
    MissingNoted,
    MissingRefused,
    PackAsked,
    PackNoted,
    PackRefused,
    ParcelAtDock,
    ParcelNumbered,
    ParcelOpened,
    ParcelWithdrawn,
    ShipmentStopped,
    StockNotThere,
    StockSetAside,
    VoidAsked,
    VoidDropped,
)
from actors.domain.shipment_evolve import evolve
from actors.domain.shipment_messages import messages, on_reply
from actors.domain.shipment_state import Shipment, check_reach, is_over, packed_of, status_of, unknown
from actors.domain.shipment_views import ViewShipment, label_ticket, step_view, view


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Shipment | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules."""
    if type(command) is OpenShipment or type(command) is OpenManual:
        events = shipment_packing.open_one(state, command, context)
    elif state is None:
        raise unknown()
    else:
        check_reach(getattr(command, "within", []), state.location_id)
        events = _of_people(state, command, context)
    decision = Decision(events, _reply(command, context))
    decision.provisional = any(_waits(event) for event in events)
    decision.answers = _answers(state, events, context)
    return decision


def _reply(command: Command, context: Context) -> Callable[[Shipment, int], msgspec.Struct]:
    name = context.entity_id
    if isinstance(command, AskLabel | TryLabel | AskVoid):
        number = command.parcel
        return lambda state, version: label_ticket(name, version, state, number)
    return lambda state, version: step_view(name, version, state, getattr(command, "parcel", 0))


def _of_people(shipment: Shipment, command: Command, context: Context) -> list[Event]:
    match command:
        case OpenParcel():
            return shipment_packing.open_parcel(shipment, command, context)
        case PackUnits():
            return shipment_packing.pack_units(shipment, command)
        case TakeOut():
            return shipment_packing.take_out(shipment, command)
        case CloseParcel():
            return shipment_packing.close_parcel(shipment, command, context)
        case ReopenParcel():
            return shipment_packing.reopen_parcel(shipment, command)
        case RemoveParcel():
            return shipment_packing.remove_parcel(shipment, command, context)
        case TellMissing():
            return shipment_packing.tell_missing(shipment, command, context)
        case FinishPacking():
            return shipment_packing.finish(shipment, context)
        case PutBack():
            return shipment_leaving.put_back(shipment, command)
        case CancelManual():
            return shipment_leaving.cancel(shipment, context)
        case ForgetRecipient():
            return shipment_papers.forget(shipment)
    return _of_labels(shipment, command, context)


def _of_labels(shipment: Shipment, command: Command, context: Context) -> list[Event]:
    match command:
        case AskLabel():
            return shipment_labels.ask_label(shipment, command, context)
        case TryLabel():
            return shipment_labels.try_label(shipment, command)
        case NoteLabelUnavailable():
            return shipment_labels.note_unavailable(shipment, command)
        case NoteLabel():
            return shipment_labels.note_label(shipment, command)
        case NoteLabelRefused():
            return shipment_labels.note_refused(shipment, command)
        case AskVoid():
            return shipment_labels.ask_void(shipment, command, context)
        case NoteVoided():
            return shipment_labels.note_voided(shipment, command)
        case DockAnswered():
            return shipment_labels.dock_answered(shipment, command)
    return _of_others(shipment, command)


def _of_others(shipment: Shipment, command: Command) -> list[Event]:
    match command:
        case SsccGiven():
            return shipment_packing.numbered(shipment, command)
        case StockTaken():
            return shipment_leaving.stock_taken(shipment, command)
        case MissingAnswered():
            return shipment_leaving.missing_answered(shipment, command)
        case OrderAnswered():
            return shipment_leaving.order_answered(shipment, command)
        case NoteCancelled():
            return shipment_leaving.note_cancelled(shipment)
        case ClearParcel():
            return shipment_leaving.clear(shipment, command)
    assert type(command) is NoteHandedOver
    return shipment_leaving.handed_over(shipment, command)


# --- answers that wait for somebody else's ---------------------------------------------------------------------------
def _waits(event: Event) -> bool:
    if type(event) is VoidAsked:
        return bool(event.dock)
    if type(event) is PackAsked:
        return bool(event.order_id and event.command_id)
    return type(event) in (ManualOpened, ParcelOpened, MissingAsked)


_OF_PARCEL = (ParcelNumbered, ParcelAtDock, ParcelWithdrawn, VoidDropped)
_OF_SHIPMENT = (StockSetAside, StockNotThere, MissingNoted, MissingRefused, PackNoted, PackRefused, ShipmentStopped)


def _answers(state: Shipment | None, events: Sequence[Event], context: Context) -> list[Answer]:
    """To the commands that waited for what has come now."""
    if state is None:
        return []
    name, owed = context.entity_id, dict[str, Callable[[Shipment, int], msgspec.Struct]]()
    for event in events:
        if isinstance(event, _OF_PARCEL):
            parcel = next((one for one in state.parcels if one.number == event.parcel and one.answer), None)
            if parcel is not None:
                owed[parcel.answer] = _of_parcel(name, event.parcel, voids=not isinstance(event, ParcelNumbered))
        elif isinstance(event, _OF_SHIPMENT) and state.answer:
            owed[state.answer] = lambda state, version: step_view(name, version, state, 0)
    return [Answer(command_id, reply) for command_id, reply in owed.items()]


def _of_parcel(name: str, number: int, *, voids: bool) -> Callable[[Shipment, int], msgspec.Struct]:
    if voids:
        return lambda state, version: label_ticket(name, version, state, number)
    return lambda state, version: step_view(name, version, state, number)


# --- projections ----------------------------------------------------------------------------------------------------
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Shipment).decode


def rows(state: Shipment, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The shipment's own row, and those of its papers that changed."""
    kept = shipment_papers.without_filed(state) if state.filing else state
    return [
        ShipmentRow(
            context.entity_id, version, status_of(state), state.location_id, state.order_id, state.number, state.reason,
            len(state.parcels), sum(packed_of(state).values()), sum(parcel.weight_g for parcel in state.parcels),
            state.opened_at_ms, state.updated_at_ms, is_over(state), _encode(kept), state.person,
        ),
        *shipment_papers.rows(state, events, context.entity_id),
    ]  # fmt: skip


def restore(entity_id: str, stored: StoredRows) -> tuple[Shipment, int] | None:
    """The state and version from the stored row."""
    found = stored.get("shipments")
    return (_decode(found[0].state), found[0].version) if found else None


SHIPMENT = Kind(
    name="shipment", commands=Command, events=Event, queries=ViewShipment, decide=decide, evolve=evolve, view=view,
    tables=(ShipmentRow,), restore=restore, rows=rows, messages=messages, on_reply=on_reply, written=shipment_papers.as_written,
)  # fmt: skip
