"""`POST /v1/orders/{order_id}/refunds`: money of an order is given back, at once or when somebody else has approved it.
The rules are in `actors/domain/order_refunds.py`."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.money import Money
from actors.domain.order_refund_commands import GiveRefund, RefundCommand, WantRefund
from actors.domain.order_refund_state import RefundReason
from actors.domain.order_refunds import OrderRefunded
from serve.approvals.asking import alone_minor_max, ask_approval, needs_approval, person_asking
from serve.approvals.schemas import AskedApproval
from serve.callers import caller_of, reach_of
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.openapi import documented
from serve.orders.own import OrderInPath
from serve.regions import Territory
from serve.replies import body_of
from serve.requests import Write, decode
from serve.responses import AnswerResponse
from serve.services import Services


class NewRefund(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body. `amount`: above 0, in the order's currency. `reason`: there is no free text about people."""

    amount: Money
    reason: RefundReason


class _First(msgspec.Struct, gc=False):
    """What tells the order's two answers apart: of `RefundPossible` where it is served, of `OrderRefunded` ""."""

    location_id: str = ""


_decoder = msgspec.json.Decoder(NewRefund)
_first_decoder = msgspec.json.Decoder(_First)
_ASKED = {"amount": {"amount": 1299, "currency": "USD"}, "reason": "damaged"}
_TOLD = {
    "order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab", "version": 9,
    "refund": {
        "refund_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab.r1", "amount": {"amount": 1299, "currency": "USD"}, "reason": "damaged",
        "given_at": "2026-03-02T09:30:00Z",
    },
    "refunded": {"amount": 1299, "currency": "USD"}, "kept": {"amount": 2598, "currency": "USD"},
}  # fmt: skip


def router(services: Services, territory: Territory) -> APIRouter:
    """The route with its services."""
    api = APIRouter(tags=["orders"])

    @api.post(
        "/v1/orders/{order_id}/refunds",
        summary="Give money of an order back",
        **documented(
            OrderRefunded,
            request=NewRefund,
            request_example=_ASKED,
            status=201,
            problems=(401, 403, 404, 409, 421),
            example=_TOLD,
            accepted=AskedApproval,
            headers={202: ["Location"]},
        ),
    )
    async def refund(request: Request, order_id: OrderInPath) -> Response:
        """Never more, with what changes have taken off, than the order came to (`refund.too_much`), nor of what nobody
        serves, nor of an order that is cancelled: what is left of its money goes back with that. More than one person
        may give back, together with what was given of the order without an approval, is answered with 202: nothing is
        given before somebody else approves it. Where nothing waits for a second person, it takes a fresh second factor
        of people. Who pays it out is the payment's matter."""
        write = await services.bodies.read(request.scope, request.receive)
        sent = decode(_decoder, write.body)
        territory.check_order(order_id)
        request.scope[ENTITY_ID] = order_id
        wanted = GiveRefund(sent.amount.amount, sent.amount.currency, sent.reason)
        most = alone_minor_max(services, wanted.currency)
        if most is None:
            _check_proof(services, request)
        command = msgspec.structs.replace(wanted, within=reach_of(request.scope), alone_minor_max=most)
        waits = needs_approval(services, wanted)
        if waits:
            person_asking(request.scope)
        body = await _ask(services, request, order_id, WantRefund(command) if waits else command, write)
        # What a key was answered first counts, though the threshold may be another one meanwhile.
        place = _first_decoder.decode(body).location_id
        if not place:
            return AnswerResponse((201, body, ()))
        # As far as the rights of whoever approves it reach, and no more as far as those of who asked.
        return await ask_approval(services, request, place, order_id, wanted, write)

    return api


def _check_proof(services: Services, request: Request) -> None:
    """What nobody else looks at takes a fresh second factor, as overriding a count does; machines have
    none. Raises Problem 401."""
    principal = caller_of(request.scope)
    if principal is not None and principal.role:
        services.guard.require_proof(principal)


async def _ask(services: Services, request: Request, order_id: str, command: RefundCommand, write: Write) -> bytes:
    """The order's answer. Raises Problem."""
    reply = await services.gateway.ask(
        "order", order_id, command,
        command_id=write.key, digest=write.digest, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
    )  # fmt: skip
    return body_of(reply)
