"""What may be asked about an inbound, and what is answered. The rules are in `inbound.py`."""

from __future__ import annotations

from typing import Literal

import msgspec

from actors.domain.inbound_commands import PackedGoods
from actors.domain.inbound_events import ArrivedGoods, Discrepancy, Outcome
from actors.domain.inbound_state import (
    Inbound,
    InboundStatus,
    Line,
    Package,
    PackageStatus,
    Receipt,
    ReceiptStatus,
    allowed_steps,
    check_reach,
    in_order,
    status_of,
    unknown,
)
from actors.domain.location_events import Condition

# What a line of a receipt turned out to be; "" while the location has not answered.
LineOutcome = Literal["expected", "over", "unexpected", "damaged", ""]


class ViewInbound(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for all of it. `within`: the locations that the rights reach, empty for the whole region."""

    inbound_id: str
    within: list[str] = []


# --- answers --------------------------------------------------------------------------------------------------------
class InboundStatusView(msgspec.Struct, frozen=True, gc=False):
    """The answer to all commands but receipts. `allowed`: what may be done now."""

    inbound_id: str
    version: int
    status: InboundStatus
    outcome: Outcome | Literal[""]
    allowed: list[str]


class InboundLineView(msgspec.Struct, frozen=True, gc=False):
    """One SKU, in units: see `Line`. `under`: what never came, once it is closed."""

    line: int
    sku: str
    announced: int
    remaining: int
    arriving: int
    received: int
    over: int
    under: int
    unexpected: int
    damaged: int
    quality_hold: int
    unit_value: tuple[int, str] | None


class InboundPackageView(msgspec.Struct, frozen=True, gc=False):
    """One package. `receipt`: 0 while it has not come."""

    sscc: str
    status: PackageStatus
    receipt: int
    lines: list[PackedGoods]


class ReceivedLineView(msgspec.Struct, frozen=True, gc=False):
    """One line of a receipt. `over`: of its units, those beyond what was announced.
    expires_on: days since 1970-01-01."""

    sku: str
    units: int
    outcome: LineOutcome
    over: int
    condition: Condition
    lot: str
    expires_on: int | None
    bin: str
    serials: list[str]


class InboundReceiptView(msgspec.Struct, frozen=True, gc=False):
    """One receipt. `code`, `detail`: why the location refused it, "" when it did not."""

    receipt: int
    status: ReceiptStatus
    code: str
    detail: str
    reference: str
    received_at_ms: int
    packages: list[str]
    lines: list[ReceivedLineView]


class ReceiptAnswer(msgspec.Struct, frozen=True, gc=False):
    """The answer to a receipt: first while it is `booking`, and then what the location has made of it."""

    inbound_id: str
    version: int
    status: InboundStatus
    receipt: InboundReceiptView


class InboundView(msgspec.Struct, frozen=True, gc=False):
    """All of an inbound. See `Inbound`."""

    inbound_id: str
    version: int
    status: InboundStatus
    outcome: Outcome | Literal[""]
    location_id: str
    supplier_ref: str
    purchase_ref: str
    asn_ref: str
    tolerance_percent: int
    announced_at_ms: int
    updated_at_ms: int
    expected_at_ms: int
    allowed: list[str]
    lines: list[InboundLineView]
    packages: list[InboundPackageView]
    receipts: list[InboundReceiptView]
    discrepancies: list[Discrepancy]


def status_view(inbound_id: str, state: Inbound, version: int) -> InboundStatusView:
    """How far it is."""
    return InboundStatusView(inbound_id, version, status_of(state), state.outcome, allowed_steps(state))


def receipt_answer(inbound_id: str, state: Inbound, version: int, number: int) -> ReceiptAnswer:
    """What came of a receipt."""
    receipt = _receipt(state, number, state.receipts[number])
    return ReceiptAnswer(inbound_id, version, status_of(state), receipt)


def view(state: Inbound | None, query: ViewInbound, version: int) -> msgspec.Struct:
    """All of it. Raises Refused `inbound.unknown`, `inbound.location_forbidden`."""
    if state is None:
        raise unknown()
    check_reach(query.within, state.location_id)
    return InboundView(
        query.inbound_id, version, status_of(state), state.outcome, state.location_id, state.supplier_ref, state.purchase_ref,
        state.asn_ref, state.tolerance_percent, state.announced_at_ms, state.updated_at_ms, state.expected_at_ms, allowed_steps(state),
        [_line(sku, line, state) for sku, line in in_order(state.lines)],
        [_package(sscc, package) for sscc, package in state.packages.items()],
        [_receipt(state, number, receipt) for number, receipt in state.receipts.items()], state.discrepancies,
    )  # fmt: skip


def _line(sku: str, line: Line, inbound: Inbound) -> InboundLineView:
    under = line.remaining if inbound.ended == "closed" else 0
    return InboundLineView(
        line.number, sku, line.units, 0 if inbound.ended else line.remaining, line.arriving, line.received, line.over, under,
        line.unexpected, line.damaged, line.quality_hold, line.value,
    )  # fmt: skip


def _package(sscc: str, package: Package) -> InboundPackageView:
    return InboundPackageView(sscc, package.status, package.receipt, package.lines)


def _receipt(inbound: Inbound, number: int, receipt: Receipt) -> InboundReceiptView:
    booked = receipt.status == "booked"
    lines = [_received(inbound, one, receipt.over[at] if booked else 0, booked) for at, one in enumerate(receipt.lines)]
    return InboundReceiptView(
        number, receipt.status, receipt.code, receipt.detail, receipt.reference, receipt.at_ms, receipt.packages, lines
    )


def _received(inbound: Inbound, one: ArrivedGoods, over: int, booked: bool) -> ReceivedLineView:
    announced = inbound.lines[one.sku].number > 0
    outcome: LineOutcome = _outcome(one, over, announced) if booked else ""
    return ReceivedLineView(
        one.sku, one.units, outcome, over if announced else 0, one.condition, one.lot, one.expires_on, one.bin, one.serials
    )  # fmt: skip


def _outcome(one: ArrivedGoods, over: int, announced: bool) -> LineOutcome:
    if one.condition == "damaged":
        return "damaged"
    if not announced:
        return "unexpected"
    return "over" if over else "expected"
