"""How much a location does for orders in a day. Its profile is in `location_profile.py`.

    Allocate ──▶ fits into what is left of the day ──▶ allocated, and counted (`DayCounted`)
                 does not                           ──▶ nothing is, and the order asks elsewhere

The day is the location's own. An ask is taken wholly or not at all, as sourcing sees it
(`sourcing_constraints.capped`); parts of transfers need no place in the day. What a cart had already is promised: it is
converted in any case, and counted. What an order gives back stays counted, since the work may be done.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from actors.domain.ids import TRANSFER_PATTERN
from actors.domain.kind import Context
from actors.domain.location_commands import Allocate, Convert
from actors.domain.location_events import Event
from actors.domain.location_profile import DayCount, DayCounted, Profile, ProfileSet, SetProfile
from actors.domain.location_promises import Taken
from actors.domain.location_state import Location
from actors.domain.sourcing_calendar import check

_EPOCH = date(1970, 1, 1)
Outcome = tuple[list[Event], Taken]


def set_profile(location: Location, command: SetProfile) -> list[Event]:
    """Raises Refused `sourcing.calendar_invalid`."""
    calendar = command.profile.calendar(location.particulars.timezone)
    if calendar is not None:
        check(calendar)
    return [] if location.profile == command.profile else [ProfileSet(command.profile)]


def within(location: Location, command: Allocate | Convert, outcome: Outcome, context: Context) -> Outcome:
    """What an order got, as far as the day allows, and counted; only asked of a location with a profile."""
    profile, (events, taken) = location.profile, outcome
    if profile is None or not profile.limited or not taken.lines or TRANSFER_PATTERN.fullmatch(command.order_id):
        return outcome
    before = count_of(location, local_day(location.particulars.timezone, context.now_ms))
    units = sum(units for _, units in taken.lines)
    after = DayCount(before.day, before.orders + 1, before.units + units)
    if type(command) is Allocate and not _fits(profile, after):
        return [], Taken([])
    return [*events, DayCounted(after)], taken


def _fits(profile: Profile, count: DayCount) -> bool:
    if profile.orders_a_day and count.orders > profile.orders_a_day:
        return False
    return not profile.units_a_day or count.units <= profile.units_a_day


def count_of(location: Location, day: int) -> DayCount:
    """What was counted so far on that day. Of two clocks the one that is behind does not begin the day before anew."""
    counted = location.counted
    return counted if counted is not None and counted.day >= day else DayCount(day, 0, 0)


def local_day(timezone: str, now_ms: int) -> int:
    """The day there at that moment (UTC ms), as days since 1970-01-01."""
    return (datetime.fromtimestamp(now_ms / 1000, _zone(timezone)).date() - _EPOCH).days


def next_day_ms(timezone: str, now_ms: int) -> int:
    """When the next day begins there (UTC ms)."""
    zone = _zone(timezone)
    day = datetime.fromtimestamp(now_ms / 1000, zone).date() + timedelta(days=1)
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def _zone(timezone: str) -> tzinfo:
    """One that nobody knows any more is taken for UTC."""
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
