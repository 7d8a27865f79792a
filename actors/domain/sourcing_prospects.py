"""What a decision tells of how long stock would have lasted: of the places that it tells of, where the
policy puts a cost on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.domain.sourcing_decision import PROSPECTS_MAX, Prospect, Seen
from actors.domain.sourcing_demand import Candidate, Wanted
from actors.domain.sourcing_policy import Costs

# What is there for longer is there for ever.
WEEKS_TENTHS_MAX = 9_999


def prospects_of(
    costs: Costs, items: Sequence[Wanted], seen: Sequence[Seen], places: Mapping[str, Candidate]
) -> list[Prospect]:
    """By place as they are told, and by SKU. places: by id."""
    weighs = costs.supply_minor or costs.markdown_percent
    if not weighs or not any(place.supply_weeks or place.markdown_risk for place in places.values()):
        return []
    found: list[Prospect] = []
    for at, one in enumerate(seen):
        place = places[one.location_id]
        for number, item in enumerate(items):
            weeks = place.supply_weeks.get(item.sku) if item.sku in place.available else None
            if weeks is None or len(found) >= PROSPECTS_MAX:
                continue
            tenths = round(min(weeks * 10, WEEKS_TENTHS_MAX))
            found.append(Prospect(at, number, tenths, round(100 * place.markdown_risk.get(item.sku, 0.0))))
    return found
