"""`GET /v1/live`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from serve.at_once import cut_off
from serve.callers import check_may
from serve.context import PRINCIPAL, Receive, Scope, Send
from serve.live.hub import KINDS, RECONNECT, LiveChange, LiveHub, LiveStream
from serve.openapi import EVENT_STREAM, documented
from serve.problems import Problem, parameter_problem
from serve.services import Services


class _LiveResponse(StreamingResponse):
    """Leaves the hub however the response ends. Last words wait until what was sent before has been read: a client that
    reads nothing is cut off `grace_s` after the end of its stream, or it would keep its place for ever. `may_follow`:
    may the client be told any more?"""

    def __init__(
        self, hub: LiveHub, stream: LiveStream, seconds: float | None, grace_s: float, may_follow: Callable[[], bool]
    ) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        frames = _while(may_follow, stream, hub.frames(stream, seconds))
        super().__init__(frames, media_type=EVENT_STREAM, headers=headers)
        self._hub = hub
        self._live_stream = stream
        self._longest_s = hub.longest_s(seconds)
        self._grace_s = grace_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream, now = self._live_stream, asyncio.get_running_loop().time
        latest = now() + self._longest_s + self._grace_s
        patience = asyncio.timeout_at(latest)

        def hurry() -> None:
            if not patience.expired():
                patience.reschedule(min(latest, now() + self._grace_s))

        try:
            async with patience:
                stream.ended = hurry
                if stream.last_words:  # between its beginning and here
                    hurry()
                await self._hub.begun(stream)
                await super().__call__(scope, receive, send)
        except TimeoutError:
            if not patience.expired():
                raise
            cut_off(scope)
        finally:
            stream.ended = None
            self._hub.leave(stream)


async def _while(
    may_follow: Callable[[], bool], stream: LiveStream, frames: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """The frames, as long as that holds: looked at before each is sent, so nothing more is told, and the stream ends
    with its next frame."""
    async with aclosing(frames):  # type: ignore[type-var]
        async for frame in frames:
            if not may_follow():
                stream.end(RECONNECT)
                yield RECONNECT
                return
            yield frame


def router(services: Services) -> APIRouter:
    """The route with its services."""
    api = APIRouter(tags=["live"])
    grace_s = services.settings.live_grace_s

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
        last_event_id: Annotated[
            str | None, Header(max_length=200, description="taken, and nothing is repeated")
        ] = None,
    ) -> StreamingResponse:
        """Server-sent events: `order` and `location`, `floor` (work that is late, or will be), and for who asks for
        them `collection` (what a store has to do something about) and `figures` (each minute of a location and of the
        region, as `GET /v1/figures` has it); a comment every 15 seconds, and `reconnect` after 10 minutes, or as soon
        as a change may have been missed (a host failed, say).

        A stream begins with what happens next, which may take a second when nobody else looks. `Last-Event-ID` is taken
        but nothing is repeated: read what you follow once after connecting. A client that reads too slowly is dropped.
        """
        wanted = frozenset(kind.strip() for kind in kinds.split(","))
        if not wanted <= KINDS:
            detail = f"kinds may be any of {', '.join(sorted(KINDS))}, with commas between them."
            raise parameter_problem("kinds", detail)
        principal = request.scope.get(PRINCIPAL)
        if "figures" in wanted:
            check_may(request.scope, "figures.read")

        def may_follow() -> bool:
            # The hub hears of sessions that end, and not of keys that are given up as compromised: by such a one
            # anybody may have signed the token.
            try:
                services.guard.check_again(request.scope)
            except Problem:
                return False
            return True

        if principal is None:
            return _LiveResponse(services.live, services.live.join(wanted), None, grace_s, may_follow)
        # It ends with its token, or its session; whoever still has rights comes back with a new one.
        left_s = max(1.0, principal.expires_s - services.clock.now_ms() / 1000)
        stream = services.live.join(wanted, principal.session_id, principal.locations, principal.device_session)
        return _LiveResponse(services.live, stream, left_s, grace_s, may_follow)

    return api
