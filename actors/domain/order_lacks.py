"""What an order lacks. The rules of its waiting are in `order_waiting.py`."""

from __future__ import annotations

from actors.domain.allocation import Need
from actors.domain.order_state import Order, uncovered


def lacking(order: Order) -> Need:
    """Units per SKU that no place has allocated; what is being asked for is still lacking."""
    return uncovered(order, (one for one in order.fulfilments if one.status != "reserving"))
