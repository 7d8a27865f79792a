"""What callers send and get. Decoded strictly: unknown fields and wrong types are refused with their place."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from actors.domain.money import Money
from actors.domain.order import Update
from actors.domain.order_state import Channel, OrderStatus
from serve.limits import ITEMS_MAX, LINES_MAX, TEXT, Country, EmailText, Latitude, Longitude, Quantity, Reference, Sku
from serve.openapi import ProblemBody

Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with offset", examples=["2026-03-01T12:00:00Z"])]
FulfilmentId = Annotated[
    str, Meta(min_length=3, max_length=64, pattern=TEXT, description="as told by the order; absent: all that are ready")
]
OrderId = Annotated[str, Meta(max_length=64, examples=["us-01kah2v3nq7h3k2m9qk4t1x0ab"])]


class NewCustomer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Who orders. `country`: where the customer lives, the destination's when absent. `email`: with it the order can be followed without
    an account; it is kept sealed and never told."""

    customer_ref: Reference = ""
    country: Country | None = None
    email: EmailText | None = None


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Where the order goes. With `lat` and `lon` the nearest locations serve; without, those of the country."""

    country: Country
    postcode: Reference = ""
    city: Annotated[str, Meta(max_length=100, pattern=TEXT)] = ""
    lat: Latitude | None = None
    lon: Longitude | None = None


class NewOrderLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What is bought, with the price of one unit."""

    sku: Sku
    quantity: Quantity
    unit_price: Money


class NewOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST /v1/orders`. All lines are in one currency, which the region accepts."""

    channel: Channel
    ship_to: Destination
    lines: Annotated[list[NewOrderLine], Meta(min_length=1, max_length=LINES_MAX)]
    order_ref: Reference = ""
    customer: NewCustomer = NewCustomer()


class MissingUnits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Units that were not found when picking."""

    sku: Sku
    quantity: Quantity


MissingLines = Annotated[list[MissingUnits], Meta(max_length=LINES_MAX, description="short_pick only: what is missing")]


class OrderUpdate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST /v1/orders/{order_id}/updates`: one step of the order's life."""

    update: Update
    fulfilment_id: FulfilmentId | None = None
    occurred_at: Moment | None = None
    lines: MissingLines | None = None


class OrderUpdateItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One of many updates."""

    order_id: OrderId
    update: Update
    fulfilment_id: FulfilmentId | None = None
    occurred_at: Moment | None = None
    lines: MissingLines | None = None


class OrderUpdates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/order-updates`."""

    updates: Annotated[list[OrderUpdateItem], Meta(min_length=1, max_length=ITEMS_MAX)]


class RawOrderUpdates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same body with its items unread: how good items are told from bad ones."""

    updates: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=ITEMS_MAX)]


class OrderUpdateResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The outcome of one of many updates: `version` and `status`, or `error`, a problem as it would have been answered alone."""

    order_id: str
    version: int | msgspec.UnsetType = msgspec.UNSET
    status: OrderStatus | msgspec.UnsetType = msgspec.UNSET
    error: ProblemBody | msgspec.UnsetType = msgspec.UNSET


class OrderUpdateResults(msgspec.Struct, frozen=True):
    """Outcomes in the order of the items."""

    results: list[OrderUpdateResult]


class ListedOrder(msgspec.Struct, frozen=True):
    """One order in a list. `total_minor`: minor units of `currency`."""

    order_id: str
    version: int
    status: OrderStatus
    channel: Channel
    order_ref: str
    customer_ref: str
    country: str
    currency: str
    line_count: int
    units: int
    total_minor: int
    placed_at: datetime
    updated_at: datetime


class OrderPage(msgspec.Struct, frozen=True):
    """Newest first. `as_of`: how fresh the list is, null while no host has told; `next_cursor`: null at the end."""

    orders: list[ListedOrder]
    as_of: datetime | None
    next_cursor: str | None


class HistoryPage(msgspec.Struct, frozen=True):
    """Events of an order: `sequence`, `at`, `cause`, `type` and what belongs to the type. `next_after`: null at the end."""

    events: list[dict[str, Any]]
    next_after: int | None
