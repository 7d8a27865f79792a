"""Pasts for plays: drawn by hypothesis, and put on record by a plain cell that serves one order after the other."""

from hypothesis import strategies as st
from msgspec.structs import replace

from actors.domain.location_profile import Profile
from actors.domain.outlook import DemandRate
from actors.domain.sourcing import source
from actors.domain.sourcing_demand import Demand, Wanted, items_of
from actors.domain.sourcing_places import ALWAYS, candidate_of, left_of
from actors.domain.sourcing_policy import Costs, Limits, Policy
from actors.domain.what_if_terms import Past, PastMove, PastOrder, PastPlace, PastStock, WhatIfTerms

T0 = 1_767_225_600_000
HOUR = 3_600_000
SKUS = ("A", "B", "C")
PLACES = (
    PastPlace("us-st-a", "store", "US", 47.6, -122.3, "UTC", None),
    PastPlace("us-st-b", "store", "US", 45.5, -122.7, "UTC", Profile(orders_a_day=2)),
    PastPlace("us-wh-c", "warehouse", "US", 40.7, -74.2, "UTC", None),
    PastPlace("us-wh-d", "warehouse", "US", 39.8, -98.6, "UTC", Profile(ships=False)),
)
POLICIES = (
    Policy(version=3),
    Policy(version=4, limits=Limits(places=1)),
    Policy(version=5, costs=Costs(split_minor=0, per_100_km_minor=900)),
    Policy(version=6, limits=Limits(ship_complete=True)),
)


def past_of(stocks=(), moves=(), orders=(), changed=POLICIES[0], places=PLACES):
    terms = WhatIfTerms(changed, {policy.version: policy for policy in POLICIES}, T0, T0 + 48 * HOUR, (39.8, -98.6))
    return Past(terms, list(places), list(stocks), list(moves), list(orders))


def order(number, at_h, *lines, policy=3, **more):
    km = more.pop("km", {place.location_id: 100 * (1 + (number + at) % 4) for at, place in enumerate(PLACES)})
    wanted = tuple(Wanted(sku, units, 1_000, 500) for sku, units in lines)
    return PastOrder(f"us-{number:026}", T0 + at_h * HOUR, "online", "US", wanted, policy, km, **more)


stocks = st.lists(
    st.builds(PastStock, st.sampled_from([p.location_id for p in PLACES]), st.sampled_from(SKUS), st.integers(0, 8), st.integers(0, 2),
              rate=st.none() | st.builds(DemandRate, st.integers(1, 3_000), st.just(0), st.just(1))),
    unique_by=lambda one: (one.location_id, one.sku), max_size=12,
)  # fmt: skip
moves = st.lists(
    st.builds(
        PastMove, st.integers(0, 40).map(lambda h: T0 + h * HOUR), st.sampled_from([p.location_id for p in PLACES]), st.sampled_from(SKUS),
        st.integers(-6, 6).filter(bool), st.sampled_from(["receipt", "loss", "count"]),
    ), max_size=10,
)  # fmt: skip
orders = st.lists(
    st.tuples(
        st.integers(0, 40), st.dictionaries(st.sampled_from(SKUS), st.integers(1, 4), min_size=1, max_size=3),
        st.none() | st.integers(1, 20), st.sampled_from([3, 4, 5, 6]),
    ), max_size=8,
).map(
    lambda drawn: [
        order(n, at_h, *sorted(lines.items()), policy=policy,
              cancelled_ms=None if later is None else T0 + (at_h + later) * HOUR + HOUR // 2)
        for n, (at_h, lines, later, policy) in enumerate(drawn)
    ]
)  # fmt: skip


class PlainCell:
    """Serves orders one after the other, and knows its stock by adding up all that ever happened. `policy_of`: by
    which an order is served."""

    def __init__(self, past, policy_of):
        self.past, self.policy_of = past, policy_of
        # (place, sku, units) that happened, and that were given and came back.
        self.happened, self.given = [], []
        self.served, self.waiting, self.tries, self.log = [], {}, {}, []

    def balance(self, place, sku):
        opening = sum(s.units for s in self.past.stocks if (s.location_id, s.sku) == (place, sku))
        return opening + sum(
            n for p, s, n in [*self.happened, *[(p, s, -n) for _, p, s, n in self.given]] if (p, s) == (place, sku)
        )

    def available(self, place, sku):
        safety = sum(s.safety_stock for s in self.past.stocks if (s.location_id, s.sku) == (place, sku))
        return max(0, self.balance(place, sku) - safety)

    def serve(self, number, lines, at_ms, first):
        one = self.past.orders[number]
        demand = Demand(lines, one.country, at_ms, one.channel)
        candidates = []
        for place in self.past.places:
            available = {line.sku: n for line in lines if (n := self.available(place.location_id, line.sku)) > 0}
            day = [
                (at, p) for at, p, _ in self.log if p == place.location_id and at // (24 * HOUR) == at_ms // (24 * HOUR)
            ]
            left = (None, None, 0.0) if place.profile is None else left_of(place.profile, len(day), 0)
            seen = candidate_of(place.location_id, place.kind, place.country, float(one.km[place.location_id]), available, place.profile, ALWAYS, left)  # fmt: skip
            rates = {s.sku: s.rate for s in self.past.stocks if s.location_id == place.location_id and s.rate}
            weeks = {sku: n * 1_000 / (rates[sku].milli_a_day * 7) for sku, n in available.items() if sku in rates}
            candidates.append(replace(seen, supply_weeks=weeks))
        plan = source(self.policy_of(one), demand, candidates).plan()
        for place, got in plan:
            self.log.append((at_ms, place, number))
            for sku, units in got.items():
                assert units <= self.available(place, sku), "more was given than was there"
                self.given.append((number, place, sku, units))
        if plan:
            self.served.append((number, at_ms, plan, first))
        return plan

    def came(self, sku, at_ms):
        for number in sorted(self.waiting, key=lambda n: (self.past.orders[n].at_ms, n)):
            waits = self.waiting[number]
            if sku not in waits or self.tries.get(number, 0) >= 12:
                continue
            if not any(self.available(p.location_id, sku) for p in self.past.places):
                continue
            self.tries[number] = self.tries.get(number, 0) + 1
            wanted = items_of(Demand(self.past.orders[number].lines, "US", at_ms))
            lines = tuple(Wanted(w.sku, waits[w.sku], w.value_minor, w.weight_g) for w in wanted if w.sku in waits)
            for _, got in self.serve(number, lines, at_ms, False):
                for one, units in got.items():
                    waits[one] -= units
            self.waiting[number] = {s: n for s, n in waits.items() if n}
        self.waiting = {n: lacks for n, lacks in self.waiting.items() if lacks}

    def cancel(self, number, at_ms):
        for sku in sorted({line.sku for line in self.past.orders[number].lines}):
            had = [g for g in self.given if g[0] == number and g[2] == sku]
            waits = self.waiting.get(number, {}).pop(sku, 0)
            if not self.waiting.get(number, True):
                del self.waiting[number]
            self.given = [g for g in self.given if g not in had]
            if had or waits:
                self.came(sku, at_ms)

    def run(self):
        events = [(m.at_ms, 0, at) for at, m in enumerate(self.past.moves)]
        events += [(o.at_ms, 1, at) for at, o in enumerate(self.past.orders)]
        events += [(o.cancelled_ms, 2, at) for at, o in enumerate(self.past.orders) if o.cancelled_ms is not None]
        for at_ms, what, number in sorted(events):
            if what == 0:
                move = self.past.moves[number]
                self.happened.append((move.location_id, move.sku, move.units))
                if move.units > 0:
                    self.came(move.sku, at_ms)
            elif what == 1:
                lines = self.past.orders[number].lines
                left = {line.sku: line.units for line in lines}
                for _, got in self.serve(number, lines, at_ms, True):
                    for sku, units in got.items():
                        left[sku] -= units
                self.waiting |= {number: lacks} if (lacks := {s: n for s, n in left.items() if n}) else {}
            else:
                self.cancel(number, at_ms)
        return self
