from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain.errors import Refused
from actors.domain.sourcing_calendar import HORIZON_DAYS, Calendar, WorkDay, check, moments, promise
from actors.domain.times import DAY_MS

DAY = WorkDay(14 * 60, 17 * 60)
WEEKDAYS = (DAY, DAY, DAY, DAY, DAY, None, None)
CHICAGO = Calendar("America/Chicago", WEEKDAYS, ("2026-11-26",))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 1000


def test_what_comes_before_the_cut_off_leaves_on_another_day():
    seen = moments(CHICAGO, at("2026-11-25T13:59:00-06:00"))
    assert seen == (False, at("2026-11-25T14:00:00-06:00"), at("2026-11-25T17:00:00-06:00"))


def test_what_comes_at_the_cut_off_leaves_today_or_on_a_holiday_or_on_a_weekend():
    on_wednesday = moments(CHICAGO, at("2026-11-25T14:00:00-06:00"))
    assert on_wednesday == (False, at("2026-11-25T14:00:00-06:00"), at("2026-11-27T17:00:00-06:00"))
    on_friday = moments(CHICAGO, at("2026-11-27T15:00:00-06:00"))
    assert on_friday.dispatch_ms == at("2026-11-30T17:00:00-06:00")


def test_a_place_that_does_not_work_today_is_open():
    assert moments(CHICAGO, at("2026-11-26T09:00:00-06:00")) == (True, None, at("2026-11-27T17:00:00-06:00"))
    assert moments(Calendar("UTC", (None,) * 7), 0) == (True, None, None)


def test_the_day_is_that_of_another_timezone():
    # Sunday evening in Chicago is Monday in Berlin, where Monday's cut-off is ahead.
    now = at("2026-11-29T20:00:00-06:00")
    assert moments(Calendar("Europe/Berlin", WEEKDAYS), now).cut_off_ms == at("2026-11-30T14:00:00+01:00")
    assert moments(CHICAGO, now).closed


def test_clocks_that_are_changed_move_the_cut_off():
    # On 2026-03-29 Berlin's clocks go from 2 to 3.
    berlin = Calendar("Europe/Berlin", (DAY,) * 7)
    before, after = moments(berlin, at("2026-03-28T01:00:00+01:00")), moments(berlin, at("2026-03-29T01:00:00+01:00"))
    assert before.cut_off_ms == at("2026-03-28T14:00:00+01:00")
    assert after.cut_off_ms == at("2026-03-29T14:00:00+02:00")
    # Half past two is left out on that day, and is taken for half past three.
    early = Calendar("Europe/Berlin", (WorkDay(150, 200),) * 7)
    assert moments(early, at("2026-03-29T01:00:00+01:00")).cut_off_ms == at("2026-03-29T03:30:00+02:00")


def test_goods_leave_before_they_are_handled():
    now = at("2026-11-25T13:00:00-06:00")
    assert promise(CHICAGO, now, 3 * 3_600_000, 2) == (at("2026-11-25T17:00:00-06:00"), at("2026-11-27T17:00:00-06:00"))
    assert promise(CHICAGO, now, 5 * 3_600_000, 0) == (at("2026-11-27T17:00:00-06:00"),) * 2
    assert promise(None, 1_000, 500, 3) == (1_500, 1_500 + 3 * DAY_MS)
    assert promise(Calendar("UTC", (None,) * 7), now, 0, 1) is None


@pytest.mark.parametrize(
    ("calendar", "field"),
    [
        (Calendar("UTC", (DAY,) * 6), "week"),
        (Calendar("UTC", (WorkDay(1_020, 840), *(DAY,) * 6)), "week[0]"),
        (Calendar("UTC", (*(DAY,) * 6, WorkDay(0, 1_440))), "week[6]"),
        (Calendar("UTC", WEEKDAYS, ("2026-13-01",)), "holidays[0]"),
        (Calendar("America/Nowhere", WEEKDAYS), "timezone"),
        (Calendar("../secrets", WEEKDAYS), "timezone"),
    ],
)
def test_a_calendar_that_can_not_be_is_taken(calendar, field):
    with pytest.raises(Refused) as caught:
        check(calendar)
    assert (caught.value.body.code, caught.value.body.extra["field"]) == ("sourcing.calendar_invalid", field)


@given(st.integers(1_700_000_000_000, 1_900_000_000_000), st.integers(0, 48))
def test_goods_leave_in_the_past_or_too_soon_or_after_a_cut_off_that_was_missed(now, handling_h):
    check(CHICAGO)
    seen = moments(CHICAGO, now, handling_h * 3_600_000)
    assert seen.dispatch_ms is not None
    assert now + handling_h * 3_600_000 <= seen.dispatch_ms <= now + HORIZON_DAYS * DAY_MS
    if seen.cut_off_ms is not None and now >= seen.cut_off_ms:
        assert seen.dispatch_ms - seen.cut_off_ms > 12 * 3_600_000
