"""Where an order may wait for what is not there: the places that keep a SKU, though nothing of it is there now.

An order waits in line at the first few places that it knows. Were these just the nearest ones, an order for goods that
only a far warehouse keeps would wait where they never come. A place keeps a SKU when it has told of stock of it, be it
none: it had some once, or expects some.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import nsmallest
from itertools import zip_longest
from typing import NamedTuple, TypeVar

from actors.domain.allocation import Need
from actors.domain.order_evolve import RETRY_PLACES_MAX
from serve.availability.places import Places, Viewpoint
from serve.availability.stock import SkuStock

# An order of which fewer places have something may find all of them empty, and would wait there alone.
HAVING_FEW = 4
# So many SKUs of an order are looked at: each has one keeper among those at which the order waits, at best.
SCARCE_MAX = RETRY_PLACES_MAX
# Nearest keepers that are remembered of a SKU as seen from a place; some of them have something of it, and are no news.
_NEAREST = 24
_VIEWS_MAX = 8_192
# Of these as many have something of an order as keep what it lacks.
FIRST = RETRY_PLACES_MAX // 2
T = TypeVar("T")


class _View(NamedTuple):
    """The nearest keepers of a SKU, and what they were found among: so many keepers, these places."""

    keepers: int
    places: int
    nearest: list[str]


class Keepers:
    """Of one replica. Places begin to keep a SKU, and never cease, so what was found is good until another one does."""

    def __init__(self) -> None:
        self._views: OrderedDict[tuple[object, ...], _View] = OrderedDict()

    def nearest(self, sku: str, stock: SkuStock, viewpoint: Viewpoint, places: Places) -> list[str]:
        """Those that keep the SKU, nearest first; while nobody does, the warehouses: new goods come there."""
        count, version = stock.keepers, places.version
        key = (sku if count else "", viewpoint.key)
        view = self._views.get(key)
        if view is None or view.keepers != count or view.places != version:
            rank = viewpoint.rank
            names = stock.kept_at() if count else (row.location_id for row in places.all() if row.type == "warehouse")
            found = nsmallest(_NEAREST, (name for name in names if name in rank), rank.__getitem__)
            view = self._views[key] = _View(count, version, found)
            if len(self._views) > _VIEWS_MAX:
                self._views.popitem(last=False)
        return view.nearest


def in_turn(nearest: Iterable[Iterable[str]], but: Collection[str]) -> list[str]:
    """Of each the first, then of each the second, and so on; at most `RETRY_PLACES_MAX`, none of `but`."""
    each = [[name for name in names if name not in but] for names in nearest]
    found = dict.fromkeys(name for row in zip_longest(*each) for name in row if name is not None)
    return list(found)[:RETRY_PLACES_MAX]


def among(places: Sequence[T], others: Sequence[T]) -> list[T]:
    """All of both, best first: so that an order waits at the first of these and at the first of those. A place may be
    in both: as one that has something, and before that as one to wait at."""
    room = RETRY_PLACES_MAX - min(FIRST, len(places))
    return [*places[:FIRST], *others[:room], *places[FIRST:], *others[room:]]


def widened(need: Need, stocks: Mapping[str, Mapping[str, int]], having: list[str], most: int) -> list[str]:
    """The nearest places, at most `most`; the last of them give way to the nearest that has all, and to those that have
    what the near ones lack."""

    def serves_whole(name: str) -> bool:
        return all(stocks[sku].get(name, 0) >= units for sku, units in need.items())

    near, far = having[:most], having[most:]
    added: list[str] = []
    if not any(map(serves_whole, near)):
        added += [name for name in far if serves_whole(name)][:1]
    for sku, units in need.items():
        short = units - sum(stocks[sku].get(name, 0) for name in (*near, *added))
        for name in far:
            if short <= 0 or len(added) >= most // 2:
                break
            if name not in added and stocks[sku].get(name, 0) > 0:
                added.append(name)
                short -= stocks[sku][name]
    order = {name: place for place, name in enumerate(having)}
    return sorted((*near[: most - len(added)], *added), key=order.__getitem__)
