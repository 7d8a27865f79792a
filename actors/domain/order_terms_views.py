"""What callers see of an order's holds and terms. See `order_terms_state.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from actors.domain.money import Total
from actors.domain.order_terms_state import Handling, HoldKind, ServiceLevel, Terms
from actors.domain.personal_notes import APPROVER, ORDER_NOTE, SHOWN_GIFT, SHOWN_NOTE
from actors.domain.times import moment

# What a customer can do something about. That a payment is looked into, or why, is not told to whom it may be about.
_TOLD_TO_OWNER: frozenset[HoldKind] = frozenset({"address", "customer"})


class HoldView(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The order stands still. `release_by`: when it is told that nobody has released it; `overdue`: that was told.
    `by`, `note`: not for customers. `sealed_note`: within the cell only."""

    kind: HoldKind
    since: datetime
    by: Annotated[str, APPROVER] = ""
    note: Annotated[str, SHOWN_NOTE] = ""
    release_by: datetime | None = None
    overdue: bool = False
    sealed_note: Annotated[bytes, ORDER_NOTE] = b""


class LineTerms(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Of a line, by its number from 1: lines of one `group` come together or not at all; what
    may stand in, best first."""

    line: int
    group: str = ""
    substitutes: list[str] = []


class Substituted(msgspec.Struct, frozen=True, gc=False):
    """In a fulfilment, units of another SKU stand in for the one that was ordered. They cost what that would have."""

    fulfilment_id: str
    sku: str
    substitute: str
    quantity: int


class GiftView(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """It is a present, `{}` for a plain one: wrapped, and with these words."""

    wrap: bool = False
    message: Annotated[str, SHOWN_GIFT] = ""


class TermsView(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What is asked for besides the goods. `ship_complete`: nothing leaves before all of it can. `priority`: on floors,
    when somebody has set it. `refund`: what is due for changes so far; what refunds gave back stands beside it."""

    service_level: ServiceLevel
    holds: list[HoldView] = []
    ship_complete: bool = False
    lines: list[LineTerms] = []
    substituted: list[Substituted] = []
    handling: list[Handling] = []
    gift: GiftView | None = None
    priority: int | None = None
    refund: Total | None = None


def terms_view(order_id: str, terms: Terms, currency: str, *, own: bool = False) -> TermsView:
    """own: it is for whose the order is."""
    holds = [
        HoldView(
            hold.kind, moment(hold.at_ms), "" if own else hold.by, "" if own else hold.note,
            None if hold.until_ms is None else moment(hold.until_ms), hold.overdue, b"" if own else hold.sealed_note,
        )
        for hold in terms.holds
        if not own or hold.kind in _TOLD_TO_OWNER
    ]  # fmt: skip
    count = max(len(terms.groups), len(terms.substitutes))
    groups = [*terms.groups, *[""] * (count - len(terms.groups))]
    offered = [*terms.substitutes, *[list[str]()] * (count - len(terms.substitutes))]
    told = [LineTerms(number, *of) for number, of in enumerate(zip(groups, offered, strict=True), 1) if any(of)]
    return TermsView(
        terms.service_level,
        holds,
        terms.ship_complete,
        told,
        [Substituted(f"{order_id}.{one.number}", one.sku, one.substitute, one.units) for one in terms.stands],
        terms.handling,
        GiftView(terms.gift_wrap) if terms.is_gift else None,
        terms.priority,
        Total(terms.refund_minor, currency) if terms.refund_minor else None,
    )
