"""What arrives at the destination of a transfer, and what never does. The rules are in `transfer.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.domain import transfer_for_order
from actors.domain.allocation import need_of
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.location_events import Condition
from actors.domain.location_lots import today
from actors.domain.transfer_commands import (
    CloseTransfer,
    DestinationReceived,
    FoundLine,
    ReceivedLine,
    ReceiveUnits,
)
from actors.domain.transfer_events import (
    ArrivedUnits,
    Event,
    ReceiptBooked,
    ReceiptRefused,
    RestReleased,
    TransferClosed,
    UnitsArrived,
)
from actors.domain.transfer_sending import check_sku, check_step, ending, in_transit, outcome_of, package_of, rest_of
from actors.domain.transfer_state import Package, Packed, Transfer, check_reach, totals_of

# Receipts that the destination has not answered.
RECEIPTS_MAX = 100
# Lots and serial numbers of one receipt: the destination writes down each of them in one turn,
# for which all others wait.
LOTS_MAX = 2_000


# --- decide ---------------------------------------------------------------------------------------------------------
def receive(transfer: Transfer, command: ReceiveUnits, context: Context) -> list[Event]:
    """Raises Refused `transfer.…`."""
    check_reach(command.within, transfer.destination_id)
    check_step(transfer, "receive", context)
    taking = _Taking(transfer, context)
    for name in command.packages:
        taking.whole(name)
    for line in command.lines:
        taking.units(line)
    arrived = [*taking.arrived, *_found(transfer, command.found, context)]
    if not arrived:
        raise Refused("transfer.nothing_named", "Name packages, lines or what was found.")
    lots = sum(1 for one in arrived if one.lot)
    if lots > LOTS_MAX:
        detail = (
            f"These are {lots} lots and serial numbers: receive them in parts, by lines of at most {LOTS_MAX} each."
        )
        raise Refused("transfer.too_many_lots", detail, lots=lots, limit=LOTS_MAX)
    if len(transfer.receipts) >= RECEIPTS_MAX:
        raise Refused("transfer.receipts_waiting", "The destination has many receipts to write down: try again.")
    return [_receipt(transfer, arrived)]


def _receipt(transfer: Transfer, arrived: list[ArrivedUnits]) -> UnitsArrived:
    cause = transfer_for_order.cause_of(transfer)
    return UnitsArrived(transfer.destination_id, transfer.next_receipt, transfer.reference, arrived, cause)


class _Taking:
    """Takes units out of packages, while a receipt is decided."""

    def __init__(self, transfer: Transfer, context: Context) -> None:
        self.arrived: list[ArrivedUnits] = []
        self._transfer = transfer
        self._today = today(context)
        # (package, line within it) -> units taken by this receipt
        self._taken: dict[tuple[int, int], int] = {}
        # package -> SKU, and SKU and lot -> where within it: of packages with thousands of numbers each line is
        # looked up, and not looked for.
        self._places: dict[int, dict[tuple[str, ...], list[int]]] = {}

    def whole(self, name: str) -> None:
        """All that is still to come of a package, as it was sent."""
        package = _named(self._transfer, name)
        took = sum(self._take(package, at, one.quantity, "sellable", "") for at, one in enumerate(package.lines))
        if not took:
            detail = f"Nothing is to come of package {name} any more."
            raise Refused("transfer.package_received", detail, package=name, package_status=package.status)

    def units(self, line: ReceivedLine) -> None:
        """Of one SKU, from whichever package has them."""
        check_sku(self._transfer, line.sku)
        left = line.quantity
        packages = [_named(self._transfer, line.package)] if line.package else self._transfer.packages
        wanted = (line.sku, line.lot) if line.lot else (line.sku,)
        for package in packages:
            for at in self._places_in(package).get(wanted, ()):
                if not left:
                    break
                left -= self._take(package, at, left, line.condition, line.bin)
        if left:
            there = line.quantity - left
            detail = f"Of {line.sku} {there} more units were sent, {line.quantity} came: name the others as found."
            raise Refused("transfer.more_than_sent", detail, sku=line.sku, lot=line.lot, in_transit=there)

    def _places_in(self, package: Package) -> dict[tuple[str, ...], list[int]]:
        found = self._places.get(package.number)
        if found is None:
            found = self._places[package.number] = {}
            for at, one in enumerate(package.lines):
                found.setdefault((one.sku,), []).append(at)
                if one.lot:
                    found.setdefault((one.sku, one.lot), []).append(at)
        return found

    def _take(self, package: Package, at: int, wanted: int, condition: Condition, bin_id: str) -> int:
        one, key = package.lines[at], (package.number, at)
        units = min(wanted, one.open - self._taken.get(key, 0)) if package.status == "on_the_way" else 0
        if units <= 0:
            return 0
        self._taken[key] = self._taken.get(key, 0) + units
        held = _on_hold(condition, one.expires_on, self._today)
        self.arrived.append(
            ArrivedUnits(package.number, one.sku, units, one.lot, one.expires_on, one.serial, held, bin_id)
        )
        return units


def _on_hold(condition: Condition, expires_on: int | None, day: int) -> Condition:
    """What has ended on the road is not to be sold, and the location refuses it as sellable."""
    ended = expires_on is not None and expires_on < day
    return "quality_hold" if ended and condition == "sellable" else condition


def _named(transfer: Transfer, name: str) -> Package:
    for package in transfer.packages:
        if name in (package.sscc, str(package.number)) and package.status != "stayed":
            if package.status == "leaving":
                detail = f"The source has not yet taken package {name} off its books: try again."
                raise Refused("transfer.package_leaving", detail, package=name)
            return package
    raise Refused("transfer.package_unknown", f"There is no package {name}.", package=name)


def _found(transfer: Transfer, found: Sequence[FoundLine], context: Context) -> Iterable[ArrivedUnits]:
    sent = {(one.sku, one.lot): one for package in transfer.packages for one in package.lines}
    for line in found:
        check_sku(transfer, line.sku)
        known = sent.get((line.sku, line.lot), Packed(line.sku, 0, line.lot))
        expires_on = line.expires_on if line.expires_on is not None else known.expires_on
        held = _on_hold(line.condition, expires_on, today(context))
        yield ArrivedUnits(
            0, line.sku, line.quantity, line.lot, expires_on, known.serial or line.serial, held, line.bin
        )


def answered(transfer: Transfer, command: DestinationReceived) -> list[Event]:
    """The destination's answer."""
    arrived = transfer.receipts.get(command.receipt)
    if arrived is None:
        return []
    if command.code:
        return [ReceiptRefused(command.receipt, command.code)]
    booked: list[Event] = [ReceiptBooked(command.receipt)]
    received = need_of((one.sku, one.quantity) for one in arrived if one.package)
    if not received:
        return booked
    booked.append(in_transit(transfer, {sku: -units for sku, units in received.items()}))
    totals = totals_of(transfer)
    return [*booked, *ending(transfer, totals._replace(received=totals.received + sum(received.values())))]


def close(transfer: Transfer, command: CloseTransfer, context: Context) -> list[Event]:
    """Raises Refused `transfer.…`."""
    check_reach(command.within, transfer.source_id, transfer.destination_id)
    check_step(transfer, "close", context)
    totals = totals_of(transfer)
    if totals.leaving or transfer.receipts:
        raise Refused("transfer.books_open", "A location has something to write down yet: try again.")
    lost, missing = need_of(command.lost), {sku: line.in_transit for sku, line in transfer.lines.items()}
    if lost != {sku: units for sku, units in missing.items() if units}:
        shown = dict([(sku, units) for sku, units in missing.items() if units][:50])
        detail = "Name as lost just what is on the road: all of it, and nothing else."
        raise Refused("transfer.lost_differs", detail, in_transit=shown)
    found = list(_found(transfer, command.found, context))
    events: list[Event] = []
    if totals.to_go:
        events.append(RestReleased(transfer.source_id, rest_of(transfer)))
    if lost:
        events.append(in_transit(transfer, {sku: -units for sku, units in lost.items()}))
    if found:
        events.append(_receipt(transfer, found))
    after = totals._replace(lost=totals.lost + sum(lost.values()))
    return [*events, TransferClosed(outcome_of(after), sorted(lost.items()), command.cause)]


# --- evolve ---------------------------------------------------------------------------------------------------------
def arrived(transfer: Transfer, event: UnitsArrived) -> None:
    """Takes note of the event."""
    transfer.receipts[event.receipt] = event.lines
    transfer.next_receipt = event.receipt + 1
    packed = _packed(transfer, event.lines)
    for one in event.lines:
        if one.package:
            packed[one.package, one.sku, one.lot].arriving += one.quantity


def booked(transfer: Transfer, event: ReceiptBooked) -> None:
    """Takes note of the event."""
    lines = transfer.receipts.pop(event.receipt)
    packed = _packed(transfer, lines)
    for one in lines:
        line = transfer.lines[one.sku]
        if not one.package:
            line.found += one.quantity
            continue
        line.received += one.quantity
        line.damaged += one.quantity if one.condition != "sellable" else 0
        there = packed[one.package, one.sku, one.lot]
        there.arriving -= one.quantity
        there.received += one.quantity
    for number in _packages_in(lines):
        package = package_of(transfer, number)
        if all(each.received == each.quantity for each in package.lines):
            package.status = "arrived"


def not_booked(transfer: Transfer, event: ReceiptRefused) -> None:
    """Takes note of the event."""
    transfer.code = event.code
    lines = transfer.receipts.pop(event.receipt)
    packed = _packed(transfer, lines)
    for one in lines:
        if one.package:
            packed[one.package, one.sku, one.lot].arriving -= one.quantity


def closed(transfer: Transfer, event: TransferClosed) -> None:
    """Takes note of the event."""
    transfer.stage, transfer.outcome, transfer.sending = "closed", event.outcome, False
    for sku, units in event.lost:
        transfer.lines[sku].lost += units
    for package in transfer.packages:
        if package.status == "on_the_way":
            package.status = "lost"


def _packages_in(lines: Iterable[ArrivedUnits]) -> list[int]:
    return sorted({one.package for one in lines if one.package})


def _packed(transfer: Transfer, lines: Sequence[ArrivedUnits]) -> dict[tuple[int, str, str], Packed]:
    """By (package, SKU, lot), of the packages that these are from: one look at each line, be
    there thousands of numbers."""
    found: dict[tuple[int, str, str], Packed] = {}
    for number in _packages_in(lines):
        for one in package_of(transfer, number).lines:
            found.setdefault((number, one.sku, one.lot), one)
    return found
