"""Goods are put away, moved, taken out; and where they should be put."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from actors.domain.article import Details
from actors.domain.location_commands import MoveLine, MoveUnits
from actors.domain.location_room import Room, RoomView, ViewRoom
from actors.domain.location_views import Changed
from actors.domain.put_away import Arrival, BinRoom, place, rank
from actors.runtime.errors import StoreUnavailable
from serve.availability.index import AvailabilityIndex
from serve.context import REQUEST_ID
from serve.limits import UNITS_MAX
from serve.locations.calls import LocationCalls, LocationId
from serve.locations.floor_schemas import MoveOrder, PutAwaySuggestions, SuggestedPlace
from serve.openapi import documented
from serve.problems import Problem
from serve.requests import decode
from serve.responses import ok

_order_decoder = msgspec.json.Decoder(MoveOrder)
_room_decoder = msgspec.json.Decoder(RoomView)
_ORDER = {
    "reference": "asn-4711",
    "lines": [
        {"sku": "85123A", "quantity": 48, "to_bin": "A-01-03"},
        {"sku": "HC-50", "quantity": 6, "from_bin": "A-02-01", "to_bin": "B-01-01", "lot": "L-7"},
    ],
}
_WORD = r"^[^\x00-\x1f\x7f-\x9f]*$"
SkuAsked = Annotated[str, Query(min_length=1, max_length=64, pattern=_WORD, description="what is to be put away")]
LotAsked = Annotated[str, Query(max_length=64, pattern=_WORD, description="its lot or serial number; empty for none")]


def add(api: APIRouter, calls: LocationCalls) -> None:
    """The routes."""

    @api.post(
        "/v1/locations/{location_id}/moves",
        summary="Put away or move goods",
        **documented(Changed, request=MoveOrder, request_example=_ORDER, problems=(404, 409, 421)),
    )
    async def move(location_id: LocationId, request: Request) -> Response:
        """From bin to bin, into one from where goods arrive, or out of one into somebody's hands. No count changes by
        it; the ledger tells of each."""
        write = await calls.write(request, location_id)
        sent = decode(_order_decoder, write.body)
        await calls.known.require([line.sku for line in sent.lines], "/lines/{}/sku", request.scope[REQUEST_ID])
        lines = [MoveLine(line.sku, line.quantity, line.from_bin, line.to_bin, line.lot) for line in sent.lines]
        return await calls.ask(request, location_id, MoveUnits(lines, sent.reference, request.scope[REQUEST_ID]), write)

    @api.get(
        "/v1/locations/{location_id}/put-away-suggestions",
        summary="Where goods should be put",
        **documented(PutAwaySuggestions, problems=(404, 421, 422)),
    )
    async def suggestions(
        location_id: LocationId,
        request: Request,
        sku: SkuAsked,
        units: Annotated[int, Query(ge=1, le=UNITS_MAX, description="how many, in base units")],
        lot: LotAsked = "",
    ) -> Response:
        """With the reason for each place: where the same lot lies already, else an empty bin, the nearer to the dock
        the more often the SKU is shipped."""
        calls.territory.check_location(location_id)
        cause = request.scope[REQUEST_ID]
        index = calls.services.index
        await _require_sku(calls, sku, cause)
        details = index.details(sku)
        arrival = Arrival(sku, lot, units, volume_ml(details), details.temperature, details.hazard_class)
        at, of = rank(await _shipments(calls, location_id), sku)
        query = ViewRoom(
            location_id, sku, arrival.temperature, arrival.hazard, lot, units, arrival.unit_volume_ml, at, of
        )
        view = _room_decoder.decode(await calls.view(location_id, query, cause))
        same, empty = ([_bin_room(room, index) for room in rooms] for rooms in (view.same, view.empty))
        found = place(arrival, same, empty, fitting=view.fitting, more=view.more)
        places = [SuggestedPlace(one.bin_id or None, one.units, one.reason) for one in found]
        return ok(PutAwaySuggestions(location_id, sku, lot, places, view.fitting))


async def _require_sku(calls: LocationCalls, sku: str, cause: str) -> None:
    """Raises Problem 422, of the parameter."""
    try:
        await calls.known.require([sku], "{}", cause)
    except Problem as problem:
        if problem.code == "sku.unknown":
            problem.errors = [{"parameter": "sku", "detail": problem.detail}]
        raise


async def _shipments(calls: LocationCalls, location_id: str) -> Mapping[str, int]:
    try:
        return await calls.services.read_model.recent_shipments(location_id)
    except StoreUnavailable:
        # Goods have to be put somewhere nevertheless: all SKUs are alike then.
        return {}


def volume_ml(details: Details) -> int:
    """Of one unit, rounded up; 0 when it is not known."""
    return -(-details.length_mm * details.width_mm * details.height_mm // 1000)


def _bin_room(room: Room, index: AvailabilityIndex) -> BinRoom:
    volume = sum(one.units * volume_ml(index.details(one.sku)) for one in room.inside)
    holds = tuple((one.sku, one.lot) for one in room.inside)
    return BinRoom.of(room.bin, room.units, volume, holds)
