"""The hot routes of orders and availability as OpenAPI tells of them."""

from __future__ import annotations

from typing import Any

from actors.domain.order_views import OrderStatusView, OrderView
from serve.availability.endpoints import CHANNELS, LOCATIONS_DEFAULT, LOCATIONS_MAX, AvailabilityView
from serve.limits import SKUS_PER_QUERY_MAX
from serve.openapi import operation, parameter
from serve.orders.schemas import NewOrder, OrderUpdate, OrderUpdateResults, OrderUpdates

_ORDER_ID = parameter(
    "order_id", "path", {"type": "string", "maxLength": 64}, "The order's id.", example="us-01kah2v3nq7h3k2m9qk4t1x0ab"
)
NEW_ORDER: dict[str, Any] = {
    "order_ref": "web-1001",
    "channel": "online",
    "customer": {"customer_ref": "c-17", "country": "US"},
    "ship_to": {"country": "US", "postcode": "98101", "city": "Seattle", "lat": 47.61, "lon": -122.33},
    "lines": [{"sku": "85123A", "quantity": 2, "unit_price": {"amount": 1299, "currency": "USD"}}],
}
UPDATE = {"update": "start_picking", "occurred_at": "2026-03-01T12:00:00Z"}
UPDATES = {"updates": [{"order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab", "update": "start_picking"}]}
STATUS = {"order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab", "version": 4, "status": "picking"}
AVAILABILITY: dict[str, Any] = {
    "skus": [
        {
            "sku": "85123A",
            "available": 41,
            "locations": [{"location_id": "us-st-portland", "available": 3, "distance_km": 10}],
        }
    ],
    "pickup": [
        {
            "location_id": "us-st-portland",
            "distance_km": 10,
            "collectable": True,
            "here": ["85123A"],
            "ready_at": "2026-03-01T14:00:00Z",
        }
    ],
}


def hot_paths() -> dict[str, dict[str, Any]]:
    """Path → method → operation."""
    return {
        "/v1/orders": {
            "post": operation(
                "place_order", "Place an order",
                "Waits a moment for the locations to reserve stock; if they take longer the order is answered as `placed` and "
                "goes on in the background. A 503 `order.not_shown` tells that it is placed all the same: the same call with the same Idempotency-Key gives it.",
                "orders", OrderView, request=NewOrder, request_example=NEW_ORDER, status=201, problems=(404, 409, 421),
                headers={201: ["Location"], 503: ["Location"]},
            )
        },
        "/v1/orders/{order_id}": {
            "get": operation(
                "read_order", "Read an order", "From its actor: every acknowledged change is in it.",
                "orders", OrderView, parameters=[_ORDER_ID], problems=(404, 421),
            )
        },
        "/v1/orders/{order_id}/updates": {
            "post": operation(
                "update_order", "One step of an order's life",
                "A step that is not legal now is refused as `order.illegal_transition` with the present status and the allowed "
                "steps.",
                "orders", OrderStatusView, parameters=[_ORDER_ID], request=OrderUpdate, request_example=UPDATE,
                problems=(404, 409, 421), example=STATUS,
            )
        },
        "/v1/order-updates": {
            "post": operation(
                "update_orders", "Up to 1,000 steps of any orders",
                "Answered in the same order, each as if it had been sent alone. One bad item does not harm the others.",
                "orders", OrderUpdateResults, request=OrderUpdates, request_example=UPDATES, problems=(),
                example={"results": [STATUS]},
            )
        },
        "/v1/availability": {
            "get": operation(
                "read_availability", "What is available where",
                "From memory, a moment old and no promise. Without a point, locations come as seen from the region's centre.",
                "availability", AvailabilityView, problems=(422,),
                parameters=[
                    parameter(
                        "sku", "query",
                        {"type": "array", "minItems": 1, "maxItems": SKUS_PER_QUERY_MAX, "items": {"type": "string", "minLength": 1, "maxLength": 64}},
                        "One or several.", style="form", explode=True, example=["85123A"],
                    )
                    | {"required": True},
                    parameter("lat", "query", {"type": "number", "minimum": -90, "maximum": 90}, "Degrees; with lon."),
                    parameter("lon", "query", {"type": "number", "minimum": -180, "maximum": 180}, "Degrees; with lat."),
                    parameter(
                        "limit", "query",
                        {"type": "integer", "minimum": 1, "maximum": LOCATIONS_MAX, "default": LOCATIONS_DEFAULT},
                        "Locations listed per SKU.",
                    ),
                    parameter(
                        "channel", "query", {"type": "string", "enum": sorted(CHANNELS)}, "Less what is kept back from that channel.",
                    ),
                    parameter(
                        "pickup", "query", {"type": "boolean", "default": False},
                        "Also at which of the five nearest stores one of each could be collected, as one order, and from when: with lat and lon, for at most 10 SKUs.",
                    ),
                ],
                example=AVAILABILITY,
            )
        },
    }  # fmt: skip
