"""What leaves the source of a transfer, and what does not. The rules are in `transfer.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from actors.domain import gs1
from actors.domain.allocation import need_of
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.location_events import Units
from actors.domain.times import DAY_MS
from actors.domain.transfer_commands import DispatchPackages, NewPackage, SourceShipped, StopSending, TellMissing
from actors.domain.transfer_events import (
    Event,
    InTransitChanged,
    LeavingPackage,
    Outcome,
    PackageLeft,
    PackagesDispatched,
    PackageStayed,
    RestReleased,
    TransferClosed,
    UnitsMissing,
)
from actors.domain.transfer_for_order import cause_of
from actors.domain.transfer_state import (
    Package,
    Packed,
    Totals,
    Transfer,
    allowed_steps,
    check_reach,
    on_the_road,
    status_of,
    totals_of,
)

PACKAGES_MAX = 500
# Of all packages together: it is all kept in one state.
PACKED_LINES_MAX = 5_000
# Five years.
AHEAD_MAX_MS = 5 * 366 * DAY_MS


def check_step(transfer: Transfer, step: str, context: Context) -> None:
    """Raises Refused `transfer.illegal_transition`."""
    allowed = allowed_steps(transfer)
    if step not in allowed:
        status = status_of(transfer)
        raise Refused(
            "transfer.illegal_transition", f"`{step}` is not possible while the transfer is {status}.",
            transfer_id=context.entity_id, step=step, status=status, allowed=allowed,
        )  # fmt: skip


def check_moment(expected_at_ms: int | None, context: Context) -> None:
    """Raises Refused `transfer.expected_in_past`, `transfer.expected_too_late`."""
    if expected_at_ms is None:
        return
    if expected_at_ms <= context.now_ms:
        raise Refused("transfer.expected_in_past", "It can only be expected at a time that is yet to come.")
    if expected_at_ms > context.now_ms + AHEAD_MAX_MS:
        raise Refused("transfer.expected_too_late", "It can be expected within five years.")


def rest_of(transfer: Transfer) -> list[Units]:
    """What is allocated and has neither left nor is leaving."""
    return [(sku, line.to_go) for sku, line in transfer.lines.items() if line.to_go]


# --- decide ---------------------------------------------------------------------------------------------------------
def dispatch(transfer: Transfer, command: DispatchPackages, context: Context) -> list[Event]:
    """Raises Refused `transfer.…`, `barcode.…`."""
    check_reach(command.within, transfer.source_id)
    check_step(transfer, "dispatch", context)
    check_moment(command.expected_at_ms, context)
    expected_at_ms = command.expected_at_ms or transfer.expected_at_ms
    if expected_at_ms is None:
        raise Refused("transfer.expected_at_missing", "Say when it is expected: nobody has yet.")
    _check_packages(transfer, command.packages)
    first = len(transfer.packages) + 1
    leaving = [
        LeavingPackage(number, package.sscc, sorted(need_of(package.lines).items()))
        for number, package in enumerate(command.packages, first)
    ]
    check_to_go(transfer, [line for package in leaving for line in package.lines])
    return [PackagesDispatched(transfer.source_id, leaving, expected_at_ms)]


def check_to_go(transfer: Transfer, lines: Iterable[Units]) -> None:
    """Raises Refused `transfer.sku_not_in`, `transfer.not_allocated`."""
    for sku, units in need_of(lines).items():
        check_sku(transfer, sku)
        to_go = transfer.lines[sku].to_go
        if units > to_go:
            detail = f"{to_go} units of {sku} are allocated and have not left."
            raise Refused("transfer.not_allocated", detail, sku=sku, to_go=to_go)


def check_sku(transfer: Transfer, sku: str) -> None:
    """Raises Refused `transfer.sku_not_in`."""
    if sku not in transfer.lines:
        raise Refused("transfer.sku_not_in", f"{sku} is not part of the transfer.", sku=sku)


def _check_packages(transfer: Transfer, packages: Sequence[NewPackage]) -> None:
    known = {package.sscc for package in transfer.packages if package.status != "stayed"}
    for package in packages:
        if not package.sscc:
            continue
        gs1.checked(package.sscc, (gs1.SSCC_DIGITS,))
        if package.sscc in known:
            raise Refused("transfer.package_repeated", f"Package {package.sscc} is there already.", sscc=package.sscc)
        known.add(package.sscc)
    packed = sum(len(one.lines) for one in transfer.packages) + sum(len(one.lines) for one in packages)
    if len(transfer.packages) + len(packages) > PACKAGES_MAX or packed > PACKED_LINES_MAX:
        detail = f"At most {PACKAGES_MAX} packages with {PACKED_LINES_MAX} lines."
        raise Refused("transfer.too_many_packages", detail, packages_max=PACKAGES_MAX, lines_max=PACKED_LINES_MAX)


def shipped(transfer: Transfer, command: SourceShipped) -> list[Event]:
    """The source's answer. What it refuses to ship can go once more, or stays there when nothing more is sent."""
    package = package_of(transfer, command.package)
    if package.status != "leaving":
        return []
    if not command.code:
        changes = need_of((one.sku, one.quantity) for one in command.lines)
        return [PackageLeft(command.package, command.lines), in_transit(transfer, changes)]
    stayed = PackageStayed(command.package, command.code)
    if transfer.sending:
        return [stayed]
    lines = [(one.sku, one.quantity) for one in package.lines]
    totals = totals_of(transfer)
    after = totals._replace(leaving=totals.leaving - sum(units for _, units in lines))
    return [stayed, RestReleased(transfer.source_id, lines), *ending(transfer, after)]


def tell_missing(transfer: Transfer, command: TellMissing, context: Context) -> list[Event]:
    """Raises Refused `transfer.…`."""
    check_reach(command.within, transfer.source_id)
    check_step(transfer, "short_pick", context)
    lines = sorted(need_of(command.lines).items())
    check_to_go(transfer, lines)
    totals = totals_of(transfer)
    after = totals._replace(to_go=totals.to_go - sum(units for _, units in lines))
    return [UnitsMissing(transfer.source_id, lines, command.cause), *ending(transfer, after)]


def stop_sending(transfer: Transfer, command: StopSending, context: Context) -> list[Event]:
    """Raises Refused `transfer.…`."""
    check_reach(command.within, transfer.source_id)
    check_step(transfer, "stop_sending", context)
    after = totals_of(transfer)._replace(to_go=0)
    return [RestReleased(transfer.source_id, rest_of(transfer)), *ending(transfer, after)]


def in_transit(transfer: Transfer, changes: Mapping[str, int], *, left: bool = False) -> InTransitChanged:
    """What the destination has to expect, once these units per SKU are added to what is on the road. What comes for an
    order is allocated to it as it comes in: nobody else can count on it, and the destination expects none of it. left:
    the order has just left it, so it is anybody's."""
    # Nothing has left before it was said when it is expected.
    expected_at_ms = transfer.expected_at_ms or 0
    kept = bool(cause_of(transfer)) and not left
    lines = [] if kept else on_the_road(transfer, dict(changes))
    return InTransitChanged(transfer.destination_id, transfer.revision + 1, expected_at_ms, lines)


def ending(transfer: Transfer, after: Totals) -> list[Event]:
    """It closes by itself once all that left is in the books of the destination and nothing more will leave."""
    if after.to_go or after.leaving or after.in_transit:
        return []
    return [TransferClosed(outcome_of(after))]


def outcome_of(after: Totals) -> Outcome:
    """What it came to."""
    if not after.dispatched:
        return "nothing_available"
    if after.lost:
        return "with_loss"
    return "complete" if after.received == after.wanted else "partial"


# --- evolve ---------------------------------------------------------------------------------------------------------
def package_of(transfer: Transfer, number: int) -> Package:
    """The package with that number, which there is."""
    return transfer.packages[number - 1]


def dispatched(transfer: Transfer, event: PackagesDispatched) -> None:
    """Takes note of the event."""
    transfer.expected_at_ms = event.expected_at_ms
    for leaving in event.packages:
        for sku, units in leaving.lines:
            transfer.lines[sku].leaving += units
        # Of which lots it is, the source says.
        packed = [Packed(sku, units) for sku, units in leaving.lines]
        transfer.packages.append(Package(leaving.number, leaving.sscc, packed))


def left(transfer: Transfer, event: PackageLeft) -> None:
    """Takes note of the event."""
    package = package_of(transfer, event.number)
    package.status = "on_the_way"
    package.lines = [Packed(one.sku, one.quantity, one.lot, one.expires_on, one.serial) for one in event.lines]
    for one in event.lines:
        line = transfer.lines[one.sku]
        line.leaving -= one.quantity
        line.dispatched += one.quantity


def stayed(transfer: Transfer, event: PackageStayed) -> None:
    """Takes note of the event."""
    package = package_of(transfer, event.number)
    package.status, transfer.code = "stayed", event.code
    for one in package.lines:
        transfer.lines[one.sku].leaving -= one.quantity


def released(transfer: Transfer, event: RestReleased) -> None:
    """Takes note of the event."""
    transfer.sending = False
    for sku, units in event.lines:
        transfer.lines[sku].released += units
