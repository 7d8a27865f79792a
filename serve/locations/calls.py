"""What the routes below `/v1/locations/{location_id}` share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from fastapi import Path, Request
from starlette.responses import Response

from actors.domain.location_known_bins import UnknownBins, ViewUnknownBins
from actors.domain.location_views import LocationStockView, Query, ViewStock
from actors.domain.money import Money
from actors.runtime.sharding import digest_of
from serve.catalogue.known import KnownSkuCheck
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.problems import Problem, field_problem
from serve.regions import Territory
from serve.replies import answer, body_of
from serve.requests import Write
from serve.responses import AnswerResponse
from serve.services import Services

LocationId = Annotated[str, Path(max_length=80, description="e.g. us-wh-seattle")]
_unknown_decoder = msgspec.json.Decoder(UnknownBins)
_stock_decoder = msgspec.json.Decoder(LocationStockView)


def line_value(money: Money | None) -> tuple[int, str] | None:
    """As commands carry it."""
    return None if money is None else (money.amount, money.currency)


class LocationCalls:
    """Asks locations."""

    def __init__(self, services: Services, territory: Territory, known: KnownSkuCheck) -> None:
        self.services = services
        self.territory = territory
        self.known = known

    async def write(self, request: Request, location_id: str) -> Write:
        """Reads a write to a location of ours. Raises Problem."""
        write = await self.services.bodies.read(request.scope, request.receive)
        self.territory.check_location(location_id)
        request.scope[ENTITY_ID] = location_id
        return write.to(request.scope["path"])

    async def bare_write(self, request: Request, location_id: str, part: str) -> Write:
        """The same for a write that is said by its path alone; `part`: of the path, by which it is told from
        others. Raises Problem."""
        media_type = b"application/json" if "content-type" in request.headers else b""
        write = await self.services.bodies.read(request.scope, request.receive, media_type=media_type)
        self.territory.check_location(location_id)
        request.scope[ENTITY_ID] = location_id
        return write._replace(digest=digest_of(part.encode()))

    async def ask(
        self, request: Request, location_id: str, command: msgspec.Struct | None, write: Write, refused: bytes = b""
    ) -> Response:
        """The location's answer. `refused`: see `judging.judged`. Raises Problem."""
        reply = await self.services.gateway.ask(
            "location", location_id, command,
            command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
            refused=refused,
        )  # fmt: skip
        return AnswerResponse(answer(reply))

    async def view(self, location_id: str, query: Query, cause: str) -> bytes:
        """What the location's actor answers, as JSON. Raises Problem."""
        return body_of(await self.services.gateway.view("location", location_id, query, cause=cause))

    async def stock(self, location_id: str, after: str, limit: int, cause: str) -> LocationStockView:
        """A page of the stock. Raises Problem."""
        return _stock_decoder.decode(await self.view(location_id, ViewStock(location_id, after, limit), cause))

    async def require(self, location_id: str, cause: str) -> None:
        """Raises Problem 404 when there is no such location."""
        if location_id not in self.services.index.places:
            # This replica may not have heard of it yet; the actor has, or refuses.
            await self.stock(location_id, "", 1, cause)

    async def require_bins(self, location_id: str, named: Mapping[str, str], cause: str) -> None:
        """named: bins, each with the pointer of the field that names it. Raises Problem 404 `bins.unknown`."""
        if not named:
            return
        told = await self.view(location_id, ViewUnknownBins(location_id, list(named)), cause)
        for bin_id in _unknown_decoder.decode(told).bins[:1]:
            detail = f"There is no bin {bin_id} here."
            errors = [{"pointer": named[bin_id], "detail": detail}]
            raise Problem("bins.unknown", detail, errors=errors, extra={"bin_id": bin_id})

    def check_value(self, money: Money | None, position: int) -> None:
        """Raises Problem 422 for a currency that is not taken here."""
        if money is not None and not self.territory.accepts(money.currency):
            raise field_problem(
                "stock.currency_not_accepted",
                f"{money.currency} is not accepted here.",
                f"/lines/{position}/unit_value/currency",
                accepted=self.territory.currencies,
            )
