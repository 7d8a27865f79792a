"""What callers send and get. Decoded strictly: unknown fields and wrong types are refused with their place."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from actors.domain.money import Money
from actors.domain.order_state import Channel, OrderStatus
from actors.domain.personal_notes import (
    ORDER_COUNTRY,
    PRIVATE_ADDRESS,
    PRIVATE_CONTACT,
    PRIVATE_NAME,
    PRIVATE_POSITION,
    PRIVATE_REFERENCE,
    PURCHASE,
    SHOWN_REFERENCE,
)
from serve.counts.schemas import LocationName
from serve.limits import (
    ITEMS_MAX,
    LINES_MAX,
    TEXT,
    Country,
    EmailText,
    Latitude,
    Longitude,
    Lot,
    Quantity,
    Reference,
    Sku,
)
from serve.moments import Moment
from serve.openapi import ProblemBody
from serve.orders.terms_schemas import AnyUpdate, Group, HoldDetails, NewTerms, Priority, Substitutes
from serve.reservations.schemas import ReservationId

FulfilmentId = Annotated[
    str, Meta(min_length=3, max_length=64, pattern=TEXT, description="as told by the order; absent: all that are ready")
]
OrderId = Annotated[str, Meta(max_length=64, examples=["us-01kah2v3nq7h3k2m9qk4t1x0ab"])]


class NewCustomer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Who orders. `country`: where the customer lives, the destination's when absent. `email`: with it the order can be
    followed without an account; it is kept sealed and never told."""

    customer_ref: Annotated[Reference, PRIVATE_REFERENCE] = ""
    country: Annotated[Country | None, ORDER_COUNTRY] = None
    email: Annotated[EmailText | None, PRIVATE_CONTACT] = None


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Where the order goes, and to whom. With `lat` and `lon` the nearest locations serve; without, those of the
    country. All of it but the country is kept sealed; a cell without keys takes no `recipient`, `street` or `phone`."""

    country: Annotated[Country, ORDER_COUNTRY]
    postcode: Annotated[Reference, PRIVATE_ADDRESS] = ""
    city: Annotated[str, Meta(max_length=100, pattern=TEXT), PRIVATE_ADDRESS] = ""
    lat: Annotated[Latitude | None, PRIVATE_POSITION] = None
    lon: Annotated[Longitude | None, PRIVATE_POSITION] = None
    recipient: Annotated[str, Meta(max_length=120, pattern=TEXT, examples=["Mia Muster"]), PRIVATE_NAME] = ""
    street: Annotated[str, Meta(max_length=200, pattern=TEXT, description="street, number, floor"), PRIVATE_ADDRESS] = (
        ""
    )
    phone: Annotated[str, Meta(max_length=32, pattern=TEXT, examples=["+1 206 555 0100"]), PRIVATE_CONTACT] = ""


class NewOrderLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What is bought, with the price of one unit. What stands in for it costs the same."""

    sku: Sku
    quantity: Quantity
    unit_price: Money
    group: Group = ""
    substitutes: Substitutes = []


# Nobody said where it goes: it is collected.
NOWHERE = Destination("ZZ")


class NewPickup(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The store at which the customer collects the order. What the store lacks is sent to it
    from other places first."""

    location_id: LocationName


class NewOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST /v1/orders`. Either `ship_to` or `pickup` says where it goes (with both, `ship_to` is where the
    customer lives). All lines are in one currency, which the region accepts.
    `reservation_id`: of the cart that is ordered; what it has kept is the order's, whatever else is wanted is asked for
    as ever, and what is not wanted of it is given back. `release_at`: ordered ahead: nothing is taken for it before
    then; goods that the catalogue says are not out yet wait for their own release in any case."""

    channel: Channel
    lines: Annotated[list[NewOrderLine], Meta(min_length=1, max_length=LINES_MAX), PURCHASE]
    ship_to: Destination = NOWHERE
    order_ref: Annotated[Reference, PRIVATE_REFERENCE] = ""
    customer: NewCustomer = NewCustomer()
    reservation_id: ReservationId = ""
    terms: NewTerms | None = None
    release_at: Moment | None = None
    pickup: NewPickup | None = None


class MissingUnits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Units that were not found when picking. `lot`: of which they were, where that is known; else those are taken that
    end soonest. Of a lot that the fulfilment does not have there nothing is taken."""

    sku: Sku
    quantity: Quantity
    lot: Lot = ""


MissingLines = Annotated[list[MissingUnits], Meta(max_length=LINES_MAX, description="short_pick only: what is missing")]


class OrderUpdate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST /v1/orders/{order_id}/updates`: one step of the order's life; or `hold` and `release` with
    `hold`, `prioritise` with `priority`."""

    update: AnyUpdate
    fulfilment_id: FulfilmentId | None = None
    occurred_at: Moment | None = None
    lines: MissingLines | None = None
    hold: HoldDetails | None = None
    priority: Priority | None = None


class OrderUpdateItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One of many updates."""

    order_id: OrderId
    update: AnyUpdate
    fulfilment_id: FulfilmentId | None = None
    occurred_at: Moment | None = None
    lines: MissingLines | None = None
    hold: HoldDetails | None = None
    priority: Priority | None = None


class OrderUpdates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/order-updates`."""

    updates: Annotated[list[OrderUpdateItem], Meta(min_length=1, max_length=ITEMS_MAX)]


class RawOrderUpdates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same body with its items unread: how good items are told from bad ones."""

    updates: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=ITEMS_MAX)]


class OrderUpdateResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The outcome of one of many updates: `version` and `status`, or `error`, a problem as it would
    have been answered alone."""

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
    order_ref: Annotated[str, SHOWN_REFERENCE]
    customer_ref: Annotated[str, SHOWN_REFERENCE]
    country: Annotated[str, ORDER_COUNTRY]
    currency: str
    line_count: int
    units: int
    total_minor: int
    placed_at: datetime
    updated_at: datetime


class OrderPage(msgspec.Struct, frozen=True):
    """Newest first. `as_of`: how fresh the list is, null while not every host has told;
    `next_cursor`: null at the end."""

    orders: list[ListedOrder]
    as_of: datetime | None
    next_cursor: str | None


class HistoryPage(msgspec.Struct, frozen=True):
    """Events of an order: `sequence`, `at`, `cause`, `type` and what belongs to the type.
    `next_after`: null at the end."""

    events: list[dict[str, Any]]
    next_after: int | None
