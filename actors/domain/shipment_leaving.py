"""How a shipment and its order agree that it is packed and leaves, and what happens when it must not. The
rules are in `shipment.py`."""

from __future__ import annotations

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.shipment_commands import (
    ClearParcel,
    MissingAnswered,
    NoteHandedOver,
    OrderAnswered,
    PutBack,
    StockTaken,
)
from actors.domain.shipment_events import (
    ClearanceWaits,
    Event,
    FloorTold,
    HandedOver,
    MissingNoted,
    MissingRefused,
    PackNoted,
    PackRefused,
    ParcelCleared,
    ShipAsked,
    ShipmentEnded,
    ShipmentStopped,
    Shipped,
    ShipRefused,
    StockNotThere,
    StockSetAside,
)
from actors.domain.shipment_labels import all_offered, withdrawn
from actors.domain.shipment_packing import finishing
from actors.domain.shipment_state import (
    Shipment,
    check_stage,
    find_parcel,
    is_complete,
    is_good,
    lines_of,
    open_labels,
    packed_of,
    status_of,
)

# A fulfilment that came there by another way is there as well.
_PACKED = frozenset({"packed", "shipped", "delivered"})
_SHIPPED = frozenset({"shipped", "delivered"})
# Of an order that is over, or that is none: nobody waits for it.
_GONE = frozenset({"order.unknown", "order.fulfilment_unknown"})
CHANGED = "order.fulfilment_changed"
_FLOOR_PICKS, _FLOOR_CHANGED = "order.floor_picks", "floor.fulfilment_changed"


def stock_taken(shipment: Shipment, command: StockTaken) -> list[Event]:
    """All of it or nothing."""
    if shipment.stage == "allocating" and sorted(command.lines) == lines_of(shipment):
        return [StockSetAside()]
    if shipment.stage == "allocating":
        return [StockNotThere(shipment.location_id, command.lines, command.code)]
    # It was cancelled meanwhile.
    return [StockNotThere(shipment.location_id, command.lines)] if command.lines else []


def missing_answered(shipment: Shipment, command: MissingAnswered) -> list[Event]:
    """What is packed already may be all that is left, or all that the order ever waited for."""
    if not shipment.telling:
        return []
    if command.status == "cancelled" or command.code in _GONE:
        return stopped(shipment, "order_cancelled")
    if command.code == _FLOOR_PICKS:
        return [_floor_told(shipment)]
    if command.code in (CHANGED, _FLOOR_CHANGED):
        return _held_less(shipment, command)
    only_asked = not shipment.missing
    if command.code and command.status in _SHIPPED and not only_asked:
        return _left_without(shipment, command.code)
    if command.code and not (only_asked and command.status in _PACKED):
        return [MissingRefused(command.code)]
    if only_asked:
        return [MissingRefused("shipment.not_all_packed")]
    noted = MissingNoted(shipment.missing)
    if not lines_of(shipment):
        return [noted, *stopped(shipment, "nothing_left", told=command.by_floor is True)]
    return [noted, *finishing(shipment, "", settled=True)]


def _left_without(shipment: Shipment, code: str) -> list[Event]:
    """The order says that all of it has left, and can't take that back: what is in closed parcels follows, and of what
    nothing is there nothing does."""
    refused = MissingRefused(code)
    if not lines_of(shipment):
        return [refused, *stopped(shipment, "nothing_left", told=True)]
    if not is_complete(shipment, settled=True):
        return [refused]
    # Refused last: whoever told it has to know that nobody looks for it elsewhere.
    return [PackNoted(), refused, *all_offered(shipment)]


def _floor_told(shipment: Shipment) -> FloorTold:
    """Only the floor knows whether they were picked at all; it tells the order."""
    held = sorted((sku, units) for sku, units in shipment.wanted.items() if units)
    where = (shipment.location_id, shipment.order_id, shipment.number)
    return FloorTold(*where, shipment.missing, shipment.missing_lots, held, sorted(packed_of(shipment).items()))


def _held_less(shipment: Shipment, command: MissingAnswered) -> list[Event]:
    """The order, or the floor, knew of it: nothing leaves the books for it."""
    lines = [] if command.lines is msgspec.UNSET else command.lines
    refused = MissingRefused(command.code, lines)
    if not lines:
        return [refused, *stopped(shipment, "nothing_left", told=command.by_floor is True)]
    after = msgspec.structs.replace(shipment, wanted=dict(lines), missing=[], asking=False)
    return [refused, *finishing(after, "")]


def order_answered(shipment: Shipment, command: OrderAnswered) -> list[Event]:
    """See the picture in `shipment.py`."""
    gone = command.status == "cancelled" or command.code in _GONE
    if command.update == "pack":
        if shipment.stage != "settling":
            return []
        if not command.code or (command.status in _PACKED and command.code != CHANGED):
            return [PackNoted(), *all_offered(shipment)]
        if gone:
            return stopped(shipment, "order_cancelled")
        if command.code != CHANGED:
            return [PackRefused(command.code)]
        refused = PackRefused(command.code, command.lines)
        return [refused] if command.lines else [refused, *stopped(shipment, "nothing_left")]
    if shipment.stage != "leaving":
        return []
    if not command.code or (command.status in _SHIPPED and command.code != CHANGED):
        return [Shipped(), *_answers(shipment, "")]
    if gone:
        return [*_answers(shipment, "shipment.stopped"), *stopped(shipment, "order_cancelled")]
    return [ShipRefused(command.code), *_answers(shipment, command.code)]


def _answers(shipment: Shipment, code: str) -> list[Event]:
    ssccs = {parcel.number: parcel.sscc for parcel in shipment.parcels}
    return [ParcelCleared(number, dock, ssccs[number], code) for number, dock in shipment.clearing]


def clear(shipment: Shipment, command: ClearParcel) -> list[Event]:
    """The order has the last word, before anything of it leaves; after that all its parcels may."""
    parcel = find_parcel(shipment, command.parcel)
    if parcel is None:
        return []
    if shipment.stage in ("packing", "settling") or (shipment.stage == "shipped" and not parcel.closed):
        # It was opened again, or another one.
        return [ParcelCleared(parcel.number, command.dock, parcel.sscc, "shipment.not_packed")]
    if shipment.stage not in ("packed", "leaving", "shipped"):
        return [ParcelCleared(parcel.number, command.dock, parcel.sscc, "shipment.stopped")]
    if not is_good(parcel.label):
        return [ParcelCleared(parcel.number, command.dock, parcel.sscc, "shipment.label_missing")]
    if shipment.stage == "shipped":
        return [ParcelCleared(parcel.number, command.dock, parcel.sscc)]
    if shipment.stage == "leaving":
        return [ClearanceWaits(parcel.number, command.dock)]
    return [
        ShipAsked(
            shipment.location_id, shipment.order_id, shipment.number, lines_of(shipment), parcel.number, command.dock
        )
    ]  # fmt: skip


def handed_over(shipment: Shipment, command: NoteHandedOver) -> list[Event]:
    """Told once for each parcel."""
    parcel = find_parcel(shipment, command.parcel)
    if parcel is None or parcel.place == "handed_over" or shipment.stage != "shipped":
        return []
    return [HandedOver(parcel.number, command.at_ms)]


def stopped(shipment: Shipment, why: str, *, told: bool = False) -> list[Event]:
    """It is taken apart; told: as its order knows, or will. A manual one gives its units back. With nothing packed and
    no label there is nothing to take apart."""
    released = lines_of(shipment) if shipment.manual and shipment.stage != "allocating" else []
    stop = ShipmentStopped(shipment.location_id, shipment.order_id, shipment.number, why, released, told)
    empty = not any(parcel.contents for parcel in shipment.parcels) and not open_labels(shipment.parcels)
    return [stop, *withdrawn(shipment), *([ShipmentEnded()] if empty else [])]


def note_cancelled(shipment: Shipment) -> list[Event]:
    """Once a parcel may leave, the order has said so."""
    if shipment.manual or shipment.stage not in ("packing", "settling", "packed"):
        return []
    return stopped(shipment, "order_cancelled")


def put_back(shipment: Shipment, command: PutBack) -> list[Event]:
    """Of one in which nothing was packed nothing is left to do. Raises Refused `shipment.…`."""
    if status_of(shipment) == "cancelled":
        return []
    check_stage(shipment, "put_back", "unpacking")
    labelled = open_labels(shipment.parcels)
    if labelled:
        detail = "The carrier has yet to take labels back: ask it again."
        raise Refused("shipment.labels_open", detail, parcels=labelled)
    return [ShipmentEnded()]


def cancel(shipment: Shipment, context: Context) -> list[Event]:
    """Raises Refused `shipment.…`."""
    if not shipment.manual:
        detail = "What was ordered is cancelled by its order."
        raise Refused("shipment.not_manual", detail, order_id=shipment.order_id)
    check_stage(shipment, "cancel", "allocating", "packing", "packed")
    if shipment.telling:
        raise Refused("shipment.missing_asked", "What is missing is being written down: ask again.")
    return stopped(shipment, "cancelled")
