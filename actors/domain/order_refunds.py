"""Refunds: money of an order that is given back. The rules of the order are in `order.py`; who pays it
out is the payment's matter.

    GiveRefund ──may it be?──yes──▶ RefundGiven: less is kept          above the region's threshold: WantRefund ──▶ an approval ──somebody else──▶ GiveRefund
                          ├─but not by one person──▶ nothing happens: answered as WantRefund is
                          └─no───▶ refused by name

    what the order came to  =  what changes took off (`Terms.refund_minor`)  +  what refunds gave back  +  what is kept

The last is never below nothing, in whatever order refunds and changes come: a refund is of no more than is kept, and a
change that takes off what was given back already makes nothing due (`order_refund_state.kept`). The threshold is one of
the order, not of each refund: whoever gives it back in parts needs a second person from the part on that goes beyond
it. That is judged in the order's turn, so no two parts pass it side by side. What more of a line costs is kept as well.
Money is given back for what was served: nobody pays for what is merely asked for, and what is not to come at all is
changed or cancelled. A cancelled order owes what is kept by itself, so that a refund of it would be paid twice.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision
from actors.domain.money import Total
from actors.domain.order_holds import check_reach
from actors.domain.order_refund_commands import GiveRefund, WantRefund
from actors.domain.order_refund_events import RefundGiven
from actors.domain.order_refund_state import (
    REFUNDS_MAX,
    Refund,
    RefundReason,
    given_alone,
    kept,
    refund_id,
    refunded,
)
from actors.domain.order_state import Order, status_of
from actors.domain.times import moment


class RefundView(msgspec.Struct, frozen=True, gc=False):
    """One refund, as callers see it."""

    refund_id: str
    amount: Total
    reason: RefundReason
    given_at: datetime


class OrderRefunded(msgspec.Struct, frozen=True, gc=False):
    """What was given back just now. `refunded`: by all refunds together; `kept`: what could be given back yet."""

    order_id: str
    version: int
    refund: RefundView
    refunded: Total
    kept: Total


class RefundPossible(msgspec.Struct, frozen=True, gc=False):
    """It could be given now. `location_id`: where the order is served, by which it is judged who may decide."""

    order_id: str
    version: int
    location_id: str


def give(order: Order, command: GiveRefund, context: Context) -> Decision:
    """Answered as by `want`, and nothing happens, when it takes two. Raises Refused as `check` does."""
    check(order, command, context.entity_id)
    if takes_two(order, command):
        return _possible(order, context)
    number = len(order.refunds or ()) + 1
    given = RefundGiven(number, command.amount, command.currency, command.reason, command.cause)
    return Decision([given], lambda state, version: _told(context.entity_id, state, version))


def want(order: Order, command: WantRefund, context: Context) -> Decision:
    """Raises Refused as `check` does."""
    check(order, command.refund, context.entity_id)
    return _possible(order, context)


def takes_two(order: Order, command: GiveRefund) -> bool:
    """Is it more, with all that was given back of the order without an approval, than that may be?"""
    most = command.alone_minor_max
    return most is not None and command.amount + given_alone(order.refunds) > most


def _possible(order: Order, context: Context) -> Decision:
    place = place_of(order)
    return Decision([], lambda state, version: RefundPossible(context.entity_id, version, place))


def check(order: Order, command: GiveRefund, order_id: str) -> None:
    """Raises Refused `order.location_forbidden`, `refund.currency_differs`, `refund.amount_zero`,
    `refund.order_cancelled`, `refund.nothing_served`, `refund.too_many`, `refund.too_much`."""
    check_reach(order, command.within)
    if command.currency != order.currency:
        detail = f"The order was paid in {order.currency}."
        raise Refused("refund.currency_differs", detail, order_id=order_id, currency=order.currency)
    if command.amount <= 0:
        raise Refused("refund.amount_zero", "Nothing, or less than nothing, can't be given back.", order_id=order_id)
    if status_of(order) == "cancelled":
        detail = "The order is cancelled: what is still paid for it goes back with that."
        raise Refused("refund.order_cancelled", detail, order_id=order_id)
    if not place_of(order):
        detail = "No place serves any of the order: change it, or cancel it."
        raise Refused("refund.nothing_served", detail, order_id=order_id)
    if len(order.refunds or ()) >= REFUNDS_MAX:
        raise Refused("refund.too_many", f"An order has at most {REFUNDS_MAX} refunds.", order_id=order_id)
    left = kept(order.total_minor, order.refunds)
    if command.amount > left:
        detail = f"{left} of what the order came to is left, in minor units."
        raise Refused("refund.too_much", detail, order_id=order_id, kept_minor=left)


def place_of(order: Order) -> str:
    """Where it is served: the first place that has some of it, which is where it is collected if
    it is; "" when none does."""
    served = (one.location_id for one in order.fulfilments if one.status not in ("reserving", "cancelled"))
    return next(served, "")


def evolve(order: Order, event: RefundGiven, context: Context) -> None:
    """Changes `order`."""
    given = Refund(event.number, event.amount, event.reason, context.now_ms, event.cause)
    order.refunds = [*(order.refunds or ()), given]


def views(order_id: str, order: Order) -> list[RefundView]:
    """All of them, oldest first."""
    return [
        RefundView(
            refund_id(order_id, one.number), Total(one.amount, order.currency), one.reason, moment(one.at_ms)
        )
        for one in order.refunds or ()
    ]  # fmt: skip


def _told(order_id: str, order: Order, version: int) -> OrderRefunded:
    given, currency = views(order_id, order)[-1], order.currency
    return OrderRefunded(
        order_id, version, given, Total(refunded(order.refunds), currency),
        Total(kept(order.total_minor, order.refunds), currency),
    )  # fmt: skip
