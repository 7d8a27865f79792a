"""`/v1/inbounds`: what suppliers have announced, and what comes of it. Whether it is the caller's
location, the inbound judges."""

from __future__ import annotations

from typing import Annotated, get_args

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.ids import inbound_id as new_inbound_id
from actors.domain.inbound_commands import AnnounceInbound, CancelInbound, ChangeInbound, CloseInbound, ReceiveGoods
from actors.domain.inbound_state import InboundStatus
from actors.domain.inbound_views import InboundStatusView, ReceiptAnswer
from serve.callers import reach_of
from serve.catalogue.known import KnownSkuCheck
from serve.context import REQUEST_ID
from serve.inbounds import examples
from serve.inbounds.calls import InboundCalls, InboundId
from serve.inbounds.schemas import (
    InboundCancellation,
    InboundChange,
    InboundClosure,
    InboundDetail,
    InboundPage,
    NewInbound,
    NewInboundReceipt,
    ReceiptResult,
)
from serve.inbounds.told import detail, listed, result
from serve.judging import judged
from serve.limits import PAGE_DEFAULT
from serve.moments import ms_of
from serve.openapi import documented
from serve.paging import Cursor, Limit, LocationAsked, one_of, page_at_places
from serve.problems import Problem
from serve.regions import Territory
from serve.responses import AnswerResponse, ok
from serve.services import Services

_STATUSES = frozenset(get_args(InboundStatus))
_new_decoder = msgspec.json.Decoder(NewInbound)
_change_decoder = msgspec.json.Decoder(InboundChange)
_receipt_decoder = msgspec.json.Decoder(NewInboundReceipt)
_closure_decoder = msgspec.json.Decoder(InboundClosure)
_cancellation_decoder = msgspec.json.Decoder(InboundCancellation)
_status_decoder = msgspec.json.Decoder(InboundStatusView)
_answer_decoder = msgspec.json.Decoder(ReceiptAnswer)
_PROBLEMS = (401, 403, 404, 409, 421)


def router(services: Services, territory: Territory, known: KnownSkuCheck) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["inbounds"])
    calls = InboundCalls(services, territory, known)
    _add_announcing(api, calls)
    _add_receiving(api, calls)
    _add_ends(api, calls)
    _add_reads(api, calls)
    return api


def _add_announcing(api: APIRouter, calls: InboundCalls) -> None:
    @api.post(
        "/v1/inbounds",
        summary="Announce goods",
        **documented(
            InboundStatusView, request=NewInbound, request_example=examples.NEW, status=201, headers={201: ["Location"]}, example=examples.STATUS,
            problems=(401, 403, 404, 421),
        ),
    )  # fmt: skip
    async def announced(request: Request) -> Response:
        """By purchase order, and by package (SSCC) where the supplier has sent an ASN. From now on the location expects
        them, and they count as supply of that date."""
        return await _announce(calls, request)

    @api.post(
        "/v1/inbounds/{inbound_id}/changes",
        summary="Change what is announced",
        **documented(
            InboundStatusView, request=InboundChange, request_example=examples.CHANGE, example=examples.STATUS, problems=_PROBLEMS
        ),
    )  # fmt: skip
    async def changed(inbound_id: InboundId, request: Request) -> Response:
        """Another date, lines of which nothing has come, packages that have not come."""
        write, sent = await calls.services.bodies.document(request, _change_decoder)
        command, refused = await judged(_change(calls, request, sent))
        return AnswerResponse((200, await calls.ask(inbound_id, request, command, write, refused=refused), ()))


async def _change(calls: InboundCalls, request: Request, sent: InboundChange) -> ChangeInbound:
    """Raises Problem."""
    cause = request.scope[REQUEST_ID]
    lines = await calls.goods.announced(sent.lines, cause)
    packages = None if sent.packages is None else await calls.goods.packed(sent.packages, cause)
    expected_at_ms = None if sent.expected_at is None else ms_of(sent.expected_at, "/expected_at")
    return ChangeInbound(expected_at_ms, lines, sent.removed_lines, packages, reach_of(request.scope))


async def _announce(calls: InboundCalls, request: Request) -> Response:
    services, cause = calls.services, request.scope[REQUEST_ID]
    write, sent = await calls.services.bodies.document(request, _new_decoder)
    calls.territory.check_location(sent.location_id)
    await calls.locations.require(sent.location_id, cause)
    command, refused = await judged(_announcement(calls, request, sent))
    made_id = new_inbound_id(services.settings.region, services.clock.now_ms(), write.key)
    body = await calls.ask(made_id, request, command, write, creates=True, refused=refused)
    # A repeated call is told of the first one's inbound.
    location = f"/v1/inbounds/{_status_decoder.decode(body).inbound_id}"
    return AnswerResponse((201, body, ((b"location", location.encode()),)))


async def _announcement(calls: InboundCalls, request: Request, sent: NewInbound) -> AnnounceInbound:
    """Raises Problem."""
    cause = request.scope[REQUEST_ID]
    lines = await calls.goods.announced(sent.lines, cause)
    packages = await calls.goods.packed(sent.packages, cause)
    return AnnounceInbound(
        sent.location_id, ms_of(sent.expected_at, "/expected_at"), lines, packages, sent.supplier_ref, sent.purchase_ref, sent.asn_ref,
        sent.tolerance_percent, reach_of(request.scope),
    )  # fmt: skip


def _add_receiving(api: APIRouter, calls: InboundCalls) -> None:
    @api.post(
        "/v1/inbounds/{inbound_id}/receipts",
        summary="Receive packages or units",
        **documented(
            ReceiptResult, request=NewInboundReceipt, request_example=examples.RECEIPT, example=examples.RESULT, problems=_PROBLEMS
        ),
    )  # fmt: skip
    async def received(inbound_id: InboundId, request: Request) -> Response:
        """By package, as announced or with what was really in it, or by lines; as often as it takes, each all or none.
        More than announced (beyond the tolerance) and SKUs that were not announced are taken when it is said so. What
        the location refuses is answered as its refusal, and has not come. When it is slow to answer, the receipt is
        still `booking`. Once all is in, the inbound closes by itself."""
        write, sent = await calls.services.bodies.document(request, _receipt_decoder)
        goods, refused = await judged(calls.goods.received(sent, request.scope[REQUEST_ID]))
        command, wait_ms = None, calls.services.settings.placement_wait_ms
        if goods is not None:
            within = reach_of(request.scope)
            command = ReceiveGoods(*goods, sent.accept_over, sent.accept_unexpected, sent.reference, within)
        body = await calls.ask(inbound_id, request, command, write, wait_ms=wait_ms, refused=refused)
        answer = _answer_decoder.decode(body)
        receipt = answer.receipt
        if receipt.status == "refused":
            raise Problem(receipt.code, receipt.detail, extra={"receipt": receipt.receipt})
        return ok(result(answer))


def _add_ends(api: APIRouter, calls: InboundCalls) -> None:
    @api.post(
        "/v1/inbounds/{inbound_id}/closure",
        summary="Close an inbound with what has not come",
        **documented(
            InboundStatusView, request=InboundClosure, request_example=examples.CLOSURE, example=examples.CLOSED, problems=_PROBLEMS
        ),
    )  # fmt: skip
    async def closed(inbound_id: InboundId, request: Request) -> Response:
        """Nothing more will come. Everything that remains has to be named as a shortage, just that. An inbound of which
        all has come closes by itself."""
        write, sent = await calls.services.bodies.document(request, _closure_decoder)
        shortages = [(one.sku, one.quantity) for one in sent.shortages]
        body = await calls.ask(inbound_id, request, CloseInbound(shortages, reach_of(request.scope)), write)
        return AnswerResponse((200, body, ()))

    @api.post(
        "/v1/inbounds/{inbound_id}/cancellation",
        summary="Cancel an inbound",
        **documented(InboundStatusView, request=InboundCancellation, request_example={}, problems=_PROBLEMS),
    )
    async def cancelled(inbound_id: InboundId, request: Request) -> Response:
        """Until something of it has come. The location does not expect it any more."""
        write, _ = await calls.services.bodies.document(request, _cancellation_decoder)
        return AnswerResponse(
            (200, await calls.ask(inbound_id, request, CancelInbound(reach_of(request.scope)), write), ())
        )


def _add_reads(api: APIRouter, calls: InboundCalls) -> None:
    services = calls.services

    @api.get(
        "/v1/inbounds", summary="Inbounds of one's locations", **documented(InboundPage, problems=(400, 401, 403, 422))
    )
    async def find(
        request: Request,
        location_id: LocationAsked = None,
        status: Annotated[str | None, one_of(_STATUSES)] = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Newest first, of the places that one's rights reach, from the read model, which is a
        moment behind (`as_of`)."""
        page = await page_at_places(
            services, request, "inbounds", status, _STATUSES, location_id, cursor, limit,
            services.read_model.inbounds, lambda inbound: inbound.inbound_id,
        )  # fmt: skip
        return ok(InboundPage([listed(inbound) for inbound in page.items], page.as_of, page.next_cursor))

    @api.get(
        "/v1/inbounds/{inbound_id}",
        summary="One inbound with its lines, packages and receipts",
        **documented(InboundDetail, example=examples.DETAIL, problems=(401, 403, 404, 421, 422)),
    )
    async def read(inbound_id: InboundId, request: Request) -> Response:
        """As it is now."""
        return ok(detail(await calls.view(inbound_id, request)))
