"""What the routes of inbounds share: who asks, and of which inbound."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from fastapi import Path, Request

from actors.domain.ids import INBOUND_PATTERN
from actors.domain.inbound_commands import Command
from actors.domain.inbound_views import InboundView, ViewInbound
from serve.callers import reach_of
from serve.catalogue.known import KnownSkuCheck
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.inbounds.goods import GoodsCheck
from serve.locations.calls import LocationCalls
from serve.regions import Territory
from serve.replies import body_of
from serve.requests import Write
from serve.services import Services

InboundId = Annotated[str, Path(max_length=64, description="e.g. us-inbound-01kah2v3nq7h3k2m9qk4t1x0ab")]
T = TypeVar("T")
_view_decoder = msgspec.json.Decoder(InboundView)


class InboundCalls:
    """Asks inbounds."""

    def __init__(self, services: Services, territory: Territory, known: KnownSkuCheck) -> None:
        self.services = services
        self.territory = territory
        self.locations = LocationCalls(services, territory, known)
        self.goods = GoodsCheck(self.locations)

    async def ask(
        self, inbound_id: str, request: Request, command: Command | None, write: Write, *, creates: bool = False,
        wait_ms: int = 0, refused: bytes = b"",
    ) -> bytes:  # fmt: skip
        """What the inbound answers, as JSON. `wait_ms`: for what the location has to say. `refused`: see
        `judging.judged`. Raises Problem."""
        self.check_id(inbound_id, request)
        reply = await self.services.gateway.ask(
            "inbound", inbound_id, command,
            command_id=write.key, digest=write.digest, creates=creates, wait_ms=wait_ms, cause=request.scope[REQUEST_ID],
            who=request.scope.get(WHO), refused=refused,
        )  # fmt: skip
        return body_of(reply)

    async def view(self, inbound_id: str, request: Request) -> InboundView:
        """Raises Problem 403, 404, 421."""
        self.check_id(inbound_id, request)
        query = ViewInbound(inbound_id, reach_of(request.scope))
        reply = await self.services.gateway.view("inbound", inbound_id, query, cause=request.scope[REQUEST_ID])
        return _view_decoder.decode(body_of(reply))

    def check_id(self, inbound_id: str, request: Request) -> None:
        """Raises Problem 404, 421."""
        request.scope[ENTITY_ID] = inbound_id
        self.territory.check_kind(inbound_id, "inbound", INBOUND_PATTERN)
