"""`GET /v1/locations`, `PUT /v1/locations/{location_id}`: which places there are."""

from __future__ import annotations

import zoneinfo
from functools import cache

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.ids import LOCATION_PATTERN
from actors.domain.location_commands import OpenLocation
from actors.domain.location_views import Changed
from actors.domain.rows import LocationRow
from serve.limits import PAGE_MAX
from serve.locations.calls import LocationCalls, LocationId
from serve.locations.schemas import LocationPage, LocationView, Particulars
from serve.openapi import documented
from serve.paging import Cursor, Limit
from serve.problems import Problem, field_problem
from serve.requests import decode
from serve.responses import ok

_particulars_decoder = msgspec.json.Decoder(Particulars)
_PARTICULARS = {
    "type": "warehouse", "name": "Seattle", "city": "Kent", "country": "US", "lat": 47.38, "lon": -122.23,
    "timezone": "America/Los_Angeles",
}  # fmt: skip


@cache
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def add(api: APIRouter, calls: LocationCalls) -> None:
    """The routes."""

    @api.put(
        "/v1/locations/{location_id}",
        summary="Open or change a location",
        **documented(Changed, request=Particulars, request_example=_PARTICULARS, problems=(404, 421)),
    )
    async def put(location_id: LocationId, request: Request) -> Response:
        """Makes a warehouse or store known. Its id is the region, a dash and a name of lower-case
        letters, digits and dashes."""
        if location_id.startswith(f"{calls.territory.region}-") and not LOCATION_PATTERN.fullmatch(location_id):
            detail = (
                "After the region and a dash: 1 to 63 lower-case letters, digits or dashes, not beginning with a dash."
            )
            raise Problem("location.id_invalid", detail, errors=[{"parameter": "location_id", "detail": detail}])
        write = await calls.write(request, location_id)
        sent = decode(_particulars_decoder, write.body)
        if sent.timezone not in _timezones():
            raise field_problem("body.invalid", f"There is no time zone {sent.timezone}.", "/timezone")
        command = OpenLocation(sent.type, sent.name, sent.city, sent.country, sent.lat, sent.lon, sent.timezone)
        return await calls.ask(request, location_id, command, write)

    services = calls.services

    @api.get("/v1/locations", summary="Warehouses and stores", **documented(LocationPage, problems=(400, 422)))
    async def listed(
        cursor: Cursor = None,
        limit: Limit = PAGE_MAX,
    ) -> Response:
        """The places of the region, from memory."""
        after = services.cursors.open("locations", cursor) or ""
        rows = [row for row in services.index.places.all() if row.location_id > after]
        page = rows[:limit]
        more = services.cursors.seal("locations", page[-1].location_id) if len(rows) > limit else None
        return ok(LocationPage([_view(row) for row in page], more))


def _view(row: LocationRow) -> LocationView:
    return LocationView(
        row.location_id, row.type, row.name, row.city, row.country, row.lat, row.lon, row.timezone  # type: ignore[arg-type]
    )  # fmt: skip
