"""What happens to an order because money is given back for it. The rules are in `order_refunds.py`."""

from __future__ import annotations

import msgspec

from actors.domain.order_refund_state import RefundReason


class RefundGiven(msgspec.Struct, frozen=True, tag=True, gc=False, omit_defaults=True):
    """So much is given back: `amount` in minor units of `currency`, which is the order's. `number`: from 1. `cause`:
    the approval by which it is, "" when one person may give so much."""

    number: int
    amount: int
    currency: str
    reason: RefundReason
    cause: str = ""
