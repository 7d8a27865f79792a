"""`/v1/locations/{location_id}/floor/marks`: when work is told to be late."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.floor_service import MarksView, ServiceMarks, SetMarks, ViewMarks
from actors.domain.floor_views import Changed
from serve.floor.calls import FloorCalls, changed_decoder
from serve.floor.schemas import FloorMarks, FloorMarksView
from serve.locations.calls import LocationId
from serve.openapi import documented
from serve.requests import decode
from serve.responses import ok

_marks_decoder = msgspec.json.Decoder(FloorMarks)
_view_decoder = msgspec.json.Decoder(MarksView)
_MARKS = {"warn_percent": 50, "urgent_percent": 80, "raise_by": 100}
_VIEW = {
    "location_id": "us-wh-seattle", "version": 812, "marks": _MARKS, "at_risk": {"warn": 4, "urgent": 1, "breach": 0},
}  # fmt: skip


def add(api: APIRouter, calls: FloorCalls) -> None:
    """The routes."""

    @api.put(
        "/v1/locations/{location_id}/floor/marks",
        summary="Say when work is told to be late",
        **documented(
            Changed, request=FloorMarks, request_example=_MARKS, example={"location_id": "us-wh-seattle", "version": 813},
            problems=(403, 404, 421),
        ),
    )  # fmt: skip
    async def put(location_id: LocationId, request: Request) -> Response:
        """Work that has used up these shares of the time to its due time is told on live streams, and raised; so it is
        when it is due and not picked. What was told is not told again."""
        write = await calls.write(request, location_id)
        sent = decode(_marks_decoder, write.body)
        command = SetMarks(ServiceMarks(sent.warn_percent, sent.urgent_percent, sent.raise_by))
        return ok(changed_decoder.decode(await calls.ask(request, location_id, command, write)))

    @api.get(
        "/v1/locations/{location_id}/floor/marks",
        summary="When work is told to be late, and how much is",
        **documented(FloorMarksView, example=_VIEW, problems=(403, 404, 421, 422)),
    )
    async def read(location_id: LocationId, request: Request) -> Response:
        """From the floor itself."""
        told = _view_decoder.decode(await calls.view(request, location_id, ViewMarks(location_id)))
        marks = FloorMarks(told.marks.warn_percent, told.marks.urgent_percent, told.marks.raise_by)
        return ok(FloorMarksView(told.location_id, told.version, marks, told.at_risk))
