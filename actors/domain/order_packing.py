"""What an order says to the shipments that pack its fulfilments. The rules are in `order.py`, those of a
shipment in `shipment.py`."""

from __future__ import annotations

from actors.domain.errors import Refused
from actors.domain.location_events import Units
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_state import Order


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
