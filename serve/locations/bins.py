"""`/v1/locations/{location_id}/bins`: the numbered places of a building, and what lies in them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.location_commands import DefineBins, RemoveBins
from actors.domain.location_events import Bin
from actors.domain.location_views import BinView, Changed, LocationBinsView, ViewBins
from serve.context import REQUEST_ID
from serve.limits import PAGE_DEFAULT
from serve.locations.calls import LocationCalls, LocationId
from serve.locations.floor_schemas import BinDefinitions, BinPage, BinUnits, ListedBin, NewBin
from serve.openapi import KEY_PARAMETER, documented
from serve.paging import Cursor, Limit
from serve.requests import decode
from serve.responses import ok

BinInPath = Annotated[str, Path(max_length=32, pattern=r"^[A-Z0-9][A-Z0-9-]{0,31}$", description="e.g. A-01-03")]
_definitions_decoder = msgspec.json.Decoder(BinDefinitions)
_bins_decoder = msgspec.json.Decoder(LocationBinsView)
_DEFINITIONS = {
    "bins": [
        {"bin_id": "A-01-03", "zone": "A", "aisle": 1, "rack": 3, "level": 1, "x_dm": 40, "y_dm": 95, "units_max": 60},
        {"bin_id": "DOCK-1", "zone": "dock", "aisle": 0, "rack": 1, "level": 0, "use": "dock"},
    ]
}


def add(api: APIRouter, calls: LocationCalls) -> None:
    """The routes."""
    _add_writes(api, calls)
    cursors = calls.services.cursors

    @api.get(
        "/v1/locations/{location_id}/bins",
        summary="Bins of a location and what lies in them",
        **documented(BinPage, problems=(400, 404, 421, 422)),
    )
    async def listed(
        location_id: LocationId,
        request: Request,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """By id, from the location's actor: every acknowledged change is in it."""
        calls.territory.check_location(location_id)
        scope = f"bins\0{location_id}"
        after = cursors.open(scope, cursor) or ""
        told = await calls.view(location_id, ViewBins(location_id, after, limit), request.scope[REQUEST_ID])
        page = _bins_decoder.decode(told)
        more = cursors.seal(scope, page.next_after) if page.next_after else None
        return ok(BinPage(page.location_id, page.version, [_listed(one) for one in page.bins], more))


def _add_writes(api: APIRouter, calls: LocationCalls) -> None:
    @api.put(
        "/v1/locations/{location_id}/bins",
        summary="Define bins",
        **documented(Changed, request=BinDefinitions, request_example=_DEFINITIONS, problems=(404, 409, 421)),
    )
    async def define(location_id: LocationId, request: Request) -> Response:
        """Makes bins known or changes what is known of them, up to 1,000 a call and 200,000 a location: all or none.
        What is left out is as at first."""
        write = await calls.write(request, location_id)
        sent = decode(_definitions_decoder, write.body)
        bins = [Bin(*msgspec.structs.astuple(one)) for one in sent.bins]
        return await calls.ask(request, location_id, DefineBins(bins), write)

    @api.delete(
        "/v1/locations/{location_id}/bins/{bin_id}",
        summary="Take a bin away",
        **documented(Changed, problems=(400, 404, 408, 409, 413, 415, 421, 422)),
        openapi_extra={"parameters": [KEY_PARAMETER]},
    )
    async def remove(location_id: LocationId, bin_id: BinInPath, request: Request) -> Response:
        """An empty one only."""
        write = await calls.bare_write(request, location_id, bin_id)
        return await calls.ask(request, location_id, RemoveBins([bin_id]), write)


def _listed(one: BinView) -> ListedBin:
    contents = [BinUnits(inside.sku, inside.lot, inside.units) for inside in one.contents]
    return ListedBin(NewBin(*msgspec.structs.astuple(one.bin)), contents)
