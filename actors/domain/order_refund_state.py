"""What an order has given back of its money, and what it keeps. The rules are in `order_refunds.py`. Most orders give
nothing back (`Order.refunds` is None), and pay nothing for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

# Why: there is no free text about people.
RefundReason = Literal["damaged", "late", "not_received", "not_as_described", "goodwill", "price", "other"]
REFUNDS_MAX = 50


class Refund(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One refund. `number` counts from 1; `amount`: minor units of the order's currency, above 0. at_ms: UTC ms.
    `cause`: the approval by which it was given, "" for none."""

    number: int
    amount: int
    reason: RefundReason
    at_ms: int
    cause: str = ""


def refunded(refunds: Iterable[Refund] | None) -> int:
    """All that was given back by refunds, in minor units."""
    return sum(one.amount for one in refunds or ())


def given_alone(refunds: Iterable[Refund] | None) -> int:
    """What of it nobody else has approved, in minor units."""
    return sum(one.amount for one in refunds or () if not one.cause)


def kept(total_minor: int, refunds: Iterable[Refund] | None) -> int:
    """What is still paid for an order that costs so much (minor units): no refund can be of more, and a change that
    takes off more than that makes no more due, because it was given back already. So what refunds and changes give back
    is never more, together, than the order came to."""
    return max(0, total_minor - refunded(refunds))


def refund_id(order_id: str, number: int) -> str:
    """`<order id>.r<number>`: beside those of fulfilments, tells the order, and so the cell."""
    return f"{order_id}.r{number}"
