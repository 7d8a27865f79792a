"""Why a place can't serve: all reasons, by stable code, the first one being the one to tell.

Of the whole place                                          Of one SKU there
    not_enabled            it does not ship, or its type     no_stock                 nothing is available
                           may not                           hazard_not_allowed       its class may not be held there
    country_not_served     another country                   temperature_not_allowed  it can't be kept warm or cold enough
    closed                 no work today, or for long        legal                    the law forbids it to go there
    after_cut_off          too late for today                shelf_life               too short
    no_capacity            the day is full
    too_far                farther than the policy allows
    no_carrier             no carrier calls there
    too_late_for_promise   it would come after the promise

Goods that one SKU's reason rules out are not served from there, others may be. A place without any is ruled
out by what its SKUs have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from actors.domain.sourcing_demand import Candidate, Demand, Wanted
from actors.domain.sourcing_policy import Ban, Policy, Rules

Reason = Literal[
    "not_enabled", "country_not_served", "closed", "after_cut_off", "no_capacity", "too_far", "no_carrier", "too_late_for_promise",
    "no_stock", "hazard_not_allowed", "temperature_not_allowed", "legal", "shelf_life",
]  # fmt: skip
# A decision stores positions in this list: only ever add to its end.
REASONS: tuple[Reason, ...] = get_args(Reason)


def place_reasons(policy: Policy, demand: Demand, place: Candidate) -> list[Reason]:
    """Those of the whole place that carriers have no part in, in the order of `REASONS`."""
    rules = policy.rules
    checks: tuple[tuple[bool, Reason], ...] = (
        (not _enabled(rules, place), "not_enabled"),
        (not _serves(rules, place, demand.to_country), "country_not_served"),
        (_closed(rules, place), "closed"),
        (_after_cut_off(rules, place, demand.now_ms), "after_cut_off"),
        (rules.capacity and _full(place), "no_capacity"),
        (_too_far(rules, place), "too_far"),
    )
    return [reason for ruled_out, reason in checks if ruled_out]


def _enabled(rules: Rules, place: Candidate) -> bool:
    if place.location_type not in rules.location_types or not place.ships:
        return False
    return rules.ship_from_store or place.location_type != "store"


def _serves(rules: Rules, place: Candidate, country: str) -> bool:
    if place.serves and country not in place.serves:
        return False
    return rules.cross_border or place.country == country


def _closed(rules: Rules, place: Candidate) -> bool:
    return place.closed and (place.dispatch_ms is None or rules.cut_off == "reject")


def _after_cut_off(rules: Rules, place: Candidate, now_ms: int) -> bool:
    return rules.cut_off == "reject" and place.cut_off_ms is not None and now_ms >= place.cut_off_ms


def _full(place: Candidate) -> bool:
    return place.capacity_orders is not None and place.capacity_orders <= 0


def _too_far(rules: Rules, place: Candidate) -> bool:
    if not rules.distance_max_km or place.distance_km is None:
        return False
    return place.distance_km > rules.distance_max_km


class ItemRules:
    """What is asked of places for each item, worked out once for all of them. `items`: from `items_of`."""

    def __init__(self, policy: Policy, demand: Demand, items: Sequence[Wanted]) -> None:
        self._skus = [item.sku for item in items]
        rules = policy.rules
        self._special: list[tuple[int, Wanted, tuple[Ban, ...]]] = []
        for at, item in enumerate(items):
            bans = _bans(policy, item.goods, demand.to_country) if rules.legal and item.goods else ()
            asks = (
                (rules.hazard and item.hazard_class)
                or (rules.temperature and item.temperature != "ambient")
                or (rules.shelf_life and item.min_life_days)
            )
            if bans or asks:
                self._special.append((at, item, bans))
        # Ambient goods may not lie where there is none but cold storage either.
        self._ambient = (
            [at for at, item in enumerate(items) if item.temperature == "ambient"] if rules.temperature else []
        )
        self._rules = rules

    def reasons(self, place: Candidate) -> dict[int, list[Reason]]:
        """By position of the item; items that may be served from there are left out."""
        available = place.available
        found: dict[int, list[Reason]] = {
            at: ["no_stock"] for at, sku in enumerate(self._skus) if available.get(sku, 0) <= 0
        }
        for at, item, bans in self._special:
            more = self._of_item(place, item, bans)
            if more:
                found.setdefault(at, []).extend(more)
        if self._ambient and "ambient" not in place.temperatures:
            for at in self._ambient:
                found.setdefault(at, []).append("temperature_not_allowed")
        return found

    def _of_item(self, place: Candidate, item: Wanted, bans: Sequence[Ban]) -> list[Reason]:
        rules = self._rules
        checks: tuple[tuple[bool, Reason], ...] = (
            (rules.hazard and not _holds(place, item.hazard_class), "hazard_not_allowed"),
            (
                rules.temperature and item.temperature != "ambient" and item.temperature not in place.temperatures,
                "temperature_not_allowed",
            ),
            (any(not ban.out_of or place.country in ban.out_of for ban in bans), "legal"),
            (rules.shelf_life and place.life_days.get(item.sku, 0) < item.min_life_days, "shelf_life"),
        )
        return [reason for ruled_out, reason in checks if ruled_out]


def _bans(policy: Policy, goods: Sequence[str], country: str) -> tuple[Ban, ...]:
    return tuple(ban for ban in policy.bans if ban.goods in goods and (not ban.to or country in ban.to))


def _holds(place: Candidate, hazard_class: str) -> bool:
    if not hazard_class:
        return True
    return hazard_class in place.hazard_classes or hazard_class.partition(".")[0] in place.hazard_classes


def capped(place: Candidate, units: list[int], *, capacity: bool) -> bool:
    """Has it the capacity for all that might be asked of it? So a place that can only take some of it is not asked at
    all, rather than for too much."""
    return not capacity or place.capacity_units is None or sum(units) <= place.capacity_units
