"""`POST /v1/locations/{location_id}/receipts`: goods came in."""

from __future__ import annotations

from functools import partial

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.inbound_commands import ReceivedGoods
from actors.domain.inbound_receiving import RECEIPT_LINES_MAX, receipt_lines
from actors.domain.location_commands import ReceiptLine, ReceiveStock
from actors.domain.location_views import Changed
from serve.catalogue.known import Catalogue
from serve.context import REQUEST_ID
from serve.judging import judged
from serve.locations.calls import LocationCalls, LocationId, line_value
from serve.locations.schemas import NewReceipt
from serve.openapi import documented
from serve.problems import Problem
from serve.receiving.lines import day_or_none, units_of
from serve.requests import decode

_receipt_decoder = msgspec.json.Decoder(NewReceipt)
_RECEIPT = {
    "reference": "asn-4711",
    "lines": [
        {"sku": "85123A", "quantity": 10, "unit": "case", "bin": "A-01-03", "unit_value": {"amount": 450, "currency": "USD"}},
        {"sku": "HC-50", "quantity": 40, "lot": "L-2026-07", "expires_on": "2026-07-31"},
        {"sku": "HC-50", "quantity": 2, "lot": "L-2026-07", "expires_on": "2026-07-31", "condition": "damaged"},
    ],
}  # fmt: skip


def add(api: APIRouter, calls: LocationCalls) -> None:
    """The routes."""

    @api.post(
        "/v1/locations/{location_id}/receipts",
        summary="Goods came in",
        **documented(Changed, request=NewReceipt, request_example=_RECEIPT, problems=(404, 409, 421)),
    )
    async def receive(location_id: LocationId, request: Request) -> Response:
        """Adds units to the stock on hand, up to 1,000 lines: all or none. What is kept by lot or serial number is
        received by these, in any unit that the catalogue knows. What a supplier has announced is
        received by its inbound."""
        write = await calls.write(request, location_id)
        sent = decode(_receipt_decoder, write.body)
        for position, line in enumerate(sent.lines):
            calls.check_value(line.unit_value, position)
        await calls.known.require([line.sku for line in sent.lines], "/lines/{}/sku", request.scope[REQUEST_ID])
        skus = [line.sku for line in sent.lines]
        lines, refused = await judged(calls.known.judged(partial(_counted, sent), skus, request.scope[REQUEST_ID]))
        command = None if lines is None else ReceiveStock(lines, sent.reference, request.scope[REQUEST_ID])
        return await calls.ask(request, location_id, command, write, refused)


def _counted(sent: NewReceipt, catalogue: Catalogue) -> list[ReceiptLine]:
    """In base units, what has serial numbers one by one. Raises Problem 422."""
    units = units_of(catalogue, sent.lines, "/lines/{}".format)
    counted: list[ReceiptLine] = []
    for line, n in zip(sent.lines, units, strict=True):
        expires_on = day_or_none(line.expires_on)
        goods = ReceivedGoods(line.sku, n, line.condition, line.lot, expires_on, line.bin, line.serials)
        counted.extend(receipt_lines(goods, line_value(line.unit_value)))
    if len(counted) > RECEIPT_LINES_MAX:
        detail = f"A receipt has at most {RECEIPT_LINES_MAX} lines and serial numbers together."
        raise Problem("stock.too_many_lines", detail, extra={"limit": RECEIPT_LINES_MAX})
    return counted
