"""Reading orders: one from its actor (hot), its history, and lists from the read model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, get_args

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from actors.domain.order_state import OrderStatus
from actors.domain.order_terms_state import HoldKind
from actors.domain.order_views import ViewOrder
from actors.domain.times import moment
from actors.runtime.read_model import OrderSummary
from serve.context import ENTITY_ID, REQUEST_ID, Receive, Scope
from serve.limits import PAGE_DEFAULT
from serve.openapi import documented
from serve.orders.elsewhere import bounds_of
from serve.orders.finding import orders_found
from serve.orders.hold_notes import is_noted
from serve.orders.lists_told import note_list
from serve.orders.nearness import hide_nearness, is_corrected, tells_nearness
from serve.orders.own import OrderInPath, asker_of, reveals, sees_corrected, told_alike
from serve.orders.private import PrivateOrders
from serve.orders.schemas import HistoryPage, ListedOrder, OrderPage
from serve.orders.words import OrderWords
from serve.paging import Cursor, Limit, Page, check_choice, one_of, page_of
from serve.problems import Answer, Problem
from serve.regions import Territory
from serve.replies import body_of
from serve.responses import ok
from serve.services import Services

SEQUENCE_MAX = 2**62
_STATUSES = frozenset(get_args(OrderStatus))
# Reasons for which orders are held, or any of them.
HELD = frozenset({*get_args(HoldKind), "any"})
_history_decoder = msgspec.json.Decoder(HistoryPage | None)


class OrderReading:
    """The hot handler: one order, fresh."""

    def __init__(self, services: Services, territory: Territory, private: PrivateOrders) -> None:
        self._gateway = services.gateway
        self._territory = territory
        self._private = private

    async def read(self, order_id: str, scope: Scope, receive: Receive) -> Answer:
        """The order as its actor has it."""
        asker = asker_of(scope, "orders.read")
        if asker:
            return await told_alike(self._read(order_id, scope, asker))
        return await self._read(order_id, scope)

    async def _read(self, order_id: str, scope: Scope, asker: str = "") -> Answer:
        self._territory.check_order(order_id)
        scope[ENTITY_ID] = order_id
        query, cause = ViewOrder(order_id, asker), scope[REQUEST_ID]
        body = body_of(await self._gateway.view("order", order_id, query, cause=cause))
        return (
            200,
            await self._private.opened_view(body, cause, restricted_too=reveals(scope), bounds=bounds_of(scope)),
            (),
        )


def listed(order: OrderSummary) -> ListedOrder:
    """One order of a list, as callers see it."""
    return ListedOrder(
        order.order_id, order.version, order.status, order.channel, order.order_ref, order.customer_ref,  # type: ignore[arg-type]
        order.country, order.currency, order.line_count, order.units, order.total_minor,
        moment(order.placed_at), moment(order.updated_at),
    )  # fmt: skip


async def order_page(private: PrivateOrders, page: Page[OrderSummary], scope: Scope) -> OrderPage:
    """A page of orders as the caller may see them. Raises Problem 503."""
    cause, restricted_too, bounds = scope[REQUEST_ID], reveals(scope), bounds_of(scope)
    orders = [
        listed(await private.opened_row(order, cause, restricted_too=restricted_too, bounds=bounds))
        for order in page.items
    ]
    return OrderPage(orders, page.as_of, page.next_cursor)


async def _open(
    services: Services, private: PrivateOrders, order_id: str, page: HistoryPage, scope: Scope
) -> None:  # fmt: skip
    """What is sealed in a page of the history, as the caller may see it. Raises Problem 503."""
    cause, restricted_too = scope[REQUEST_ID], reveals(scope)
    known = await OrderWords(services).contact(order_id, cause)
    withheld = await private.why_withheld(known, cause, restricted_too=restricted_too, bounds=bounds_of(scope))
    corrected = not sees_corrected(scope) and await _was_corrected(services, order_id, page, known.sealed)
    for event in page.events:
        if withheld == "elsewhere":
            private.withhold_event(event, known.country)
        else:
            await private.open_event(
                order_id, event, cause,
                country=known.country, present=None if sees_corrected(scope) else known.sealed, restricted_too=restricted_too,
            )  # fmt: skip
        if is_noted(event):
            await private.notes.told(order_id, event, cause, withheld, restricted_too=restricted_too)
        if withheld is not None or corrected:
            hide_nearness(event)


async def _was_corrected(services: Services, order_id: str, page: HistoryPage, present: bytes) -> bool:
    """See `is_corrected`; False where no event of the page tells how near places are. Raises Problem 503."""
    if not any(tells_nearness(event) for event in page.events):
        return False
    first = page.events[0]
    if first["sequence"] != 1:
        beginning = _history_decoder.decode(body_of(await services.gateway.history("order", order_id, 0, 1)))
        assert beginning is not None  # a page of the same history was there
        first = beginning.events[0]
    return is_corrected(first, present)


def _may_be_withheld(private: PrivateOrders, event: dict[str, Any]) -> bool:
    """Is there anything in it that not everybody is told, or that has to be opened?"""
    return "sealed" in event or is_noted(event) or (private.seals and tells_nearness(event))


def router(services: Services, territory: Territory, private: PrivateOrders) -> APIRouter:
    """The other routes with their services."""
    api = APIRouter(tags=["orders"])
    _add_history(api, services, territory, private)
    _add_list(api, services, private)
    return api


def _add_history(api: APIRouter, services: Services, territory: Territory, private: PrivateOrders) -> None:
    @api.get(
        "/v1/orders/{order_id}/events",
        summary="The history of an order",
        **documented(HistoryPage, problems=(404, 421, 422)),
    )
    async def events(
        request: Request,
        order_id: OrderInPath,
        after: Annotated[int, Query(ge=0, le=SEQUENCE_MAX, description="a sequence: what comes after it")] = 0,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Every change with sequence, time, cause (the request's id) and what it was, oldest first. Whose order it was
        is withheld (`elsewhere`) from who is bound to locations with which the order has nothing to do."""
        territory.check_order(order_id)
        page = _history_decoder.decode(body_of(await services.gateway.history("order", order_id, after, limit)))
        if page is None or (after == 0 and not page.events):
            # Every order has at least the event by which it was placed.
            raise Problem("order.unknown", f"There is no order {order_id}.", extra={"order_id": order_id})
        if bounds_of(request.scope) or any(_may_be_withheld(private, event) for event in page.events):
            await _open(services, private, order_id, page, request.scope)
        for event in page.events:
            private.unsigned(event)
        return ok(page)


def _add_list(api: APIRouter, services: Services, private: PrivateOrders) -> None:
    @api.get("/v1/orders", summary="Find orders", **documented(OrderPage, problems=(400, 422)))
    async def find(
        request: Request,
        customer_ref: Annotated[
            str | None,
            Query(
                min_length=1,
                max_length=64,
                pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",
                description="those of this customer, as the shop knows him",
            ),
        ] = None,
        status: Annotated[str | None, one_of(_STATUSES)] = None,
        held: Annotated[
            str | None,
            Query(
                max_length=32,
                description="those that are held for that reason",
                json_schema_extra={"enum": sorted(HELD)},
            ),
        ] = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_DEFAULT,
    ) -> Response:
        """Newest first, from the read model, which is a moment behind (`as_of`). Who is bound to locations sees
        references only of orders that have to do with them, and by `customer_ref` finds those alone, among the 2,000
        newest that follow. Orders of somebody whose data is restricted are found by `customer_ref` only by who handles
        requests of data subjects."""
        check_choice("status", status, _STATUSES)
        check_choice("held", held, HELD)

        async def read(before: str | None, some: int) -> Sequence[OrderSummary]:
            reference = None if customer_ref is None else private.stored("customer_ref", customer_ref)
            return await orders_found(
                services, private, request.scope, before, some, customer_ref=reference, status=status, held=held
            )

        scope = f"orders\0{customer_ref or ''}\0{status or ''}\0{held or ''}"
        page = await page_of(services, scope, cursor, limit, read, lambda order: order.order_id)
        whose = customer_ref or ""
        await note_list(
            services, request, len(page.items), cursor, kind="customer", whose=whose, status=status, held=held
        )
        return ok(await order_page(private, page, request.scope))
