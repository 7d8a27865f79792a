"""A location as sourcing sees it at a moment: from its profile, its calendar, and what it has done of its day. Of
places now (`serve/availability/steering.py`), and of places then (`what_if.py`)."""

from __future__ import annotations

from actors.domain.location_events import LocationType
from actors.domain.location_profile import TEMPERATURES, Profile
from actors.domain.sourcing_calendar import Moments, moments
from actors.domain.sourcing_demand import Candidate
from actors.domain.times import MINUTE_MS

# A place of which nothing is said may hold what lies there: all classes of the UN Model Regulations.
ALL_HAZARDS = tuple("123456789")
# What it can still take (parts of orders, units; None for no limit), and how much of its day is taken.
Left = tuple[int | None, int | None, float]
NO_LIMIT: Left = (None, None, 0.0)
ALWAYS = Moments(closed=False, cut_off_ms=None, dispatch_ms=None)


def works_at(profile: Profile, timezone: str, now_ms: int) -> Moments:
    """What its calendar says at that moment (UTC ms); cut-offs are whole minutes."""
    handling_ms = profile.handling_min * MINUTE_MS
    calendar = profile.calendar(timezone)
    if calendar is None:
        return ALWAYS._replace(dispatch_ms=now_ms + handling_ms) if handling_ms else ALWAYS
    return moments(calendar, now_ms // MINUTE_MS * MINUTE_MS, handling_ms)


def left_of(profile: Profile, orders: int, units: int) -> Left:
    """(parts of orders, units) that it can still take on a day on which it has taken so many, None for no limit; and
    how much of its day is taken, 0..1."""
    if not profile.limited:
        return NO_LIMIT
    taken = max(
        orders / profile.orders_a_day if profile.orders_a_day else 0.0,
        units / profile.units_a_day if profile.units_a_day else 0.0,
    )
    return (
        max(0, profile.orders_a_day - orders) if profile.orders_a_day else None,
        max(0, profile.units_a_day - units) if profile.units_a_day else None,
        taken,
    )


def candidate_of(
    location_id: str, kind: LocationType, country: str, distance_km: float | None, available: dict[str, int],
    profile: Profile | None, works: Moments, left: Left,
) -> Candidate:  # fmt: skip
    """The place. profile: None for one that does everything, as much as it has stock for; the others are of it then.
    available: units per SKU, of what is wanted."""
    if profile is None:
        return Candidate(
            location_id, kind, country, distance_km, available, hazard_classes=ALL_HAZARDS, temperatures=TEMPERATURES
        )
    orders_left, units_left, workload = left
    return Candidate(
        location_id, kind, country, distance_km, available,
        ships=profile.ships, serves=profile.serves, closed=works.closed, cut_off_ms=works.cut_off_ms,
        dispatch_ms=works.dispatch_ms, capacity_orders=orders_left, capacity_units=units_left,
        hazard_classes=profile.hazard_classes, temperatures=profile.temperatures, workload=workload,
        labour_order_minor=profile.labour_order_minor, labour_line_minor=profile.labour_line_minor,
        carriers=profile.carriers,
    )  # fmt: skip
