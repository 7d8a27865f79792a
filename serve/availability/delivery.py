"""When a SKU would be there, if it were ordered now: at availability, for who says where he is, where
orders are sourced by a policy.

The earliest of the nearest places that may serve one unit by the channel's policy: by their calendars and the carriers'
zones. To which country is not asked, so each place is judged as for its own. Good for the minute: `stamp` changes with
it, and with what it goes by.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from actors.domain.sourcing_constraints import ItemRules, capped, place_reasons
from actors.domain.sourcing_cost import choose_carrier
from actors.domain.sourcing_demand import Candidate, Demand, Wanted
from actors.domain.sourcing_policy import Policy
from actors.domain.times import MINUTE_MS, moment
from serve.availability.outlooks import Prospects
from serve.availability.places import Places, Viewpoint
from serve.availability.steering import Steering

# So many nearest places are looked at for each SKU.
NEAREST = 3


class DeliveryDates:
    """Of one query. stamp: what is the same as long as its answers are good."""

    def __init__(self, steering: Steering, places: Places, viewpoint: Viewpoint, channel: str, now_ms: int) -> None:
        self._steering = steering
        self._places = places
        self._km = viewpoint.km
        self._channel = channel
        self._now_ms = now_ms // MINUTE_MS * MINUTE_MS
        self.stamp = stamp_of(steering, now_ms)

    def of(self, wanted: Wanted, nearest: Sequence[str]) -> datetime | None:
        """For one unit from the first of these places; None when none of them may serve it."""
        policy = self._steering.policy(self._channel)
        life = {wanted.sku: wanted.min_life_days} if wanted.min_life_days else None
        prospects = self._steering.outlooks.of((wanted.sku,), life, self._now_ms)
        found = [self._from(policy, wanted, name, prospects) for name in nearest[:NEAREST]]
        return min((at_ms for at_ms in found if at_ms is not None), default=None)

    def _from(self, policy: Policy, wanted: Wanted, name: str, prospects: Prospects | None) -> datetime | None:
        at, km = self._places.get(name), self._km
        away = None if km is None else float(km[name])
        place = self._steering.candidate(at, away, {wanted.sku: 1}, self._now_ms, prospects)
        demand = Demand((wanted,), at.country, self._now_ms, self._channel)
        if _ruled_out(policy, demand, wanted, place):
            return None
        carried = choose_carrier(policy, demand, place, wanted.weight_g)
        return None if carried is None else moment(carried[2])


def _ruled_out(policy: Policy, demand: Demand, wanted: Wanted, place: Candidate) -> bool:
    if place_reasons(policy, demand, place) or not capped(place, [1], capacity=policy.rules.capacity):
        return True
    return bool(ItemRules(policy, demand, [wanted]).reasons(place))


def stamp_of(steering: Steering, now_ms: int) -> tuple[int, int]:
    """See the module's docstring."""
    return now_ms // MINUTE_MS, steering.changes
