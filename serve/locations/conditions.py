"""Goods on hand that are found damaged, are held, or are good again.

Whoever works on the floor may take goods out of sale; that they may be sold again is a manager's to say, with a fresh
second factor: so these are two endpoints.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.location_commands import ChangeCondition, ConditionLine
from actors.domain.location_views import Changed
from serve.context import REQUEST_ID
from serve.locations.calls import LocationCalls, LocationId
from serve.locations.floor_schemas import ConditionChange, QualityRelease
from serve.openapi import documented
from serve.requests import Write, decode

_change_decoder = msgspec.json.Decoder(ConditionChange)
_release_decoder = msgspec.json.Decoder(QualityRelease)
_CHANGE = {"reference": "water-3", "lines": [{"sku": "85123A", "quantity": 2, "now": "damaged"}]}
_RELEASE = {"reference": "qa-81", "lines": [{"sku": "HC-50", "quantity": 24, "was": "quality_hold", "lot": "L-7"}]}


def add(api: APIRouter, calls: LocationCalls) -> None:
    """The routes."""

    async def change(
        location_id: str, request: Request, lines: Iterable[ConditionLine], reference: str, write: Write
    ) -> Response:
        command = ChangeCondition([*lines], reference, request.scope[REQUEST_ID])
        await calls.known.require([line.sku for line in command.lines], "/lines/{}/sku", request.scope[REQUEST_ID])
        return await calls.ask(request, location_id, command, write)

    @api.post(
        "/v1/locations/{location_id}/conditions",
        summary="Take goods out of sale",
        **documented(Changed, request=ConditionChange, request_example=_CHANGE, problems=(404, 409, 421)),
    )
    async def set_aside(location_id: LocationId, request: Request) -> Response:
        """They are damaged, or held until somebody has looked at them; they stay on hand, and nobody is promised any.
        What is promised already stays so."""
        write = await calls.write(request, location_id)
        sent = decode(_change_decoder, write.body)
        lines = [ConditionLine(line.sku, line.quantity, line.was, line.now, line.lot) for line in sent.lines]
        return await change(location_id, request, lines, sent.reference, write)

    @api.post(
        "/v1/locations/{location_id}/quality-releases",
        summary="Put goods back on sale",
        **documented(Changed, request=QualityRelease, request_example=_RELEASE, problems=(404, 409, 421)),
    )
    async def release(location_id: LocationId, request: Request) -> Response:
        """Somebody has looked at them: what was damaged or held is sellable again."""
        write = await calls.write(request, location_id)
        sent = decode(_release_decoder, write.body)
        lines = [ConditionLine(line.sku, line.quantity, line.was, "sellable", line.lot) for line in sent.lines]
        return await change(location_id, request, lines, sent.reference, write)
