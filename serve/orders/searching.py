"""`POST /v1/order-searches`: orders by what a person knows of them. In a body, because addresses of requests stand in
the logs of many programs, and what is looked for here tells who somebody is. It changes nothing, so it
has no Idempotency-Key."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Request
from msgspec import Meta
from starlette.responses import Response

from actors.domain.personal_notes import SHOWN_CONTACT, SHOWN_REFERENCE
from actors.runtime.read_model import OrderSummary
from serve.identity.emails import checked
from serve.limits import PAGE_DEFAULT, PAGE_MAX, TEXT, EmailText
from serve.openapi import documented
from serve.orders.finding import orders_found
from serve.orders.lists_told import note_list
from serve.orders.private import PrivateOrders
from serve.orders.reading import order_page
from serve.orders.schemas import OrderPage
from serve.paging import page_of
from serve.problems import Problem
from serve.requests import decode
from serve.responses import ok
from serve.services import Services

_Sought = Annotated[str, Meta(min_length=1, max_length=64, pattern=TEXT)]


class OrderSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body: exactly one of `email`, `customer_ref` and `order_ref`."""

    email: Annotated[EmailText | None, SHOWN_CONTACT] = None
    customer_ref: Annotated[_Sought | None, SHOWN_REFERENCE] = None
    order_ref: Annotated[_Sought | None, SHOWN_REFERENCE] = None
    cursor: Annotated[str, Meta(max_length=512)] | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT


_decoder = msgspec.json.Decoder(OrderSearch)
_EXAMPLE = {"email": "mia@example.com"}


def router(services: Services, private: PrivateOrders) -> APIRouter:
    """The route."""
    api = APIRouter(tags=["orders"])

    @api.post(
        "/v1/order-searches",
        summary="Find orders by e-mail address or reference",
        **documented(OrderPage, body=OrderSearch, request_example=_EXAMPLE, problems=(400, 422)),
    )
    async def find(request: Request) -> Response:
        """Newest first, from the read model, which is a moment behind (`as_of`). Whole values only: what is sealed is
        found by its digest. Who is bound to locations finds any order by `order_ref`; by whose they are, among the
        2,000 newest that follow, only orders that have to do with them. Orders of somebody whose data is restricted are
        found by whose they are only by who handles requests of data subjects."""
        write = await services.bodies.read(request.scope, request.receive, keyed=False)
        sought = decode(_decoder, write.body)
        wanted = {name: text for name in ("email", "customer_ref", "order_ref") if (text := getattr(sought, name))}
        if len(wanted) != 1:
            detail = "Give one of `email`, `customer_ref` and `order_ref`."
            raise Problem("body.invalid", detail, errors=[{"pointer": "", "detail": "exactly one of three"}])
        ((name, text),) = wanted.items()
        column, value = _stored(private, name, text)

        async def read(before: str | None, limit: int) -> list[OrderSummary]:
            return await orders_found(services, private, request.scope, before, limit, **{column: value})

        scope = f"order-searches\0{column}\0{value}"
        page = await page_of(services, scope, sought.cursor, sought.limit, read, lambda order: order.order_id)
        kind = "customer" if name == "customer_ref" else name
        await note_list(services, request, len(page.items), sought.cursor, kind=kind, whose=text)
        return ok(await order_page(private, page, request.scope))

    return api


def _stored(private: PrivateOrders, name: str, text: str) -> tuple[str, str]:
    """(column, value) of the read model. Raises Problem 422 for what is no address, or none
    that this cell could keep."""
    if name == "email":
        return "email_digest", private.email_digest(checked(text, "/email"))
    return name, private.stored(name, text)
