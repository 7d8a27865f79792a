"""Whom a shipment tells or asks because of what happened to it, and what it learns from the answers. The
rules are in `shipment.py`."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from actors.domain.errors import RefusalBody, decode_refusal
from actors.domain.floor_commands import TellLost
from actors.domain.kind import Message
from actors.domain.location_commands import Allocate, Pick, Release, Ship, ShortPick
from actors.domain.location_events import Units
from actors.domain.location_promises import Taken
from actors.domain.manifest_commands import JoinDock, LeaveDock, ParcelAnswered
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_state import fulfilment_id
from actors.domain.shipment_commands import (
    Command,
    DockAnswered,
    MissingAnswered,
    OrderAnswered,
    SsccGiven,
    StockTaken,
)
from actors.domain.shipment_events import (
    Event,
    FloorTold,
    ManualOpened,
    MissingAsked,
    PackAsked,
    ParcelCleared,
    ParcelOffered,
    ParcelOpened,
    ParcelWithdrawn,
    ShipAsked,
    ShipmentStopped,
    StockNotThere,
    VoidAsked,
)
from actors.domain.sscc_series import GivenSscc, TakeSscc

# The number of the one part that a manual shipment has at its location.
_PART = 1


def messages(shipment_id: str, event: Event) -> Iterable[Message]:
    """See the module's docstring."""
    match event:
        case ManualOpened():
            yield Message("location", event.location_id, Allocate(shipment_id, _PART, event.lines), on_reply=True)
        case StockNotThere():
            if event.returned:
                yield Message("location", event.location_id, Release(shipment_id, _PART, event.returned))
        case ParcelOpened():
            yield Message("sscc_series", event.series, TakeSscc(event.parcel), on_reply=True)
        case MissingAsked():
            yield _missing(shipment_id, event)
        case FloorTold():
            name = fulfilment_id(event.order_id, event.number)
            lost = TellLost(name, event.lines, event.lots, event.held, event.packed)
            yield Message("floor", event.location_id, lost, on_reply=True)
        case PackAsked():
            if event.order_id:
                yield _step("pack", event)
            elif not event.again:
                yield Message("location", event.location_id, Pick(shipment_id, _PART, event.lines))
        case ShipAsked():
            if event.order_id:
                yield _step("ship", event)
            else:
                yield Message("location", event.location_id, Ship(shipment_id, _PART, event.lines), on_reply=True)
        case ShipmentStopped():
            if event.released:
                yield Message("location", event.location_id, Release(shipment_id, _PART, event.released))
            elif event.why == "nothing_left" and event.order_id and not event.told:
                yield Message(
                    "order", event.order_id, UpdateOrder("cancel", event.number, by_floor=True), on_reply=True
                )
        case _:
            yield from _to_dock(shipment_id, event)


def _to_dock(shipment_id: str, event: Event) -> Iterable[Message]:
    match event:
        case ParcelOffered():
            joins = JoinDock(shipment_id, event.parcel, event.sscc, event.tracking, event.weight_g)
            yield Message("manifest", event.dock, joins, on_reply=True)
        case ParcelWithdrawn():
            yield Message("manifest", event.dock, LeaveDock(event.sscc, event.parcel, withdrawn=True))
        case VoidAsked():
            if event.dock:
                yield Message("manifest", event.dock, LeaveDock(event.sscc, event.parcel), on_reply=True)
        case ParcelCleared():
            yield Message("manifest", event.dock, ParcelAnswered(event.sscc, event.code))
        case _:
            pass


def _step(update: str, event: PackAsked | ShipAsked) -> Message:
    assert update in ("pack", "ship")
    command = UpdateOrder(update, event.number, lines=event.lines, by_floor=True)  # type: ignore[arg-type]
    return Message("order", event.order_id, command, on_reply=True)


def _missing(shipment_id: str, event: MissingAsked) -> Message:
    if event.order_id:
        update = UpdateOrder("short_pick", event.number, lines=event.lines, lots=event.lots, held=event.held)
        return Message("order", event.order_id, update, on_reply=True)
    short = ShortPick(shipment_id, _PART, event.lines, event.lots)
    return Message("location", event.location_id, short, on_reply=True)


_decode_taken = msgspec.json.Decoder(Taken).decode
_decode_given = msgspec.json.Decoder(GivenSscc).decode


def on_reply(message: Message, reply: bytes, refused: bool) -> Command | None:
    """What others say to what they were asked."""
    sent, refusal = message.command, decode_refusal(reply) if refused else None
    code = refusal.code if refusal is not None else ""
    match sent:
        case TakeSscc():
            return SsccGiven(sent.for_parcel, "" if refused else _decode_given(reply).sscc, code)
        case Allocate():
            return StockTaken([] if refused else _decode_taken(reply).lines, code)
        case ShortPick():
            return MissingAnswered(code)
        case TellLost():
            return MissingAnswered(code, lines=_lines(refusal) or msgspec.UNSET, by_floor=True)
        case Ship():
            return OrderAnswered("ship", code)
        case JoinDock():
            return DockAnswered(sent.parcel, code=code)
        case LeaveDock():
            return DockAnswered(sent.parcel, left=True, code=code)
    assert type(sent) is UpdateOrder
    if sent.update == "short_pick":
        if sent.held is None:
            # Asked by an older program, which may have had this answer already: it must be the same.
            return MissingAnswered(code)
        return MissingAnswered(code, _status(refusal) or msgspec.UNSET, _lines(refusal) or msgspec.UNSET)
    if sent.update == "cancel":
        return None
    assert sent.update in ("pack", "ship")
    return OrderAnswered(sent.update, code, _status(refusal), _lines(refusal))


def _status(refusal: RefusalBody | None) -> str:
    """Of the fulfilment, as far as the order's refusal tells."""
    if refusal is None:
        return ""
    extra = refusal.extra
    return "cancelled" if extra.get("status") == "cancelled" else str(extra.get("fulfilment_status", ""))


def _lines(refusal: RefusalBody | None) -> list[Units]:
    if refusal is None:
        return []
    return [(str(sku), int(units)) for sku, units in refusal.extra.get("lines", [])]
