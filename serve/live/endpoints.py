"""`GET /v1/live`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

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
            str, Query(max_length=100, description="comma-separated: order, location, collection")
        ] = "order,location",
        last_event_id: Annotated[str | None, Header(max_length=200)] = None,
    ) -> StreamingResponse:
        """Server-sent events: `order`, `location` and (when asked for) `collection`, a comment every 15 seconds, and `reconnect` after 10 minutes.

        A stream begins with what happens next. `Last-Event-ID` is taken but nothing is repeated: read what you follow once after
        connecting. A client that reads too slowly is dropped.
        """
        wanted = frozenset(kind.strip() for kind in kinds.split(","))
        if not wanted <= KINDS:
            detail = f"kinds may be {' and '.join(sorted(KINDS))}."
            raise Problem("request.parameter_invalid", detail, errors=[{"parameter": "kinds", "detail": detail}])
        principal = request.scope.get(PRINCIPAL)
        if principal is None:
            return _LiveResponse(services.live, services.live.join(wanted), None)
        # It ends with its token, or its session; whoever still has rights comes back with a new one.
        left_s = max(1.0, principal.expires_s - services.clock.now_ms() / 1000)
        stream = services.live.join(wanted, principal.session_id, principal.locations, principal.device_session)
        return _LiveResponse(services.live, stream, left_s)

    return api
