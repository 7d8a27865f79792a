"""What callers whose rights end at locations are told of orders: of any what is in it, how far it is and where; whose it is only of those that have to do with their places.

    order ──a fulfilment, of whatever status, or its collection is at a place in reach──▶ told whole
          └─none──▶ told without what is sealed of it (`private.py`, `hold_notes.py`): withheld as "elsewhere"

So a store can answer the customer at its counter who brings a number, and nobody reads the region's addresses through it. Who looks for a person's orders, by an e-mail address or the
customer's reference, would learn from what is found whose it is: he finds only what he is told whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import msgspec

from actors.runtime.read_model import OrderSummary
from serve.callers import caller_of
from serve.context import Scope
from serve.services import Services

# So many of a person's orders are looked at for a page of who is bound to locations: one person's are few.
SCANNED_MAX = 2_000
_PAGE = 500


class _Place(msgspec.Struct):
    location_id: str


class _Places(msgspec.Struct):
    """What of an order's view is needed here."""

    fulfilments: list[_Place]
    pickup: _Place | None = None


# No bounds.
EVERYWHERE: frozenset[str] = frozenset()
_places_decoder = msgspec.json.Decoder(_Places)


def bounds_of(scope: Scope) -> frozenset[str]:
    """The locations at which the caller's rights end; none when they reach the whole region, or one's own orders."""
    principal = caller_of(scope)
    return EVERYWHERE if principal is None else principal.locations


def is_elsewhere(places: Iterable[str], bounds: frozenset[str]) -> bool:
    """Has an order that has to do with these places (`order_state.places_of`) nothing to do with the caller's?"""
    return bool(bounds) and bounds.isdisjoint(places)


def is_view_elsewhere(body: bytes, bounds: frozenset[str]) -> bool:
    """The same of an `OrderView` as JSON."""
    if not bounds:
        return False
    view = _places_decoder.decode(body)
    at = view.fulfilments if view.pickup is None else [*view.fulfilments, view.pickup]
    return is_elsewhere((one.location_id for one in at), bounds)


async def orders_found(
    services: Services, scope: Scope, before: str | None, limit: int, *, customer_ref: str | None = None, email_digest: str | None = None,
    order_ref: str | None = None, status: str | None = None, held: str | None = None,
) -> list[OrderSummary]:  # fmt: skip
    """See `ReadModel.orders`; for who is bound to locations with the places of each, and of a person's orders only those that have to do with his."""
    bounds = bounds_of(scope)
    read = partial(
        services.read_model.orders, customer_ref=customer_ref, email_digest=email_digest, order_ref=order_ref, status=status, held=held,
        with_places=bool(bounds),
    )  # fmt: skip
    if not bounds or (customer_ref is None and email_digest is None):
        return await read(before=before, limit=limit)
    found: list[OrderSummary] = []
    for _ in range(SCANNED_MAX // _PAGE):
        page = await read(before=before, limit=_PAGE)
        found += [order for order in page if not is_elsewhere(order.places, bounds)]
        # Whether there are others, elsewhere, must not show: neither in how many are told nor in a cursor.
        if len(found) >= limit or len(page) < _PAGE:
            break
        before = page[-1].order_id
    return found[:limit]
