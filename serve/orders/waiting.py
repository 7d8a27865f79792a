"""What a placement brings for units that can't be had now: when goods are out, and how long each place takes from
having units until they are with the customer.

Asked only of orders with such units. How long a place takes is known where orders are sourced by a policy
(`sourcing.py`), by its calendar and the carriers' zones as they are now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from actors.domain.allocation import Need, Place
from actors.domain.order_backorder import BackorderTerms
from actors.domain.order_state import Kits, Line
from actors.domain.sourcing_cost import choose_carrier
from actors.domain.sourcing_demand import Demand
from serve.availability.index import AvailabilityIndex
from serve.availability.places import Viewpoint
from serve.moments import ms_of
from serve.orders.schemas import NewOrder
from serve.problems import field_problem


def release_asked(order: NewOrder, now_ms: int) -> int | None:
    """From when on the customer wants it (UTC ms). Raises Problem 422."""
    if order.release_at is None:
        return None
    at_ms = ms_of(order.release_at, "/release_at")
    if at_ms <= now_ms:
        detail = "A release is yet to come: leave it out for goods that are out."
        raise field_problem("order.release_in_past", detail, "/release_at")
    if order.reservation_id:
        detail = "What a cart keeps is there: order it without a release, or order ahead without the cart."
        raise field_problem("order.release_with_cart", detail, "/release_at")
    return at_ms


def releases(
    index: AvailabilityIndex, lines: Iterable[Line], kits: Kits | None, asked_ms: int | None, now_ms: int
) -> dict[str, int]:
    """SKU → when it is out (UTC ms), of those that are not. A kit's parts are out when the kit is."""
    out: dict[str, int] = {}
    if asked_ms is None and not index.with_release:
        return out
    for line in lines:
        own_ms = index.details(line.sku).released_at_ms or 0
        for part in [part for part, _ in (kits or {}).get(line.sku, [(line.sku, 1)])]:
            at_ms = max(own_ms, index.details(part).released_at_ms or 0, asked_ms or 0)
            if at_ms > now_ms:
                out[part] = max(at_ms, out.get(part, 0))
    return out


def backorder_terms(
    release: Mapping[str, int], lead_ms: Mapping[str, int], *, whole: bool, barred: Mapping[str, list[str]]
) -> BackorderTerms | None:
    """All of it; None when there is nothing to be said."""
    if not (release or lead_ms or whole or barred):
        return None
    return BackorderTerms(dict(release), dict(lead_ms), whole, dict(barred))


def leads(
    index: AvailabilityIndex, need: Need, places: Sequence[Place], viewpoint: Viewpoint, channel: str, now_ms: int
) -> dict[str, int]:
    """Location → ms from having the units until they are there; none where no policy says how long anything
    takes, or no carrier calls."""
    if not index.steering.in_use:
        return {}
    policy, found = index.steering.policy(channel), dict[str, int]()
    wanted = tuple(index.wanted(sku, units) for sku, units in need.items())
    weight_g = sum(item.weight_g * item.units for item in wanted)
    for place in places:
        at, km = index.places.get(place.location_id), viewpoint.km
        away = None if km is None else float(km[place.location_id])
        candidate = index.steering.candidate(at, away, {}, now_ms)
        carried = choose_carrier(policy, Demand(wanted, at.country, now_ms, channel), candidate, weight_g)
        if carried is not None:
            found[place.location_id] = max(0, carried[2] - now_ms)
    return found
