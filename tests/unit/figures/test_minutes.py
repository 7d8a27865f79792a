"""Minutes, steps of them, and gaps."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain.times import HOUR_MS, MINUTE_MS
from actors.figures.minute import AGES, Flow, Forecast, Gap, Level, Minute, Rates, age_of, gaps, idle, points, together

AT = 1_772_366_400_000


@pytest.mark.parametrize(
    ("age_ms", "name"),
    [(-1, 0), (0, 0), (HOUR_MS - 1, 0), (HOUR_MS, 1), (4 * HOUR_MS, 2), (24 * HOUR_MS - 1, 2), (24 * HOUR_MS, 3)],
)
def test_an_age_is_of_one_band(age_ms, name):
    assert age_of(AT - age_ms, AT) == name


@given(st.sets(st.integers(0, 40)), st.integers(0, 20), st.integers(20, 40))
def test_a_minute_is_either_seen_or_in_a_gap(seen, since, until):
    inside = sorted(at for at in seen if since <= at < until)
    found = gaps([AT + at * MINUTE_MS for at in inside], AT + since * MINUTE_MS, AT + until * MINUTE_MS)
    missing = {
        (at - AT) // MINUTE_MS for gap in found for at in range(gap.since, gap.until, MINUTE_MS)
    }  # fmt: skip
    assert missing == set(range(since, until)) - set(inside)
    assert all(first.until < second.since for first, second in itertools.pairwise(found))


def minute(at: int, picked: int, backlog: int) -> Minute:
    return msgspec.structs.replace(idle("us-wh", AT + at * MINUTE_MS), flow=Flow(picked_units=picked), backlog=backlog)


def test_a_step_adds_up_what_happened_and_tells_how_it_was_at_its_end():
    first, second = points([minute(0, 3, 9), minute(2, 4, 7), minute(7, 1, 5)], 5 * MINUTE_MS)
    assert (first.at, first.minutes, first.flow.picked_units, first.last.backlog) == (AT, 2, 7, 7)
    assert (second.at, second.minutes, second.flow.picked_units, second.last.backlog) == (AT + 5 * MINUTE_MS, 1, 1, 5)


def test_a_step_that_nobody_saw_is_not_there():
    assert [one.at for one in points([minute(0, 0, 0), minute(12, 0, 0)], 5 * MINUTE_MS)] == [AT, AT + 10 * MINUTE_MS]
    assert gaps([AT], AT, AT + 3 * MINUTE_MS) == [Gap(AT + MINUTE_MS, AT + 3 * MINUTE_MS)]


def test_the_region_is_the_sum_of_its_places():
    ages = [1] * len(AGES)
    one = msgspec.structs.replace(minute(0, 3, 9), levels=[Level("waiting", 4, 8, 1, ages)], backlog_units=20)
    two = msgspec.structs.replace(
        minute(0, 4, 1), levels=[Level("packed", 2, 3, 0, ages), Level("waiting", 1, 1, 1, ages)]
    )
    whole = together("us", AT, [one, two], Rates(), Forecast())
    assert (whole.location_id, whole.backlog, whole.backlog_units, whole.flow.picked_units) == ("us", 10, 20, 7)
    assert [(level.state, level.works, level.units, level.overdue) for level in whole.levels] == [
        ("packed", 2, 3, 0), ("waiting", 5, 9, 2),
    ]  # fmt: skip


def test_a_minute_of_today_can_be_read_tomorrow():
    kept = msgspec.msgpack.encode(minute(0, 3, 9))
    assert msgspec.msgpack.decode(kept, type=Minute) == minute(0, 3, 9)
