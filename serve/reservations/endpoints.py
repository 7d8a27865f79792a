"""`/v1/reservations`: units that are kept for a cart. Whose a reservation is, it judges itself; another person's is
answered as one that there is not."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from actors.domain.ids import reservation_id as new_reservation_id
from actors.domain.order_state import Line, wanted_of
from actors.domain.reservation_commands import Command, ExtendReservation, MakeReservation, ReleaseReservation
from actors.domain.reservation_state import ReservationView, ViewReservation
from serve.catalogue.known import KnownSkuCheck
from serve.context import ENTITY_ID, REQUEST_ID, WHO, Scope
from serve.identity.limits import RESERVATIONS_BY_CUSTOMER, hold_to
from serve.judging import judged
from serve.openapi import KEY_PARAMETER, documented
from serve.orders.own import asker_of, owner_of, told_alike
from serve.orders.places import PlacesOfOrders
from serve.problems import Answer, Problem, field_problem
from serve.regions import Territory
from serve.replies import answer, body_of
from serve.requests import Write, decode
from serve.reservations.carts import check_reservation
from serve.reservations.schemas import (
    OWN_LINES_MAX,
    OWN_TOTAL_MAX_S,
    OWN_TTL_MAX_S,
    OWN_UNITS_MAX,
    CartDestination,
    CartLine,
    NewExtension,
    NewReservation,
)
from serve.responses import AnswerResponse
from serve.services import Services

ReservationPath = Annotated[str, Path(max_length=64, description="e.g. us-resv-01kah2v3nq7h3k2m9qk4t1x0ab")]
_PERMISSION = "orders.place"
_NOUN = "reservation"
_new_decoder = msgspec.json.Decoder(NewReservation)
_extension_decoder = msgspec.json.Decoder(NewExtension)
_view_decoder = msgspec.json.Decoder(ReservationView)
_NEW = {
    "channel": "online",
    "lines": [{"sku": "85123A", "quantity": 2}],
    "ship_to": {"country": "US", "lat": 47.61, "lon": -122.33},
    "ttl_s": 900,
    "policy": "whole",
}
_VIEW = {
    "reservation_id": "us-resv-01kah2v3nq7h3k2m9qk4t1x0ab",
    "version": 3,
    "status": "held",
    "policy": "whole",
    "channel": "online",
    "lines": [{"sku": "85123A", "wanted": 2, "held": 2}],
    "parts": [{"location_id": "us-wh-seattle", "lines": [{"sku": "85123A", "quantity": 2}]}],
    "missing": [],
    "made_at": "2026-03-01T12:00:00Z",
    "expires_at": "2026-03-01T12:15:00Z",
    "order_id": "",
}


class _Reservations:
    """The handlers' work."""

    def __init__(
        self, services: Services, territory: Territory, places: PlacesOfOrders, known: KnownSkuCheck
    ) -> None:  # fmt: skip
        self._services = services
        self._territory = territory
        self._places = places
        self._known = known

    async def make(self, request: Request) -> Answer:
        """Raises Problem, 409 when nothing could be had, or not all of what is wanted as a whole."""
        services, scope = self._services, request.scope
        write = await services.bodies.read(scope, request.receive)
        sent = decode(_new_decoder, write.body)
        made_id = new_reservation_id(services.settings.region, services.clock.now_ms(), write.key)
        command, refused = await judged(self._command(made_id, sent, scope, write.key))
        reply = await services.gateway.ask(
            _NOUN, made_id, command,
            command_id=write.key, digest=write.to(scope["path"]).digest, creates=True, wait_ms=services.settings.placement_wait_ms,
            cause=scope[REQUEST_ID], who=scope.get(WHO), refused=refused,
        )  # fmt: skip
        body = body_of(reply)
        made = _view_decoder.decode(body)
        if made.status == "refused":
            missing = [{"sku": line.sku, "quantity": line.quantity} for line in made.missing]
            extra = {"reservation_id": made.reservation_id, "missing": missing}
            raise Problem("reservation.not_available", "Of what the cart wants, this can't be had now.", extra=extra)
        return 201, body, ((b"location", f"/v1/reservations/{made.reservation_id}".encode()),)

    async def view(self, reservation_id: str, request: Request) -> Answer:
        """Raises Problem 404, 421."""
        self._check_id(reservation_id, request)
        query = ViewReservation(reservation_id, asker_of(request.scope, _PERMISSION))
        gateway, cause = self._services.gateway, request.scope[REQUEST_ID]
        return answer(await gateway.view(_NOUN, reservation_id, query, cause=cause))

    async def extend(self, reservation_id: str, request: Request) -> Answer:
        """Raises Problem."""
        write = await self._services.bodies.read(request.scope, request.receive)
        ttl_s, asker = decode(_extension_decoder, write.body).ttl_s, asker_of(request.scope, _PERMISSION)
        if asker:
            _check_own_time(ttl_s)
        command = ExtendReservation(ttl_s * 1000, asker, OWN_TOTAL_MAX_S * 1000 if asker else 0)
        return await self._ask(reservation_id, request, command, write)

    async def release(self, reservation_id: str, request: Request) -> Answer:
        """Raises Problem."""
        write = await self._services.bodies.read(request.scope, request.receive, media_type=b"")
        return await self._ask(
            reservation_id, request, ReleaseReservation(asker_of(request.scope, _PERMISSION)), write
        )  # fmt: skip

    async def _ask(self, reservation_id: str, request: Request, command: Command, write: Write) -> Answer:
        self._check_id(reservation_id, request)
        scope = request.scope
        if asker_of(scope, _PERMISSION):
            # Asked itself, another person's would remember the key, and tell by that that it is there.
            await self.view(reservation_id, request)
        reply = await self._services.gateway.ask(
            _NOUN, reservation_id, command,
            command_id=write.key, digest=write.to(scope["path"]).digest, cause=scope[REQUEST_ID], who=scope.get(WHO),
        )  # fmt: skip
        return answer(reply)

    def _check_id(self, reservation_id: str, request: Request) -> None:
        request.scope[ENTITY_ID] = reservation_id
        check_reservation(self._territory, reservation_id)

    def _check(self, to: CartDestination | None) -> None:
        if to is None:
            return
        self._territory.check_country(to.country, "/ship_to/country")
        if (to.lat is None) != (to.lon is None):
            missing = "lat" if to.lat is None else "lon"
            detail = "Give both lat and lon, or neither."
            raise field_problem("order.coordinates_incomplete", detail, f"/ship_to/{missing}")

    async def _command(self, made_id: str, sent: NewReservation, scope: Scope, key: str) -> MakeReservation:
        """Raises Problem."""
        services, index, owner = self._services, self._services.index, owner_of(scope)
        self._check(sent.ship_to)
        if owner:
            _check_own(sent.lines)
            _check_own_time(sent.ttl_s)
            # Who keeps goods from others by many small carts is slowed down.
            now_ms = services.clock.now_ms()
            await hold_to(services.limits, RESERVATIONS_BY_CUSTOMER, "reservations", owner, now_ms, once=key)
        await self._known.require([line.sku for line in sent.lines], "/lines/{}/sku", scope[REQUEST_ID])
        scope[ENTITY_ID] = made_id
        # Of a kit its parts are kept: it has no stock of its own.
        lines = [Line(line.sku, line.quantity, 0) for line in sent.lines]
        need = wanted_of(lines, index.kits(line.sku for line in sent.lines))
        places = self._places.of_cart(need, sent.ship_to, sent.channel)
        return MakeReservation(
            list(need.items()), places, sent.channel, sent.ttl_s * 1000, sent.policy == "whole", owner,
            index.life_days(need) or {},
        )  # fmt: skip


def _check_own(lines: Sequence[CartLine]) -> None:
    """Raises Problem 422 when a customer's cart would keep too much from others."""
    if len(lines) > OWN_LINES_MAX:
        raise _too_much(f"{OWN_LINES_MAX} lines", "/lines", OWN_LINES_MAX)
    units = dict[str, int]()
    for at, line in enumerate(lines):
        units[line.sku] = units.get(line.sku, 0) + line.quantity
        if units[line.sku] > OWN_UNITS_MAX:
            raise _too_much(f"{OWN_UNITS_MAX} units of {line.sku}", f"/lines/{at}/quantity", OWN_UNITS_MAX)


def _check_own_time(ttl_s: int) -> None:
    if ttl_s > OWN_TTL_MAX_S:
        raise _too_much(f"its units for {OWN_TTL_MAX_S} s at a time", "/ttl_s", OWN_TTL_MAX_S)


def _too_much(most: str, pointer: str, limit: int) -> Problem:
    return field_problem("reservation.too_much", f"A customer's cart keeps {most} at most.", pointer, limit=limit)


def router(
    services: Services, territory: Territory, places: PlacesOfOrders, known: KnownSkuCheck
) -> APIRouter:  # fmt: skip
    """The routes with their services."""
    api = APIRouter(tags=["reservations"])
    reservations = _Reservations(services, territory, places, known)

    @api.post(
        "/v1/reservations",
        summary="Keep units for a cart",
        **_documented(
            status=201, headers={201: ["Location"]}, request=NewReservation, request_example=_NEW, problems=(409, 421)
        ),
    )
    async def made(request: Request) -> Response:
        """Waits a moment for the locations; if they take longer it is answered as `asking` and goes on in the
        background. When nothing can be had, or with policy `whole` not all of it, it is refused with what is missing.
        Order it by `reservation_id` of `POST /v1/orders`."""
        return AnswerResponse(await reservations.make(request))

    @api.get(
        "/v1/reservations/{reservation_id}",
        summary="Read a reservation",
        **_documented(problems=(404, 421, 422)),
    )
    async def read(reservation_id: ReservationPath, request: Request) -> Response:
        """As it is now, and what became of it."""
        return await _alike(request, reservations.view(reservation_id, request))

    @api.post(
        "/v1/reservations/{reservation_id}/extensions",
        summary="Keep the units for longer",
        **_documented(request=NewExtension, request_example={"ttl_s": 900}, problems=(404, 409, 421)),
    )
    async def extended(reservation_id: ReservationPath, request: Request) -> Response:
        """For `ttl_s` from now, until at most 48 hours after it was made, a customer's two hours;
        it is never made shorter."""
        return await _alike(request, reservations.extend(reservation_id, request))

    @api.delete(
        "/v1/reservations/{reservation_id}",
        summary="Give the units back",
        **_documented(problems=(400, 404, 409, 421, 422)) | {"openapi_extra": {"parameters": [KEY_PARAMETER]}},
    )
    async def released(reservation_id: ReservationPath, request: Request) -> Response:
        """Others may have them at once. Of one that is over already nothing changes; one that was ordered is
        refused: cancel the order."""
        return await _alike(request, reservations.release(reservation_id, request))

    return api


def _documented(**told: Any) -> dict[str, Any]:
    return documented(ReservationView, example=_VIEW, **told)


async def _alike(request: Request, answering: Awaitable[Answer]) -> Response:
    """To a customer, of whatever is not theirs, the same answer at the same time."""
    if asker_of(request.scope, _PERMISSION):
        answering = told_alike(answering, _NOUN)
    return AnswerResponse(await answering)
