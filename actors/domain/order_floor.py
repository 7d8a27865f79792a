"""What an order says to the floors that pick it. The rules are in `order.py`, those of a floor in `floor.py`."""

from __future__ import annotations

from collections.abc import Iterable

from actors.domain.errors import Refused
from actors.domain.floor_commands import EndWork, QueueWork
from actors.domain.floor_terms import EndReason
from actors.domain.kind import Message
from actors.domain.order_commands import ReservationAnswered, UpdateOrder
from actors.domain.order_events import HandedToFloor, LeftFloor
from actors.domain.order_state import Fulfilment, FulfilmentStatus, Order, fulfilment_id
from actors.domain.order_terms_events import FloorWithheld
from actors.domain.times import DAY_MS

# By when a fulfilment is to be picked, unless it was promised to be with the customer even sooner.
DUE_AFTER_MS = DAY_MS
_ENDS: dict[FulfilmentStatus, EndReason] = {"packed": "packed", "cancelled": "cancelled"}


def handed(order: Order, command: ReservationAnswered) -> list[HandedToFloor | FloorWithheld]:
    """The fulfilment goes to the floor of the location that has just allocated its units, if it has one; with terms as
    soon as they allow it (`order_terms_floor.py`)."""
    if not command.floor or not command.lines:
        return []
    if order.terms is not None:
        return [FloorWithheld(command.number, command.location_id)]
    promised = [f.promised_by_ms for f in order.fulfilments if f.number == command.number and f.promised_by_ms]
    due_ms = min([order.placed_at_ms + DUE_AFTER_MS, *promised])
    return [HandedToFloor(command.number, command.location_id, command.lines, 0, due_ms, order.placed_at_ms)]


def left(order: Order, moving: Iterable[Fulfilment], to: FulfilmentStatus) -> list[LeftFloor]:
    """Which of these no floor has to pick any more, since they get to `to`."""
    parts = [(f.number, f.location_id) for f in moving if f.number in order.at_floors] if to in _ENDS else []
    return [LeftFloor(parts, _ENDS[to])] if parts else []


def check_not_there(order: Order, fulfilment: Fulfilment) -> None:
    """Raises Refused `order.floor_picks`: the floor would go on picking what the order does not hold any more."""
    if fulfilment.number in order.at_floors:
        detail = f"The floor of {fulfilment.location_id} picks it: tell what is missing there."
        raise Refused("order.floor_picks", detail, location_id=fulfilment.location_id)


def facts(order: Order, command: UpdateOrder) -> dict[str, str]:
    """What a floor, or a shipment, has to know besides of why a step is not possible."""
    return {"fulfilment_status": next((f.status for f in order.fulfilments if f.number == command.fulfilment), "")}


def messages(order_id: str, event: HandedToFloor | LeftFloor) -> Iterable[Message]:
    """A floor has the id of its location."""
    if type(event) is HandedToFloor:
        name = fulfilment_id(order_id, event.number)
        queued = QueueWork(name, event.lines, event.priority, event.due_ms, event.placed_at_ms, event.handling)
        yield Message("floor", event.location_id, queued)
    elif type(event) is LeftFloor:
        for number, location_id in event.parts:
            yield Message("floor", location_id, EndWork(fulfilment_id(order_id, number), event.why))
