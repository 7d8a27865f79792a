"""Is this ours? Countries and ids of other regions are answered 421 with the region that serves them."""

from __future__ import annotations

import re

from actors.domain.ids import LOCATION_PATTERN, ORDER_PATTERN, ORDER_TIME_CHARS, ORDER_UNIQUE_CHARS, is_of, region_of
from serve.problems import Problem, field_problem
from serve.settings import ApiSettings

_ORDER_PART = ORDER_TIME_CHARS + ORDER_UNIQUE_CHARS
_DIGITS = frozenset("0123456789abcdefghjkmnpqrstvwxyz")


class Territory:
    """The region, and who the others are."""

    def __init__(self, settings: ApiSettings) -> None:
        self.region = settings.region
        self._countries = settings.countries
        self._currencies = settings.currencies
        self._other_countries = settings.other_countries
        self._others = settings.other_regions | frozenset(settings.other_countries.values())
        self._prefix = settings.region + "-"
        self._order_chars = len(self._prefix) + _ORDER_PART

    def check_country(self, country: str, pointer: str) -> None:
        """Raises Problem 421 (another region's) or 422 (nobody's)."""
        if country in self._countries:
            return
        region = self._other_countries.get(country)
        if region is not None:
            problem = self._misdirected(f"{country} is served by the region {region}.", region)
            problem.errors = [{"pointer": pointer, "detail": problem.detail}]
            raise problem
        served = sorted(self._countries)
        raise field_problem("country.not_served", f"No region serves {country}.", pointer, served_here=served)

    def accepts(self, currency: str) -> bool:
        """Is the currency taken here?"""
        return currency in self._currencies

    @property
    def currencies(self) -> list[str]:
        """What is accepted."""
        return sorted(self._currencies)

    def check_order(self, order_id: str) -> None:
        """Raises Problem 421 for another region's order, 404 for what can't be an order's id."""
        # Without a regular expression: this runs for every update.
        if (
            len(order_id) == self._order_chars
            and order_id.startswith(self._prefix)
            and _DIGITS.issuperset(order_id[-_ORDER_PART:])
        ):
            return
        region = region_of(order_id)
        if region in self._others and ORDER_PATTERN.fullmatch(order_id):
            raise self._misdirected(f"The order belongs to the region {region}.", region)
        raise Problem("order.unknown", "There is no such order.")

    def check_location(self, location_id: str) -> None:
        """Raises Problem 421 for another region's location, 404 for what can't be a location's id."""
        region = region_of(location_id)
        if LOCATION_PATTERN.fullmatch(location_id):
            if region == self.region:
                return
            if region in self._others:
                raise self._misdirected(f"The location belongs to the region {region}.", region)
        raise Problem("location.unknown", "There is no such location.")

    def check_own(self, entity_id: str) -> None:
        """Of any kind of entity. Raises Problem 421 for another region's."""
        region = region_of(entity_id)
        if region in self._others:
            raise self._misdirected(f"That belongs to the region {region}.", region)

    def check_kind(self, entity_id: str, kind: str, pattern: re.Pattern[str]) -> None:
        """Raises Problem 421 for another region's entity, 404 for what can't be the id of one of that kind."""
        self.check_own(entity_id)
        if not is_of(entity_id, pattern, self.region):
            raise Problem(f"{kind}.unknown", f"There is no such {kind}.")

    def _misdirected(self, detail: str, region: str) -> Problem:
        return Problem("region.misdirected", detail, extra={"region": region})
