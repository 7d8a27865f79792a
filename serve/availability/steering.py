"""What sourcing goes by, as one replica knows it: the profiles of places and the policies of channels, fed by
the hosts as the stock is.

Where nobody has set any, and the region's config has none, it is not in use: orders are placed as `allocation.py` says.
"""

from __future__ import annotations

from typing import NamedTuple

from actors.domain.location_capacity import local_day
from actors.domain.location_events import LocationType
from actors.domain.location_profile import DayCount, Profile
from actors.domain.rows import LocationRow
from actors.domain.rows_of_sourcing import LocationProfileRow, SourcingPolicyRow, profile_of
from actors.domain.sourcing_calendar import Moments
from actors.domain.sourcing_demand import Candidate
from actors.domain.sourcing_pickup import ready_after
from actors.domain.sourcing_places import ALWAYS, NO_LIMIT, candidate_of, left_of, works_at
from actors.domain.sourcing_policies import policy_of
from actors.domain.sourcing_policy import Policy
from actors.domain.times import MINUTE_MS
from serve.availability.outlooks import Outlooks, Prospects


class _Known(NamedTuple):
    """A place's profile as it was told, and what was counted."""

    version: int
    profile: Profile
    counted: DayCount | None


class Steering:
    """own: the region's policy, of its config or the built-in one; configured: it is of the config."""

    def __init__(self) -> None:
        self.own = Policy()
        self.configured = False
        self.outlooks = Outlooks()
        # Rises with each change of a policy or profile, not with what is counted.
        self.changes = 0
        self._policies: dict[str, Policy] = {}
        self._profiles: dict[str, _Known] = {}
        # What a place's calendar says, by the minute: cut-offs are whole minutes.
        self._moments: dict[str, tuple[int, Moments]] = {}

    def begin(self, configured: Policy | None, currency: str) -> None:
        """The region's own policy, as its config has it; None: the built-in one, in that currency."""
        self.configured = configured is not None
        self.own = configured or Policy(currency=currency)

    @property
    def in_use(self) -> bool:
        """Is there anything to source by?"""
        return self.configured or bool(self._policies) or bool(self._profiles)

    def put_profile(self, row: LocationProfileRow) -> None:
        """Takes a changed row; an older one than that which is here is ignored."""
        known = self._profiles.get(row.location_id)
        if known is None or row.version >= known.version:
            fresh = self._profiles[row.location_id] = _Known(row.version, *profile_of(row))
            if known is None or known.profile != fresh.profile:
                self._moments.pop(row.location_id, None)
                self.changes += 1

    def put_policy(self, row: SourcingPolicyRow) -> None:
        """The same of a policy."""
        known = self._policies.get(row.channel)
        if known is None or row.version >= known.version:
            self._policies[row.channel] = policy_of(row)
            self.changes += 1

    def policy(self, channel: str) -> Policy:
        """The channel's, or that of all others, or the region's own."""
        return self._policies.get(channel) or self._policies.get("") or self.own

    def profile(self, location_id: str) -> Profile | None:
        """A place's profile; None: it has none."""
        known = self._profiles.get(location_id)
        return None if known is None else known.profile

    def ready_at(self, at: LocationRow, from_ms: int) -> int | None:
        """When a store has something ready for its customer that is there at a moment (UTC ms), by its calendar;
        None when it does not work."""
        known = self._profiles.get(at.location_id)
        if known is None:
            return from_ms
        handling_ms = known.profile.handling_min * MINUTE_MS
        return ready_after(works_at(known.profile, at.timezone, from_ms), from_ms, handling_ms)

    def candidate(
        self,
        at: LocationRow,
        distance_km: float | None,
        available: dict[str, int],
        now_ms: int,
        prospects: Prospects | None = None,
    ) -> Candidate:
        """The place, as sourcing has to know it. available: units per SKU, of what is wanted. now_ms: UTC ms.
        prospects: of what is wanted, None when nothing is known."""
        place = self._place(at, distance_km, available, now_ms)
        return place if prospects is None else prospects.added(place)

    def _place(self, at: LocationRow, distance_km: float | None, available: dict[str, int], now_ms: int) -> Candidate:
        known = self._profiles.get(at.location_id)
        kind: LocationType = at.type  # type: ignore[assignment]
        if known is None:
            return candidate_of(at.location_id, kind, at.country, distance_km, available, None, ALWAYS, NO_LIMIT)
        works, left = self._works(at, known.profile, now_ms), _left(known, at.timezone, now_ms)
        return candidate_of(at.location_id, kind, at.country, distance_km, available, known.profile, works, left)

    def _works(self, at: LocationRow, profile: Profile, now_ms: int) -> Moments:
        if not profile.week:
            return works_at(profile, at.timezone, now_ms)
        minute = now_ms // MINUTE_MS
        kept = self._moments.get(at.location_id)
        if kept is None or kept[0] != minute:
            kept = self._moments[at.location_id] = (minute, works_at(profile, at.timezone, now_ms))
        return kept[1]


def _left(known: _Known, timezone: str, now_ms: int) -> tuple[int | None, int | None, float]:
    """(parts of orders, units) that the place can still take today, None for no limit; and how much of
    its day is taken, 0..1."""
    profile, counted = known.profile, known.counted
    orders = units = 0
    if profile.limited and counted is not None and counted.day >= local_day(timezone, now_ms):
        orders, units = counted.orders, counted.units
    return left_of(profile, orders, units)
