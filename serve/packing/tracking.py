"""`GET /v1/orders/{order_id}/shipments`: by which parcels an order comes, for whoever may see the order."""

from __future__ import annotations

from typing import Literal

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from actors.domain.ids import shipment_of
from actors.domain.order_views import OrderView, ViewOrder
from actors.domain.shipment_views import ParcelView, ViewShipment
from actors.domain.times import moment
from actors.runtime.wire import OK
from serve.context import ENTITY_ID, REQUEST_ID, Scope
from serve.openapi import documented
from serve.orders.elsewhere import bounds_of, is_view_elsewhere
from serve.orders.own import OrderInPath, asker_of, told_alike
from serve.packing import examples
from serve.packing.calls import PackingCalls, view_decoder
from serve.packing.schemas import OrderShipments, TrackedFulfilment, TrackedParcel, UnitsOf
from serve.problems import Answer
from serve.replies import body_of
from serve.responses import AnswerResponse, encode

_order_decoder = msgspec.json.Decoder(OrderView)
# An order has few; one that was split over all places and taken back again and again is told of its last ones.
FULFILMENTS_MAX = 50


def add(api: APIRouter, calls: PackingCalls) -> None:
    """The route."""

    @api.get(
        "/v1/orders/{order_id}/shipments",
        summary="The parcels of an order, with their tracking numbers",
        **documented(OrderShipments, problems=(401, 403, 404, 421, 422), example=examples.ORDER_SHIPMENTS),
    )
    async def shipments(order_id: OrderInPath, request: Request) -> Response:
        """As they are now, of what is packed at a station. By whom they go and under which numbers is withheld
        (`elsewhere`) from who is bound to locations with which the order has nothing to do: the carrier would
        tell by them where it goes."""
        asker = asker_of(request.scope, "orders.read")
        if asker:
            return AnswerResponse(await told_alike(_told(calls, order_id, request.scope, asker)))
        return AnswerResponse(await _told(calls, order_id, request.scope, ""))


async def _told(calls: PackingCalls, order_id: str, scope: Scope, asker: str) -> Answer:
    calls.territory.check_order(order_id)
    scope[ENTITY_ID] = order_id
    gateway, cause = calls.services.gateway, scope[REQUEST_ID]
    body = body_of(await gateway.view("order", order_id, ViewOrder(order_id, asker), cause=cause))
    order, elsewhere = _order_decoder.decode(body), is_view_elsewhere(body, bounds_of(scope))
    found = []
    for fulfilment in order.fulfilments[-FULFILMENTS_MAX:]:
        shipment_id = shipment_of(order_id, int(fulfilment.fulfilment_id.rpartition(".")[2]))
        reply = await gateway.view("shipment", shipment_id, ViewShipment(shipment_id), cause=cause)
        if reply.status != OK:
            continue  # packed by hand, or not yet
        view = view_decoder.decode(reply.body)
        parcels = [tracked(one) for one in view.parcels]
        if elsewhere:
            parcels = [msgspec.structs.replace(one, carrier="", tracking_number="") for one in parcels]
        found.append(TrackedFulfilment(fulfilment.fulfilment_id, fulfilment.status, parcels))
    return 200, encode(OrderShipments(order_id, found, "elsewhere" if elsewhere else msgspec.UNSET)), ()


def tracked(parcel: ParcelView) -> TrackedParcel:
    """As who gets it may know."""
    good = parcel.label is not None and parcel.label.status == "bought"
    status: Literal["packing", "waiting", "handed_over"] = "packing"
    if parcel.handed_over_ms is not None:
        status = "handed_over"
    elif parcel.place:
        status = "waiting"
    sums: dict[str, int] = {}
    for content in parcel.contents:
        sums[content.sku] = sums.get(content.sku, 0) + content.units
    return TrackedParcel(
        parcel.number, status, parcel.label.carrier if good and parcel.label else "", parcel.label.tracking if good and parcel.label else "",
        None if parcel.handed_over_ms is None else moment(parcel.handed_over_ms), [UnitsOf(*line) for line in sorted(sums.items())],
    )  # fmt: skip
