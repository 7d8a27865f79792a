"""What callers whose rights end at locations are told of orders: of any what is in it, how far it is and where; whose
it is only of those that have to do with their places.

    order ──a fulfilment, of whatever status, or its collection is at a place in reach──▶ told whole
          └─none──▶ told without what is sealed of it (`private.py`, `hold_notes.py`): withheld as "elsewhere"

So a store can answer the customer at its counter who brings a number, and nobody reads the region's addresses through
it. Who looks for a person's orders, by an e-mail address or the customer's reference, would learn from what is found
whose it is: he finds only what he is told whole (`finding.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from serve.callers import caller_of
from serve.context import Scope


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
