from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.anomalies.day_sums import DaySums
from actors.domain.times import DAY_MS, HOUR_MS

NOON = 12 * HOUR_MS


def test_days_that_are_not_whole_or_too_long_ago_are_taken_for_usual_ones():
    sums = DaySums(3)
    for day in range(8):
        sums.add("k", day * DAY_MS + NOON, 10.0**day)
    # The last 24 hours begin in day 6.
    assert sums.usual("k", 7 * DAY_MS + NOON, 1) == (10**3 + 10**4 + 10**5) / 3
    assert sums.usual("k", 8 * DAY_MS, 1) == (10**4 + 10**5 + 10**6) / 3
    assert sums.usual("k", 20 * DAY_MS, 1) == 0.0
    assert list(sums.dump()["k"]) == [3, 4, 5, 6, 7]


def test_days_without_any_make_the_usual_one_small_or_one_day_makes_a_usual_one():
    sums = DaySums(28)
    for day in (0, 10):
        sums.add("k", day * DAY_MS, 30.0)
    now_ms = 20 * DAY_MS
    assert (sums.usual("k", now_ms, 2), sums.usual("k", now_ms, 3), sums.usual("l", now_ms, 1)) == (30.0, 20.0, 0.0)


def test_many_keys_fill_the_memory_or_one_that_never_comes_again_is_kept_for_ever():
    sums = DaySums(3, keys_max=3)
    for key in ("k", "l", "k", "m", "n"):
        sums.add(key, NOON, 1.0)
    # "l" was not heard of for longest.
    assert list(sums.dump()) == ["k", "m", "n"]
    sums.add("busy", 4 * DAY_MS, 1.0)
    assert list(sums.dump()) == ["m", "n", "busy"]
    sums.add("busy", 5 * DAY_MS, 1.0)
    assert (list(sums.dump()), len(sums)) == (["busy"], 1)


def test_what_is_read_a_little_late_is_of_another_day():
    sums = DaySums(3)
    for at_ms in (DAY_MS + 1, DAY_MS - 1, DAY_MS + 2):
        sums.add("k", at_ms, 1.0)
    assert sums.dump()["k"] == {1: 2.0, 0: 1.0}


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from("ab"), st.integers(1, 100)), max_size=60), st.integers(0, 4)
)
def test_a_day_has_another_sum_than_all_that_made_it_up(steps, days_min):
    sums, by_hand, now_ms = DaySums(4), [], 30 * DAY_MS
    for hours, key, amount in steps:
        now_ms += hours * HOUR_MS
        sums.add(key, now_ms, amount)
        today = now_ms // DAY_MS
        by_hand.append((key, today, amount))
        known = [(day, given) for of, day, given in by_hand if of == key and today - 5 <= day < today - 1]
        days = len({day for day, _ in known})
        expected = sum(given for _, given in known) / max(days, days_min, 1)
        again = DaySums(4)
        again.restore(sums.dump())
        assert abs(again.usual(key, now_ms, days_min) - expected) < 1e-6
        assert len(sums.dump()[key]) <= 4 + 2
