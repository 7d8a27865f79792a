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


class Prospects:
    """What is known of some SKUs, to be added to the places that may serve them. life: days that units of a SKU must
    have left, of those for which that matters."""

    def __init__(self, of: Mapping[str, Mapping[str, _Known]], life: Mapping[str, int], now_ms: int) -> None:
        self._of = of
        self._life = life
        self._day = day_of_ms(now_ms)

    def added(self, place: Candidate) -> Candidate:
        """The place with it. Of a SKU that must be good for some time only the units count that are; where none is, all
        of them stay, and how long they are good tells why they are not served."""
        weeks: dict[str, float] = {}
        risk: dict[str, float] = {}
        for sku, at in self._of.items():
            known = at.get(place.location_id)
            if known is None or sku not in place.available or known.outlook.rate is None:
                continue
            weeks[sku] = weeks_of_supply(place.available[sku], known.outlook.rate)
            if share := known.risk_on(self._day):
                risk[sku] = share
        if self._life:
            place = self._with_life(place)
        return msgspec.structs.replace(place, supply_weeks=weeks, markdown_risk=risk) if weeks else place

    def good(self, stocks: Mapping[str, Mapping[str, int]]) -> Mapping[str, Mapping[str, int]]:
        """SKU → place → units, without those that are not good for long enough."""
        found = dict(stocks)
        for sku, days in self._life.items():
            known = self._of.get(sku)
            if known is not None and sku in stocks:
                units = {name: self._good(known.get(name), days, n) for name, n in stocks[sku].items()}
                found[sku] = {name: n for name, n in units.items() if n}
        return found

    def _good(self, known: _Known | None, days: int, units: int) -> int:
        return units if known is None else min(units, good_for(known.outlook, known.free, self._day, days)[0])

    def _with_life(self, place: Candidate) -> Candidate:
        available, left = place.available, dict[str, int]()
        for sku, days in self._life.items():
            known = self._of.get(sku, {}).get(place.location_id)
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
        self._of: dict[str, dict[str, _Known]] = {}

    def __bool__(self) -> bool:
        """Is anything known at all?"""
        return bool(self._of)

    def put(self, row: StockRow) -> None:
        """Takes a changed row; one without an outlook takes away what was known."""
        at = self._of.get(row.sku)
        if row.outlook:
            if at is None:
                at = self._of[row.sku] = {}
            at[row.location_id] = _Known(row.free, decoded(row.outlook))
        elif at is not None and at.pop(row.location_id, None) is not None and not at:
            del self._of[row.sku]

    def of(self, skus: Iterable[str], life: Mapping[str, int] | None, now_ms: int) -> Prospects | None:
        """What is known of these SKUs; None when that is nothing, and no shelf life is asked for. now_ms: UTC ms."""
        known = {sku: self._of[sku] for sku in skus if sku in self._of} if self._of else {}
        return Prospects(known, life or {}, now_ms) if known or life else None
