"""Lots and serial numbers at the pack station: which may go into this shipment, and of which something is missing. The
rules are in `shipment.py`."""

from __future__ import annotations

from actors.domain.allocation import need_of
from actors.domain.errors import Refused
from actors.domain.location_events import Units
from actors.domain.shipment_commands import LotUnits, PackUnits, TellMissing
from actors.domain.shipment_state import SHOWN_MAX, Shipment


def check_lot(shipment: Shipment, command: PackUnits) -> None:
    """What is scanned has to be of a lot that is set aside for this shipment, or that was taken out of it. Raises
    Refused `shipment.no_lots`, `shipment.lot_required`, `shipment.wrong_lot`."""
    sku, lot = command.sku, command.lot
    if sku not in shipment.known.tracked:
        if lot:
            raise _no_lots(sku)
        return
    allotted, inside = _aside(shipment, sku, command.allotted)
    if not lot:
        detail = f"{sku} is kept by lot or serial number: scan that as well."
        raise Refused("shipment.lot_required", detail, sku=sku, allotted=sorted(allotted)[:SHOWN_MAX])
    _check_room(sku, lot, command.units, allotted, inside, "Take one of those that are.")


def _aside(shipment: Shipment, sku: str, allotted: list[Units]) -> tuple[dict[str, int], dict[str, int]]:
    """(units by lot that may be packed, those of them that are). Once parcels have left, that is
    what was taken out since."""
    if shipment.stage == "shipped":
        return {one.lot: one.units for one in shipment.outside if one.sku == sku}, {}
    return dict(allotted), _inside(shipment, sku)


def _no_lots(sku: str) -> Refused:
    return Refused("shipment.no_lots", f"{sku} is not kept by lot: scan it without one.", sku=sku)


def _check_room(sku: str, lot: str, units: int, allotted: dict[str, int], inside: dict[str, int], fix: str) -> None:
    room = max(0, allotted.get(lot, 0) - inside.get(lot, 0))
    if units > room:
        what = f"{room} more units of it are" if lot in allotted else "it is not"
        raise Refused(
            "shipment.wrong_lot", f"{lot} of {sku}: {what} set aside for this shipment. {fix}",
            sku=sku, lot=lot, left=room, allotted=sorted(allotted)[:SHOWN_MAX],
        )  # fmt: skip


def _inside(shipment: Shipment, sku: str) -> dict[str, int]:
    """Units by lot in all parcels."""
    return need_of((one.lot, one.units) for parcel in shipment.parcels for one in parcel.contents if one.sku == sku)


def missing_lots(shipment: Shipment, command: TellMissing) -> list[LotUnits]:
    """Of what is told as missing, which lots: those that are named, or else those that are set aside and in no parcel,
    if it can be no others. Where nothing is set aside nobody knows. Raises Refused `shipment.no_lots`,
    `shipment.lot_required`, `shipment.wrong_lot`, `shipment.sku_repeated`."""
    if len({(sku, lot) for sku, lot, _ in command.lots}) < len(command.lots):
        raise Refused("shipment.sku_repeated", "A lot is named twice.")
    out: list[LotUnits] = []
    for sku, units in command.lines:
        named = [(lot, n) for of, lot, n in command.lots if of == sku]
        if sku not in shipment.known.tracked:
            if named:
                raise _no_lots(sku)
            continue
        allotted = [(lot, n) for of, lot, n in command.allotted if of == sku]
        out += [(sku, lot, n) for lot, n in _lots(shipment, sku, units, named, allotted)]
    return sorted(out)


def _lots(shipment: Shipment, sku: str, units: int, named: list[Units], allotted: list[Units]) -> list[Units]:
    aside, inside = _aside(shipment, sku, allotted)
    taken = dict(named)
    for lot, n in named:
        _check_room(sku, lot, n, aside, inside, "Name one that is missing.")
    rest = units - sum(n for _, n in named)
    others = [(lot, left) for lot, n in aside.items() if (left := n - inside.get(lot, 0) - taken.get(lot, 0)) > 0]
    if rest <= 0 or not others:
        return named
    if len(others) > 1 and sum(left for _, left in others) > rest:
        detail = f"It is not clear which {rest} units of {sku}: name the lot or serial number, or pack those that are there first."
        raise Refused("shipment.lot_required", detail, sku=sku, allotted=sorted(lot for lot, _ in others)[:SHOWN_MAX])
    found = [(lot, min(left, rest)) for lot, left in others]
    return [*need_of([*named, *found]).items()]
