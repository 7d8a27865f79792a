"""How long the stock of SKUs at places will last, as one replica knows it: weeks of supply, risk of markdown, shelf
life left. Fed by the rows of stock.

Only of SKUs at places of which something is known: a rate of demand, or days on which units end. Of all others nothing
is kept, and nothing is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from actors.domain.outlook import (
    FOR_EVER_DAYS,
    Outlook,
    day_of_ms,
    decoded,
    good_for,
    unsold_share,
    weeks_of_supply,
)
from actors.domain.rows import StockRow
from actors.domain.sourcing_demand import Candidate

# Terms for which a SKU's units are known: its own, and with the days on the road.
TERMS_MAX = 8


class _Known(msgspec.Struct, gc=False):
    """Of a SKU at a place. free: units that are sellable and promised to nobody. day, risk: what was worked out
    last, and for which day."""

    free: int
    outlook: Outlook
    day: int = -1
    risk: float = 0.0

    def risk_on(self, day: int) -> float:
        """The share of its units that won't be sold before they end, as seen on that day."""
        if self.day != day:
            self.day, self.risk = day, unsold_share(self.outlook, self.free, day)
        return self.risk


class _OfSku:
    """Of a SKU by place; and where units are free that are not good for so many days yet, how many are.

    Whoever looks for places looks at all of them, for each order anew, and most have nothing that ends so soon: only
    those that have are kept, as one day sees them, for the few terms that are asked for.
    """

    __slots__ = ("_day", "_few", "at")

    def __init__(self) -> None:
        self.at: dict[str, _Known] = {}
        self._day = -1
        # Days that units must have left → place → units.
        self._few: dict[int, dict[str, int]] = {}

    def put(self, name: str, known: _Known | None) -> None:
        """Takes what is known of a place now; None: nothing any more."""
        if known is None:
            self.at.pop(name, None)
        else:
            self.at[name] = known
        for days, few in self._few.items():
            good = None if known is None else _fewer(known, self._day, days)
            if good is None:
                few.pop(name, None)
            else:
                few[name] = good

    def good(self, units: Mapping[str, int], day: int, days: int) -> Mapping[str, int]:
        """Place → units, of what is available there those (> 0) that are good for so many days yet as that day sees it.
        Not to be changed."""
        few = self._fewer(day, days)
        if not few:
            return units
        found = dict(units)
        for name, good in few.items():
            if name in found and found[name] > good:
                if good:
                    found[name] = good
                else:
                    del found[name]
        return found

    def _fewer(self, day: int, days: int) -> dict[str, int]:
        few = self._few.get(days) if day == self._day else None
        if few is None:
            if day != self._day or len(self._few) >= TERMS_MAX:
                self._day = day
                self._few.clear()
            few = self._few[days] = {
                name: good for name, known in self.at.items() if (good := _fewer(known, day, days)) is not None
            }
        return few


def _fewer(known: _Known, day: int, days: int) -> int | None:
    """Free units that are good for so many days yet; None when all are."""
    good, _ = good_for(known.outlook, known.free, day, days)
    return good if good < known.free else None


class Prospects:
    """What is known of some SKUs, to be added to the places that may serve them. life: days that units of a SKU must
    have left, of those for which that matters."""

    def __init__(self, of: Mapping[str, _OfSku], life: Mapping[str, int], now_ms: int) -> None:
        self._of = of
        self._life = life
        self._day = day_of_ms(now_ms)

    def added(self, place: Candidate) -> Candidate:
        """The place with it. Of a SKU that must be good for some time only the units count that are; where none is, all
        of them stay, and how long they are good tells why they are not served."""
        weeks: dict[str, float] = {}
        risk: dict[str, float] = {}
        for sku, of_sku in self._of.items():
            known = of_sku.at.get(place.location_id)
            if known is None or sku not in place.available or known.outlook.rate is None:
                continue
            weeks[sku] = weeks_of_supply(place.available[sku], known.outlook.rate)
            if share := known.risk_on(self._day):
                risk[sku] = share
        if self._life:
            place = self._with_life(place)
        return msgspec.structs.replace(place, supply_weeks=weeks, markdown_risk=risk) if weeks else place

    def good(self, stocks: Mapping[str, Mapping[str, int]]) -> Mapping[str, Mapping[str, int]]:
        """SKU → place → units, without those that are not good for long enough. Not to be changed."""
        found = dict(stocks)
        for sku, days in self._life.items():
            of_sku = self._of.get(sku)
            if of_sku is not None and sku in stocks:
                found[sku] = of_sku.good(stocks[sku], self._day, days)
        return found

    def _with_life(self, place: Candidate) -> Candidate:
        available, left = place.available, dict[str, int]()
        for sku, days in self._life.items():
            of_sku = self._of.get(sku)
            known = None if of_sku is None else of_sku.at.get(place.location_id)
            if known is None or not known.outlook.ends:
                left[sku] = FOR_EVER_DAYS
                continue
            units, left[sku] = good_for(known.outlook, known.free, self._day, days)
            if 0 < units < available.get(sku, 0):
                available = {**available, sku: units}
        return msgspec.structs.replace(place, available=available, life_days=left)


class Outlooks:
    """By SKU and place."""

    def __init__(self) -> None:
        self._of: dict[str, _OfSku] = {}

    def __bool__(self) -> bool:
        """Is anything known at all?"""
        return bool(self._of)

    def put(self, row: StockRow) -> None:
        """Takes a changed row; one without an outlook takes away what was known."""
        of_sku = self._of.get(row.sku)
        if row.outlook:
            if of_sku is None:
                of_sku = self._of[row.sku] = _OfSku()
            of_sku.put(row.location_id, _Known(row.free, decoded(row.outlook)))
        elif of_sku is not None and row.location_id in of_sku.at:
            of_sku.put(row.location_id, None)
            if not of_sku.at:
                del self._of[row.sku]

    def of(self, skus: Iterable[str], life: Mapping[str, int] | None, now_ms: int) -> Prospects | None:
        """What is known of these SKUs; None when that is nothing, and no shelf life is asked for. now_ms: UTC ms."""
        known = {sku: self._of[sku] for sku in skus if sku in self._of} if self._of else {}
        return Prospects(known, life or {}, now_ms) if known or life else None
