"""Stock as it was at a moment of the past, in memory: what was there at first, and what came, went or was given since.

What happened apart from the play may take more than the play has left (it gave the units to somebody else): the balance
goes below zero then, nothing is available, and what comes next makes up for it first. What the play gives is
never more than is available.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actors.domain.outlook import DemandRate, weeks_of_supply
from actors.domain.what_if_terms import PastStock


class StockThen:
    """By SKU and location. short: units by which what happened took more than there was."""

    def __init__(self, stocks: Iterable[PastStock]) -> None:
        self._units: dict[str, dict[str, int]] = {}
        self._safety: dict[str, dict[str, int]] = {}
        self._kept: dict[str, dict[str, dict[str, int]]] = {}
        self._rates: dict[str, dict[str, DemandRate]] = {}
        self.short = 0
        for one in stocks:
            self._units.setdefault(one.sku, {})[one.location_id] = one.units
            if one.safety_stock:
                self._safety.setdefault(one.sku, {})[one.location_id] = one.safety_stock
            if one.kept_back:
                self._kept.setdefault(one.sku, {})[one.location_id] = one.kept_back
            if one.rate is not None:
                self._rates.setdefault(one.sku, {})[one.location_id] = one.rate

    def balance(self, location_id: str, sku: str) -> int:
        """Units that are free; less than 0 when more were taken than were there."""
        return self._units.get(sku, {}).get(location_id, 0)

    def available(self, sku: str, channel: str) -> dict[str, int]:
        """Location → units (> 0) that may be promised to the channel."""
        safety, kept = self._safety.get(sku, {}), self._kept.get(sku, {})
        found = {}
        for name, units in self._units.get(sku, {}).items():
            left = max(0, units - safety.get(name, 0)) - kept.get(name, {}).get(channel, 0)
            if left > 0:
                found[name] = left
        return found

    def weeks(self, location_id: str, available: Mapping[str, int]) -> dict[str, float]:
        """For how many weeks what is available there lasts, of SKUs of which demand is known."""
        if not self._rates:
            return {}
        rates = {sku: rate for sku in available if (rate := self._rates.get(sku, {}).get(location_id)) is not None}
        return {sku: weeks_of_supply(available[sku], rate) for sku, rate in rates.items()}

    def moved(self, location_id: str, sku: str, units: int) -> None:
        """It happened, whatever is there."""
        at = self._units.setdefault(sku, {})
        before = at.get(location_id, 0)
        at[location_id] = before + units
        self.short += max(0, -(before + units)) - max(0, -before) if units < 0 else 0

    def given(self, location_id: str, sku: str, units: int) -> None:
        """The play gives them away."""
        left = self._units[sku][location_id] - units
        assert left >= 0, "more was given than is there"
        self._units[sku][location_id] = left
