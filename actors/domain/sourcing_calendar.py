"""When a place works: its week, holidays and cut-offs in local time, and the moments (UTC ms) that follow from them.

now ──before today's cut-off──▶ leaves with today's dispatch
    ──later, or closed today──▶ leaves with the dispatch of the next day that it works
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from actors.domain.errors import Refused
from actors.domain.times import DAY_MS

MINUTES_A_DAY = 1_440
# A place that does not work for longer is closed.
HORIZON_DAYS = 30


class WorkDay(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Minutes after local midnight: until when what comes leaves on that day, and when it leaves."""

    cut_off_min: int
    dispatch_min: int


class Calendar(msgspec.Struct, frozen=True, gc=False):
    """timezone: IANA name. week: Monday to Sunday, None for a day without work. holidays: local dates
    (ISO 8601) without work."""

    timezone: str
    week: tuple[WorkDay | None, ...]
    holidays: tuple[str, ...] = ()


class Moments(NamedTuple):
    """Of a place, as seen now; the fields are those of `sourcing_demand.Candidate`."""

    closed: bool
    cut_off_ms: int | None
    dispatch_ms: int | None


class Promise(NamedTuple):
    """When it leaves and when it is there, UTC ms."""

    ready_by_ms: int
    deliver_by_ms: int


def check(calendar: Calendar) -> None:
    """Raises Refused (`sourcing.calendar_invalid`) with the `field` that is wrong."""
    if len(calendar.week) != 7:
        raise _invalid("week", f"has {len(calendar.week)} days: seven are needed, Monday first")
    for at, day in enumerate(calendar.week):
        if day is not None and not 0 <= day.cut_off_min <= day.dispatch_min < MINUTES_A_DAY:
            raise _invalid(
                f"week[{at}]", f"the cut-off comes before the dispatch, both within 0..{MINUTES_A_DAY - 1} minutes"
            )
    for at, holiday in enumerate(calendar.holidays):
        try:
            date.fromisoformat(holiday)
        except ValueError:
            raise _invalid(f"holidays[{at}]", f"{holiday!r} is no date: write 2026-12-25") from None
    _zone(calendar)


def _invalid(field: str, why: str) -> Refused:
    return Refused("sourcing.calendar_invalid", f"{field}: {why}.", field=field)


def _zone(calendar: Calendar) -> ZoneInfo:
    try:
        return ZoneInfo(calendar.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _invalid("timezone", f"{calendar.timezone!r} is unknown: write one as America/Chicago") from None


def _moment(zone: ZoneInfo, day: date, minutes: int) -> int:
    # A local time that a change of the clocks leaves out is taken as if the clocks had not been
    # changed yet (PEP 495, fold 0).
    local = datetime.combine(day, time(minutes // 60, minutes % 60), zone)
    return int(local.astimezone(UTC).timestamp()) * 1000


def moments(calendar: Calendar, now_ms: int, handling_ms: int = 0) -> Moments:
    """What follows from the calendar at `now_ms`; nothing leaves earlier than `handling_ms` after it. At the
    cut-off itself it is too late."""
    zone = _zone(calendar)
    today = datetime.fromtimestamp(now_ms / 1000, zone).date()
    cut_off_today: int | None = None
    works_today = False
    for ahead in range(HORIZON_DAYS + 1):
        day = today + timedelta(days=ahead)
        work = calendar.week[day.weekday()]
        if work is None or day.isoformat() in calendar.holidays:
            continue
        cut_off_ms, dispatch_ms = _moment(zone, day, work.cut_off_min), _moment(zone, day, work.dispatch_min)
        if ahead == 0:
            works_today, cut_off_today = True, cut_off_ms
        if now_ms < cut_off_ms and dispatch_ms >= now_ms + handling_ms:
            return Moments(not works_today, cut_off_today, dispatch_ms)
    return Moments(closed=True, cut_off_ms=cut_off_today, dispatch_ms=None)


def promise(calendar: Calendar | None, now_ms: int, handling_ms: int, transit_days: int) -> Promise | None:
    """When what is ordered now leaves and arrives. transit_days: of 24 hours. Without a calendar it leaves as soon as
    it is handled; None when the place does not work within `HORIZON_DAYS`."""
    ready_ms: int | None = now_ms + handling_ms
    if calendar is not None:
        ready_ms = moments(calendar, now_ms, handling_ms).dispatch_ms
    return None if ready_ms is None else Promise(ready_ms, ready_ms + transit_days * DAY_MS)
