"""`GET /v1/live`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from serve.callers import check_may
from serve.context import PRINCIPAL, Receive, Scope, Send
from serve.live.hub import KINDS, LiveChange, LiveHub, LiveStream
from serve.openapi import EVENT_STREAM, documented
from serve.problems import Problem
from serve.services import Services


class _LiveResponse(StreamingResponse):
    """Leaves the hub however the response ends."""

    def __init__(self, hub: LiveHub, stream: LiveStream, seconds: float | None) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(hub.frames(stream, seconds), media_type=EVENT_STREAM, headers=headers)
        self._hub = hub
        self._live_stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._hub.leave(self._live_stream)


def router(services: Services) -> APIRouter:
    """The route with its services."""
    api = APIRouter(tags=["live"])

    @api.get(
        "/v1/live",
        summary="Follow changes of orders and stock",
        **documented(LiveChange, media_type=EVENT_STREAM, problems=(422, 429)),
    )
    async def follow(
        request: Request,
        kinds: Annotated[
            str, Query(max_length=100, description="comma-separated: order, location, floor, collection, figures")
        ] = "order,location,floor",
        last_event_id: Annotated[str | None, Header(max_length=200)] = None,
    ) -> StreamingResponse:
        """Server-sent events: `order` and `location`, `floor` (work that is late, or will be), and for who asks for them `collection` (what a store has to do something about) and `figures` (each
        minute of a location and of the region, as `GET /v1/figures` has it); a comment every 15 seconds, and `reconnect` after 10 minutes.

        A stream begins with what happens next. `Last-Event-ID` is taken but nothing is repeated: read what you follow once after
        connecting. A client that reads too slowly is dropped.
        """
        wanted = frozenset(kind.strip() for kind in kinds.split(","))
        if not wanted <= KINDS:
            detail = f"kinds may be {' and '.join(sorted(KINDS))}."
            raise Problem("request.parameter_invalid", detail, errors=[{"parameter": "kinds", "detail": detail}])
        principal = request.scope.get(PRINCIPAL)
        if "figures" in wanted:
            check_may(request.scope, "figures.read")
        if principal is None:
            return _LiveResponse(services.live, services.live.join(wanted), None)
        # It ends with its token, or its session; whoever still has rights comes back with a new one.
        left_s = max(1.0, principal.expires_s - services.clock.now_ms() / 1000)
        stream = services.live.join(wanted, principal.session_id, principal.locations, principal.device_session)
        return _LiveResponse(services.live, stream, left_s)

    return api
