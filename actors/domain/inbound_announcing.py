"""What is announced to come, and what changes of it. The rules are in `inbound.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from actors.domain import gs1
from actors.domain.errors import Refused
from actors.domain.inbound_commands import AnnouncedLine, AnnouncedPackage, AnnounceInbound, ChangeInbound, PackedGoods
from actors.domain.inbound_events import InboundAnnounced, InboundChanged
from actors.domain.inbound_receiving import RECEIPT_LINES_MAX
from actors.domain.inbound_state import Inbound, Line, announce, copied
from actors.domain.kind import Context
from actors.domain.times import DAY_MS

LINES_MAX = 1_000
PACKAGES_MAX = 500
# Of all packages together, serial numbers counted too: it is all kept in one state.
PACKED_LINES_MAX = 5_000
# Nobody announces goods for later than that; and a clock has an end.
AHEAD_MAX_MS = 5 * 366 * DAY_MS


def announced(command: AnnounceInbound, context: Context) -> InboundAnnounced:
    """Raises Refused `inbound.…`, `barcode.…`."""
    check_moment(command.expected_at_ms, context)
    lines = _with({}, command.lines, [])
    _check_packages(lines, {}, command.packages)
    return InboundAnnounced(
        command.location_id, command.expected_at_ms, command.lines, command.packages, command.supplier_ref, command.purchase_ref,
        command.asn_ref, command.tolerance_percent,
    )  # fmt: skip


def changed(inbound: Inbound, command: ChangeInbound, context: Context) -> tuple[InboundChanged, dict[str, Line]]:
    """The event, and the lines after it. Raises Refused `inbound.…`, `barcode.…`."""
    if command.expected_at_ms is not None:
        check_moment(command.expected_at_ms, context)
    lines = _with(inbound.lines, command.lines, command.removed)
    if command.packages is None:
        _check_fits(lines, [one for package in inbound.packages.values() for one in package.lines])
    else:
        came = {sscc: package.lines for sscc, package in inbound.packages.items() if package.receipt}
        _check_packages(lines, came, command.packages)
    expected_at_ms = inbound.expected_at_ms if command.expected_at_ms is None else command.expected_at_ms
    return InboundChanged(expected_at_ms, command.lines, command.removed, command.packages), lines


def check_moment(expected_at_ms: int, context: Context) -> None:
    """Raises Refused `inbound.expected_in_past`, `inbound.expected_too_late`."""
    if expected_at_ms <= context.now_ms:
        raise Refused("inbound.expected_in_past", "It can only be expected at a time that is yet to come.")
    if expected_at_ms > context.now_ms + AHEAD_MAX_MS:
        raise Refused("inbound.expected_too_late", "It can be expected within five years.")


def _with(known: Mapping[str, Line], added: Sequence[AnnouncedLine], removed: Sequence[int]) -> dict[str, Line]:
    """The lines as they would be."""
    _check_once(added)
    by_number = {line.number: (sku, line) for sku, line in known.items() if line.number}
    for number in removed:
        if number not in by_number:
            raise Refused("inbound.line_unknown", f"There is no line {number}.", line=number)
    for number in [*removed, *(one.number for one in added)]:
        if number in by_number and by_number[number][1].touched:
            raise Refused("inbound.line_received", f"Goods of line {number} have come already.", line=number)
    lines = copied(known)
    announce(lines, (), [*removed, *(one.number for one in added)])
    for one in added:
        if one.sku in lines:
            raise Refused(
                "inbound.sku_repeated", f"{one.sku} is there already.", sku=one.sku, line=lines[one.sku].number
            )
    announce(lines, added)
    if not 0 < sum(1 for line in lines.values() if line.number) <= LINES_MAX:
        raise Refused("inbound.lines_number", f"An inbound has 1 to {LINES_MAX} lines.", lines_max=LINES_MAX)
    return lines


def _check_once(added: Sequence[AnnouncedLine]) -> None:
    numbers, skus = set[int](), set[str]()
    for one in added:
        if one.number in numbers:
            raise Refused("inbound.line_repeated", f"Line {one.number} is named twice.", line=one.number)
        if one.sku in skus:
            raise Refused("inbound.sku_repeated", f"{one.sku} is named twice.", sku=one.sku, line=one.number)
        numbers.add(one.number)
        skus.add(one.sku)


def _check_packages(
    lines: Mapping[str, Line], came: Mapping[str, list[PackedGoods]], packages: Sequence[AnnouncedPackage]
) -> None:
    """`came`: those that stay as they are."""
    known = set(came)
    for package in packages:
        gs1.checked(package.sscc, (gs1.SSCC_DIGITS,))
        if package.sscc in known:
            raise Refused("inbound.package_repeated", f"Package {package.sscc} is there already.", sscc=package.sscc)
        known.add(package.sscc)
        _check_size(package)
    packed = [*came.values(), *(package.lines for package in packages)]
    entries = sum(entries_in(inside) for inside in packed)
    if len(packed) > PACKAGES_MAX or entries > PACKED_LINES_MAX:
        detail = f"At most {PACKAGES_MAX} packages with {PACKED_LINES_MAX} lines and serial numbers together."
        raise Refused("inbound.too_many_packages", detail, packages_max=PACKAGES_MAX, lines_max=PACKED_LINES_MAX)
    _check_fits(lines, [one for inside in packed for one in inside])


def _check_size(package: AnnouncedPackage) -> None:
    if entries_in(package.lines) > RECEIPT_LINES_MAX:
        detail = f"Package {package.sscc} has more than {RECEIPT_LINES_MAX} lines and serial numbers: announce its lines alone."
        raise Refused("inbound.package_too_large", detail, sscc=package.sscc, lines_max=RECEIPT_LINES_MAX)


def entries_in(packed: Iterable[PackedGoods]) -> int:
    """Lines, of which each serial number is one."""
    return sum(len(one.serials) or 1 for one in packed)


def _check_fits(lines: Mapping[str, Line], packed: Iterable[PackedGoods]) -> None:
    """Nothing is in packages that is not announced. Raises Refused `inbound.sku_not_announced`,
    `inbound.package_exceeds`."""
    sums: dict[str, int] = {}
    for one in packed:
        sums[one.sku] = sums.get(one.sku, 0) + one.units
    for sku, units in sums.items():
        line = lines.get(sku)
        if line is None or not line.number:
            raise Refused("inbound.sku_not_announced", f"{sku} is in a package and in no line.", sku=sku)
        if units > line.units:
            detail = f"{units} units of {sku} are in packages, and {line.units} are announced."
            raise Refused("inbound.package_exceeds", detail, sku=sku, packed=units, announced=line.units)
