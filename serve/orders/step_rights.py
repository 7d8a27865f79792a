"""What a step of an order's life takes besides `orders.update`, by which one may call: who brings parcels to the door
neither picks nor cancels, and who answers the telephone takes nothing off the books."""

from __future__ import annotations

from collections.abc import Mapping

from serve.callers import check_may
from serve.context import Scope
from serve.orders.terms_schemas import AnyUpdate

CANCELS, PICKS = "orders.cancel", "floor.work"
_NEEDED: Mapping[AnyUpdate, str] = {
    "start_picking": PICKS,
    "pause_picking": PICKS,
    "pack": PICKS,
    # Units that are told missing leave the books.
    "short_pick": PICKS,
    "cancel": CANCELS,
    "allocate": CANCELS,
}


def check_step(scope: Scope, update: AnyUpdate) -> None:
    """Raises Problem 403 when the caller may not do that to orders of others. `ship` and `deliver` take nothing
    more; of `hold`, `release` and `prioritise` see `holding.py`."""
    needed = _NEEDED.get(update)
    if needed is not None:
        check_may(scope, needed)
