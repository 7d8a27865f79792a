"""Sourcing: which places serve which part of an order, at which cost, and why.

    demand, candidates, policy
      │  items_of, candidates_of     one line per SKU, places by id                     sourcing_demand.py
      │  place_reasons, ItemRules    who may not serve what, and why                    sourcing_constraints.py
      │  Offer                       what the others can serve, and for how much        sourcing_cost.py
      │  solve                       the places to take                                 sourcing_solver.py
      ▼
    SourcingDecision                 what was taken, and what was before it             sourcing_decision.py

The aims, in this order: serve as many units as possible (or all or nothing); over no more places than allowed, groups
together; at least cost; then the places whose ids come first. The same input gives the same decision in every process,
in whichever order it comes.

Availability is what was seen a moment ago, so a decision is a proposal: the places themselves
decide (`location.Allocate`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import mul
from typing import NamedTuple

from actors.domain.sourcing_constraints import REASONS, ItemRules, Reason, capped, place_reasons
from actors.domain.sourcing_cost import (
    COMPONENTS,
    MILLI,
    Offer,
    Rates,
    choose_carrier,
    components,
    dispatch_of,
    fixed_parts,
    line_labour,
)
from actors.domain.sourcing_decision import ABLE_MAX, SEEN_MAX, Other, Part, Seen, SourcingDecision, Why
from actors.domain.sourcing_demand import Candidate, Demand, Wanted, candidates_of, items_of
from actors.domain.sourcing_policy import Policy, places_allowed
from actors.domain.sourcing_problem import Plan, Problem
from actors.domain.sourcing_prospects import prospects_of
from actors.domain.sourcing_solver import Solution, solve

_POSITION = {reason: at for at, reason in enumerate(REASONS)}
_UNKNOWN_KM = 1e9


class _Ruled(NamedTuple):
    """A place with what it offers (None: nothing), and what keeps it from all or some of the goods."""

    place: Candidate
    offer: Offer | None
    reasons: list[Reason]


def source(
    policy: Policy, demand: Demand, candidates: Iterable[Candidate], choose: Callable[[Problem], Solution] = solve
) -> SourcingDecision:
    """The decision. choose: how the places are chosen among those that may serve. Raises Refused for a demand or places
    that can't be (see `items_of`, `candidates_of`)."""
    items = items_of(demand)
    ruled = _offers(policy, demand, items, candidates_of(candidates))
    offers = [one.offer for one in ruled if one.offer is not None]
    # By lines: of an item that several lines want only the first one's price is known.
    value_minor = sum(line.value_minor * line.units for line in demand.lines)
    whole = demand.ship_complete or policy.limits.ship_complete
    places_max = places_allowed(policy.limits, value_minor)
    blocks = _blocks(items)
    problem = _problem(policy, offers, items, blocks, places_max, whole=whole)
    solution = choose(problem)
    served = _served(offers, items, blocks, solution.plan)
    costs = components(policy.costs, demand, items, served)
    alone = [_alone(problem, at) for at in range(len(offers))]
    wanted = sum(item.units for item in items)
    able = {offer.place.location_id: figures for offer, figures in zip(offers, alone, strict=True)}
    seen, able_more, ruled_out_more = _seen(ruled, able, [offer.place.location_id for offer, _ in served])
    return SourcingDecision(
        policy=policy.version,
        currency=policy.currency,
        decided_ms=demand.now_ms,
        why=_why(solution.plan, offers, alone, wanted, whole=whole),
        exact=solution.exact,
        places_max=places_max,
        skus=[item.sku for item in items],
        wanted=[item.units for item in items],
        parts=[_part(offer, shares, demand.now_ms) for offer, shares in served],
        costs_milli=[costs[name] for name in COMPONENTS],
        whole=sum(units == wanted for units, _ in alone),
        considered=len(ruled),
        seen=seen,
        able_more=able_more,
        ruled_out_more=ruled_out_more,
        others=_others(solution, offers),
        prospects=prospects_of(policy.costs, items, seen, {one.place.location_id: one.place for one in ruled}),
    )


def _offers(policy: Policy, demand: Demand, items: Sequence[Wanted], places: Sequence[Candidate]) -> list[_Ruled]:
    item_rules, rates = ItemRules(policy, demand, items), Rates(policy.costs, items)
    weight_g = sum(item.weight_g * item.units for item in items)
    wanted = [(item.sku, item.units) for item in items]
    late_ms = demand.promise_by_ms if policy.rules.promise == "reject" else None
    ruled = []
    for place in places:
        reasons = place_reasons(policy, demand, place)
        carried = choose_carrier(policy, demand, place, weight_g)
        if carried is None:
            reasons.append("no_carrier")
        elif late_ms is not None and carried[2] > late_ms:
            reasons.append("too_late_for_promise")
        lacks = item_rules.reasons(place)
        available = place.available
        units = [min(available.get(sku, 0), most) for sku, most in wanted]
        for at in lacks:
            units[at] = 0
        if not reasons and not capped(place, units, capacity=policy.rules.capacity):
            reasons.append("no_capacity")
        of_items = list(dict.fromkeys(reason for found in lacks.values() for reason in found))
        if reasons or carried is None or len(lacks) == len(items):
            ruled.append(_Ruled(place, None, reasons + (of_items if len(lacks) == len(items) else [])))
            continue
        carrier, zone, deliver_ms = carried
        offer = Offer(
            place, units, carrier.name, zone, deliver_ms,
            sum(fixed_parts(policy.costs, demand, place, zone, deliver_ms).values()),
            line_labour(policy.costs, place), rates.units(place, zone),
        )  # fmt: skip
        ruled.append(_Ruled(place, offer, of_items))
    return ruled


def _blocks(items: Sequence[Wanted]) -> list[list[int]]:
    """Positions of the items that go together; mostly each by itself."""
    blocks: list[list[int]] = []
    of_group: dict[str, list[int]] = {}
    for at, item in enumerate(items):
        if item.group in of_group:
            of_group[item.group].append(at)
            continue
        blocks.append([at])
        if item.group:
            of_group[item.group] = blocks[-1]
    return blocks


def _problem(
    policy: Policy, offers: Sequence[Offer], items: Sequence[Wanted], blocks: list[list[int]], places_max: int, *, whole: bool
) -> Problem:  # fmt: skip
    grouped = len(blocks) < len(items) or any(item.group for item in items)
    if grouped:
        rows = [_grouped(offer, items, blocks) for offer in offers]
        has, line, unit = [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
    else:
        has, unit = [offer.units for offer in offers], [offer.unit_milli for offer in offers]
        line = [[offer.line_milli] * len(items) for offer in offers]
    return Problem(
        fixed=[offer.fixed_milli for offer in offers],
        has=has,
        line=line,
        unit=unit,
        wanted=[sum(items[at].units for at in block) for block in blocks],
        may_cut=[policy.limits.cut_lines and not items[block[0]].group for block in blocks],
        places_max=places_max,
        split=policy.costs.split_minor * MILLI,
        cut=policy.costs.cut_minor * MILLI,
        whole=whole,
    )


def _grouped(offer: Offer, items: Sequence[Wanted], blocks: list[list[int]]) -> tuple[list[int], list[int], list[int]]:
    """The place's units and costs by block. A group is there whole or not at all, so its cost is one sum."""
    has, line, unit = [], [], []
    for block in blocks:
        first = block[0]
        if not items[first].group:
            has.append(offer.units[first])
            line.append(offer.line_milli)
            unit.append(offer.unit_milli[first])
            continue
        complete = all(offer.units[at] == items[at].units for at in block)
        has.append(sum(items[at].units for at in block) if complete else 0)
        # Its units may bring more than they cost. Shared out evenly they stay costs of units, and the
        # remainder is one of the line.
        goods = sum(offer.unit_milli[at] * items[at].units for at in block)
        each, rest = divmod(goods, sum(items[at].units for at in block))
        line.append(offer.line_milli * len(block) + rest)
        unit.append(each)
    return has, line, unit


def _served(
    offers: Sequence[Offer], items: Sequence[Wanted], blocks: list[list[int]], plan: Plan
) -> list[tuple[Offer, list[tuple[int, int]]]]:
    """Each chosen place with its (item, units), nearest first."""
    shares: dict[int, list[tuple[int, int]]] = {place: [] for place in plan.places}
    for block, parts in zip(blocks, plan.shares, strict=False):
        for place, units in parts:
            if items[block[0]].group:
                shares[place].extend((at, items[at].units) for at in block)
            else:
                shares[place].append((block[0], units))
    nearest = sorted(plan.places, key=lambda place: _nearness(offers[place].place))
    return [(offers[place], sorted(shares[place])) for place in nearest]


def _nearness(place: Candidate) -> tuple[float, str]:
    return place.distance_km if place.distance_km is not None else _UNKNOWN_KM, place.location_id


def _alone(problem: Problem, place: int) -> tuple[int, int]:
    """Units that the place could serve by itself, and for how much."""
    has = problem.has[place]
    lines = sum(map(mul, problem.line[place], map(bool, has)))
    return sum(has), problem.fixed[place] + lines + sum(map(mul, problem.unit[place], has))


def _why(plan: Plan, offers: Sequence[Offer], alone: Sequence[tuple[int, int]], wanted: int, *, whole: bool) -> Why:
    if not plan.places:
        return "not_whole" if whole and any(units for units, _ in alone) else "nobody"
    if plan.units < wanted:
        return "most"
    complete = [at for at, (units, _) in enumerate(alone) if units == wanted]
    if len(plan.places) > 1:
        return "together_cheaper" if complete else "no_single"
    if len(complete) == 1:
        return "only"
    nearest = min(complete, key=lambda at: _nearness(offers[at].place))
    known = offers[nearest].place.distance_km is not None
    return "nearest" if known and plan.places == (nearest,) else "cheapest"


def _part(offer: Offer, shares: list[tuple[int, int]], now_ms: int) -> Part:
    place = offer.place
    return Part(place.location_id, offer.carrier, dispatch_of(place, now_ms), offer.deliver_ms, shares)


def _others(solution: Solution, offers: Sequence[Offer]) -> list[Other]:
    taken = solution.plan.cost
    return [
        Other([offers[at].place.location_id for at in other.places], other.units, other.cost - taken)
        for other in solution.others
    ]


def _seen(
    ruled: Sequence[_Ruled], able: dict[str, tuple[int, int]], chosen: Sequence[str]
) -> tuple[list[Seen], int, list[tuple[int, int]]]:
    """The places to tell one by one, how many more could serve, and how many more could not by first reason."""
    by_id = {one.place.location_id: one for one in ruled}
    best = sorted(able, key=lambda place: (place not in chosen, -able[place][0], able[place][1], place))
    out = sorted((one.place for one in ruled if one.offer is None), key=_nearness)
    told_able = best[: max(ABLE_MAX, SEEN_MAX - len(out))]
    told_out = [place.location_id for place in out[: SEEN_MAX - len(told_able)]]
    left = Counter(_POSITION[by_id[place.location_id].reasons[0]] for place in out[len(told_out) :])
    seen = [_told(by_id[place], able.get(place, (0, 0))) for place in (*told_able, *told_out)]
    return seen, len(best) - len(told_able), sorted(left.items())


def _told(one: _Ruled, alone: tuple[int, int]) -> Seen:
    km = round(one.place.distance_km) if one.place.distance_km is not None else None
    return Seen(one.place.location_id, km, *alone, [_POSITION[reason] for reason in one.reasons])
