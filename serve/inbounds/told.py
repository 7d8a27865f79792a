"""Inbounds as callers are told of them."""

from __future__ import annotations

from actors.domain.inbound_commands import PackedGoods
from actors.domain.inbound_views import (
    InboundLineView,
    InboundPackageView,
    InboundReceiptView,
    InboundView,
    ReceiptAnswer,
    ReceivedLineView,
)
from actors.domain.money import Money
from actors.domain.times import moment
from actors.runtime.read_model import InboundSummary
from serve.days import date_of
from serve.inbounds.schemas import (
    InboundDetail,
    InboundLine,
    InboundPackage,
    InboundPackedUnits,
    InboundReceipt,
    InboundReceivedUnits,
    ListedInbound,
    ReceiptResult,
)


def detail(view: InboundView) -> InboundDetail:
    """All of it."""
    return InboundDetail(
        view.inbound_id, view.version, view.status, view.outcome, view.location_id, view.supplier_ref, view.purchase_ref, view.asn_ref,
        view.tolerance_percent, moment(view.announced_at_ms), moment(view.updated_at_ms), moment(view.expected_at_ms), view.allowed,
        [_line(line) for line in view.lines], [_package(package) for package in view.packages],
        [_receipt(receipt) for receipt in view.receipts], view.discrepancies,
    )  # fmt: skip


def result(answer: ReceiptAnswer) -> ReceiptResult:
    """Of one receipt."""
    return ReceiptResult(answer.inbound_id, answer.version, answer.status, _receipt(answer.receipt))


def listed(inbound: InboundSummary) -> ListedInbound:
    """In a list."""
    return ListedInbound(
        inbound.inbound_id, inbound.version, inbound.status, inbound.outcome, inbound.location_id,  # type: ignore[arg-type]
        inbound.supplier_ref, inbound.purchase_ref, inbound.asn_ref, inbound.line_count, inbound.package_count,
        inbound.announced, inbound.received, inbound.remaining, moment(inbound.announced_at), moment(inbound.expected_at),
    )  # fmt: skip


def _line(line: InboundLineView) -> InboundLine:
    value = None if line.unit_value is None else Money(*line.unit_value)
    return InboundLine(
        line.line, line.sku, line.announced, line.remaining, line.arriving, line.received, line.over, line.under, line.unexpected,
        line.damaged, line.quality_hold, value,
    )  # fmt: skip


def _package(package: InboundPackageView) -> InboundPackage:
    lines = [_packed(goods) for goods in package.lines]
    return InboundPackage(package.sscc, package.status, package.receipt or None, lines)


def _packed(goods: PackedGoods) -> InboundPackedUnits:
    expires_on = None if goods.expires_on is None else date_of(goods.expires_on)
    return InboundPackedUnits(goods.sku, goods.units, goods.lot, expires_on, goods.serials)


def _receipt(receipt: InboundReceiptView) -> InboundReceipt:
    return InboundReceipt(
        receipt.receipt, receipt.status, receipt.code, receipt.detail, receipt.reference, moment(receipt.received_at_ms),
        receipt.packages, [_received(line) for line in receipt.lines],
    )  # fmt: skip


def _received(line: ReceivedLineView) -> InboundReceivedUnits:
    expires_on = None if line.expires_on is None else date_of(line.expires_on)
    return InboundReceivedUnits(
        line.sku, line.units, line.outcome, line.over, line.condition, line.lot, expires_on, line.bin, line.serials
    )
