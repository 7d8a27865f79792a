"""`POST /v1/collections/{collection_id}/code`: another code for who has lost it. It goes to the address of the order,
as it is now, whoever asks."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.collection_commands import RenewCode
from actors.domain.collection_state import CollectionView, ViewCollection
from actors.domain.order_views import ViewOrder
from serve.callers import reach_of
from serve.collections import examples
from serve.collections.calls import CollectionCalls, CollectionId, told
from serve.collections.schemas import CodeRenewal, CollectionAnswer
from serve.collections.telling import Tellers, log_told
from serve.context import ENTITY_ID, REQUEST_ID
from serve.openapi import documented
from serve.orders.own import asker_of, told_alike
from serve.problems import Answer, Problem
from serve.replies import body_of
from serve.responses import AnswerResponse, encode

_asked_decoder = msgspec.json.Decoder(CodeRenewal)
_view_decoder = msgspec.json.Decoder(CollectionView)


def add(api: APIRouter, calls: CollectionCalls, tellers: Tellers) -> None:
    """The route."""

    @api.post(
        "/v1/collections/{collection_id}/code",
        summary="Have another code sent to the customer",
        **documented(CollectionAnswer, request=CodeRenewal, request_example={}, problems=(401, 403, 404, 409, 421), example=examples.RENEWED),
    )  # fmt: skip
    async def renewed(collection_id: CollectionId, request: Request) -> Response:
        """For the order's customer or guest, and for support. The old code is worth nothing from then on, and wrong
        tries of it count no more. Three times within a day at most."""
        return AnswerResponse(await told_alike(_renewed(calls, tellers, collection_id, request), "collection"))


async def _renewed(calls: CollectionCalls, tellers: Tellers, collection_id: str, request: Request) -> Answer:
    services, scope = calls.services, request.scope
    write, _ = await services.bodies.document(request, _asked_decoder)
    asker = asker_of(scope, "orders.change")
    within = [] if asker else reach_of(scope)
    calls.check_id(collection_id, request)
    query, cause = ViewCollection(collection_id, within), scope[REQUEST_ID]
    view = _view_decoder.decode(body_of(await services.gateway.view("collection", collection_id, query, cause=cause)))
    if asker:
        await _check_own(calls, view.order_id, asker, request)
    telling = await tellers.renewed(view, write.key, request) if view.collect_by_ms is not None else None
    command = (
        RenewCode(b"", 0, within=within)
        if telling is None
        else RenewCode(telling.digest, view.collect_by_ms or 0, telling.notices, within, telling.contact)
    )
    answer = await calls.ask(collection_id, request, command, write)
    log_told(() if telling is None else telling.lines)
    scope[ENTITY_ID] = collection_id
    if asker:
        # What staff may do next, and how often a code may be tried, is the store's.
        shown = CollectionAnswer(answer.collection_id, answer.version, answer.status, 0, [])
        return 200, encode(shown), ()
    return 200, encode(told(answer, "" if telling is None else telling.code)), ()


async def _check_own(calls: CollectionCalls, order_id: str, asker: str, request: Request) -> None:
    """Raises Problem 404, as if there were no such collection, for one of another person's order."""
    query = ViewOrder(order_id, asker)
    try:
        body_of(await calls.services.gateway.view("order", order_id, query, cause=request.scope[REQUEST_ID]))
    except Problem as problem:
        if problem.code == "order.unknown":
            raise Problem("collection.unknown", "There is no such collection.") from None
        raise
