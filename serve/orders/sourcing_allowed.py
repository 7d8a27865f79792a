"""Which places may never serve which goods of an order: by the policy's constraints that no waiting changes. What is in
stock, the hour and the day's work do change, and are not looked at.

An order keeps it beside what it lacks (`BackorderTerms.barred`): its timer and its lines are about
goods that a place may serve.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.domain.sourcing_constraints import ItemRules, Reason, place_reasons
from actors.domain.sourcing_cost import choose_carrier
from actors.domain.sourcing_demand import Candidate, Demand, items_of
from actors.domain.sourcing_policy import Policy

LASTING: frozenset[Reason] = frozenset(
    {"not_enabled", "country_not_served", "too_far", "hazard_not_allowed", "temperature_not_allowed", "legal"}
)


def barred_at(policy: Policy, demand: Demand, candidates: Iterable[Candidate]) -> dict[str, list[str]]:
    """By place the SKUs that it may never serve, sorted; none for a place that may serve all."""
    items = items_of(demand)
    rules, skus = ItemRules(policy, demand, items), [item.sku for item in items]
    weight_g = sum(item.weight_g * item.units for item in items)
    out: dict[str, list[str]] = {}
    for place in candidates:
        if (
            LASTING & set(place_reasons(policy, demand, place))
            or choose_carrier(policy, demand, place, weight_g) is None
        ):
            out[place.location_id] = skus
            continue
        out[place.location_id] = [
            skus[at] for at, found in sorted(rules.reasons(place).items()) if LASTING & set(found)
        ]
    return out
