"""`/v1/locations/{location_id}/floor`: whether a building's floor runs its picking, and how."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.floor_terms import FloorTerms
from actors.domain.location_commands import RunFloor
from actors.domain.location_floor import ViewContents
from actors.domain.location_views import Changed
from actors.domain.pick_layout import Layout, Point
from actors.domain.wave_terms import Limits
from serve.context import ENTITY_ID
from serve.floor.calls import FloorCalls
from serve.floor.schemas import AisleAt, FloorLayout, FloorSettings, FloorSwitch, Spot, TripLimits
from serve.locations.calls import LocationId
from serve.openapi import documented
from serve.problems import field_problem
from serve.requests import decode
from serve.responses import ok

_switch_decoder = msgspec.json.Decoder(FloorSwitch)
_LAYOUT = {
    "aisles": [{"aisle": 1, "x_dm": 20}, {"aisle": 2, "x_dm": 60}], "cross_aisles_y_dm": [0, 300],
    "start": {"x_dm": 0, "y_dm": 0}, "end": {"x_dm": 0, "y_dm": 0},
}  # fmt: skip
_LIMITS = {"lines": 40, "units": 200, "weight_g": 150_000, "volume_ml": 400_000, "totes": 12}
_SWITCH = {"enabled": True, "limits": _LIMITS, "layout": _LAYOUT}
_SETTINGS = {"location_id": "us-wh-seattle"} | _SWITCH


def add(api: APIRouter, calls: FloorCalls) -> None:
    """The routes."""

    @api.put(
        "/v1/locations/{location_id}/floor",
        summary="Let the floor run picking, or not",
        **documented(Changed, request=FloorSwitch, request_example=_SWITCH, problems=(404, 421)),
    )
    async def put(location_id: LocationId, request: Request) -> Response:
        """From now on what orders are allocated here goes into the floor's queue. Switched off, nothing more does;
        what is in it is finished."""
        write = await calls.locations.write(request, location_id)
        sent = decode(_switch_decoder, write.body)
        terms = FloorTerms(limits_of(sent.limits), _layout_of(sent.layout)) if sent.enabled else None
        return await calls.locations.ask(request, location_id, RunFloor(terms), write)

    @api.get(
        "/v1/locations/{location_id}/floor",
        summary="Whether the floor runs picking",
        **documented(FloorSettings, example=_SETTINGS, problems=(404, 421, 422)),
    )
    async def read(location_id: LocationId, request: Request) -> Response:
        """As the location has it now."""
        request.scope[ENTITY_ID] = location_id
        calls.locations.territory.check_location(location_id)
        terms = (await calls.contents(request, location_id, ViewContents(location_id, []))).terms
        if terms is None:
            return ok(FloorSettings(location_id, enabled=False, limits=None, layout=None))
        limits = TripLimits(*msgspec.structs.astuple(terms.limits))
        return ok(FloorSettings(location_id, enabled=True, limits=limits, layout=_shown(terms.layout)))


def limits_of(limits: TripLimits) -> Limits:
    """As the domain has them."""
    return Limits(*msgspec.structs.astuple(limits))


def _layout_of(layout: FloorLayout) -> Layout:
    """Raises Problem 422."""
    aisles = {one.aisle: one.x_dm for one in layout.aisles}
    if len(aisles) < len(layout.aisles):
        raise field_problem("floor.aisle_repeated", "An aisle is named twice.", "/layout/aisles")
    start, end = Point(layout.start.x_dm, layout.start.y_dm), Point(layout.end.x_dm, layout.end.y_dm)
    return Layout(aisles, tuple(layout.cross_aisles_y_dm), start, end)


def _shown(layout: Layout) -> FloorLayout:
    aisles = [AisleAt(aisle, x_dm) for aisle, x_dm in sorted(layout.aisle_x_dm.items())]
    start, end = layout.start, layout.end
    return FloorLayout(aisles, list(layout.cross_y_dm), Spot(start.x_dm, start.y_dm), Spot(end.x_dm, end.y_dm))
