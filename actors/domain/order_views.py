"""What callers see of an order. The rules are in `order.py`, the state is in `order_state.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from actors.domain.money import Money, Total
from actors.domain.order_backorder import BackorderView
from actors.domain.order_pickup_state import Pickup, PickupStatus
from actors.domain.order_refunds import RefundView, views
from actors.domain.order_state import (
    Channel,
    FulfilmentStatus,
    Order,
    OrderStatus,
    ShipTo,
    fulfilment_id,
    is_asking,
    missing_of,
    status_of,
)
from actors.domain.order_terms_state import without_notes
from actors.domain.order_terms_views import TermsView, terms_view
from actors.domain.personal_notes import ASKER, ORDER_COUNTRY, ORDER_OWNER, PURCHASE, SEALED_ORDER, SHOWN_REFERENCE
from actors.domain.times import moment

# Why personal data is not told: its key was destroyed, processing is restricted (GDPR Art. 18), or the order has to do
# with no place that the caller's rights reach.
Withheld = Literal["erased", "restricted", "elsewhere"]


class ViewOrder(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for one whole order. `asker`: see `order.check_asker`; of holds only those are told to him that he
    can do something about."""

    order_id: str
    asker: Annotated[str, ASKER] = ""


class ViewContact(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what a guest has to know of an order; inside the cell only."""

    order_id: str


class OrderContact(msgspec.Struct, frozen=True, gc=False):
    """The answer: never leaves the cell. `forgotten`: the person was erased. `places`: see `places_of`."""

    order_id: str
    email_digest: Annotated[str, ORDER_OWNER]
    sealed: Annotated[bytes, SEALED_ORDER]
    country: Annotated[str, ORDER_COUNTRY] = ""
    owner: Annotated[str, ORDER_OWNER] = ""
    contact_turn: int = 0
    forgotten: bool = False
    places: list[str] = []


class OrderStatusView(msgspec.Struct, frozen=True, gc=False):
    """The answer to an update."""

    order_id: str
    version: int
    status: OrderStatus


class UnitsView(msgspec.Struct, frozen=True, gc=False):
    """Units of a SKU."""

    sku: str
    quantity: int


class FulfilmentView(msgspec.Struct, frozen=True, gc=False):
    """One fulfilment. `promised_by`: when it shall be with the customer, absent when nothing was promised: without a
    sourcing policy, or asked for after the placement."""

    fulfilment_id: str
    location_id: str
    status: FulfilmentStatus
    lines: list[UnitsView]
    promised_by: datetime | msgspec.UnsetType = msgspec.UNSET


class LineView(msgspec.Struct, frozen=True, gc=False):
    """One line as ordered; `line` counts from 1."""

    line: int
    sku: str
    quantity: int
    unit_price: Money


class CustomerView(msgspec.Struct, frozen=True, gc=False):
    """Who ordered."""

    customer_ref: Annotated[str, SHOWN_REFERENCE]
    country: Annotated[str, ORDER_COUNTRY]


class CollectionBrief(msgspec.Struct, frozen=True, gc=False):
    """One collection. Times are absent until it is ready."""

    collection_id: str
    status: PickupStatus
    ready_at: datetime | msgspec.UnsetType = msgspec.UNSET
    collect_by: datetime | msgspec.UnsetType = msgspec.UNSET


class PickupView(msgspec.Struct, frozen=True, gc=False):
    """Where the customer collects, and how far the newest collection is that is not over. `collections`: oldest first.
    `ready_by`: when all of it may be collected, as the customer was told, as long as something is yet to be made ready;
    absent when nobody knows. `stopped_at`: since when nothing is sent nor asked there by itself any more for what is
    missing, because the store has let the order down too often; absent while it is."""

    location_id: str
    status: PickupStatus
    collections: list[CollectionBrief]
    ready_at: datetime | msgspec.UnsetType = msgspec.UNSET
    collect_by: datetime | msgspec.UnsetType = msgspec.UNSET
    ready_by: datetime | msgspec.UnsetType = msgspec.UNSET
    stopped_at: datetime | msgspec.UnsetType = msgspec.UNSET


class OrderView(msgspec.Struct, frozen=True, gc=False):
    """A whole order. `withheld`: why it does not tell who ordered and where it goes, absent when it does.
    `sealed`: within the cell only.
    `promised_by`: when all of it shall be with the customer, as was said when it was placed; absent when nothing was
    promised. `kits`: what one of each kit among the lines is made of, as it was then: fulfilments hold the parts;
    absent without kits. `refunds`: what was given back, oldest first; absent when nothing was."""

    order_id: str
    version: int
    status: OrderStatus
    order_ref: Annotated[str, SHOWN_REFERENCE]
    channel: Channel
    customer: CustomerView
    ship_to: ShipTo
    fulfilments: list[FulfilmentView]
    backordered: list[UnitsView]
    lines: Annotated[list[LineView], PURCHASE]
    total: Total
    placed_at: datetime
    updated_at: datetime
    promised_by: datetime | msgspec.UnsetType = msgspec.UNSET
    pickup: PickupView | msgspec.UnsetType = msgspec.UNSET
    withheld: Withheld | msgspec.UnsetType = msgspec.UNSET
    sealed: Annotated[bytes | msgspec.UnsetType, SEALED_ORDER] = msgspec.UNSET
    terms: TermsView | msgspec.UnsetType = msgspec.UNSET
    backorder: BackorderView | msgspec.UnsetType = msgspec.UNSET
    kits: Annotated[dict[str, list[UnitsView]] | msgspec.UnsetType, PURCHASE] = msgspec.UNSET
    refunds: Annotated[list[RefundView] | msgspec.UnsetType, PURCHASE] = msgspec.UNSET


def _units(lines: list[tuple[str, int]]) -> list[UnitsView]:
    return [UnitsView(sku, units) for sku, units in lines]


def _promised(ms: int | None) -> datetime | msgspec.UnsetType:
    return msgspec.UNSET if ms is None else moment(ms)


def order_view(
    order_id: str,
    order: Order,
    version: int,
    backorder: BackorderView | msgspec.UnsetType = msgspec.UNSET,
    *,
    own: bool = False,
) -> OrderView:
    """The whole order as callers see it; `backorder`: why something of it is missing (`order_waiting.view`); own: whose
    it is asks. What is being asked for right now is neither served nor backordered yet."""
    missing = {} if is_asking(order) or order.cancelled else missing_of(order)
    return OrderView(
        order_id=order_id,
        version=version,
        status=status_of(order),
        order_ref=order.order_ref,
        channel=order.channel,
        customer=CustomerView(order.customer_ref, order.country),
        ship_to=order.ship_to,
        fulfilments=[
            FulfilmentView(
                fulfilment_id(order_id, f.number), f.location_id, f.status, _units(f.lines), _promised(f.promised_by_ms)
            )
            for f in order.fulfilments
        ],
        backordered=[UnitsView(sku, units) for sku, units in missing.items()],
        lines=[
            LineView(number, line.sku, line.quantity, Money(line.amount, order.currency))
            for number, line in enumerate(order.lines, 1)
        ],
        total=Total(order.total_minor, order.currency),
        placed_at=moment(order.placed_at_ms),
        updated_at=moment(order.updated_at_ms),
        promised_by=_promised(order.promised_by_ms),
        pickup=msgspec.UNSET if order.pickup is None else _pickup(order, order.pickup),
        withheld="erased" if order.forgotten else msgspec.UNSET,
        sealed=order.sealed or msgspec.UNSET,
        terms=msgspec.UNSET if order.terms is None else _terms(order_id, order, own=own),
        backorder=backorder,
        kits={sku: _units(parts) for sku, parts in order.kits.items()} if order.kits else msgspec.UNSET,
        refunds=views(order_id, order) if order.refunds else msgspec.UNSET,
    )


def _terms(order_id: str, order: Order, *, own: bool) -> TermsView:
    assert order.terms is not None
    # An order that was forgotten before its notes were, has them yet.
    terms = without_notes(order.terms) if order.forgotten else order.terms
    return terms_view(order_id, terms, order.currency, own=own)


def _pickup(order: Order, pickup: Pickup) -> PickupView:
    shown = [
        CollectionBrief(name, one.status, _promised(one.ready_at_ms), _promised(one.collect_by_ms))
        for name, one in pickup.collections.items()
    ]
    going = [one for one in shown if one.status in ("locating", "ready")]
    newest = going[-1] if going else shown[-1] if shown else None
    if order.cancelled:
        status: PickupStatus = "cancelled"
    elif going:
        status = going[-1].status
    elif any(f.status == "reserving" for f in order.fulfilments):
        status = "coming"
    else:
        status = newest.status if newest is not None and newest.status != "given_up" else "waiting"
    stopped = _promised(pickup.stopped_at_ms if order.short and not order.cancelled else None)
    if newest is None or status not in ("ready", "collected"):
        by = _promised(pickup.ready_by_ms) if status in ("waiting", "coming", "locating") else msgspec.UNSET
        return PickupView(pickup.at.location_id, status, shown, ready_by=by, stopped_at=stopped)
    return PickupView(pickup.at.location_id, status, shown, newest.ready_at, newest.collect_by, stopped_at=stopped)
