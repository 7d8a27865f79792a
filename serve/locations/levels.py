"""`PUT /v1/locations/{location_id}/levels`: what stock is steered by."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from msgspec.structs import asdict
from starlette.responses import Response

from actors.domain.location_commands import SetLevels
from actors.domain.location_events import Levels
from actors.domain.location_views import Changed
from serve.context import REQUEST_ID
from serve.locations.calls import LocationCalls, LocationId
from serve.locations.demand import check_period
from serve.locations.demand_schemas import rate_of
from serve.locations.floor_schemas import LevelChange, NewLevels
from serve.openapi import documented
from serve.problems import field_problem
from serve.requests import decode

_change_decoder = msgspec.json.Decoder(LevelChange)
_CHANGE = {
    "levels": [
        {"sku": "85123A", "safety_stock": 8, "reorder_point": 40, "buffers": {"online": 2}},
        {
            "sku": "HC-50",
            "reorder_point": 12,
            "demand": {"units_per_day": 1.25, "from": "2025-12-02", "until": "2026-03-01"},
        },
    ]
}


def add(api: APIRouter, calls: LocationCalls) -> None:
    """The routes."""

    @api.put(
        "/v1/locations/{location_id}/levels",
        summary="Set safety stock, reorder points, buffers and demand",
        **documented(Changed, request=LevelChange, request_example=_CHANGE, problems=(404, 421)),
    )
    async def put(location_id: LocationId, request: Request) -> Response:
        """Of up to 1,000 SKUs. Promises that were made already are kept, even where less stays back
        then than is said here."""
        write = await calls.write(request, location_id)
        sent = decode(_change_decoder, write.body)
        _check(sent.levels)
        await calls.known.require([one.sku for one in sent.levels], "/levels/{}/sku", request.scope[REQUEST_ID])
        levels = [
            Levels(
                one.sku,
                one.safety_stock,
                one.reorder_point,
                None if one.buffers is None else asdict(one.buffers),
                None if one.demand is None else rate_of(one.demand),
            )
            for one in sent.levels
        ]
        return await calls.ask(request, location_id, SetLevels(levels, request.scope[REQUEST_ID]), write)


def _check(levels: list[NewLevels]) -> None:
    """Raises Problem 422."""
    seen: set[str] = set()
    for position, one in enumerate(levels):
        if one.sku in seen:
            raise field_problem("stock.sku_repeated", f"{one.sku} is named twice.", f"/levels/{position}/sku")
        seen.add(one.sku)
        if one.safety_stock is None and one.reorder_point is None and one.buffers is None and one.demand is None:
            raise field_problem("stock.change_empty", "Nothing is to be changed.", f"/levels/{position}")
        if one.demand is not None:
            check_period(one.demand, f"/levels/{position}/demand")
