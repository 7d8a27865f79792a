"""What an order says to the pack stations that have begun with it. The rules are in `order.py`, those of a shipment in
`shipment.py`.

A shipment asks its order before anything of it leaves. But nobody asks while its parcels wait for a driver: so when
what is picked or packed is cancelled its shipment is told, takes its parcels off the dock, and can be unpacked. Whether
there is one the order does not know: where there is none nothing happens.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.domain.ids import shipment_of
from actors.domain.kind import Message
from actors.domain.order_events import StationsTold
from actors.domain.order_state import Fulfilment, Order
from actors.domain.shipment_commands import NoteCancelled

# Nothing is packed of what nobody has begun to pick.
_BEGUN = frozenset({"picking", "packed"})


def told(order: Order, cancelled: Iterable[Fulfilment]) -> list[StationsTold]:
    """Of these, as they were before. What is collected has no shipment."""
    begun = [f.number for f in cancelled if f.status in _BEGUN and f.lines] if order.pickup is None else []
    return [StationsTold(begun)] if begun else []


def messages(order_id: str, event: StationsTold) -> Iterable[Message]:
    """A shipment has the id of its fulfilment."""
    for number in event.numbers:
        yield Message("shipment", shipment_of(order_id, number), NoteCancelled(), on_reply=True)
