"""Where goods can be collected, and when: at availability, for who says where he is and asks for it.

    one unit of each SKU, as one order ──plan of a placement (`orders/pickup.py`)──▶ of each of the nearest stores: can it be, from when, what lies there

A store says yes to what a placement there would be taken for, as things are seen now: the same code decides. What an order is worth is not known here, so limits of a policy that hang on that are
left out. Good for the minute, and as long as nothing changes in the SKUs, the parts of kits, the places and what sourcing goes by.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from actors.domain.times import MINUTE_MS, moment
from serve.availability.delivery import stamp_of
from serve.availability.index import AvailabilityIndex
from serve.availability.places import Viewpoint
from serve.orders.pickup import Pickups

STORES_MAX = 5
# To plan for more would hold up everybody else whom the replica serves.
SKUS_MAX = 10
ANSWERS_MAX = 1_024


class StorePickup(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A store where one unit of each SKU could be collected as one order (`collectable`), and from when (`ready_at`); absent where nothing says how long anything takes. `here`: those that lie there;
    what else can be had is sent there from other places. `short`: those that can't be had there. `distance_km`: from the point asked for, to within 10 km."""

    location_id: str
    distance_km: int
    collectable: bool
    here: list[str]
    short: list[str] = []
    ready_at: datetime | None = None


class _Kept(NamedTuple):
    """An answer, and what it was made of."""

    body: bytes
    stamp: tuple[int, ...]
    changes: tuple[int, ...]


_encode = msgspec.json.Encoder().encode


class PickupOffers:
    """Of one replica."""

    def __init__(self, index: AvailabilityIndex, pickups: Pickups) -> None:
        self._index = index
        self._pickups = pickups
        self._kept: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()

    def encoded(self, skus: Sequence[str], viewpoint: Viewpoint, limit: int, channel: str, now_ms: int) -> bytes:
        """The nearest stores as JSON, nearest first."""
        index = self._index
        kits = index.kits(skus) or {}
        stocks = [*skus, *(part for parts in kits.values() for part, _ in parts)]
        stamp = (*stamp_of(index.steering, now_ms), index.places.version)
        key = (tuple(skus), viewpoint.key, limit, channel)
        found, changes = self._kept.get(key), index.changes_of(stocks)
        if found is not None and found.stamp == stamp and found.changes == changes:
            return found.body
        made = _encode(self._stores(skus, viewpoint, limit, channel, now_ms // MINUTE_MS * MINUTE_MS))
        self._kept[key] = _Kept(made, stamp, changes)
        self._kept.move_to_end(key)
        if len(self._kept) > ANSWERS_MAX:
            self._kept.popitem(last=False)
        return made

    def _stores(
        self, skus: Sequence[str], viewpoint: Viewpoint, limit: int, channel: str, now_ms: int
    ) -> list[StorePickup]:
        places, out = self._index.places, list[StorePickup]()
        assert viewpoint.km is not None
        for name in viewpoint.rank:
            store = places.get(name)
            if store.type != "store":
                continue
            offer = self._pickups.offer(skus, store, channel, now_ms)
            ready = None if offer.ready_ms is None or offer.short else moment(offer.ready_ms)
            out.append(StorePickup(name, viewpoint.km[name], not offer.short, offer.here, offer.short, ready))
            if len(out) == min(limit, STORES_MAX):
                break
        return out
