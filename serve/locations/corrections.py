"""`POST /v1/locations/{location_id}/adjustments`: what the books say is corrected."""

from __future__ import annotations

from functools import partial

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.location_commands import AdjustmentLine, AdjustStock
from actors.domain.location_views import Changed
from serve.approvals.asking import ask_approval, needs_approval
from serve.approvals.schemas import AskedApproval
from serve.context import REQUEST_ID
from serve.judging import judged
from serve.locations.calls import LocationCalls, LocationId, line_value
from serve.locations.kept import FoundGoods, require_kept
from serve.locations.schemas import NewAdjustment
from serve.openapi import documented
from serve.problems import field_problem
from serve.requests import decode

_adjustment_decoder = msgspec.json.Decoder(NewAdjustment)
_ADJUSTMENT = {
    "reference": "count-12",
    "lines": [
        {"sku": "85123A", "quantity": -2, "reason": "damage", "safety_stock": 5},
        {"sku": "HC-50", "quantity": -1, "reason": "loss", "lot": "L-7", "bin": "A-01-03"},
    ],
}


def add(api: APIRouter, calls: LocationCalls) -> None:
    """The routes."""

    @api.post(
        "/v1/locations/{location_id}/adjustments",
        summary="Correct the stock",
        **documented(
            Changed,
            request=NewAdjustment,
            request_example=_ADJUSTMENT,
            problems=(404, 409, 421),
            accepted=AskedApproval,
            headers={202: ["Location"]},
        ),
    )
    async def adjust(location_id: LocationId, request: Request) -> Response:
        """Corrects stock on hand and safety stock: all lines or none. What is promised can't be taken away. More units
        than one person may correct are answered with 202: nothing is changed until somebody else approves it."""
        write = await calls.write(request, location_id)
        sent = decode(_adjustment_decoder, write.body)
        for position, line in enumerate(sent.lines):
            if line.quantity == 0 and line.safety_stock is None:
                detail = "quantity is 0 and no safety_stock is given."
                raise field_problem("stock.change_empty", detail, f"/lines/{position}/quantity")
            calls.check_value(line.unit_value, position)
        await calls.known.require([line.sku for line in sent.lines], "/lines/{}/sku", request.scope[REQUEST_ID])
        gains = [
            FoundGoods(line.sku, line.lot, line.quantity, f"/lines/{position}")
            for position, line in enumerate(sent.lines)
            if line.quantity > 0
        ]
        _, refused = await judged(require_kept(calls, partial(_here, location_id), gains, request.scope[REQUEST_ID]))
        lines = [
            AdjustmentLine(
                line.sku, line.quantity, line.reason, line_value(line.unit_value), line.safety_stock, line.lot,
                line.condition, line.bin,
            )
            for line in sent.lines
        ]  # fmt: skip
        command = AdjustStock(lines, sent.reference, request.scope[REQUEST_ID])
        if needs_approval(calls.services, command):
            await calls.require(location_id, request.scope[REQUEST_ID])
            return await ask_approval(calls.services, request, location_id, location_id, command, write, refused)
        return await calls.ask(request, location_id, None if refused else command, write, refused)


async def _here(location_id: str) -> str:
    return location_id
