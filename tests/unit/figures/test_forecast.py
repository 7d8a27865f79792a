"""The forecast against a plain, slow computation, and on orders that really came."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from actors.figures.forecast import (
    AHEAD_H,
    HORIZON_H,
    SEEN_MIN,
    WEEKS,
    Seen,
    arrivals_in,
    forecast,
    hour_of_week,
    profile_of,
    smoothed,
)
from actors.figures.minute import Rates

TRACES = Path(__file__).parents[3].parent / "shared" / "data" / "traces"
# A Monday, at midnight.
MONDAY_MS = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)
NOON_MS = MONDAY_MS + 12 * HOUR_MS
queues = st.lists(
    st.tuples(st.integers(-5, 60).map(lambda hours: NOON_MS + hours * HOUR_MS), st.integers(1, 50)), max_size=12
)
profiles = st.dictionaries(
    st.integers(0, HORIZON_H - 1), st.builds(Seen, st.integers(0, 200), st.integers(0, 240)), max_size=40
)
rates = st.builds(Rates, st.none() | st.floats(0, 80), st.none() | st.sampled_from([0.0, 1.0, 20.0, 75.0]))


def test_the_week_begins_on_monday():
    assert (hour_of_week(MONDAY_MS), hour_of_week(MONDAY_MS - 1), hour_of_week(NOON_MS)) == (0, 167, 12)


@given(queues, profiles, rates, st.integers(0, 59))
def test_the_queue_ends_when_a_walk_in_small_steps_says_so(queue, profile, known, minute):
    now_ms = NOON_MS + minute * MINUTE_MS
    told = forecast(now_ms, queue, profile, known)
    left, at, step = float(sum(units for _, units in queue)), now_ms, MINUTE_MS
    empty_at, ahead = (now_ms if not left else None), []
    while at < now_ms + HORIZON_H * HOUR_MS and (empty_at is None or len(ahead) < AHEAD_H):
        left += (arrivals_in(profile, at, known)[0] - (known.picks or 0.0)) * step / HOUR_MS
        at += step
        if left <= 1e-6 and empty_at is None:
            empty_at = at
        left = max(left, 0.0)
        if at % HOUR_MS == 0 and len(ahead) < AHEAD_H:
            ahead.append(left)
    if empty_at is None:
        assert told.empty_at is None or told.empty_at > now_ms + (HORIZON_H - 2) * HOUR_MS
    else:
        assert told.empty_at is not None
        assert abs(told.empty_at - empty_at) <= 2 * step
    assert all(abs(mine - plain) <= 1 for mine, plain in zip(told.ahead, ahead, strict=False))


@given(queues, rates)
def test_late_is_what_is_not_reached_before_its_time(queue, known):
    late = 0
    for at, (due_ms, _) in enumerate(sorted(queue)):
        before = sum(units for _, units in sorted(queue)[: at + 1])
        late += not known.picks or NOON_MS + before / known.picks * HOUR_MS > due_ms
    assert forecast(NOON_MS, queue, {}, known).late == late


def test_an_hour_that_was_hardly_seen_is_not_taken_for_a_quiet_one():
    known = Rates(30.0, 10.0)
    assert arrivals_in({12: Seen(0, SEEN_MIN - 1)}, NOON_MS, known) == (30.0, "smoothed")
    assert arrivals_in({12: Seen(240, 120)}, NOON_MS, known) == (120.0, "weekly")
    assert arrivals_in({}, NOON_MS, Rates()) == (0.0, "none")


def test_a_burst_is_half_forgotten_after_half_an_hour():
    rate = smoothed(None, 10)
    for _ in range(30):
        rate = smoothed(rate, 0)
    assert rate == pytest.approx(300)


def arrivals(path: Path, trace: str) -> dict[int, int]:
    """Order lines that came, by minute."""
    if not path.exists():
        pytest.skip(f"{path} is not here: real traces come beside the project, not with it")
    found: dict[int, int] = {}
    with gzip.open(path, "rt", newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            if row["trace"] == trace and int(row["quantity"]) > 0:
                at = int(datetime.fromisoformat(row["ordered_at"]).replace(tzinfo=UTC).timestamp() * 1000)
                found[at - at % MINUTE_MS] = found.get(at - at % MINUTE_MS, 0) + 1
    return found


@pytest.mark.parametrize(
    ("file", "trace", "error_max"),
    [("eu.csv.gz", "uci-online-retail", 0.56), ("us.csv.gz", "dataco", 0.12), ("latam.csv.gz", "dataco", 0.12)],
)
def test_on_real_orders_the_hours_of_the_week_tell_more_than_the_rate_of_now(file, trace, error_max):
    came = arrivals(TRACES / file, trace)
    hours: dict[int, int] = {}
    for at, units in came.items():
        hours[at - at % HOUR_MS] = hours.get(at - at % HOUR_MS, 0) + units
    first = min(came) - min(came) % HOUR_MS
    past_ms = WEEKS * 7 * DAY_MS
    rate, weekly, now, real = None, 0.0, 0.0, 0
    # What comes in the next twelve hours, asked every hour of the eight weeks after the first four.
    for at in range(first, first + 3 * past_ms, HOUR_MS):
        if at >= first + past_ms:
            profile = profile_of((hour, hours.get(hour, 0), 60) for hour in range(at - past_ms, at, HOUR_MS))
            told = sum(arrivals_in(profile, at + k * HOUR_MS, Rates(rate))[0] for k in range(12))
            came_then = sum(hours.get(at + k * HOUR_MS, 0) for k in range(12))
            weekly, real = weekly + abs(told - came_then), real + came_then
            now += abs(12 * (rate or 0.0) - came_then)
        for minute in range(at, at + HOUR_MS, MINUTE_MS):
            rate = smoothed(rate, came.get(minute, 0))
    print(f"{trace} ({file}): off by {weekly / real:.0%} of what came; by the rate of now {now / real:.0%}")
    assert weekly / real < error_max
    assert weekly < now / 2
