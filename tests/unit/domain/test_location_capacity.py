"""What a location does for orders in a day: never more than its profile says, counted by its own calendar, and
known after a takeover."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain import location
from actors.domain.errors import Refused
from actors.domain.ids import transfer_id
from actors.domain.location_capacity import local_day
from actors.domain.location_commands import Allocate, Convert, Release, Reserve
from actors.domain.location_events import StockChanged
from actors.domain.location_profile import DayCount, DayCounted, Profile, SetProfile, ViewProfile
from actors.domain.rows_of_sourcing import LocationProfileRow, profile_of
from actors.domain.sourcing_calendar import WorkDay
from tests.unit.domain.books import AT, DAY_MS, OPENED, Books

WEEK = (WorkDay(960, 1110),) * 5 + (None, None)


def books(**profile) -> Books:
    made = Books().with_units(A=100, B=100)
    if profile:
        made.do(SetProfile(Profile(**profile)))
    return made


def ask(order: str, *lines, part: int = 1) -> Allocate:
    return Allocate(order, part, list(lines or (("A", 2),)))


def test_a_place_allocates_more_orders_than_its_day_has():
    desk = books(orders_a_day=2)
    assert desk.do(ask("us-o1")).lines == [("A", 2)]
    assert desk.do(ask("us-o2")).lines == [("A", 2)]
    events = len(desk.events)
    assert desk.do(ask("us-o3")).lines == []
    assert len(desk.events) == events
    assert (desk.stock("A").allocated, desk.state.counted.orders, desk.state.counted.units) == (4, 2, 4)


def test_an_ask_that_does_not_fit_into_the_day_is_served_in_part():
    desk = books(units_a_day=5)
    assert desk.do(ask("us-o1", ("A", 3))).lines == [("A", 3)]
    assert desk.do(ask("us-o2", ("A", 2), ("B", 1))).lines == []
    assert desk.do(ask("us-o3", ("A", 2))).lines == [("A", 2)]
    assert desk.do(ask("us-o4", ("A", 1))).lines == []


def test_units_that_are_not_there_take_room_of_the_day():
    desk = books(units_a_day=110)
    assert desk.do(ask("us-o1", ("A", 500))).lines == [("A", 100)]
    assert desk.state.counted.units == 100


def test_a_day_ends_at_midnight_of_utc_and_not_of_the_place():
    desk = books(orders_a_day=1)
    desk.do(msgspec.structs.replace(OPENED, timezone="America/Los_Angeles"))
    # 2026-01-01T00:00Z is still 31 December there.
    desk.do(ask("us-o1"))
    desk.now_ms = AT.now_ms + 7 * 3_600_000
    assert desk.do(ask("us-o2")).lines == []
    desk.now_ms = AT.now_ms + 8 * 3_600_000
    assert desk.do(ask("us-o3")).lines == [("A", 2)]
    assert desk.state.counted == DayCount(local_day("UTC", AT.now_ms), 1, 2)


def test_a_clock_that_is_behind_begins_the_day_before_anew():
    desk = books(orders_a_day=1)
    desk.do(ask("us-o1"))
    desk.now_ms = AT.now_ms - 1
    assert desk.do(ask("us-o2")).lines == []


def test_a_transfer_takes_room_from_the_orders():
    desk = books(orders_a_day=1)
    assert desk.do(ask(transfer_id("us", AT.now_ms, "k"), ("A", 50))).lines == [("A", 50)]
    assert desk.state.counted is None
    assert desk.do(ask("us-o1")).lines == [("A", 2)]


def test_what_a_cart_has_been_promised_is_refused_for_want_of_room():
    desk = books(orders_a_day=1)
    desk.do(ask("us-o1"))
    desk.do(Reserve("us-resv-1", [("A", 3)]))
    assert desk.do(Convert("us-resv-1", "us-o2", 1, [("A", 3)])).lines == [("A", 3)]
    assert desk.state.counted == DayCount(desk.state.counted.day, 2, 5)


def test_a_place_without_limits_counts():
    for desk in (books(), books(ships=False)):
        desk.do(ask("us-o1"))
        assert not any(type(event) is DayCounted for event in desk.events)
        assert desk.state.counted is None


def test_the_same_profile_again_is_a_change():
    desk = books(orders_a_day=3, week=WEEK)
    events = len(desk.events)
    desk.do(SetProfile(Profile(orders_a_day=3, week=WEEK)))
    assert len(desk.events) == events


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        (Profile(week=WEEK[:6]), "week"),
        (Profile(week=(WorkDay(1000, 900), *WEEK[1:])), "week[0]"),
        (Profile(week=WEEK, holidays=("25 December",)), "holidays[0]"),
    ],
)
def test_a_calendar_that_can_not_be_is_taken(profile, field):
    desk = books(orders_a_day=3)
    before = msgspec.structs.replace(desk.state)
    with pytest.raises(Refused) as refused:
        desk.do(SetProfile(profile))
    assert (refused.value.body.code, refused.value.body.extra["field"]) == ("sourcing.calendar_invalid", field)
    assert desk.state == before


def test_the_profile_is_not_told_with_what_was_counted():
    desk = books(orders_a_day=3, week=WEEK, serves=("US",))
    desk.do(ask("us-o1"))
    told = location.view(desk.state, ViewProfile("us-wh-1"), desk.version)
    assert (told.profile.serves, told.counted.orders, told.timezone) == (("US",), 1, "UTC")


def test_replicas_are_not_told_of_the_profile():
    desk = books(orders_a_day=3)
    desk.do(ask("us-o1"))
    (row,) = [row for row in location.feed("us-wh-1", desk.state, desk.version) if isinstance(row, LocationProfileRow)]
    assert profile_of(row) == (desk.state.profile, desk.state.counted)
    assert not [row for row in location.feed("us-wh-1", books().state, 3) if isinstance(row, LocationProfileRow)]


STEP = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from("AB"), st.integers(1, 9)),
    st.tuples(st.just("release"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("cart"), st.sampled_from("AB"), st.integers(1, 4)),
    st.tuples(st.just("later"), st.integers(1, 30), st.just(0)),
)


@given(st.integers(0, 4), st.integers(0, 25), st.lists(STEP, max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_day_s_count_is_not_what_was_allocated_to_orders(orders_a_day, units_a_day, steps):
    """Against a plain model: a list of (day, units) per part of an order."""
    desk = books(orders_a_day=orders_a_day, units_a_day=units_a_day, ships=True)
    done: list[tuple[int, int]] = []

    given: list[tuple[str, list]] = []
    for number, (what, first, units) in enumerate(steps):
        day = desk.now_ms // DAY_MS
        today = [n for at, n in done if at == day]
        if what == "later":
            desk.now_ms += first * 3_600_000
        elif what == "release" and given:
            order_id, lines = given.pop(first % len(given))
            desk.do(Release(order_id, 1, lines))
        elif what == "ask":
            here = min(units, desk.stock(first).available)
            full = (orders_a_day and len(today) >= orders_a_day) or (units_a_day and sum(today) + here > units_a_day)
            taken = desk.do(ask(f"us-o{number}", (first, units))).lines
            assert taken == ([(first, here)] if here and not full else [])
            if taken:
                done.append((day, here))
                given.append((f"us-o{number}", taken))
        elif what == "cart":
            reserved = desk.do(Reserve(f"us-resv-{number}", [(first, units)])).lines
            if reserved:
                desk.do(Convert(f"us-resv-{number}", f"us-o{number}", 1, reserved))
                done.append((day, reserved[0][1]))
    day = desk.now_ms // DAY_MS
    if orders_a_day or units_a_day:
        last = max((at for at, _ in done), default=None)
        counted = [n for at, n in done if at == last]
        expected = None if last is None else DayCount(last, len(counted), sum(counted))
        assert desk.state.counted == expected
        assert msgspec.structs.replace(desk.restored()[0], counting={}) == msgspec.structs.replace(
            desk.state, counting={}
        )
    else:
        assert desk.state.counted is None
    allocated = sum(e.allocated for event in desk.events if type(event) is StockChanged for e in event.entries)
    assert allocated == desk.stock("A").allocated + desk.stock("B").allocated
