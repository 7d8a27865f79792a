"""Which orders are found by who looks for them in the read model.

    status, held, order_ref ───────▶ all of them
    customer_ref, e-mail address ──▶ those whose person may be told to the caller: at his places (`elsewhere.py`), neither restricted nor erased (`private.py`)

Who looks for a person learns from what is found whose it is, and by that it is found, that the person has ordered: so
what would be told without its person is left out of these, as if it were not there.
"""

from __future__ import annotations

from functools import partial

from actors.runtime.read_model import OrderSummary
from serve.context import REQUEST_ID, Scope
from serve.orders.elsewhere import bounds_of, is_elsewhere
from serve.orders.own import reveals
from serve.orders.private import PrivateOrders
from serve.services import Services

# So many of a person's orders are looked at for a page, where some may have to be left out: one person's are few.
SCANNED_MAX = 2_000
_PAGE = 500


async def orders_found(
    services: Services, private: PrivateOrders, scope: Scope, before: str | None, limit: int, *, customer_ref: str | None = None,
    email_digest: str | None = None, order_ref: str | None = None, status: str | None = None, held: str | None = None,
) -> list[OrderSummary]:  # fmt: skip
    """See `ReadModel.orders`; for who is bound to locations with the places of each, and of a person's orders only
    those that may be told with their person. Raises Problem 503."""
    bounds, restricted_too = bounds_of(scope), reveals(scope)
    read = partial(
        services.read_model.orders, customer_ref=customer_ref, email_digest=email_digest, order_ref=order_ref, status=status, held=held,
        with_places=bool(bounds),
    )  # fmt: skip
    told_whole = not bounds and (restricted_too or not private.seals)
    if told_whole or (customer_ref is None and email_digest is None):
        return await read(before=before, limit=limit)
    found: list[OrderSummary] = []
    # Most people are restricted nowhere: who is bound to nothing mostly has his page with the first look.
    size, scanned = _PAGE if bounds else limit, 0
    while scanned < SCANNED_MAX:
        page = await read(before=before, limit=size)
        scanned += size
        found += [
            order
            for order in page
            if not is_elsewhere(order.places, bounds)
            and not await private.hides_row(order, scope[REQUEST_ID], restricted_too=restricted_too)
        ]
        # Whether there are others must not show: neither in how many are told nor in a cursor.
        if len(found) >= limit or len(page) < size:
            break
        before, size = page[-1].order_id, _PAGE
    return found[:limit]
