"""`/v1/collections`: orders that wait at a store for their customers, for the store; and
`POST /v1/orders/{order_id}/here`, for the customers."""

from __future__ import annotations

from typing import Annotated, get_args

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.collection_commands import SayHere
from actors.domain.collection_state import CollectionStatus
from actors.domain.order_views import ViewOrder
from actors.domain.times import moment
from actors.runtime.read_model import CollectionSummary
from serve.callers import reach_of
from serve.catalogue.known import KnownSkuCheck
from serve.collections import codes, examples, steps
from serve.collections.calls import CollectionCalls, CollectionId, detail, moment_of, told
from serve.collections.schemas import (
    CollectionAnswer,
    CollectionDetail,
    CollectionPage,
    CustomerArrived,
    ListedCollection,
)
from serve.collections.spots import Spots
from serve.collections.telling import Tellers
from serve.context import ENTITY_ID, REQUEST_ID
from serve.limits import PAGE_DEFAULT
from serve.openapi import documented
from serve.orders.own import OrderInPath, asker_of, told_alike
from serve.orders.private import PrivateOrders
from serve.paging import Cursor, Limit, LocationAsked, one_of, page_at_places
from serve.problems import Answer, Problem
from serve.regions import Territory
from serve.replies import body_of
from serve.responses import AnswerResponse, encode, ok
from serve.services import Services

_STATUSES = frozenset(get_args(CollectionStatus))
_arrived_decoder = msgspec.json.Decoder(CustomerArrived)


class _Collection(msgspec.Struct):
    collection_id: str
    status: str


class _Pickup(msgspec.Struct):
    collections: list[_Collection]


class _Order(msgspec.Struct):
    """What of an order's view is needed here."""

    pickup: _Pickup | None = None


_order_decoder = msgspec.json.Decoder(_Order)


def router(services: Services, territory: Territory, known: KnownSkuCheck, private: PrivateOrders) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["collections"])
    calls = CollectionCalls(services, territory, known)
    spots, tellers = Spots(services, private), Tellers(services, private)
    _add_reads(api, calls, spots)
    steps.add(api, calls, tellers)
    codes.add(api, calls, tellers)

    @api.post(
        "/v1/orders/{order_id}/here",
        summary="Say that the customer is at the store",
        **documented(
            CollectionAnswer, request=CustomerArrived, request_example=examples.HERE, problems=(401, 403, 404, 409, 421), example=examples.READY
        ),
    )  # fmt: skip
    async def here(order_id: OrderInPath, request: Request) -> Response:
        """For the order's customer or guest, and for who works at the store. It shows in the store's list and on its
        live stream. Possible once something is ready."""
        request.scope[ENTITY_ID] = order_id
        return AnswerResponse(await told_alike(_here(calls, spots, order_id, request)))

    return api


async def _here(calls: CollectionCalls, spots: Spots, order_id: str, request: Request) -> Answer:
    services, scope = calls.services, request.scope
    write, sent = await services.bodies.document(request, _arrived_decoder)
    calls.territory.check_order(order_id)
    asker = asker_of(scope, "floor.work")
    reply = await services.gateway.view("order", order_id, ViewOrder(order_id, asker), cause=scope[REQUEST_ID])
    order = _order_decoder.decode(body_of(reply))
    ready = [one.collection_id for one in (order.pickup.collections if order.pickup else ()) if one.status == "ready"]
    if not ready:
        raise Problem("collection.not_ready", "Nothing of the order is ready to be collected.")
    answer = None
    for name in ready:
        spot, sealed, digest = await spots.kept(order_id, name, sent.spot, scope[REQUEST_ID])
        command = SayHere(spot, [] if asker else reach_of(scope), sealed, digest)
        to_it = write.to(name)
        answer = await calls.ask(name, request, command, to_it._replace(digest=spots.digest(name, to_it)))
    scope[ENTITY_ID] = order_id
    assert answer is not None
    if asker:
        # What staff may do next, and how often a code may be tried, is the store's.
        return 200, encode(CollectionAnswer(answer.collection_id, answer.version, answer.status, 0, [])), ()
    return 200, encode(told(answer)), ()


def _add_reads(api: APIRouter, calls: CollectionCalls, spots: Spots) -> None:
    services = calls.services

    @api.get(
        "/v1/collections",
        summary="Collections at one's stores",
        **documented(CollectionPage, problems=(400, 401, 403, 422), example=examples.PAGE),
    )
    async def find(
        request: Request,
        location_id: LocationAsked = None,
        status: Annotated[str | None, one_of(_STATUSES)] = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Newest first, at that store or those that one's rights reach, from the read model, which is a moment behind
        (`as_of`). Whose customer is here has `here_at`. The audit keeps how many shelves it tells."""
        page = await page_at_places(
            services, request, "collections", status, _STATUSES, location_id, cursor, limit,
            services.read_model.collections, lambda collection: collection.collection_id,
        )  # fmt: skip
        # A shelf is named in somebody's own words; a page that tells none tells of no person.
        if shelves := sum(bool(one.shelf) for one in page.items):
            await services.trail.read(request.scope, "collection.search", told={"shelves": (None, shelves)})
        return ok(CollectionPage([_listed(one) for one in page.items], page.as_of, page.next_cursor))

    @api.get(
        "/v1/collections/{collection_id}",
        summary="One collection with what is to be found, and where it lies",
        **documented(CollectionDetail, problems=(401, 403, 404, 421, 422), example=examples.DETAIL),
    )
    async def read(collection_id: CollectionId, request: Request) -> Response:
        """As it is now. Bins are told of what people have yet to find."""
        view = await calls.view(collection_id, request)
        spot = await spots.shown(view, request.scope[REQUEST_ID])
        return ok(detail(view, await calls.contents(view, request), spot))


def _listed(one: CollectionSummary) -> ListedCollection:
    return ListedCollection(
        one.collection_id, one.version, one.status, one.order_id, one.location_id, one.line_count, one.units, one.shelf,  # type: ignore[arg-type]
        moment(one.opened_at), moment_of(one.here_at), moment_of(one.ready_at), moment_of(one.collect_by),
        moment_of(one.late_at),
    )  # fmt: skip
