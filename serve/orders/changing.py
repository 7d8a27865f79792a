"""`POST /v1/orders/{order_id}/changes`: less or more of a line, another address or service level, until the cut-off of
each fulfilment. The rules are in `actors/domain/order_changes.py`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request
from msgspec import Meta
from starlette.responses import Response

from actors.domain.allocation import need_of
from actors.domain.order_changes import OrderChanged
from actors.domain.order_state import Line, ShipTo, wanted_of
from actors.domain.order_terms_commands import ChangeOrder, LineChange, NewAddress
from actors.domain.order_terms_state import ServiceLevel
from actors.domain.order_views import (
    OrderContact,
    OrderView,
    ViewContact,
    ViewOrder,
)
from actors.domain.personal_notes import PURCHASE
from serve.callers import reach_of
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.freshness import from_store
from serve.judging import judged
from serve.keys.data_keys import Erased
from serve.limits import ITEMS_MAX, LINES_MAX, UNITS_MAX
from serve.openapi import documented
from serve.orders.own import OrderInPath, asker_of, told_alike
from serve.orders.places import PlacesOfOrders
from serve.orders.private import PrivateOrders, refuse_names
from serve.orders.schemas import Destination
from serve.problems import Answer, Problem, field_problem
from serve.regions import Territory
from serve.replies import answer, body_of
from serve.requests import Write, decode
from serve.responses import AnswerResponse
from serve.services import Services

# So long an address waits for the list of letters.
_LETTERS_S = 1.0
_LineNumber = Annotated[int, Meta(ge=1, le=LINES_MAX, description="as the order tells it, from 1")]


class ChangedQuantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A line shall be of so many units; 0 cancels it."""

    line: _LineNumber
    quantity: Annotated[int, Meta(ge=0, le=UNITS_MAX)]


class OrderChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body. `ship_to`: the whole new address, in the same country."""

    lines: Annotated[list[ChangedQuantity], Meta(max_length=LINES_MAX), PURCHASE] = []
    ship_to: Destination | None = None
    service_level: ServiceLevel | None = None


_decoder = msgspec.json.Decoder(OrderChanges)
_contact_decoder = msgspec.json.Decoder(OrderContact)
_view_decoder = msgspec.json.Decoder(OrderView)
_ASKED = {"lines": [{"line": 1, "quantity": 1}, {"line": 2, "quantity": 0}], "service_level": "express"}
_TOLD = {
    "order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab", "version": 6, "status": "allocated",
    "refund": {"amount": 1299, "currency": "USD"}, "total": {"amount": 1299, "currency": "USD"},
    "lines": [{"line": 1, "was": 2, "quantity": 1}], "service_level": "express",
    "not_changed": [{
        "what": "line", "code": "order.too_late_to_change", "detail": "It is being picked, or further.", "line": 2,
        "fulfilments": ["us-01kah2v3nq7h3k2m9qk4t1x0ab.2"], "quantity_min": 3,
    }],
}  # fmt: skip


def router(services: Services, territory: Territory, private: PrivateOrders, places: PlacesOfOrders) -> APIRouter:
    """The route with its services."""
    api = APIRouter(tags=["orders"])
    changing = _Changing(services, territory, private, places)

    @api.post(
        "/v1/orders/{order_id}/changes",
        summary="Change an order after its placement",
        **documented(
            OrderChanged,
            request=OrderChanges,
            request_example=_ASKED,
            problems=(401, 403, 404, 409, 421),
            example=_TOLD,
        ),
    )
    async def change(request: Request, order_id: OrderInPath) -> Response:
        """Customers their own orders, support any. What is not being picked yet, and whose place has not passed its
        cut-off, can be changed; what can't is told in `not_changed` with its reason. When nothing can, the call is
        refused with that reason. More of a line is possible until anything of the order is being picked. Of an order
        that is collected at a store only units that nobody has yet can be left out, at any time."""
        asker = asker_of(request.scope, "orders.change")
        if asker:
            return AnswerResponse(await told_alike(changing.change(order_id, request, asker)))
        return AnswerResponse(await changing.change(order_id, request, ""))

    return api


class _Changing:
    def __init__(
        self, services: Services, territory: Territory, private: PrivateOrders, places: PlacesOfOrders
    ) -> None:  # fmt: skip
        self._services, self._territory, self._private, self._places = services, territory, private, places

    async def change(self, order_id: str, request: Request, asker: str) -> Answer:
        """Raises Problem."""
        services, scope = self._services, request.scope
        write = await services.bodies.read(scope, request.receive)
        sent = decode(_decoder, write.body)
        self._territory.check_order(order_id)
        scope[ENTITY_ID] = order_id
        if not sent.lines and sent.ship_to is None and sent.service_level is None:
            raise field_problem("order.nothing_to_change", "Say what shall be otherwise.", "/lines")
        if sent.ship_to is not None:
            self._check(sent.ship_to)
        cause = scope[REQUEST_ID]
        # Of another person's order nothing goes along: it is none of the caller's.
        body = body_of(await services.gateway.view("order", order_id, ViewOrder(order_id, asker), cause=cause))
        command, refused = await judged(self._command(_view_decoder.decode(body), sent, request, asker))
        reply = await services.gateway.ask(
            "order", order_id, command,
            command_id=write.key, digest=self._digest(write), cause=cause, who=scope.get(WHO), refused=refused,
        )  # fmt: skip
        return answer(reply)

    async def _command(self, order: OrderView, sent: OrderChanges, request: Request, asker: str) -> ChangeOrder:
        """Raises Problem."""
        cause = request.scope[REQUEST_ID]
        return ChangeOrder(
            [LineChange(line.line, line.quantity) for line in sent.lines],
            None if sent.ship_to is None else await self._address(order, sent.ship_to, cause),
            sent.service_level,
            await self._where_more(order, sent, cause),
            self._cut_offs(order),
            asker,
            reach_of(request.scope) if not asker else [],
        )

    def _check(self, to: Destination) -> None:
        """Raises Problem 422."""
        if (to.lat is None) != (to.lon is None):
            missing = "lat" if to.lat is None else "lon"
            detail = "Give both lat and lon, or neither."
            raise field_problem("order.coordinates_incomplete", detail, f"/ship_to/{missing}")
        if not self._private.seals:
            refuse_names(to)

    def _digest(self, write: Write) -> int:
        # An address may stand in it.
        return self._private.digest(write.body, write.digest)

    def _cut_offs(self, order: OrderView) -> dict[str, int]:
        """Of the order's places that have one, the cut-off of today when it is past."""
        index, now_ms = self._services.index, self._services.clock.now_ms()
        if not index.steering.in_use:
            return {}
        found: dict[str, int] = {}
        for place in sorted({one.location_id for one in order.fulfilments}):
            if place not in index.places:
                continue
            cut_off_ms = index.steering.candidate(index.places.get(place), None, {}, now_ms).cut_off_ms
            if cut_off_ms is not None and cut_off_ms <= now_ms:
                found[place] = cut_off_ms
        return found

    async def _where_more(self, order: OrderView, sent: OrderChanges, cause: str) -> list[Any]:
        """Where more of a line may be had; nowhere when nothing is to be more."""
        before = {line.line: line for line in order.lines}
        more = [
            Line(before[one.line].sku, one.quantity - before[one.line].quantity, 0)
            for one in sent.lines
            if one.line in before and one.quantity > before[one.line].quantity
        ]
        if not more:
            return []
        need = need_of(wanted_of(more, self._services.index.kits(line.sku for line in more)).items())
        return await self._places.more(order.order_id, need, cause)

    async def _address(self, order: OrderView, to: Destination, cause: str) -> NewAddress:
        """Raises Problem 409, 422."""
        if to.country != order.ship_to.country:
            detail = "Other places, prices and duties hold there: cancel the order and place it anew."
            raise field_problem("order.country_fixed", detail, "/ship_to/country", country=order.ship_to.country)
        if not self._private.seals:
            return NewAddress(ShipTo(to.country, to.postcode, to.city, to.lat, to.lon))
        query = ViewContact(order.order_id)
        reply = await self._services.gateway.view("order", order.order_id, query, cause=cause)
        sealed = _contact_decoder.decode(body_of(reply)).sealed
        if not sealed:
            raise Problem("order.person_erased", "Nothing is known of who ordered it: there is no address to change.")
        changes = {
            name: getattr(to, name) for name in ("postcode", "city", "lat", "lon", "recipient", "street", "phone")
        }
        try:
            made = await self._private.rectified(order.order_id, sealed, changes, None, cause)
        except Erased:
            raise Problem("order.person_erased", "The person was erased: there is no address to change.") from None
        return NewAddress(
            None, made.order_ref, made.sealed, made.email_digest, sealed, await self._letters(order.order_id)
        )

    async def _letters(self, order_id: str) -> list[str]:
        """Which notices of the order wait to be sent, so that they follow what is sealed; none while nobody can tell.
        Addresses are changed without the store: a correction of the e-mail address that comes later then withdraws
        what it does not know (`actors/domain/notice.py`)."""
        try:
            async with asyncio.timeout(_LETTERS_S):
                return await from_store(self._services.read_model.pending_notices([order_id], ITEMS_MAX))
        except (Problem, TimeoutError):
            return []
