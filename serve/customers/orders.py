"""`GET /v1/customers/me/orders`: a customer's own orders, from the read model."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serve.customers.accounts import caller
from serve.freshness import as_of, from_store
from serve.identity.desk import Desk
from serve.limits import PAGE_DEFAULT, PAGE_MAX
from serve.openapi import documented
from serve.orders.private import PrivateOrders
from serve.orders.reading import listed_all
from serve.orders.schemas import OrderPage
from serve.responses import ok


def router(desk: Desk) -> APIRouter:
    """The route."""
    api = APIRouter(tags=["customers"])
    services = desk.services
    private = PrivateOrders(services)

    @api.get("/v1/customers/me/orders", summary="My orders", **documented(OrderPage, problems=(400, 401, 403, 422)))
    async def mine(
        request: Request,
        cursor: Annotated[str | None, Query(max_length=512)] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
    ) -> Response:
        """Those that were placed with the customer's token, newest first; the list is a moment behind (`as_of`)."""
        owner = caller(desk, request.scope).subject
        scope = f"mine\0{owner}"
        before = services.cursors.open(scope, cursor)
        fresh = as_of(services)
        found = await from_store(
            services.read_model.orders(customer_ref=None, status=None, before=before, limit=limit + 1, owner=owner)
        )
        page = found[:limit]
        more = services.cursors.seal(scope, page[-1].order_id) if len(found) > limit else None
        return ok(OrderPage(await listed_all(private, page, request.scope), fresh, more))

    return api
