"""What arrives of an inbound, compared with what was announced. The rules are in `inbound.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from actors.domain.errors import Refused
from actors.domain.inbound_commands import PackedGoods, ReceivedGoods, ReceivedPackage, ReceiveGoods
from actors.domain.inbound_events import ArrivedGoods, GoodsReceived
from actors.domain.inbound_state import Inbound, Line, Receipt
from actors.domain.kind import Context
from actors.domain.location_commands import ReceiptLine

# Lines that a location takes in one turn, serial numbers counted too.
RECEIPT_LINES_MAX = 2_000
# Of all receipts of an inbound together, and receipts: it is all kept in one state.
KEPT_LINES_MAX = 10_000
RECEIPTS_MAX = 1_000
# Of receipts that the location refused, so many are remembered.
REFUSED_KEPT_MAX = 20


def received(inbound: Inbound, command: ReceiveGoods, context: Context) -> GoodsReceived:
    """Raises Refused `inbound.…`."""
    came = [*_in_packages(inbound, command.packages), *command.lines]
    if not came:
        raise Refused("inbound.nothing_named", "Name packages or lines that came.")
    _check_announced(inbound, command, came)
    arrived = [
        ArrivedGoods(
            one.sku, one.units, one.condition, one.lot, one.expires_on, one.bin, one.serials, _value(inbound, one.sku)
        )
        for one in came
    ]
    _check_size(inbound, arrived)
    return GoodsReceived(
        inbound.location_id, inbound.next_receipt, command.reference or inbound.asn_ref or inbound.purchase_ref,
        [package.sscc for package in command.packages], arrived, context.command_id,
    )  # fmt: skip


def _in_packages(inbound: Inbound, packages: Sequence[ReceivedPackage]) -> Iterator[ReceivedGoods]:
    named = set[str]()
    for one in packages:
        if one.sscc in named:
            raise Refused("inbound.package_repeated", f"Package {one.sscc} is named twice.", sscc=one.sscc)
        named.add(one.sscc)
        package = inbound.packages.get(one.sscc)
        if package is None:
            detail = f"Package {one.sscc} was not announced: receive it by its lines."
            raise Refused("inbound.package_unknown", detail, sscc=one.sscc)
        if package.receipt:
            detail = f"Package {one.sscc} came with receipt {package.receipt}."
            raise Refused("inbound.package_received", detail, sscc=one.sscc, receipt=package.receipt)
        if one.lines is None:
            yield from (_as_announced(goods, one.bin) for goods in package.lines)
        else:
            yield from one.lines


def _as_announced(goods: PackedGoods, bin_id: str) -> ReceivedGoods:
    return ReceivedGoods(goods.sku, goods.units, "sellable", goods.lot, goods.expires_on, bin_id, goods.serials)


def _check_announced(inbound: Inbound, command: ReceiveGoods, came: Iterable[ReceivedGoods]) -> None:
    """Raises Refused `inbound.unexpected`, `inbound.over`."""
    sums: dict[str, int] = {}
    for one in came:
        sums[one.sku] = sums.get(one.sku, 0) + one.units
    for sku, units in sums.items():
        line = inbound.lines.get(sku)
        if line is None or not line.number:
            if not command.accept_unexpected:
                detail = f"{sku} was not announced. Say `accept_unexpected` to take it."
                raise Refused("inbound.unexpected", detail, sku=sku, units=units)
        elif not command.accept_over:
            _check_over(inbound, sku, line, units)


def _check_over(inbound: Inbound, sku: str, line: Line, units: int) -> None:
    came = line.received + line.arriving + units
    if came > line.units + line.units * inbound.tolerance_percent // 100:
        detail = (
            f"{came} units of {sku} would have come, and {line.units} were announced. Say `accept_over` to take them."
        )
        raise Refused(
            "inbound.over", detail, sku=sku, line=line.number, announced=line.units, came_before=came - units, units=units,
            tolerance_percent=inbound.tolerance_percent,
        )  # fmt: skip


def _value(inbound: Inbound, sku: str) -> tuple[int, str] | None:
    line = inbound.lines.get(sku)
    return None if line is None else line.value


def _check_size(inbound: Inbound, arrived: Iterable[ArrivedGoods]) -> None:
    entries = entries_of(arrived)
    if entries > RECEIPT_LINES_MAX:
        detail = f"A receipt has at most {RECEIPT_LINES_MAX} lines and serial numbers together: receive it in parts."
        raise Refused("inbound.receipt_too_large", detail, lines_max=RECEIPT_LINES_MAX)
    kept = [receipt for receipt in inbound.receipts.values() if receipt.status != "refused"]
    if len(kept) >= RECEIPTS_MAX or sum(entries_of(one.lines) for one in kept) + entries > KEPT_LINES_MAX:
        detail = (
            f"An inbound has at most {RECEIPTS_MAX} receipts with {KEPT_LINES_MAX} lines together: announce another."
        )
        raise Refused("inbound.too_many_receipts", detail, receipts_max=RECEIPTS_MAX, lines_max=KEPT_LINES_MAX)


def entries_of(arrived: Iterable[ArrivedGoods]) -> int:
    """Lines, of which each serial number is one."""
    return sum(len(one.serials) or 1 for one in arrived)


def receipt_lines(goods: ReceivedGoods | ArrivedGoods, value: tuple[int, str] | None) -> Iterator[ReceiptLine]:
    """As a location takes them: units with serial numbers one by one."""
    if not goods.serials:
        yield ReceiptLine(goods.sku, goods.units, value, goods.lot, goods.expires_on, goods.condition, goods.bin)
    for serial in goods.serials:
        yield ReceiptLine(goods.sku, 1, value, serial, goods.expires_on, goods.condition, goods.bin, serial=True)


def forget_refused(receipts: dict[int, Receipt]) -> None:
    """Of those that the location refused, the latest are kept."""
    refused = [number for number, receipt in receipts.items() if receipt.status == "refused"]
    for number in refused[:-REFUSED_KEPT_MAX]:
        del receipts[number]
