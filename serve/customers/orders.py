"""`GET /v1/customers/me/orders`: a customer's own orders, from the read model."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from serve.customers.accounts import caller
from serve.identity.desk import Desk
from serve.limits import PAGE_DEFAULT
from serve.openapi import documented
from serve.orders.private import PrivateOrders
from serve.orders.reading import order_page
from serve.orders.schemas import OrderPage
from serve.paging import Cursor, Limit, page_of
from serve.responses import ok


def router(desk: Desk) -> APIRouter:
    """The route."""
    api = APIRouter(tags=["customers"])
    services = desk.services
    private = PrivateOrders(services)

    @api.get("/v1/customers/me/orders", summary="My orders", **documented(OrderPage, problems=(400, 401, 403, 422)))
    async def mine(
        request: Request,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Those that were placed with the customer's token, newest first; the list is a moment behind (`as_of`)."""
        owner = caller(desk, request.scope).subject
        page = await page_of(
            services, f"mine\0{owner}", cursor, limit,
            lambda before, some: services.read_model.orders(
                customer_ref=None, status=None, before=before, limit=some, owner=owner
            ),
            lambda order: order.order_id,
        )  # fmt: skip
        return ok(await order_page(private, page, request.scope))

    return api
