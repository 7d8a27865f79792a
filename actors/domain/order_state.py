"""The state of an order, its status, and what the read model has of it. The rules are in `order.py`, what callers see
is in `order_views.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from actors.domain.allocation import SPLIT_MAX, Need, Place, need_of
from actors.domain.order_backorder import Backorder
from actors.domain.order_pickup_state import Pickup
from actors.domain.order_refund_state import Refund
from actors.domain.order_terms_state import Terms, as_ordered, next_overdue_ms
from actors.domain.personal_notes import (
    NEARNESS,
    ORDER_COUNTRY,
    ORDER_DIGEST,
    ORDER_OWNER,
    PURCHASE,
    SEALED_ORDER,
    SHOWN_ADDRESS,
    SHOWN_CONTACT,
    SHOWN_NAME,
    SHOWN_POSITION,
)
from actors.domain.rows import OrderChange, OrderRow
from actors.domain.times import DAY_MS

Channel = Literal["online", "store", "marketplace"]
FulfilmentStatus = Literal["reserving", "allocated", "picking", "packed", "shipped", "delivered", "cancelled"]
OrderStatus = Literal[
    "placed", "allocated", "partly_allocated", "backordered", "picking", "packed", "partly_shipped", "shipped",
    "delivered", "cancelled",
]  # fmt: skip
# Nothing happens to such an order any more but what is told of it.
OVER: tuple[OrderStatus, ...] = ("shipped", "delivered", "cancelled")
# Shipped so long ago, and nothing was heard of it since: taken for delivered.
SHIPPED_OVER_MS = 30 * DAY_MS
# How far a fulfilment is; an order is as far as the least of its fulfilments.
_PROGRESS = {"reserving": 0, "allocated": 1, "picking": 2, "packed": 3, "shipped": 4, "delivered": 5}
# SKU → (SKU of a part, units of it in one kit)
Kits = dict[str, list[tuple[str, int]]]


class ShipTo(msgspec.Struct, frozen=True, gc=False):
    """Where the order goes, and to whom. lat, lon: degrees, None when unknown. Of a sealed order only
    the country stands here."""

    country: Annotated[str, ORDER_COUNTRY]
    postcode: Annotated[str, SHOWN_ADDRESS] = ""
    city: Annotated[str, SHOWN_ADDRESS] = ""
    lat: Annotated[float | None, SHOWN_POSITION] = None
    lon: Annotated[float | None, SHOWN_POSITION] = None
    recipient: Annotated[str, SHOWN_NAME] = ""
    street: Annotated[str, SHOWN_ADDRESS] = ""
    phone: Annotated[str, SHOWN_CONTACT] = ""


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line as ordered. `amount`: minor units of one unit, in the order's currency."""

    sku: str
    quantity: int
    amount: int


class Fulfilment(msgspec.Struct, array_like=True, gc=False):
    """The part of an order that one location serves. `lines`: (sku, units) asked for while reserving, then reserved.
    `promised_by_ms`: when it shall be there (UTC ms), as was said when it was placed; None when nothing was.
    `transit_ms`: how long its carrier takes by the policy."""

    number: int
    location_id: str
    status: FulfilmentStatus
    lines: list[tuple[str, int]]
    promised_by_ms: int | None = None
    transit_ms: Annotated[int | None, NEARNESS] = None


class Order(msgspec.Struct, array_like=True, gc=False):
    """`sealed`: what tells who ordered and where it goes (`serve/orders/private.py`), under a data key; `order_ref` and
    `customer_ref` are keyed digests then, and `ship_to` has the country alone. b"" where nothing is sealed.
    `email_digest`: keyed, hex, "" for none.

    Times in UTC ms. `owner`: id of the customer who placed it, "" when somebody else did. `candidates`: places that
    this round of allocation may still ask, nearest first. `place_command`: the command whose final answer is still
    owed. `served`: locations that served in this round. `claiming`: the reservation that was asked for its units and
    has not answered, "" for none."""

    order_ref: Annotated[str, ORDER_DIGEST]
    channel: Channel
    customer_ref: Annotated[str, ORDER_DIGEST]
    country: Annotated[str, ORDER_COUNTRY]
    ship_to: ShipTo
    currency: str
    lines: Annotated[list[Line], PURCHASE]
    fulfilments: list[Fulfilment]
    placed_at_ms: int
    updated_at_ms: int
    place_command: str = ""
    candidates: Annotated[list[Place], NEARNESS] = []
    retry_places: Annotated[list[str], NEARNESS] = []
    retry_at_ms: int | None = None
    retries: int = 0
    served: int = 0
    next_number: int = 1
    cancelled: bool = False
    # No fulfilment covers some of it; kept, because the status hangs on it and it changes rarely (see `missing_of`).
    short: bool = True
    units: int = 0
    total_minor: int = 0
    owner: Annotated[str, ORDER_OWNER] = ""
    sealed: Annotated[bytes, SEALED_ORDER] = b""
    email_digest: Annotated[str, ORDER_OWNER] = ""
    # The person was erased (`order.ForgetPerson`).
    forgotten: bool = False
    claiming: str = ""
    # Numbers of fulfilments that a location's floor picks and that are neither packed nor cancelled.
    at_floors: list[int] = []
    # Over how many places a round of allocation may go.
    splits: int = SPLIT_MAX
    # When all of it shall be there (UTC ms), as was said when it was placed; None when nothing was.
    promised_by_ms: int | None = None
    # What one of each kit that was ordered is made of, as it was then; None for no kits.
    kits: Kits | None = None
    # Days that lots must have left, of SKUs for which it matters; None for none.
    life_days: dict[str, int] | None = None
    # Holds, and what was asked for besides the goods; None for a plain order.
    terms: Terms | None = None
    # The lines in which it waits, or did; None when it never lacked anything (`order_waiting.py`).
    backorder: Backorder | None = None
    # Where its customer collects it, and how far that is (`order_pickup.py`); None for an order that is sent.
    pickup: Pickup | None = None
    # What was given back of its money (`order_refunds.py`); None for nothing.
    refunds: Annotated[list[Refund], PURCHASE] | None = None


def is_asking(order: Order) -> bool:
    """Is an answer under way that says what the order gets?"""
    return bool(order.claiming) or any(f.status == "reserving" for f in order.fulfilments)


def wanted_of(lines: Iterable[Line], kits: Kits | None) -> Need:
    """Units per SKU that have to be had for the lines: of a kit its parts."""
    if not kits:
        return need_of((line.sku, line.quantity) for line in lines)
    return need_of(
        (part, line.quantity * units) for line in lines for part, units in kits.get(line.sku) or [(line.sku, 1)]
    )


def parts_of(lines: Iterable[Line], kits: Kits) -> list[Line]:
    """The lines with parts in place of kits. What a kit costs is shared out evenly over its units."""
    out = []
    for line in lines:
        parts = kits.get(line.sku)
        if parts is None:
            out.append(line)
            continue
        units = sum(n for _, n in parts)
        out += [Line(sku, line.quantity * n, line.amount // units) for sku, n in parts]
    return out


def is_covered(order: Order, fulfilments: Iterable[Fulfilment], more: Iterable[tuple[str, int]] = ()) -> bool:
    """Do these and these units cover all that was ordered? Told at once of plain orders, and False of all others:
    nothing covers more of a SKU than is wanted, so the units tell. Nearly all orders are plain and whole, and ask this
    several times a turn. Of one in lines more may be there: what a line gave, and what others are being asked for."""
    if order.terms is not None or order.kits or (order.backorder is not None and order.backorder.places):
        return False
    left = order.units
    for fulfilment in fulfilments:
        for _, units in fulfilment.lines:
            left -= units
    for _, units in more:
        left -= units
    return left == 0


def missing_of(order: Order) -> Need:
    """Units per SKU that no fulfilment covers. What was cancelled by itself is not missed."""
    return {} if is_covered(order, order.fulfilments) else uncovered(order, order.fulfilments)


def uncovered(order: Order, fulfilments: Iterable[Fulfilment]) -> Need:
    """Units per SKU that these do not cover."""
    missing, terms = wanted_of(order.lines, order.kits), order.terms
    for fulfilment in fulfilments:
        lines = fulfilment.lines if terms is None else as_ordered(terms, fulfilment.number, fulfilment.lines)
        for sku, units in lines:
            missing[sku] = missing.get(sku, 0) - units
    return {sku: units for sku, units in missing.items() if units > 0}


def status_of(order: Order) -> OrderStatus:
    """The status of the whole order; see the picture in `order.py`."""
    if order.cancelled:
        return "cancelled"
    steps = [_PROGRESS[f.status] for f in order.fulfilments if f.status != "cancelled"]
    if not steps:
        if order.place_command:
            return "placed"
        return "backordered" if order.short else "cancelled"
    least, most = min(steps), max(steps)
    if most <= 1:
        if order.place_command and least == 0:
            return "placed"
        served = most == 1
        complete = least == 1 and not order.short
        return "allocated" if complete else "partly_allocated" if served else "backordered"
    if most >= 4 and (least < 4 or order.short):
        return "partly_shipped"
    if least >= 4:
        return "delivered" if least == 5 else "shipped"
    return "packed" if least == 3 else "picking"


def places_of(order: Order) -> list[str]:
    """The locations that the order has to do with: that serve some of it, are asked to or no longer do, and where it is
    collected. Who was asked and gave nothing is none of them."""
    places = {fulfilment.location_id for fulfilment in order.fulfilments}
    if order.pickup is not None:
        places.add(order.pickup.at.location_id)
    return sorted(places)


def is_under_way(status: OrderStatus, updated_at_ms: int, now_ms: int) -> bool:
    """Is there something yet to be delivered, so that it has to be known to whom? Times: UTC ms."""
    if status == "shipped":
        return now_ms - updated_at_ms < SHIPPED_OVER_MS
    return status not in {"delivered", "cancelled"}


def fulfilment_id(order_id: str, number: int) -> str:
    """`<order id>.<number>`: tells the order, and so the cell."""
    return f"{order_id}.{number}"


# --- what is written down ---------------------------------------------------------------------------------------------
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Order).decode


def order_row(order_id: str, order: Order, version: int) -> OrderRow:
    """The order's row in the read model, with its state for the next activation."""
    return OrderRow(
        order_id, version, status_of(order), order.channel, order.order_ref, order.customer_ref, order.owner,
        order.email_digest, order.country, order.currency, len(order.lines), order.units, order.total_minor, order.placed_at_ms, order.updated_at_ms,
        due_of(order), order.sealed, _encode(order),
    )  # fmt: skip


def order_change(order_id: str, order: Order, version: int) -> OrderChange:
    """What has changed in that row."""
    return OrderChange(order_id, version, status_of(order), order.updated_at_ms, due_of(order), _encode(order))


def due_of(order: Order) -> int | None:
    """When the order does something by itself (UTC ms): it asks again, or tells that a hold stands too
    long, or of another date."""
    if order.cancelled:
        return None
    dates = None if order.backorder is None else order.backorder.dates
    if order.terms is None and dates is None:
        return order.retry_at_ms
    overdue_ms = None if order.terms is None else next_overdue_ms(order.terms)
    if overdue_ms is not None and status_of(order) in OVER:
        overdue_ms = None  # cancelled fulfilment by fulfilment, or gone
    moments = (order.retry_at_ms, overdue_ms, None if dates is None else dates.tell_at_ms)
    return min((moment for moment in moments if moment is not None), default=None)


def copied(order: Order) -> Order:
    """Another of the same, which may be changed."""
    return _decode(_encode(order))


def restored(state: bytes) -> Order:
    """The order from the state of its row."""
    return _decode(state)
