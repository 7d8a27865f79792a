"""What an event changes of a shipment. The rules are in `shipment.py`."""

from __future__ import annotations

from actors.domain.kind import Context
from actors.domain.shipment_events import (
    ClearanceWaits,
    Event,
    FloorTold,
    HandedOver,
    LabelAsked,
    LabelBought,
    LabelOrphaned,
    LabelRefused,
    LabelTried,
    LabelUnavailable,
    LabelVoided,
    LeftBehind,
    ManualOpened,
    MissingAsked,
    MissingNoted,
    MissingRefused,
    PackAsked,
    PackNoted,
    PackRefused,
    ParcelAtDock,
    ParcelCleared,
    ParcelClosed,
    ParcelNumbered,
    ParcelOffered,
    ParcelOpened,
    ParcelRemoved,
    ParcelReopened,
    ParcelWithdrawn,
    RecipientForgotten,
    ShipAsked,
    ShipmentEnded,
    ShipmentOpened,
    ShipmentStopped,
    Shipped,
    ShipRefused,
    StockNotThere,
    StockSetAside,
    UnitsPacked,
    UnitsTakenOut,
    VoidAsked,
    VoidDropped,
)
from actors.domain.shipment_papers import drop_all, file_and_drop
from actors.domain.shipment_state import Content, Label, Parcel, Shipment, is_over


def evolve(state: Shipment | None, event: Event, context: Context) -> Shipment:
    """The next state; takes over `state`."""
    now = context.now_ms
    if type(event) is ShipmentOpened:
        return Shipment(
            event.location_id, event.order_id, event.number, event.series, now, now, dict(event.lines), event.known, event.proposal
        )  # fmt: skip
    if type(event) is ManualOpened:
        return Shipment(
            event.location_id, "", 1, event.series, now, now, dict(event.lines), event.known, event.proposal, "allocating",
            event.reason, event.note, event.country, event.ship_to, answer=event.command_id,
            person=event.person, filed=True, sealed_note=event.sealed_note,
        )  # fmt: skip
    assert state is not None
    state.updated_at_ms = now
    _parcels(state, event)
    if type(event) in _LAST and is_over(state):
        file_and_drop(state)
    return state


# With these it may be over; a label that comes later is kept by nobody.
_LAST = (HandedOver, LeftBehind, ParcelRemoved, ShipmentEnded, StockNotThere, LabelBought)


def _parcels(state: Shipment, event: Event) -> None:
    match event:
        case ParcelOpened():
            opened = Parcel(event.parcel, event.carton, event.sides_mm, event.tare_g, event.weight_max_g)
            opened.answer = event.command_id
            state.parcels.append(opened)
            state.next_parcel = event.parcel + 1
        case ParcelNumbered():
            parcel = _parcel(state, event.parcel)
            parcel.sscc, parcel.code, parcel.answer = event.sscc, event.code, ""
        case UnitsPacked():
            _pack(state, event, event.units)
        case UnitsTakenOut():
            _pack(state, event, -event.units)
        case ParcelClosed():
            parcel = _parcel(state, event.parcel)
            parcel.closed, parcel.weight_g, parcel.expected_g = True, event.weight_g, event.expected_g
            parcel.despite = event.despite
        case ParcelReopened():
            parcel = _parcel(state, event.parcel)
            parcel.closed, parcel.weight_g, parcel.despite = False, 0, False
            if state.stage == "packed":
                state.stage, state.reopened = "packing", True
        case LeftBehind():
            for sku, lot, units in event.lines:
                state.outside = _added(state.outside, Content(sku, lot, -units))
        case ParcelRemoved():
            state.parcels.remove(_parcel(state, event.parcel))
        case _:
            _labels(state, event)


def _pack(state: Shipment, event: UnitsPacked | UnitsTakenOut, units: int) -> None:
    """Units below 0 are taken out: once other parcels have left, they have to follow them."""
    parcel = _parcel(state, event.parcel)
    parcel.contents = _added(parcel.contents, Content(event.sku, event.lot, units))
    if state.stage == "shipped":
        state.outside = _added(state.outside, Content(event.sku, event.lot, -units))


def _added(contents: list[Content], more: Content) -> list[Content]:
    for content in contents:
        if (content.sku, content.lot) == (more.sku, more.lot):
            content.units += more.units
            return [content for content in contents if content.units]
    return [*contents, more]


def _labels(state: Shipment, event: Event) -> None:
    match event:
        case LabelAsked():
            parcel = _parcel(state, event.parcel)
            parcel.labels = int(event.key.rpartition(".")[2])
            again = (
                parcel.label.asked_at_ms
                if parcel.label is not None and parcel.label.key == event.key
                else state.updated_at_ms
            )
            parcel.label = Label(event.key, event.carrier, event.service, event.label_format, event.request, event.dock)
            parcel.label.asked_at_ms = again
            parcel.label.digest, parcel.label.declared, parcel.label.unheard = (
                event.digest,
                event.declared,
                event.unheard,
            )
        case LabelTried():
            label = _label(state, event.parcel)
            label.status, label.code = "asked", ""
            label.unheard += 1
        case LabelUnavailable():
            label = _label(state, event.parcel)
            label.code = event.code
            label.unheard -= 1
        case LabelBought():
            label = _label(state, event.parcel)
            label.status, label.tracking, label.document = "bought", event.tracking, event.document
            label.amount, label.currency, label.code = event.amount, event.currency, ""
            label.filed, label.request = True, (b"" if event.document else label.request)
            label.digest, label.unheard = "", 0
        case LabelRefused():
            label = _label(state, event.parcel)
            label.status, label.code, label.unheard = "refused", event.code, 0
        case LabelOrphaned():
            state.orphans = [*state.orphans, (event.key, event.tracking)]
        case VoidAsked():
            _label(state, event.parcel).status = "voiding"
            _parcel(state, event.parcel).answer = event.command_id if event.dock else ""
        case VoidDropped():
            label, parcel = _label(state, event.parcel), _parcel(state, event.parcel)
            label.status, label.code, parcel.answer = "bought", event.code, ""
        case LabelVoided():
            label = _label(state, event.parcel)
            label.status, label.code = ("kept" if event.code else "voided"), event.code
        case _:
            _dock(state, event)


def _dock(state: Shipment, event: Event) -> None:
    match event:
        case ParcelOffered():
            _parcel(state, event.parcel).place = "asked"
        case ParcelAtDock():
            parcel = _parcel(state, event.parcel)
            parcel.place, parcel.code = ("" if event.left or event.code else "waiting"), event.code
            parcel.answer = ""
        case ParcelWithdrawn():
            parcel = _parcel(state, event.parcel)
            parcel.place, parcel.answer = "", ""
        case ShipAsked():
            state.stage, state.clearing = "leaving", [(event.parcel, event.dock)]
        case ClearanceWaits():
            state.clearing = [*state.clearing, (event.parcel, event.dock)]
        case ParcelCleared():
            parcel = _parcel(state, event.parcel)
            parcel.code = event.code
            if not event.code:
                parcel.place = "cleared"
            state.clearing = [one for one in state.clearing if one[0] != event.parcel]
        case HandedOver():
            parcel = _parcel(state, event.parcel)
            parcel.place, parcel.handed_over_ms = "handed_over", event.at_ms
        case _:
            _whole(state, event)


def _whole(state: Shipment, event: Event) -> None:
    match event:
        case StockSetAside():
            state.stage, state.answer = "packing", ""
        case StockNotThere():
            if state.stage == "allocating":
                state.stage, state.outcome, state.code, state.answer = "ended", "not_available", event.code, ""
        case MissingAsked():
            state.missing, state.answer, state.code = event.lines, event.command_id, ""
            state.asking, state.missing_lots = True, event.lots
        case FloorTold():
            pass
        case MissingNoted():
            for sku, units in event.lines:
                state.wanted[sku] -= units
            state.missing, state.answer, state.asking = [], "", False
        case MissingRefused():
            state.missing, state.answer, state.code, state.asking = [], "", event.code, False
            if event.lines is not None:
                state.wanted = dict(event.lines)
        case PackAsked():
            state.stage, state.answer, state.code = "settling", event.command_id, ""
        case PackNoted():
            state.stage, state.answer, state.code = "packed", "", ""
        case PackRefused():
            state.stage, state.answer, state.code = "packing", "", event.code
            if event.lines is not None:
                state.wanted = dict(event.lines)
        case Shipped():
            state.stage, state.code = "shipped", ""
        case RecipientForgotten():
            drop_all(state)
        case ShipRefused():
            state.stage, state.code = "packed", event.code
        case ShipmentStopped():
            state.stage, state.why, state.answer, state.missing = "unpacking", event.why, "", []
            state.asking = False
        case _:
            assert type(event) is ShipmentEnded
            state.stage = "ended"
            state.outcome = "nothing_left" if state.why == "nothing_left" else "cancelled"


def _parcel(state: Shipment, number: int) -> Parcel:
    return next(parcel for parcel in state.parcels if parcel.number == number)


def _label(state: Shipment, number: int) -> Label:
    label = _parcel(state, number).label
    assert label is not None
    return label
