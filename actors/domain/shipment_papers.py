"""Papers of a shipment that tell who gets it: where they lie, and for how long. All of them are sealed.

    label bought, manual one opened ──▶ in the state, to be printed whatever the store does,  and a row of `shipment_papers` besides
    all of it with the carrier      ──▶ in that row only, for whoever prints it again
    `[packing] papers_keep_days`    ──▶ nowhere: `actors/runtime/retention.py` takes the row away

What the carrier was asked is kept until it has sold the label, and longer only where the label itself was too large to
be kept. Of a shipment that was stopped nothing stays. The history is for ever, so it has none of this (`Kind.written`):
it says that a label was asked for, and when it was bought, for how much. A note of a manual one is for who packs: it is
gone once that is over. What customs are told in words stays with the label, sealed, as forms are printed again. A
shipment from before there were such rows writes those of its papers with the event that ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from actors.domain.errors import Refused
from actors.domain.rows_of_packing import ShipmentPaperRow
from actors.domain.shipment_commands import Declared
from actors.domain.shipment_events import (
    Event,
    HandedOver,
    LabelAsked,
    LabelBought,
    LabelVoided,
    LeftBehind,
    ManualOpened,
    ParcelRemoved,
    RecipientForgotten,
    ShipmentEnded,
    StockNotThere,
)
from actors.domain.shipment_state import Shipment, is_over

# The number under which a manual shipment's address lies.
ADDRESS = 0
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Shipment).decode


def forget(shipment: Shipment) -> list[Event]:
    """Once. Raises Refused `shipment.under_way`: who gets it has to be known until it is with the carrier."""
    if not is_over(shipment):
        raise Refused("shipment.under_way", "It is on its way out: hand it over, or cancel it, first.")
    kept = shipment.person or shipment.ship_to or shipment.filed or shipment.note
    labels = [one.label for one in shipment.parcels if one.label is not None]
    if kept or any(one.document or one.request or one.filed or _has_words(one.declared) for one in labels):
        return [RecipientForgotten()]
    return []


# --- the state ------------------------------------------------------------------------------------------------------
def _has_words(declared: Declared | None) -> bool:
    return declared is not None and bool(declared.reason_text or declared.sealed_text)


def _without_words(declared: Declared | None) -> Declared | None:
    return None if declared is None else msgspec.structs.replace(declared, reason_text="", sealed_text=b"")


def file_and_drop(shipment: Shipment) -> None:
    """It is over: out of the state, what has a row. What has none gets it with this event (`filing`), of which the row
    of the state has nothing any more, and memory has it until it goes."""
    drop_filed(shipment)
    shipment.note, shipment.sealed_note = "", b""
    shipment.filing = [
        one.number for one in shipment.parcels if one.label is not None and (one.label.document or one.label.request)
    ]
    if shipment.ship_to:
        shipment.filing.insert(0, ADDRESS)
        shipment.filed = True
    for parcel in shipment.parcels:
        if parcel.label is not None and parcel.number in shipment.filing:
            parcel.label.filed = True


def without_filed(shipment: Shipment) -> Shipment:
    """A copy, as it is written down once it is over."""
    copy: Shipment = _decode(_encode(shipment))
    drop_filed(copy)
    copy.filing = []
    return copy


def drop_filed(shipment: Shipment) -> None:
    """Out of the state, what has a row. It is over."""
    if shipment.filed or shipment.stage == "ended":
        shipment.ship_to = b""
    for parcel in shipment.parcels:
        if parcel.label is not None and (parcel.label.filed or shipment.stage == "ended"):
            parcel.label.request = parcel.label.document = b""
            parcel.label.digest = ""


def drop_all(shipment: Shipment) -> None:
    """Out of the state, whatever tells of a person, and that there is more."""
    shipment.ship_to, shipment.person, shipment.filed = b"", "", False
    shipment.note, shipment.sealed_note = "", b""
    shipment.filing = []
    for parcel in shipment.parcels:
        if parcel.label is not None:
            parcel.label.request = parcel.label.document = b""
            parcel.label.filed = False
            parcel.label.digest = ""
            parcel.label.declared = _without_words(parcel.label.declared)


# --- the rows -------------------------------------------------------------------------------------------------------
def rows(shipment: Shipment, events: Sequence[Event], shipment_id: str) -> Iterator[ShipmentPaperRow]:
    """Of what these events changed; `shipment` is as it is after them."""
    for event in events:
        match event:
            case ManualOpened():
                yield ShipmentPaperRow(shipment_id, ADDRESS, document=event.ship_to)
            case LabelBought() if is_over(shipment):
                yield ShipmentPaperRow(shipment_id, event.parcel, gone=True)
            case HandedOver() | ParcelRemoved() | LeftBehind():
                yield from _filed_late(shipment, shipment_id)
            case LabelBought():
                label = next(one.label for one in shipment.parcels if one.number == event.parcel)
                assert label is not None
                request = b"" if event.document else label.request
                yield ShipmentPaperRow(shipment_id, event.parcel, label.key, request, event.document)
            case LabelVoided():
                if not event.code:
                    yield ShipmentPaperRow(shipment_id, event.parcel, gone=True)
            case ShipmentEnded() | StockNotThere() | RecipientForgotten():
                if is_over(shipment):
                    yield ShipmentPaperRow(shipment_id, ADDRESS, gone=True)
                    labelled = [one.number for one in shipment.parcels if one.label is not None]
                    yield from (ShipmentPaperRow(shipment_id, number, gone=True) for number in labelled)


def _filed_late(shipment: Shipment, shipment_id: str) -> Iterator[ShipmentPaperRow]:
    for parcel in shipment.parcels:
        if parcel.label is not None and parcel.number in shipment.filing:
            label = parcel.label
            yield ShipmentPaperRow(
                shipment_id, parcel.number, label.key, b"" if label.document else label.request, label.document
            )
    if ADDRESS in shipment.filing:
        yield ShipmentPaperRow(shipment_id, ADDRESS, document=shipment.ship_to)


# --- the history ----------------------------------------------------------------------------------------------------
def as_written(event: Event) -> Event:
    """As the history keeps it."""
    match event:
        case ManualOpened():
            return msgspec.structs.replace(event, ship_to=b"", note="", sealed_note=b"")
        case LabelAsked():
            return msgspec.structs.replace(event, request=b"", digest="", declared=_without_words(event.declared))
        case LabelBought():
            return msgspec.structs.replace(event, document=b"")
    return event
