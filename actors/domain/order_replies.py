"""What callers of an order are told. The rules are in `order.py`."""

from __future__ import annotations

from actors.domain import (
    order_waiting,
)
from actors.domain.kind import Answer, Context, Decision
from actors.domain.order_events import (
    Event,
)
from actors.domain.order_state import Order, status_of
from actors.domain.order_views import OrderStatusView, OrderView, order_view


def status(context: Context, *events: Event) -> Decision:
    """The events, and how far the order is then."""
    return Decision(list(events), lambda state, version: OrderStatusView(context.entity_id, version, status_of(state)))


def view_of(context: Context, events: list[Event]) -> Decision:
    """The events, and the whole order as it is then, for who places it."""
    return Decision(events, lambda state, version: _for_placer(context.entity_id, state, version))


def shown(order_id: str, order: Order, version: int, *, own: bool = False) -> OrderView:
    """The whole order as callers see it; own: whose it is asks."""
    if order.backorder is None:
        return order_view(order_id, order, version, own=own)
    return order_view(order_id, order, version, order_waiting.view(order), own=own)


def final(order: Order, decision: Decision, context: Context) -> Decision:
    """With the answer that is still owed to who placed the order."""
    if order.place_command:
        final = Answer(order.place_command, lambda state, version: _for_placer(context.entity_id, state, version))
        decision.answers.append(final)
    return decision


def _for_placer(order_id: str, order: Order, version: int) -> OrderView:
    # An order that has an owner was placed by him, and not by staff for him.
    return shown(order_id, order, version, own=bool(order.owner))
