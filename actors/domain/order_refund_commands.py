"""What an order may be asked to do about money that is given back. The rules are in `order_refunds.py`."""

from __future__ import annotations

import msgspec

from actors.domain.order_refund_state import RefundReason


class GiveRefund(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """So much is to be given back: `amount` in minor units of `currency`. `within`: see `UpdateOrder`. `cause`: the
    approval by which it comes, or "". `alone_minor_max`: so much of an order (minor units) is given back without one,
    by all refunds together; what goes beyond that is answered as `WantRefund` is. None: whatever is left of it."""

    amount: int
    currency: str
    reason: RefundReason
    within: list[str] = []
    cause: str = ""
    alone_minor_max: int | None = None


class WantRefund(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Could so much be given back, so that it is worth asking a second person? Changes nothing. A command and no query,
    so that the same key has the same answer whatever becomes of the order: the refund itself may take the room that a
    second look would miss."""

    refund: GiveRefund


RefundCommand = GiveRefund | WantRefund
