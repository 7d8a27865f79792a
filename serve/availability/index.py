"""What is available where: one replica's copy in memory, fed by the hosts. A read costs no actor call.

It is a moment old and never a promise: the location itself decides (`actors/domain/location.py`). Rows are upserts by key; stock
rows are never removed, so a host's `reset` needs nothing to be forgotten.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from actors.domain.allocation import Need, Place
from actors.domain.kind import Row
from actors.domain.rows import LocationRow, SkuRow, StockRow
from actors.runtime.wire import LiveEvent
from serve.availability.places import Places, Viewpoint

CANDIDATES_MAX = 12
FRAGMENTS_MAX = 16_384
ANSWERS_MAX = 2_048
# What is longer is asked for once and would fill the memory.
ANSWER_BYTES_MAX = 16_384


class LocationAvailability(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Units that may be promised at one location. `distance_km`: from the point asked for, to within 10 km."""

    location_id: str
    available: int
    distance_km: int | None = None


class SkuAvailability(msgspec.Struct, frozen=True, gc=False):
    """Units of one SKU in the whole region, and the nearest locations that have any."""

    sku: str
    available: int
    locations: list[LocationAvailability]


class _Stock:
    """One SKU: location → available units (> 0), their sum, and a number that changes with them."""

    __slots__ = ("at", "changes", "total")

    def __init__(self) -> None:
        self.at: dict[str, int] = {}
        self.total = 0
        self.changes = 0

    def put(self, location_id: str, available: int) -> None:
        before = self.at.get(location_id, 0)
        if available == before:
            return
        if available > 0:
            self.at[location_id] = available
        else:
            del self.at[location_id]
        self.total += available - before
        self.changes += 1


class _Answer(NamedTuple):
    """A whole answer, and what it was made of: it is good as long as none of that has changed."""

    body: bytes
    version: int
    made_of: list[tuple[_Stock, int]]


_NOTHING = _Stock()
_encode = msgspec.json.Encoder().encode


class AvailabilityIndex:
    """Stock, places and SKUs of the cell."""

    def __init__(self, region: str, lat: float, lon: float) -> None:
        self.region = region
        self.places = Places(lat, lon)
        self._stock: dict[str, _Stock] = {}
        self._skus: dict[str, str] = {}
        self._sorted: list[str] = []
        self._unsorted: list[str] = []
        # Encoded answers for one SKU seen from one point: hot products are asked for far more often than they change.
        self._fragments: OrderedDict[tuple[object, ...], tuple[int, int, bytes]] = OrderedDict()
        # The same for whole queries as they were sent: pages and marketplaces ask the same again and again.
        self._answers: OrderedDict[bytes, _Answer] = OrderedDict()

    # --- feed
    def reset(self, host: str) -> None:
        """Nothing to forget: see the module's docstring."""

    def rows(self, rows: Sequence[Row]) -> None:
        """Takes changed rows, in order."""
        for row in rows:
            if type(row) is StockRow:
                stock = self._stock.get(row.sku)
                if stock is None:
                    stock = self._stock[row.sku] = _Stock()
                stock.put(row.location_id, max(0, row.on_hand - row.reserved - row.safety_stock))
            elif type(row) is SkuRow:
                if row.sku not in self._skus:
                    self._unsorted.append(row.sku)
                self._skus[row.sku] = row.description
            elif type(row) is LocationRow:
                self.places.put(row)

    def live(self, event: LiveEvent) -> None:
        """Live events are for screens."""

    # --- catalogue
    def unknown(self, skus: Iterable[str]) -> list[str]:
        """Those that this replica has not heard of (the catalogue may have, a moment ago)."""
        known = self._skus
        return [sku for sku in skus if sku not in known]

    def page_of_skus(self, after: str, limit: int) -> tuple[list[tuple[str, str]], bool]:
        """(sku, description) after `after` in code point order, and whether there are more."""
        if self._unsorted:
            self._sorted.extend(self._unsorted)
            self._unsorted.clear()
            self._sorted.sort()
        start = bisect_right(self._sorted, after) if after else 0
        page = self._sorted[start : start + limit]
        return [(sku, self._skus[sku]) for sku in page], start + limit < len(self._sorted)

    # --- availability
    def kept(self, query: bytes) -> bytes | None:
        """What `keep` was given for the same query, if it would be the same now."""
        answer = self._answers.get(query)
        if answer is None or answer.version != self.places.version:
            return None
        for stock, changes in answer.made_of:
            if stock.changes != changes:
                return None
        return answer.body

    def keep(self, query: bytes, skus: Sequence[str], body: bytes) -> None:
        """Remembers the answer to a query about `skus`, made just now."""
        stocks = [self._stock.get(sku) for sku in skus]
        if len(query) + len(body) > ANSWER_BYTES_MAX or None in stocks:
            return
        self._answers[query] = _Answer(body, self.places.version, [(stock, stock.changes) for stock in stocks if stock])
        if len(self._answers) > ANSWERS_MAX:
            self._answers.popitem(last=False)

    def encoded(self, sku: str, viewpoint: Viewpoint, limit: int) -> bytes:
        """`SkuAvailability` as JSON, at most `limit` locations, nearest first."""
        stock = self._stock.get(sku, _NOTHING)
        key = (sku, viewpoint.key, limit)
        found = self._fragments.get(key)
        version = self.places.version
        if found is not None and found[0] == stock.changes and found[1] == version:
            return found[2]
        nearest = self._nearest(stock.at, viewpoint)[:limit]
        km = viewpoint.km
        locations = [
            LocationAvailability(name, stock.at[name], km[name] if km is not None else None) for name in nearest
        ]
        text = _encode(SkuAvailability(sku, stock.total, locations))
        self._fragments[key] = (stock.changes, version, text)
        if len(self._fragments) > FRAGMENTS_MAX:
            self._fragments.popitem(last=False)
        return text

    def candidates(self, need: Need, viewpoint: Viewpoint) -> list[Place]:
        """Places that may serve `need`, nearest first, at most `CANDIDATES_MAX`, with what was seen there.

        Only places that have something of it; when all of them together don't have enough, also the nearest of the others, with
        nothing seen: a backorder asks the places that it was given again later.
        """
        stocks = {sku: self._stock.get(sku, _NOTHING).at for sku in need}
        having = self._nearest({name for at in stocks.values() for name in at}, viewpoint)
        chosen = having[:CANDIDATES_MAX]
        if len(having) > CANDIDATES_MAX:
            chosen = _widened(need, stocks, having)
        elif len(chosen) < CANDIDATES_MAX and any(sum(stocks[sku].values()) < units for sku, units in need.items()):
            others = [name for name in sorted(viewpoint.rank, key=viewpoint.rank.__getitem__) if name not in chosen]
            chosen += others[: CANDIDATES_MAX - len(chosen)]
        return [Place(name, {sku: at[name] for sku, at in stocks.items() if name in at}) for name in chosen]

    @staticmethod
    def _nearest(names: Iterable[str], viewpoint: Viewpoint) -> list[str]:
        # A stock row may come before its location's row; such a place can't be ordered yet.
        rank = viewpoint.rank
        return sorted((name for name in names if name in rank), key=rank.__getitem__)


def _widened(need: Need, stocks: dict[str, dict[str, int]], having: list[str]) -> list[str]:
    """The nearest places; the last of them give way to the nearest that has all, and to those that have what the near ones lack."""

    def serves_whole(name: str) -> bool:
        return all(stocks[sku].get(name, 0) >= units for sku, units in need.items())

    near, far = having[:CANDIDATES_MAX], having[CANDIDATES_MAX:]
    added: list[str] = []
    if not any(map(serves_whole, near)):
        added += [name for name in far if serves_whole(name)][:1]
    for sku, units in need.items():
        short = units - sum(stocks[sku].get(name, 0) for name in (*near, *added))
        for name in far:
            if short <= 0 or len(added) >= CANDIDATES_MAX // 2:
                break
            if name not in added and stocks[sku].get(name, 0) > 0:
                added.append(name)
                short -= stocks[sku][name]
    order = {name: place for place, name in enumerate(having)}
    return sorted((*near[: CANDIDATES_MAX - len(added)], *added), key=order.__getitem__)
