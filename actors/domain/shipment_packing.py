"""What happens at the pack station: cartons, scans, scales, and what is not there. The rules are in `shipment.py`."""

from __future__ import annotations

from collections.abc import Sequence

from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.location_events import Units
from actors.domain.shipment_commands import (
    CloseParcel,
    Known,
    LotUnits,
    OpenManual,
    OpenParcel,
    OpenShipment,
    PackUnits,
    RemoveParcel,
    ReopenParcel,
    SsccGiven,
    TakeOut,
    TellMissing,
)
from actors.domain.shipment_events import (
    Event,
    LeftBehind,
    ManualOpened,
    MissingAsked,
    PackAsked,
    PackNoted,
    ParcelClosed,
    ParcelNumbered,
    ParcelOpened,
    ParcelRemoved,
    ParcelReopened,
    ShipmentOpened,
    UnitsPacked,
    UnitsTakenOut,
)
from actors.domain.shipment_labels import all_offered
from actors.domain.shipment_lots import check_lot, missing_lots
from actors.domain.shipment_state import (
    CONTENTS_MAX,
    PARCELS_MAX,
    SHOWN_MAX,
    Parcel,
    Shipment,
    check_at_station,
    check_reach,
    check_stage,
    expected_g,
    is_complete,
    left_of,
    lines_of,
    may_hold_less,
    open_labels,
    parcel_of,
)


def open_one(state: Shipment | None, command: OpenShipment | OpenManual, context: Context) -> list[Event]:
    """To open that of a fulfilment again, by whoever, changes nothing. Raises Refused `shipment.…`."""
    check_reach(command.within, command.location_id)
    if state is not None:
        if type(command) is OpenShipment:
            return []
        raise Refused("shipment.exists", f"Shipment {context.entity_id} exists already.")
    if not command.lines or any(units <= 0 for _, units in command.lines):
        raise Refused("shipment.nothing_to_pack", "There is nothing to pack.")
    lines = sorted(command.lines)
    if len(dict(lines)) < len(lines):
        raise Refused("shipment.sku_repeated", "A SKU is named twice.")
    if type(command) is OpenShipment:
        return [
            ShipmentOpened(
                command.location_id, command.order_id, command.number, lines, command.known, command.proposal, command.series
            )
        ]  # fmt: skip
    assert type(command) is OpenManual
    return [
        ManualOpened(
            command.location_id, command.reason, command.note, lines, command.known, command.proposal, command.series,
            command.country, command.ship_to, context.command_id, command.person, command.sealed_note,
        )
    ]  # fmt: skip


def open_parcel(shipment: Shipment, command: OpenParcel, context: Context) -> list[Event]:
    """Raises Refused `shipment.…`."""
    check_at_station(shipment, "open_parcel")
    if len(shipment.parcels) >= PARCELS_MAX:
        raise Refused("shipment.too_many_parcels", f"At most {PARCELS_MAX} parcels.", parcels_max=PARCELS_MAX)
    return [
        ParcelOpened(
            shipment.next_parcel, command.carton, command.sides_mm, command.tare_g, command.weight_max_g,
            command.series or shipment.series, context.command_id,
        )
    ]  # fmt: skip


def numbered(shipment: Shipment, command: SsccGiven) -> list[Event]:
    """Of a parcel that is not there any more nobody needs a number."""
    known = [one.number for one in shipment.parcels if not one.sscc]
    return [ParcelNumbered(command.parcel, command.sscc, command.code)] if command.parcel in known else []


def pack_units(shipment: Shipment, command: PackUnits) -> list[Event]:
    """Each refusal tells what to do instead. Raises Refused `shipment.…`."""
    check_at_station(shipment, "pack")
    parcel, sku = _open_one(shipment, command.parcel), command.sku
    left = left_of(shipment)
    if sku not in shipment.wanted:
        wanted = [one for one, units in left.items() if units > 0]
        detail = f"{sku} is not part of this shipment: put it aside."
        raise Refused("shipment.wrong_item", detail, sku=sku, wanted=wanted[:SHOWN_MAX])
    room = max(0, left.get(sku, 0))
    if command.units > room:
        fix = "all of it is packed already: put it back" if not room else f"pack {room} and put the rest back"
        detail = f"{command.units} units of {sku} are too many: {fix}."
        raise Refused("shipment.too_many", detail, sku=sku, wanted=shipment.wanted[sku], left=room)
    check_lot(shipment, command)
    _check_hazards(shipment, parcel, command)
    _check_room(shipment, parcel, command)
    return [UnitsPacked(command.parcel, sku, command.units, command.lot)]


def _check_hazards(shipment: Shipment, parcel: Parcel, command: PackUnits) -> None:
    """A carrier is told one class a parcel."""
    hazards = shipment.known.hazards
    own = hazards.get(command.sku)
    others = {hazards[one.sku] for one in parcel.contents if one.sku in hazards} - {own}
    if own and others:
        classes = sorted({own, *others})
        detail = f"Goods of the classes {', '.join(classes)} must not go in one parcel: open another one for it."
        raise Refused("shipment.hazards_mixed", detail, sku=command.sku, classes=classes)


def _check_room(shipment: Shipment, parcel: Parcel, command: PackUnits) -> None:
    if sum(len(one.contents) for one in shipment.parcels) >= CONTENTS_MAX:
        raise Refused("shipment.too_much", f"At most {CONTENTS_MAX} lines in all parcels.", lines_max=CONTENTS_MAX)
    weight_g = shipment.known.weights_g.get(command.sku, 0) * command.units
    now_g = expected_g(shipment, parcel)
    if parcel.weight_max_g and now_g and now_g + weight_g > parcel.weight_max_g:
        raise Refused(
            "shipment.parcel_too_heavy", f"The parcel may weigh {parcel.weight_max_g} g: open another one.",
            parcel=parcel.number, weight_g=now_g + weight_g, weight_max_g=parcel.weight_max_g,
        )  # fmt: skip


def take_out(shipment: Shipment, command: TakeOut) -> list[Event]:
    """Raises Refused `shipment.…`."""
    check_at_station(shipment, "take_out")
    parcel = _open_one(shipment, command.parcel)
    inside = sum(one.units for one in parcel.contents if (one.sku, one.lot) == (command.sku, command.lot))
    if command.units > inside:
        detail = f"{inside} units of that are in the parcel."
        raise Refused("shipment.not_in_parcel", detail, sku=command.sku, lot=command.lot, inside=inside)
    return [UnitsTakenOut(command.parcel, command.sku, command.units, command.lot)]


def close_parcel(shipment: Shipment, command: CloseParcel, context: Context) -> list[Event]:
    """Raises Refused `shipment.…`."""
    check_at_station(shipment, "close_parcel")
    parcel = _open_one(shipment, command.parcel)
    if not parcel.contents:
        raise Refused("shipment.parcel_empty", "There is nothing in it: take the carton away.", parcel=parcel.number)
    if not parcel.sscc and parcel.code:
        # The region's series is used up: with another one the next carton gets a number, this one never does.
        detail = "The parcel got no number, so it gets no label: take all of it out, and pack it into another one."
        raise Refused(parcel.code, detail, parcel=parcel.number)
    if parcel.weight_max_g and command.weight_g > parcel.weight_max_g:
        raise Refused(
            "shipment.parcel_too_heavy", f"The carton may weigh {parcel.weight_max_g} g: take something out.",
            parcel=parcel.number, weight_g=command.weight_g, weight_max_g=parcel.weight_max_g,
        )  # fmt: skip
    expected = expected_g(shipment, parcel)
    off = abs(command.weight_g - expected) if expected else 0
    allowed = max(command.tolerance_g, expected * command.tolerance_percent // 100)
    if off > allowed and not command.despite:
        what = "too much or something else" if command.weight_g > expected else "too little"
        raise Refused(
            "shipment.weight_differs",
            f"Its contents weigh {expected} g by the catalogue, the scale says {command.weight_g} g: {what} may be inside. Look, or say that it is right.",
            parcel=parcel.number, weight_g=command.weight_g, expected_g=expected, allowed_g=allowed,
        )  # fmt: skip
    closed = ParcelClosed(parcel.number, command.weight_g, expected, off > allowed)
    return [closed, *finishing(shipment, context.command_id, parcel.number)]


def reopen_parcel(shipment: Shipment, command: ReopenParcel) -> list[Event]:
    """Also when all is packed, or others have left, of what nobody has a label for: what no carrier takes has to be
    packed otherwise. Raises Refused `shipment.…`."""
    check_stage(shipment, "reopen_parcel", "packing", "packed", "shipped")
    parcel = parcel_of(shipment, command.parcel)
    if not parcel.closed:
        raise Refused("shipment.parcel_open", f"Parcel {parcel.number} is open.", parcel=parcel.number)
    if open_labels([parcel]):
        detail = "It has a label: give that back first."
        raise Refused("shipment.parcel_labelled", detail, parcel=parcel.number)
    return [ParcelReopened(parcel.number)]


def remove_parcel(shipment: Shipment, command: RemoveParcel, context: Context) -> list[Event]:
    """Raises Refused `shipment.…`."""
    check_at_station(shipment, "remove_parcel")
    parcel = _open_one(shipment, command.parcel)
    if parcel.contents:
        detail = "Something is in it: take that out first."
        raise Refused("shipment.parcel_not_empty", detail, parcel=parcel.number)
    if open_labels([parcel]):
        raise Refused("shipment.parcel_labelled", "It has a label: give that back first.", parcel=parcel.number)
    return [ParcelRemoved(parcel.number), *finishing(shipment, context.command_id, parcel.number)]


def tell_missing(shipment: Shipment, command: TellMissing, context: Context) -> list[Event]:
    """Once parcels have left, what is not there stays behind. Raises Refused `shipment.…`."""
    check_at_station(shipment, "tell_missing")
    _check_told(shipment)
    left, lines = left_of(shipment), sorted(command.lines)
    if len(dict(lines)) < len(lines):
        raise Refused("shipment.sku_repeated", "A SKU is named twice.")
    for sku, units in lines:
        room = max(0, left.get(sku, 0))
        if units > room:
            detail = f"{room} units of {sku} are still to be packed."
            raise Refused("shipment.not_missing", detail, sku=sku, left=room)
    lots = missing_lots(shipment, command)
    if shipment.stage == "shipped":
        tracked = {sku for sku, _, _ in lots}
        return [LeftBehind(sorted([*lots, *((sku, "", units) for sku, units in lines if sku not in tracked)]))]
    return [_missing(shipment, lines, context, lots)]


def _check_told(shipment: Shipment) -> None:
    if shipment.telling:
        raise Refused("shipment.missing_asked", "What was told before is being written down: ask again.")


def _missing(shipment: Shipment, lines: list[Units], context: Context, lots: list[LotUnits]) -> MissingAsked:
    """With what the order is taken to hold: it may know of them."""
    held = lines_of(shipment)
    return MissingAsked(
        shipment.location_id, shipment.order_id, shipment.number, lines, context.command_id, held, lots
    )  # fmt: skip


def finishing(shipment: Shipment, command_id: str, closing: int = 0, *, settled: bool = False) -> list[Event]:
    """When all of it is in closed parcels the order is told; a manual one is packed then. See `is_complete`."""
    if shipment.stage != "packing" or not is_complete(shipment, closing, settled=settled):
        return []
    lines = lines_of(shipment)
    again = shipment.reopened
    asked = PackAsked(shipment.location_id, shipment.order_id, shipment.number, lines, command_id, again)
    return [asked, PackNoted(), *all_offered(shipment)] if shipment.manual else [asked]


def finish(shipment: Shipment, context: Context) -> list[Event]:
    """With something left the order is asked whether it holds that at all. Raises Refused `shipment.…`."""
    check_stage(shipment, "finish", "packing")
    _check_told(shipment)
    events = finishing(shipment, context.command_id)
    if may_hold_less(shipment):
        events = [_missing(shipment, [], context, [])]
    if not events:
        left = [(sku, units) for sku, units in left_of(shipment).items()]
        detail = "Not all of it is in closed parcels yet."
        raise Refused("shipment.not_all_packed", detail, left=left[:SHOWN_MAX])
    return events


def _open_one(shipment: Shipment, number: int) -> Parcel:
    parcel = parcel_of(shipment, number)
    if parcel.closed:
        raise Refused("shipment.parcel_closed", f"Parcel {number} is closed: open it again first.", parcel=number)
    return parcel


def known_of(weights_g: dict[str, int], tracked: Sequence[str], hazards: dict[str, str]) -> Known:
    """As commands carry it: only what is known."""
    classes = {sku: one for sku, one in hazards.items() if one}
    return Known({sku: weight for sku, weight in weights_g.items() if weight}, sorted(tracked), classes)
