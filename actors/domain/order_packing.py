"""What an order says to the shipments that pack its fulfilments. The rules are in `order.py`, those of a
shipment in `shipment.py`.

A shipment asks its order before anything of it leaves. But nobody asks while its parcels wait for a driver: so when
what is picked or packed is cancelled its shipment is told, takes its parcels off the dock, and can be unpacked. Whether
there is one the order does not know: where there is none nothing happens.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.domain.errors import Refused
from actors.domain.ids import shipment_of
from actors.domain.kind import Message
from actors.domain.location_events import Units
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_events import ShipmentsTold
from actors.domain.order_state import Fulfilment, Order
from actors.domain.shipment_commands import NoteCancelled

# Nothing is packed of what nobody has begun to pick.
_BEGUN = frozenset({"picking", "packed"})


def check_contents(order: Order, command: UpdateOrder) -> None:
    """Raises Refused `order.fulfilment_changed`, with the lines that it holds by now, when that
    is not what was packed."""
    _check(order, command, command.lines, "packed")


def check_held(order: Order, command: UpdateOrder) -> None:
    """As `check_contents`, when it is not what a shipment takes it to hold that tells what of it is missing: perhaps
    somebody else has told that already."""
    if command.held is not None:
        _check(order, command, command.held, "to be packed")


def _check(order: Order, command: UpdateOrder, lines: list[Units], why: str) -> None:
    fulfilment = next((f for f in order.fulfilments if f.number == command.fulfilment), None)
    if fulfilment is None or order.cancelled or fulfilment.status == "cancelled":
        return
    held = sorted((sku, units) for sku, units in fulfilment.lines if units)
    if held != sorted(lines):
        detail = f"The fulfilment holds something else by now than what was {why}."
        raise Refused("order.fulfilment_changed", detail, lines=[list(line) for line in held])


def cancelled(order: Order, parts: Iterable[Fulfilment]) -> list[ShipmentsTold]:
    """Of these, as they were before. What is collected has no shipment."""
    begun = [f.number for f in parts if f.status in _BEGUN and f.lines] if order.pickup is None else []
    return [ShipmentsTold(begun)] if begun else []


def messages(order_id: str, event: ShipmentsTold) -> Iterable[Message]:
    """A shipment has the id of its fulfilment."""
    for number in event.numbers:
        yield Message("shipment", shipment_of(order_id, number), NoteCancelled(), on_reply=True)
