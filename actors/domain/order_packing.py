"""What an order says to the shipments that pack its fulfilments. The rules are in `order.py`, those of a shipment in `shipment.py`."""

from __future__ import annotations

from actors.domain.errors import Refused
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_state import Order


def check_contents(order: Order, command: UpdateOrder) -> None:
    """Raises Refused `order.fulfilment_changed`, with the lines that it holds by now, when that is not what was packed."""
    fulfilment = next((f for f in order.fulfilments if f.number == command.fulfilment), None)
    if fulfilment is None or order.cancelled or fulfilment.status == "cancelled":
        return
    held = sorted((sku, units) for sku, units in fulfilment.lines if units)
    if held != sorted(command.lines):
        detail = "The fulfilment holds something else by now than what was packed."
        raise Refused("order.fulfilment_changed", detail, lines=[list(line) for line in held])
