"""Where goods can be collected, and when: at availability, for who says where he is and asks for it.

    one unit of each SKU, as one order ──plan of a placement (`orders/pickup.py`)──▶ of each of the nearest stores: can it be, from when, what lies there

A store says yes to what a placement there would be taken for, as things are seen now: the same code decides. What an
order is worth is not known here, so limits of a policy that hang on that are left out. Good for the minute, and as long
as nothing changes in the SKUs, the parts of kits, the places and what sourcing goes by.
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
from serve.orders.pickup import PickupOffer, Pickups

STORES_MAX = 5
# To plan for more would hold up everybody else whom the replica serves.
SKUS_MAX = 10
OFFERS_MAX = 4_096


class StorePickup(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A store where one unit of each SKU could be collected as one order (`collectable`), and from when (`ready_at`);
    absent where nothing says how long anything takes. `here`: those that lie there; what else can be had is sent there
    from other places. `short`: those that can't be had there. `distance_km`: from the point
    asked for, to within 10 km."""

    location_id: str
    distance_km: int
    collectable: bool
    here: list[str]
    short: list[str] = []
    ready_at: datetime | None = None


class _Kept(NamedTuple):
    """What a store offers, and what that was made of."""

    offer: PickupOffer
    stamp: tuple[int, ...]
    changes: tuple[int, ...]


_encode = msgspec.json.Encoder().encode


class PickupOffers:
    """Of one replica. What a store offers is the same from wherever it is looked at and in whichever order, so it is
    kept by the store and the SKUs: whoever asks from many points, or for the same SKUs in many
    ways, asks for little more."""

    def __init__(self, index: AvailabilityIndex, pickups: Pickups) -> None:
        self._index = index
        self._pickups = pickups
        self._kept: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()

    def encoded(self, skus: Sequence[str], viewpoint: Viewpoint, limit: int, channel: str, now_ms: int) -> bytes:
        """The nearest stores as JSON, nearest first."""
        index, out = self._index, list[StorePickup]()
        asked = tuple(dict.fromkeys(skus))
        wanted = tuple(sorted(asked))
        kits = index.kits(wanted) or {}
        changes = index.changes_of([*wanted, *(part for parts in kits.values() for part, _ in parts)])
        stamp = (*stamp_of(index.steering, now_ms), index.places.version)
        assert viewpoint.km is not None
        for name in viewpoint.rank:
            store = index.places.get(name)
            if store.type != "store":
                continue
            key = (*wanted, name, channel)
            kept = self._kept.get(key)
            if kept is None or kept.stamp != stamp or kept.changes != changes:
                offer = self._pickups.offer(wanted, store, channel, now_ms // MINUTE_MS * MINUTE_MS)
                kept = self._keep(key, _Kept(offer, stamp, changes))
            out.append(_shown(name, viewpoint.km[name], kept.offer, asked))
            if len(out) == min(limit, STORES_MAX):
                break
        return _encode(out)

    def _keep(self, key: tuple[object, ...], made: _Kept) -> _Kept:
        self._kept[key] = made
        self._kept.move_to_end(key)
        if len(self._kept) > OFFERS_MAX:
            self._kept.popitem(last=False)
        return made


def _shown(location_id: str, km: int, offer: PickupOffer, asked: Sequence[str]) -> StorePickup:
    """In the order that was asked for."""
    ready = None if offer.ready_ms is None or offer.short else moment(offer.ready_ms)
    here, short = ([sku for sku in asked if sku in told] for told in (offer.here, offer.short))
    return StorePickup(location_id, km, not short, here, short, ready)
