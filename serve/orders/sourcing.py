"""From where an order shall be served, by the policy that holds: the plan that it asks its places by, and the
decision that is kept of it.

Only asked where there is something to source by (`Steering.in_use`). The replica knows a moment ago; the places
themselves decide. How many places are looked at is bounded by the size of the order. Of at most three places the best
are found by looking at all sets at once (`actors/enumeration/`); where a policy allows more, they are searched for one
by one, or, of an order of `GREEDY_SKUS` different SKUs or more, chosen greedily: to search for the best of all would
hold up everybody else whom the replica serves.

How long stock will last at a place comes with its rows (`serve/availability/outlooks.py`): units that are not good for
long enough are not asked for, and weeks of supply and the risk of markdowns have their cost. The location keeps to
shelf lives in any case, by its own lots.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from actors.domain.allocation import Need, Place, Plan, need_of
from actors.domain.order_commands import PlaceOrder
from actors.domain.order_state import Line
from actors.domain.rows import LocationRow
from actors.domain.sourcing import source
from actors.domain.sourcing_constraints import ItemRules
from actors.domain.sourcing_decision import SourcingDecision, encoded
from actors.domain.sourcing_demand import Candidate, Demand, items_of
from actors.domain.sourcing_pickup import Pickup, for_senders, pickup, planned_for_the_road
from actors.domain.sourcing_policy import Policy
from actors.domain.sourcing_size import CONSIDERED_MAX, GREEDY_SKUS, NEAREST, places_considered
from actors.domain.sourcing_substitution import source_with_substitutes
from actors.enumeration.search import solver_for
from serve.availability.index import AvailabilityIndex
from serve.availability.keepers import FIRST, among
from serve.availability.places import Viewpoint
from serve.orders.sourcing_allowed import LASTING, barred_at
from serve.orders.terms import Asked
from serve.problems import refusing

PLACES_MAX = 12
# Reasons that may pass, and those that a place has for some goods and not for others: an order waits there.
_MAY_COME = frozenset({"no_stock", "shelf_life"})
_OF_GOODS = _MAY_COME | {"hazard_not_allowed", "temperature_not_allowed", "legal"}


class Proposal(NamedTuple):
    """plan: what to ask first, nobody when it is empty. places: who may be asked next, best first. splits: over how
    many places at most. barred: place → what of it that one may never serve, of those where there is something.
    keepers: who keeps what is scarce and has none now."""

    plan: Plan
    places: list[Place]
    splits: int
    decision: SourcingDecision
    barred: Mapping[str, list[str]] = {}
    keepers: Sequence[Place] = ()

    @property
    def known(self) -> list[Place]:
        """All that the order shall know."""
        return among(self.places, self.keepers)


class Sourcing:
    """Of one replica. Raises Problem 422 `sourcing.lines_too_many`: kits of many parts come to more different SKUs
    than an order has lines."""

    def __init__(self, index: AvailabilityIndex) -> None:
        self._index = index

    @refusing
    def proposal(
        self,
        lines: Sequence[Line],
        viewpoint: Viewpoint,
        country: str,
        channel: str,
        currency: str,
        now_ms: int,
        asked: Asked | None = None,
    ) -> Proposal:
        """For an order, or what is left of one. viewpoint: where it goes, as far as is known. Raises Problem 422."""
        need = need_of((line.sku, line.quantity) for line in lines)
        choose = solver_for(len(need))
        policy = self._policy(channel, currency)
        wanted = tuple(self._index.wanted(line.sku, line.quantity, line.amount) for line in lines)
        demand = Demand(wanted, country, now_ms, channel)
        if asked is not None:
            return self._with_keepers(
                self._asked(asked, policy, demand, need, viewpoint), asked.seen(need), demand, viewpoint
            )
        candidates = self.candidates(need, viewpoint, channel, now_ms)
        decision = source(policy, demand, candidates, choose)
        if not decision.parts and decision.why == "not_whole":
            # All or nothing: whoever asks the places one by one would get some of it.
            return Proposal([], [], decision.places_max, decision)
        by_id = {one.location_id: one for one in candidates}
        places = _places(policy, demand, decision, by_id)
        barred = _barred(policy, demand, decision, by_id, places)
        proposal = Proposal(decision.plan(), places, decision.places_max, decision, barred)
        return self._with_keepers(proposal, need, demand, viewpoint)

    def _with_keepers(self, proposal: Proposal, need: Need, demand: Demand, viewpoint: Viewpoint) -> Proposal:
        """With those that keep what is scarce, have none of it, and may serve it: an order for it waits there as well.
        Who has some and was not chosen has his reasons."""
        known = {one.location_id for one in proposal.places[:FIRST]}
        stocks = self._index.stocks(need, demand.channel)
        keepers = [Place(name, {}) for name in self._index.keepers(need, stocks, viewpoint, known)]
        if not keepers:
            return proposal
        able, barred = self.allowed(need, keepers, viewpoint, demand.to_country, demand.channel, demand.now_ms)
        barred = {one.location_id: skus for one in able if (skus := barred[one.location_id])}
        return proposal._replace(keepers=able, barred={**proposal.barred, **barred})

    def _asked(self, asked: Asked, policy: Policy, demand: Demand, need: Need, viewpoint: Viewpoint) -> Proposal:
        """The same for an order with terms: these hold besides the policy, and later rounds
        keep to them by themselves."""
        index, shape = self._index, asked.shape
        if asked.splits is not None:
            places = min(policy.limits.places, asked.splits)
            by_value = tuple(replace(step, places=min(step.places, asked.splits)) for step in policy.limits.by_value)
            policy = replace(policy, limits=replace(policy.limits, places=places, by_value=by_value))
        lines = tuple(replace(line, group=shape.groups.get(line.sku, "")) for line in demand.lines)
        demand = replace(demand, lines=lines, promise_by_ms=asked.promise_by_ms, ship_complete=shape.whole)
        seen = asked.seen(need)
        candidates = self.candidates(seen, viewpoint, demand.channel, demand.now_ms)
        by_id = {one.location_id: one for one in candidates}
        large = len(need) >= GREEDY_SKUS
        if not shape.substitutes or large:
            # What may stand in on a large order is asked for by the order, once it is known what is missing.
            decision = source(policy, demand, candidates, solver_for(len(need)))
            known = _places(policy, demand, decision, by_id)
            barred = _barred(policy, demand, decision, by_id, known)
            return Proposal(decision.plan(), known, decision.places_max, decision, barred)
        offered = {sku: [index.wanted(other) for other in others] for sku, others in shape.substitutes.items()}
        decision = source_with_substitutes(policy, demand, candidates, offered, solver_for(len(need)))
        others = {other.sku: other for some in offered.values() for other in some if other.sku not in need}
        everything = replace(demand, lines=(*demand.lines, *others.values()))
        all_places = _all_places(policy, everything, by_id)
        barred = barred_at(policy, everything, [by_id[one.location_id] for one in all_places])
        barred = {name: skus for name, skus in barred.items() if skus}
        return Proposal(decision.plan(), all_places, decision.places_max, decision, barred)

    def goes_whole(self, channel: str) -> bool:
        """Does the channel's policy serve orders as a whole or not at all?"""
        return self._index.steering.policy(channel).limits.ship_complete

    @refusing
    def cart(self, need: Need, viewpoint: Viewpoint, country: str, channel: str, now_ms: int) -> list[Place]:
        """Who may keep units for a cart, those first from which an order would be served. country: "" when nobody knows
        yet where it goes. A cart takes what there is, whatever the policy says of orders, and is
        worth nothing that is known."""
        policy = self._policy(channel, "")
        policy = replace(policy, limits=replace(policy.limits, ship_complete=False))
        demand = Demand(tuple(self._index.wanted(sku, units) for sku, units in need.items()), country, now_ms, channel)
        candidates = self.candidates(need, viewpoint, channel, now_ms)
        if not country:
            policy = replace(policy, rules=replace(policy.rules, cross_border=True, distance_max_km=0))
            candidates = [replace(one, serves=()) for one in candidates]
        decision = source(policy, demand, candidates, solver_for(len(need)))
        return _places(policy, demand, decision, {one.location_id: one for one in candidates})

    @refusing
    def allowed(
        self, need: Need, places: Sequence[Place], viewpoint: Viewpoint, country: str, channel: str, now_ms: int
    ) -> tuple[list[Place], dict[str, list[str]]]:
        """(those of the places that may ever serve any of it, what each of them may never serve)."""
        policy, index, km = self._index.steering.policy(channel), self._index, viewpoint.km
        demand = Demand(tuple(index.wanted(sku, units) for sku, units in need.items()), country, now_ms, channel)
        candidates = [
            index.steering.candidate(
                index.places.get(one.location_id), None if km is None else float(km[one.location_id]), {}, now_ms
            )
            for one in places
        ]
        barred = barred_at(policy, demand, candidates)
        able = [one for one in places if len(barred[one.location_id]) < len(need)]
        return [_without(one, barred[one.location_id]) for one in able], barred

    @refusing
    def pickup(
        self, lines: Sequence[Line], store: LocationRow, channel: str, currency: str, now_ms: int
    ) -> tuple[Pickup, list[Place]] | None:
        """For an order that is collected at the store: the plan, and who may send something to it, best first; None for
        an order of very many SKUs."""
        need = need_of((line.sku, line.quantity) for line in lines)
        if len(need) >= GREEDY_SKUS:
            return None
        policy, steering = self._policy(channel, currency), self._index.steering
        wanted = tuple(self._index.wanted(line.sku, line.quantity, line.amount) for line in lines)
        demand = Demand(wanted, store.country, now_ms, channel)
        viewpoint = self._index.places.seen_from(store.lat, store.lon)
        here = {
            sku: at[store.location_id]
            for sku, at in self._index.stocks(need, channel).items()
            if store.location_id in at
        }
        others: list[Candidate] = []
        at_store = steering.candidate(store, 0.0, here, now_ms, self._index.prospects(list(need), now_ms))

        def looked_at(road: int) -> Iterator[Candidate]:
            """Nobody else is looked at when the store has all."""
            found = self.candidates(need, viewpoint, channel, now_ms, road)
            others[:] = [one for one in found if one.location_id != store.location_id]
            yield from others

        def plan(road: int) -> Pickup:
            senders, ready, choose = looked_at(road), partial(steering.ready_at, store), solver_for(len(need))
            return pickup(policy, demand, at_store, senders, ready, choose, road)

        if any(item.min_life_days for item in wanted):
            found, road = planned_for_the_road(plan, now_ms)
        else:
            found, road = plan(0), 0
        if found.transfers is None:
            return found, []
        sent = replace(demand, lines=for_senders(wanted, road))
        return found, _places(policy, sent, found.transfers, {one.location_id: one for one in others})

    def _policy(self, channel: str, currency: str) -> Policy:
        policy = self._index.steering.policy(channel)
        if policy.currency != currency and policy.limits.by_value:
            # What the order is worth in the policy's currency is unknown, and no reason to hold it back.
            return msgspec.structs.replace(policy, limits=msgspec.structs.replace(policy.limits, by_value=()))
        return policy

    def candidates(self, need: Need, viewpoint: Viewpoint, channel: str, now_ms: int, road: int = 0) -> list[Candidate]:
        """The places that have something of it, nearest first, and the nearest of all. road: days that what must be
        good for some time has to be so besides."""
        index, rank = self._index, viewpoint.rank
        stocks = index.stocks(need, channel)
        most = places_considered(len(stocks))
        prospects = index.prospects(list(stocks), now_ms, road)
        having = {name for at in stocks.values() for name in at}
        near = [name for name in rank if name in having or (rank[name] < NEAREST and most == CONSIDERED_MAX)]
        if len(near) > most:
            near = _narrowed(need, stocks if prospects is None else prospects.good(stocks), near, most)
        km, places, steering = viewpoint.km, index.places, index.steering
        return [
            steering.candidate(
                places.get(name),
                float(km[name]) if km is not None else None,
                {sku: at[name] for sku, at in stocks.items() if name in at},
                now_ms,
                prospects,
            )
            for name in near
        ]


def _narrowed(need: Need, stocks: Mapping[str, Mapping[str, int]], near: list[str], most: int) -> list[str]:
    """The nearest; the last of them give way to the nearest of the others that have all, and to those that have
    what the near ones lack."""
    head, tail = near[: most - most // 2], near[most - most // 2 :]
    everything = set.intersection(*(set(at) for at in stocks.values()))
    whole = (name for name in tail if name in everything and all(stocks[sku][name] >= n for sku, n in need.items()))
    added = dict.fromkeys(islice(whole, most // 4))
    for sku, units in need.items():
        at = stocks[sku]
        short = units - sum(at.get(name, 0) for name in (*head, *added))
        for name in tail if short > 0 else ():
            if short <= 0 or len(added) >= most // 2:
                break
            if name in at and name not in added:
                added[name] = None
                short -= at[name]
    kept = [*head, *added]
    return kept + [name for name in tail if name not in added][: most - len(kept)]


def _without(place: Place, barred: Sequence[str]) -> Place:
    if not barred:
        return place
    return Place(place.location_id, {sku: n for sku, n in place.available.items() if sku not in barred})


def _barred(
    policy: Policy,
    demand: Demand,
    decision: SourcingDecision,
    by_id: Mapping[str, Candidate],
    places: Sequence[Place],
) -> dict[str, list[str]]:
    """What the places may never serve, of those where there is something. Of most orders nothing is
    special, and it costs one look."""
    fine = {one.location_id for one in decision.seen if not LASTING & set(one.codes())}
    asked = [by_id[one.location_id] for one in places if one.location_id not in fine]
    if not asked:
        return {}
    return {name: skus for name, skus in barred_at(policy, demand, asked).items() if skus}


def _places(policy: Policy, demand: Demand, decision: SourcingDecision, by_id: Mapping[str, Candidate]) -> list[Place]:
    """Those that can serve some of it, best first, with what they may; when not all can be had, also those that may
    have it later: a backorder asks them then."""
    able = [one for one in decision.seen if one.units]
    out: list[Place] = []
    rules = (
        ItemRules(policy, demand, items_of(demand)) if any(set(one.codes()) - {"no_stock"} for one in able) else None
    )
    items = decision.skus
    for one in able:
        place = by_id[one.location_id]
        barred = {items[at] for at in rules.reasons(place)} if rules is not None and one.reasons else set()
        out.append(Place(one.location_id, {sku: n for sku, n in place.available.items() if sku not in barred}))
    if decision.backordered():
        later = [by_id[one.location_id] for one in decision.seen if not one.units and set(one.codes()) <= _OF_GOODS]
        barred_later = barred_at(policy, demand, later)
        out += [Place(name, {}) for name, barred in barred_later.items() if len(barred) < len(items)]
    return out[:PLACES_MAX]


def _all_places(policy: Policy, demand: Demand, by_id: Mapping[str, Candidate]) -> list[Place]:
    """Those that may serve some of what is wanted or may stand in, the cheapest first, with what they may."""
    rules = ItemRules(policy, demand, items_of(demand))
    names = [item.sku for item in items_of(demand)]
    out: list[Place] = []
    for one in source(policy, replace(demand, ship_complete=False), by_id.values(), solver_for(len(demand.lines))).seen:
        if one.units or _MAY_COME.issuperset(one.codes()):
            place = by_id[one.location_id]
            barred = {names[at] for at in rules.reasons(place)}
            out.append(Place(one.location_id, {sku: n for sku, n in place.available.items() if sku not in barred}))
    return out[:PLACES_MAX]


def sourced(command: PlaceOrder, proposal: Proposal) -> PlaceOrder:
    """The placement as sourcing proposes it. Nothing is promised of an order of which something would be backordered,
    nor of a cart's, which lies where it lies."""
    decision = proposal.decision
    return msgspec.structs.replace(
        command,
        plan=proposal.plan,
        splits=proposal.splits,
        sourcing=encoded(decision),
        promised=[part.deliver_ms for part in decision.parts],
        transit=[part.deliver_ms - part.ready_ms for part in decision.parts],
    )
