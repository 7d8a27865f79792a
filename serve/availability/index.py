"""What is available where: one replica's copy in memory, fed by the hosts. A read costs no actor call.

It is a moment old and never a promise: the location itself decides (`actors/domain/location.py`). Rows are upserts by
key; stock rows are never removed, so a host's `reset` needs nothing to be forgotten.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from actors.domain.allocation import Need, Place
from actors.domain.article import NO_DETAILS, Details, decoded
from actors.domain.kind import Row
from actors.domain.order_state import Kits
from actors.domain.rows import LocationRow, SkuRow, StockRow
from actors.domain.rows_of_sourcing import LocationProfileRow, SourcingPolicyRow
from actors.domain.sourcing_demand import Wanted
from actors.domain.times import DAY_MS
from actors.runtime.wire import LiveEvent
from serve.availability.delivery import DeliveryDates
from serve.availability.keepers import FIRST, HAVING_FEW, SCARCE_MAX, Keepers, among, in_turn, widened
from serve.availability.outlooks import Prospects
from serve.availability.places import Places, Viewpoint
from serve.availability.steering import Steering
from serve.availability.stock import SkuStock

CANDIDATES_MAX = 12
FRAGMENTS_MAX = 16_384
ANSWERS_MAX = 2_048
# What is longer is asked for once and would fill the memory.
ANSWER_BYTES_MAX = 16_384


class LocationAvailability(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Units that may be promised at one location: with the catalogue's `min_life_days`, those that are good for so long
    yet, as today is. `distance_km`: from the point asked for, to within 10 km."""

    location_id: str
    available: int
    distance_km: int | None = None


class SkuAvailability(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Units of one SKU in the whole region, and the nearest locations that have any. `deliver_by`: when one unit would
    be there if it were ordered now, for who says where he is; absent where no sourcing policy says so, or none of the
    nearest places may serve it."""

    sku: str
    available: int
    locations: list[LocationAvailability]
    deliver_by: datetime | None = None


class _Answer(NamedTuple):
    """A whole answer, and what it was made of: it is good as long as none of that has changed. day: for which it is,
    None where it is the same on all."""

    body: bytes
    version: int
    made_of: list[tuple[SkuStock, int]]
    stamp: tuple[int, int] | None
    day: int | None


_NOTHING = SkuStock()
_encode = msgspec.json.Encoder().encode


class AvailabilityIndex:
    """Stock, places and SKUs of the cell."""

    def __init__(self, region: str, lat: float, lon: float) -> None:
        self.region = region
        self.places = Places(lat, lon)
        self.steering = Steering()
        self._keepers = Keepers()
        self._stock: dict[str, SkuStock] = {}
        self._skus: dict[str, str] = {}
        # Of those SKUs that have any.
        self._details: dict[str, Details] = {}
        # Those that must be good for some time yet when they are promised.
        self._lasting: set[str] = set()
        # Those for which a release is named, to come or past.
        self.with_release: set[str] = set()
        # SKU → location → channel → units kept back from it; of those SKUs that have any.
        self._kept: dict[str, dict[str, dict[str, int]]] = {}
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
                    stock = self._stock[row.sku] = SkuStock()
                stock.put(row.location_id, row.available)
                if row.buffers or self._kept:
                    self._take_buffers(row, stock)
                if row.outlook or self.steering.outlooks:
                    self.steering.outlooks.put(row)
                    if row.sku in self._lasting:
                        # As many may be there as were, and last for longer.
                        _changed(stock)
            elif type(row) is SkuRow:
                if row.sku not in self._skus:
                    self._unsorted.append(row.sku)
                self._skus[row.sku] = row.description
                if row.details or row.sku in self._details:
                    self._take_details(row.sku, decoded(row.details))
            elif type(row) is LocationRow:
                self.places.put(row)
            elif type(row) is LocationProfileRow:
                self.steering.put_profile(row)
            elif type(row) is SourcingPolicyRow:
                self.steering.put_policy(row)

    def live(self, event: LiveEvent) -> None:
        """Live events are for screens."""

    def _take_details(self, sku: str, details: Details) -> None:
        before = self.details(sku)
        if details == NO_DETAILS:
            del self._details[sku]
        else:
            self._details[sku] = details
        if details.released_at_ms is None:
            self.with_release.discard(sku)
        else:
            self.with_release.add(sku)
        if details.kit != before.kit:
            self._stock_of(sku).make_of([(self._stock_of(part), units) for part, units in details.kit])
        if details.min_life_days != before.min_life_days:
            (self._lasting.add if details.min_life_days else self._lasting.discard)(sku)
            _changed(self._stock_of(sku))

    def _take_buffers(self, row: StockRow, stock: SkuStock) -> None:
        at = self._kept.setdefault(row.sku, {})
        before, after = at.get(row.location_id, {}), row.kept_back
        if after:
            at[row.location_id] = after
        else:
            at.pop(row.location_id, None)
        if not at:
            del self._kept[row.sku]
        if before != after:
            stock.changes += 1
        # A kit may be as many as it was, and fewer or more for a channel.
        for kit in stock.kits:
            kit.changes += 1

    def _stock_of(self, sku: str) -> SkuStock:
        stock = self._stock.get(sku)
        if stock is None:
            stock = self._stock[sku] = SkuStock()
        return stock

    # --- catalogue
    def details(self, sku: str) -> Details:
        """What is known of the SKU besides its description."""
        return self._details.get(sku, NO_DETAILS)

    def description(self, sku: str) -> str:
        """What it is, in words; "" when nobody said."""
        return self._skus.get(sku, "")

    def wanted(self, sku: str, units: int = 1, value_minor: int = 0) -> Wanted:
        """Units of the SKU, as sourcing has to know them."""
        known = self.details(sku)
        return Wanted(
            sku, units, value_minor, known.weight_g, known.hazard_class, known.temperature, known.goods_classes,
            min_life_days=known.min_life_days,
        )  # fmt: skip

    def kits(self, skus: Iterable[str]) -> Kits | None:
        """What those of them that are kits are made of; None when none is."""
        if not self._details:
            return None
        return {sku: list(kit) for sku in skus if (kit := self.details(sku).kit)} or None

    def life_days(self, skus: Iterable[str]) -> dict[str, int] | None:
        """Days that lots must have left when they are promised, of those of them for which it
        matters; None for none."""
        if not self._details:
            return None
        return {sku: days for sku in skus if (days := self.details(sku).min_life_days)} or None

    def prospects(self, skus: Sequence[str], now_ms: int, road: int = 0) -> Prospects | None:
        """How long their stock will last at the places; None when nothing is known of any of them and none has
        to be good for some time. road: days that those have to be good for besides."""
        life = self.life_days(skus)
        if life and road:
            life = {sku: days + road for sku, days in life.items()}
        return self.steering.outlooks.of(skus, life, now_ms)

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
    @property
    def timed(self) -> bool:
        """Does any answer hang on what time it is?"""
        return self.steering.in_use or bool(self._lasting)

    def kept(self, query: bytes, stamp: tuple[int, int] | None = None, now_ms: int = 0) -> bytes | None:
        """What `keep` was given for the same query, if it would be the same now. stamp: of the dates in it
        (`delivery.py`), None where there are none; now_ms: UTC ms, while anything is `timed`."""
        answer = self._answers.get(query)
        if answer is None or answer.version != self.places.version or answer.stamp != stamp:
            return None
        if answer.day is not None and answer.day != now_ms // DAY_MS:
            return None
        for stock, changes in answer.made_of:
            if stock.changes != changes:
                return None
        return answer.body

    def changes_of(self, skus: Iterable[str]) -> tuple[int, ...]:
        """Numbers that change with what is available of them."""
        return tuple(self._stock.get(sku, _NOTHING).changes for sku in skus)

    def keep(
        self, query: bytes, skus: Sequence[str], body: bytes, stamp: tuple[int, int] | None = None, now_ms: int = 0
    ) -> None:
        """Remembers the answer to a query about `skus`, made just now."""
        stocks = [self._stock.get(sku) for sku in skus]
        if len(query) + len(body) > ANSWER_BYTES_MAX or None in stocks:
            return
        self._answers[query] = _Answer(
            body, self.places.version, [(stock, stock.changes) for stock in stocks if stock], stamp,
            now_ms // DAY_MS if any(map(self._lasts, skus)) else None,
        )  # fmt: skip
        if len(self._answers) > ANSWERS_MAX:
            self._answers.popitem(last=False)

    def buffered(self, skus: Iterable[str], channel: str) -> bool:
        """Is anything of one of them, or of a part of it, kept back from the channel somewhere?"""
        if not self._kept:
            return False
        parts = {part for sku in skus for part in (sku, *(part for part, _ in self.details(sku).kit))}
        return any(channel in kept for part in parts for kept in self._kept.get(part, {}).values())

    def _lasts(self, sku: str) -> bool:
        """Does what is available of it hang on the day?"""
        known = self._lasting
        return bool(known) and (sku in known or any(part in known for part, _ in self.details(sku).kit))

    def _at(self, sku: str, channel: str, good_ms: int | None = None) -> Mapping[str, int]:
        """Location → units (> 0) that may be promised to the channel; "" for whoever asks. good_ms: now (UTC ms), where
        only those count that are good for long enough."""
        at = self._stock.get(sku, _NOTHING).at
        buffered = bool(channel) and self.buffered((sku,), channel)
        lasting = good_ms is not None and self._lasts(sku)
        if not buffered and not lasting:
            return at
        details = self.details(sku)
        counts: Mapping[str, int]
        if details.kit:
            parts = [(self._at(part, channel, good_ms), units) for part, units in details.kit]
            counts = {name: min(part.get(name, 0) // units for part, units in parts) for name in at}
        else:
            counts = at
            if buffered:
                kept = self._kept[sku]
                counts = {name: units - kept.get(name, {}).get(channel, 0) for name, units in at.items()}
            if lasting and good_ms is not None:
                counts = self._good(sku, counts, details.min_life_days, good_ms)
                if not buffered:
                    return counts  # all of them > 0
        return {name: units for name, units in counts.items() if units > 0}

    def _good(self, sku: str, counts: Mapping[str, int], days: int, now_ms: int) -> Mapping[str, int]:
        prospects = self.steering.outlooks.of((sku,), {sku: days}, now_ms)
        return counts if prospects is None else prospects.good({sku: counts})[sku]

    def encoded(
        self,
        sku: str,
        viewpoint: Viewpoint,
        limit: int,
        channel: str = "",
        dates: DeliveryDates | None = None,
        now_ms: int = 0,
    ) -> bytes:
        """`SkuAvailability` as JSON, at most `limit` locations, nearest first; with `dates`, also
        when it would be there. now_ms: UTC ms, while anything is `timed`."""
        stock = self._stock.get(sku, _NOTHING)
        day = now_ms // DAY_MS if self._lasts(sku) else None
        key = (sku, viewpoint.key, limit, channel, None if dates is None else dates.stamp, day)
        found = self._fragments.get(key)
        version = self.places.version
        if found is not None and found[0] == stock.changes and found[1] == version:
            return found[2]
        at = self._at(sku, channel, now_ms)
        nearest = self._nearest(at, viewpoint)[:limit]
        km = viewpoint.km
        locations = [LocationAvailability(name, at[name], km[name] if km is not None else None) for name in nearest]
        total = stock.total if at is stock.at else sum(at.values())
        deliver_by = None if dates is None else dates.of(self.wanted(sku), nearest)
        text = _encode(SkuAvailability(sku, total, locations, deliver_by))
        self._fragments[key] = (stock.changes, version, text)
        if len(self._fragments) > FRAGMENTS_MAX:
            self._fragments.popitem(last=False)
        return text

    def candidates(
        self, need: Need, viewpoint: Viewpoint, channel: str = "", good_ms: int | None = None
    ) -> list[Place]:
        """Places that may serve `need`, nearest first, with what was seen there. good_ms: now (UTC ms), where what does
        not last for long enough is not seen.

        At most `CANDIDATES_MAX` that have something of it. Where that may not be enough, also those that keep what is
        scarce (`keepers`), among the first of these and with nothing seen; a place may be both, and is there twice
        then. With fewer than `CANDIDATES_MAX` so far and something missing also the nearest of the others. An order
        waits at the first of all these for what is missing, and asks them again later.
        """
        if self._kept or (self._lasting and good_ms is not None):
            stocks = self.stocks(need, channel, good_ms)
        else:
            stocks = {sku: self._stock.get(sku, _NOTHING).at for sku in need}
        having = self._nearest({name for at in stocks.values() for name in at}, viewpoint)
        chosen = having[:CANDIDATES_MAX]
        if len(having) > CANDIDATES_MAX:
            chosen = widened(need, stocks, having, CANDIDATES_MAX)
        found = [Place(name, {sku: at[name] for sku, at in stocks.items() if name in at}) for name in chosen]
        keepers = self.keepers(need, stocks, viewpoint, chosen[:FIRST])
        if keepers:
            # Nearer ones that have the same come first, so of these nothing is seen.
            found = among(found, [Place(name, {}) for name in keepers])
        more = CANDIDATES_MAX - len(found)
        if more > 0 and any(self._seen(sku, stocks) < units for sku, units in need.items()):
            known = {*chosen, *keepers}
            others = [name for name in sorted(viewpoint.rank, key=viewpoint.rank.__getitem__) if name not in known]
            found += [Place(name, {}) for name in others[:more]]
        return found

    def keepers(
        self, need: Need, stocks: Mapping[str, Mapping[str, int]], viewpoint: Viewpoint, but: Collection[str]
    ) -> list[str]:
        """The nearest places, but for those, that keep what of the need is scarce, and have none of that: less than is
        wanted was seen, or some at few places. stocks: see `stocks`."""
        if len(but) >= len(viewpoint.rank):
            return []
        short = [sku for sku, units in need.items() if self._seen(sku, stocks) < units]
        if len(short) < SCARCE_MAX and len(need) <= SCARCE_MAX:
            short += [sku for sku in need if len(stocks[sku]) < HAVING_FEW and sku not in short]
        if not short:
            return []
        nearest = []
        for sku in short[:SCARCE_MAX]:
            having = stocks[sku]
            known = self._keepers.nearest(sku, self._stock.get(sku, _NOTHING), viewpoint, self.places)
            nearest.append([name for name in known if name not in having])
        return in_turn(nearest, but)

    def _seen(self, sku: str, stocks: Mapping[str, Mapping[str, int]]) -> int:
        """Units of it in all of them."""
        stock, at = self._stock.get(sku, _NOTHING), stocks[sku]
        return stock.total if at is stock.at else sum(at.values())

    def stocks(self, skus: Iterable[str], channel: str, good_ms: int | None = None) -> dict[str, Mapping[str, int]]:
        """Of each SKU location → units (> 0) that may be promised to the channel; good_ms: as `candidates` has it. Not
        to be changed."""
        return {sku: self._at(sku, channel, good_ms) for sku in skus}

    @staticmethod
    def _nearest(names: Iterable[str], viewpoint: Viewpoint) -> list[str]:
        # A stock row may come before its location's row; such a place can't be ordered yet.
        rank = viewpoint.rank
        return sorted((name for name in names if name in rank), key=rank.__getitem__)


def _changed(stock: SkuStock) -> None:
    """What may be told of it, though there are as many as there were."""
    stock.changes += 1
    for kit in stock.kits:
        kit.changes += 1
