"""What the audit calls holds, releases, changes and refunds of orders. See `acts.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.domain.acts_changes import few
from actors.domain.acts_of_stock import plain
from actors.domain.audit import Act, Changes
from actors.domain.order_events import OrderRectified
from actors.domain.order_refund_commands import GiveRefund, WantRefund
from actors.domain.order_refunds import place_of, takes_two
from actors.domain.order_state import Order
from actors.domain.order_terms_commands import ChangeOrder, HoldOrder, PrioritiseOrder, ReleaseOrder
from actors.domain.order_terms_events import LinesChanged, Readdressed, ServiceChanged
from actors.domain.order_terms_state import NO_TERMS


def of_terms(state: Order | None, command: Any, events: Sequence[Any]) -> Act:
    """`order.hold`, `order.release` with the reasons that stood before and stand then, `order.prioritise`,
    `order.change` with what was before and is now; where an order went is not told."""
    if state is None:
        return plain("order", type(command))
    terms = state.terms or NO_TERMS
    before = [hold.kind for hold in terms.holds]
    match command:
        case HoldOrder():
            after = list(dict.fromkeys([*before, *command.kinds]))
            return Act("order.hold", "", "", _holds(before, after) if events else {})
        case ReleaseOrder():
            after = [kind for kind in before if kind not in command.kinds]
            return Act("order.release", "", "", _holds(before, after) if events else {})
        case PrioritiseOrder():
            changes: Changes = {"priority": (terms.priority, command.priority)} if events else {}
            return Act("order.prioritise", "", "", changes)
        case ChangeOrder():
            return Act("order.change", "", "", _changed(state, events))
    return plain("order", type(command))


def of_refund(state: Order | None, command: GiveRefund | WantRefund, events: Sequence[Any]) -> Act:
    """`refund.give` with what is given back, which the monitor looks at; `refund.want` for what a second person is
    asked for, whose lines are the approval's."""
    location_id = "" if state is None else place_of(state)
    if type(command) is WantRefund:
        return Act("refund.want", location_id, command.refund.reason)
    assert type(command) is GiveRefund
    if state is not None and takes_two(state, command):
        return Act("refund.want", location_id, command.reason)
    return Act("refund.give", location_id, command.reason, money_back(command) if events else {})


def money_back(command: GiveRefund) -> Changes:
    """How much is given back (minor units), and of which currency."""
    return {"amount_minor": (None, command.amount), "currency": (None, command.currency)}


def _holds(before: Sequence[str], after: Sequence[str]) -> Changes:
    return {"holds": (",".join(before), ",".join(after))}


def _changed(order: Order, events: Sequence[Any]) -> Changes:
    changes: Changes = {}
    for event in events:
        if type(event) is LinesChanged:
            changes |= few({f"line.{number}": (order.lines[number - 1].quantity, now) for number, now in event.lines})
        elif type(event) is ServiceChanged:
            changes["service_level"] = ((order.terms or NO_TERMS).service_level, event.service_level)
        elif type(event) is OrderRectified or type(event) is Readdressed:
            changes["address"] = (None, "changed")
    return changes
