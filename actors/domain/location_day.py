"""What a location may still do for the orders in its line today, in one round of serving it. The rules are in
`location_capacity.py`."""

from __future__ import annotations

from actors.domain.kind import Context
from actors.domain.location_capacity import count_of, local_day
from actors.domain.location_profile import DayCount, Profile
from actors.domain.location_state import Location

_ANY = 1 << 62


class DayRoom:
    """`count`: of the day, with what the round gave; None where there is no limit. `full`: somebody wants more than the
    rest of the day, so it is used up. `tomorrow`: somebody takes all or nothing, and that is more than the rest.

    profile: what the location has by then. counted: by the turn that the round is of, if it did."""

    def __init__(self, location: Location, profile: Profile | None, counted: DayCount | None, context: Context) -> None:
        self.profile = profile
        self.count: DayCount | None = None
        self.full = self.tomorrow = False
        if profile is not None and profile.limited:
            self.count = counted or count_of(location, local_day(location.particulars.timezone, context.now_ms))

    def units_left(self, *, begun: bool) -> int:
        """That may be given to an order. begun: it got some in this round, so it is counted already."""
        profile, count = self.profile, self.count
        if profile is None or count is None:
            return _ANY
        if profile.orders_a_day and not begun and count.orders >= profile.orders_a_day:
            return 0
        return max(0, profile.units_a_day - count.units) if profile.units_a_day else _ANY

    def take(self, units: int, *, begun: bool) -> None:
        """So many were given to an order."""
        if self.count is not None:
            self.count = DayCount(self.count.day, self.count.orders + (not begun), self.count.units + units)
