"""What it costs to serve an order from a place. All in thousandths of a minor unit (`_milli`), as integers: sums are
the same in every process.

    once for the place      carrier    of a parcel, by the zone of the distance
                            distance   per 100 km
                            labour     of an order
                            workload   in proportion to the place's
                            lateness   per day after the promise
    for each line           labour     of a line
    for each unit           carrier    by weight and zone
                            supply     weeks of supply that the place is short of; less than 0 for what it has too much
                            markdown   less than 0: what would be lost of the unit's value if it stayed
    for the plan            split      each place beyond the first
                            cut        each place beyond the first that one line comes from

A place's carrier is the one that is cheapest for the whole order of those that keep the promise; when none does, the
quickest. The carrier's price is the estimate of the policy's zones: by weight in proportion, not by started kilogram,
so that what a line costs does not depend on the lines beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from actors.domain.sourcing_demand import Candidate, Demand, Wanted
from actors.domain.sourcing_policy import Carrier, Costs, Policy, Zone
from actors.domain.times import DAY_MS

MILLI = 1_000
COMPONENTS = ("carrier", "distance", "labour", "workload", "lateness", "supply", "markdown", "split", "cut")


class Offer(msgspec.Struct, frozen=True, gc=False):
    """What a place offers: units of each item that it can serve (at most what is wanted), and
    at which cost in `_milli`.

    fixed: for serving at all. line: for each item. unit: for each unit of an item, may be negative."""

    place: Candidate
    units: list[int]
    carrier: str
    zone: Zone
    deliver_ms: int
    fixed_milli: int
    line_milli: int
    unit_milli: list[int]


def distance_of(place: Candidate, costs: Costs) -> float:
    """Kilometres, also when unknown."""
    return place.distance_km if place.distance_km is not None else costs.unknown_km


def zone_of(carrier: Carrier, distance_km: float) -> Zone:
    """The first that reaches far enough, or the last."""
    for zone in carrier.zones:
        if distance_km <= zone.to_km:
            return zone
    return carrier.zones[-1]


def carriers_of(policy: Policy, place: Candidate) -> Iterator[tuple[Carrier, Zone]]:
    """Those that call there, each with the zone of the destination."""
    distance_km = distance_of(place, policy.costs)
    for carrier in policy.carriers:
        if not place.carriers or carrier.name in place.carriers:
            yield carrier, zone_of(carrier, distance_km)


def dispatch_of(place: Candidate, now_ms: int) -> int:
    """When it leaves, UTC ms."""
    return place.dispatch_ms if place.dispatch_ms is not None else now_ms


def choose_carrier(policy: Policy, demand: Demand, place: Candidate, weight_g: int) -> tuple[Carrier, Zone, int] | None:
    """The carrier, its zone, and when it delivers (UTC ms); None when none calls there. See the module's docstring."""
    dispatch_ms = dispatch_of(place, demand.now_ms)
    by = demand.promise_by_ms
    best: tuple[tuple[int, int, str], Carrier, Zone, int] | None = None
    for carrier, zone in carriers_of(policy, place):
        deliver_ms = dispatch_ms + zone.days * DAY_MS
        price = zone.parcel_minor * MILLI + zone.per_kg_minor * weight_g
        late = by is not None and deliver_ms > by
        rank = (deliver_ms if late else 0, price, carrier.name)
        if best is None or rank < best[0]:
            best = rank, carrier, zone, deliver_ms
    return best[1:] if best is not None else None


class Rates:
    """What the costs of units have in common for all places, worked out once."""

    def __init__(self, costs: Costs, items: Sequence[Wanted]) -> None:
        self._costs = costs
        self._skus = [item.sku for item in items]
        self._weights = [item.weight_g for item in items]
        self._markdowns = [markdown_rate(costs, item.value_minor) for item in items]

    def units(self, place: Candidate, zone: Zone) -> list[int]:
        """Cost of one unit of each item."""
        rate = zone.per_kg_minor * self._costs.carrier_percent
        units = [rate * weight_g // 100 for weight_g in self._weights]
        if place.supply_weeks and self._costs.supply_minor:
            # as `supply_of`, which is too much to call for each SKU of each place
            wanted, minor = self._costs.supply_weeks, self._costs.supply_minor
            most = 2 * wanted
            known = map(place.supply_weeks.get, self._skus)
            units = [
                unit if weeks is None else unit + round((wanted - min(most, weeks)) * minor * MILLI)
                for unit, weeks in zip(units, known, strict=True)
            ]
        if place.markdown_risk and self._costs.markdown_percent:
            risks = map(place.markdown_risk.get, self._skus)
            pairs = zip(units, risks, self._markdowns, strict=True)
            units = [unit - round(risk * rate) if risk else unit for unit, risk, rate in pairs]
        return units


def supply_of(costs: Costs, weeks: float | None) -> int:
    """What a unit costs that a place is short of, or brings when it has too many. None: nothing is known, 0."""
    if weeks is None:
        return 0
    most = 2 * costs.supply_weeks
    return round((costs.supply_weeks - (min(most, weeks))) * costs.supply_minor * MILLI)


def markdown_rate(costs: Costs, value_minor: int) -> int:
    """What is saved by a unit that would have to be marked down for certain."""
    return costs.markdown_percent * value_minor * (MILLI // 100)


def fixed_parts(costs: Costs, demand: Demand, place: Candidate, zone: Zone, deliver_ms: int) -> dict[str, int]:
    """What serving at all costs, by component."""
    by = demand.promise_by_ms
    late_days = max(0, -((by - deliver_ms) // DAY_MS)) if by is not None else 0
    return {
        "carrier": zone.parcel_minor * costs.carrier_percent * (MILLI // 100),
        "distance": round(distance_of(place, costs) * costs.per_100_km_minor * MILLI / 100),
        "labour": place.labour_order_minor * costs.labour_percent * (MILLI // 100),
        "workload": round(max(0.0, place.workload) * costs.workload_minor * MILLI),
        "lateness": late_days * costs.late_minor * MILLI,
    }


def line_labour(costs: Costs, place: Candidate) -> int:
    """What picking one line costs."""
    return place.labour_line_minor * costs.labour_percent * (MILLI // 100)


Share = tuple[int, int]


def components(
    costs: Costs, demand: Demand, items: Sequence[Wanted], served: Sequence[tuple[Offer, Sequence[Share]]]
) -> dict[str, int]:
    """What a plan costs by component; its total is their sum. `served`: each place with its (item, units)."""
    total = dict.fromkeys(COMPONENTS, 0)
    places_of: dict[int, int] = {}
    for offer, shares in served:
        for name, milli in fixed_parts(costs, demand, offer.place, offer.zone, offer.deliver_ms).items():
            total[name] += milli
        for at, units in shares:
            item = items[at]
            places_of[at] = places_of.get(at, 0) + 1
            total["labour"] += offer.line_milli
            total["carrier"] += units * (offer.zone.per_kg_minor * costs.carrier_percent * item.weight_g // 100)
            total["supply"] += units * supply_of(costs, offer.place.supply_weeks.get(item.sku))
            risk = offer.place.markdown_risk.get(item.sku, 0.0)
            total["markdown"] -= units * round(risk * markdown_rate(costs, item.value_minor))
    total["split"] = costs.split_minor * MILLI * max(0, len(served) - 1)
    total["cut"] = costs.cut_minor * MILLI * sum(places - 1 for places in places_of.values())
    return total
