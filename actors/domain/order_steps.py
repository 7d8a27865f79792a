"""The steps of fulfilments, and the end of an order. The rules, and the picture, are in `order.py`."""

from __future__ import annotations

from actors.domain import (
    order_floor,
    order_packing,
    order_terms,
)
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision
from actors.domain.order_commands import (
    UpdateOrder,
)
from actors.domain.order_events import (
    Ask,
    FulfilmentsMoved,
    Move,
    OrderCancelled,
)
from actors.domain.order_messages import TELLS_LOCATION
from actors.domain.order_replies import final, status
from actors.domain.order_state import (
    Fulfilment,
    FulfilmentStatus,
    Order,
    fulfilment_id,
    is_asking,
    missing_of,
    status_of,
)

# update -> (statuses from which it is legal, status that it leads to)
STEPS: dict[str, tuple[tuple[FulfilmentStatus, ...], FulfilmentStatus]] = {
    "start_picking": (("allocated",), "picking"),
    "pause_picking": (("picking",), "allocated"),
    "pack": (("picking",), "packed"),
    "ship": (("packed",), "shipped"),
    "deliver": (("shipped",), "delivered"),
    "cancel": (("allocated", "picking", "packed"), "cancelled"),
    "short_pick": (("picking",), "picking"),
}


def step(order: Order, command: UpdateOrder, context: Context) -> Decision:
    """Moves the fulfilments for which it is legal; there is nothing to pack of one that is empty, though its floor has
    yet to say so. Raises Refused `order.illegal_transition`, and what the terms forbid."""
    legal, to = STEPS[command.update]
    if command.lines:
        order_packing.check_contents(order, command)
    moving = [f for f in chosen(order, command, context) if f.status in legal and (f.lines or to != "packed")]
    if not moving or order.cancelled:
        raise illegal(order, command, context)
    if order.terms is not None:
        order_terms.check_step(order, command.update, moving, command.fulfilment if command.by_floor else None)
    if to in TELLS_LOCATION:
        moves = [Move(f.number, f.location_id, f.lines) for f in moving]
    else:
        moves = [Move(f.number) for f in moving]
    left = order_floor.left(order, moving, to) if order.at_floors else ()
    told = order_packing.cancelled(order, moving) if to == "cancelled" else ()
    return status(context, FulfilmentsMoved(to, moves, command.occurred_at_ms), *left, *told)


def cancel(order: Order, command: UpdateOrder, context: Context) -> Decision:
    """The whole order: all that it holds is given back. Raises Refused `order.illegal_transition`."""
    if order.cancelled or any(f.status in ("shipped", "delivered") for f in order.fulfilments):
        raise illegal(order, command, context)
    held = [f for f in order.fulfilments if f.status in STEPS["cancel"][0] and f.lines]
    released = [Ask(f.number, f.location_id, f.lines) for f in held]
    left = order_floor.left(order, order.fulfilments, "cancelled") if order.at_floors else ()
    told = order_packing.cancelled(order, held)
    return final(order, status(context, OrderCancelled(released, command.occurred_at_ms), *left, *told), context)


def chosen(order: Order, command: UpdateOrder, context: Context) -> list[Fulfilment]:
    """The fulfilment that is named, or all. Raises Refused `order.fulfilment_unknown`."""
    if command.fulfilment is None:
        within = command.within
        return [f for f in order.fulfilments if f.location_id in within] if within else order.fulfilments
    chosen = [f for f in order.fulfilments if f.number == command.fulfilment]
    if not chosen:
        name = fulfilment_id(context.entity_id, command.fulfilment)
        raise Refused("order.fulfilment_unknown", f"There is no fulfilment {name}.", fulfilment_id=name)
    return chosen


def allowed_updates(order: Order) -> list[str]:
    """The updates that are legal now, for at least one fulfilment."""
    if order.cancelled:
        return []
    statuses = {f.status for f in order.fulfilments}
    allowed = [step for step, (legal, _) in STEPS.items() if statuses.intersection(legal)]
    if "pack" in allowed and not any(f.status == "picking" and f.lines for f in order.fulfilments):
        allowed.remove("pack")
    # A part may be over of which nothing was found: the rest is still to be had, or to be given up.
    if "cancel" not in allowed and not statuses & {"shipped", "delivered"} and status_of(order) != "cancelled":
        allowed.append("cancel")
    if not is_asking(order) and missing_of(order):
        allowed.append("allocate")
    return allowed


def illegal(order: Order, command: UpdateOrder, context: Context) -> Refused:
    """What is told of a step that is not possible now."""
    status, allowed = status_of(order), allowed_updates(order)
    more = order_floor.facts(order, command) if command.by_floor or command.held is not None else {}
    return Refused(
        "order.illegal_transition",
        f"{command.update} is not possible while the order is {status}.",
        order_id=context.entity_id, update=command.update, status=status, allowed=allowed, **more,
    )  # fmt: skip
