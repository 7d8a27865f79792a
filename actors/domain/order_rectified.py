"""Who ordered, or where it goes, is otherwise: by a correction of a privacy officer (`order.py`) or by a change of the
address (`order_changes.py`).

    RectifyOrder, ChangeOrder.address ──OrderRectified──▶ the order has another sealed part
                                                      └─▶ each notice that waits to be sent: that is your address now (`notice.py`)
"""

from __future__ import annotations

import msgspec

from actors.domain.order_commands import RectifyOrder
from actors.domain.order_events import OrderRectified
from actors.domain.order_state import Order
from actors.domain.order_terms_commands import NewAddress


def rectified(order: Order, to: RectifyOrder | NewAddress) -> OrderRectified:
    """The event. Where no notice waits, what was sealed before is told to nobody."""
    event = OrderRectified(to.order_ref, to.sealed, to.email_digest)
    if not to.waiting:
        return event
    moved = to.email_digest != order.email_digest
    return msgspec.structs.replace(event, waiting=to.waiting, was=order.sealed, moved=moved)
