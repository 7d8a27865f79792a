from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from actors.anomalies.record import Record
from actors.anomalies.windows import Entry, KeptWindow, Windows


def record(at_ms: int, number: int = 1) -> Record:
    return Record(0, number, at_ms, "a", "", "order.read")


def test_what_is_too_old_still_counts():
    windows = Windows(1000)
    for at_ms in (0, 500, 1001, 1400):
        window = windows.add("k", record(at_ms))
    assert [entry.at_ms for entry in window.entries] == [500, 1001, 1400]
    assert len(windows.get("k", 2100)) == 1
    assert len(windows.get("nobody", 0)) == 0


def test_a_burst_or_many_keys_fill_the_memory():
    windows = Windows(1000, entries_max=5, keys_max=3)
    for number in range(50):
        window = windows.add("k", record(1, number))
    assert [entry.reference[1] for entry in window.entries] == [45, 46, 47, 48, 49]
    windows.add("l", record(2))
    windows.add("k", record(3))
    windows.add("m", record(4))
    windows.add("n", record(5))
    # "l" was not heard of for longest.
    assert (len(windows), len(windows.get("l", 5)), len(windows.get("k", 5))) == (3, 0, 5)


def test_a_key_that_never_comes_again_is_kept_for_ever():
    windows = Windows(1000)
    for number in range(40):
        windows.add(f"k{number}", record(number))
    for at_ms in range(1100, 1120):
        windows.add("busy", record(at_ms))
    assert list(windows.dump()) == ["busy"]


def test_one_record_pays_for_all_keys_that_are_over():
    windows = Windows(1000)
    for number in range(40):
        windows.add(f"k{number}", record(number))
    windows.add("busy", record(5000))
    assert len(windows) == 39


def test_a_key_that_still_counts_goes_with_those_that_are_over():
    windows = Windows(1000)
    windows.add("old", record(0))
    windows.add("young", record(0))
    windows.add("young", record(900))
    for at_ms in (1001, 1500, 1900):
        windows.add("busy", record(at_ms))
    assert list(windows.dump()) == ["young", "busy"]
    # The last to count is as old as the span.
    windows.add("busy", record(1901))
    assert list(windows.dump()) == ["busy"]


def test_what_somebody_has_judged_counts_still_or_again_after_a_restart():
    windows = Windows(1000)
    for at_ms in (100, 200, 300, 400):
        for key in ("tom", "tom s1 shop", "tommy"):
            windows.add(key, record(at_ms), f"{at_ms}")
    windows.judge("tom", 300)
    assert [entry.at_ms for entry in windows.get("tom", 400).entries] == [400]
    again = Windows(1000)
    again.restore(windows.dump())
    for told in (windows, again):
        # It is read late, and is of that time.
        window = told.add("tom", record(250), "250")
        assert (len(window), window.members(), window.turns) == (1, {"400"}, 0)
        assert (len(told.get("tom s1 shop", 400)), len(told.get("tommy", 400))) == (1, 4)
    windows.judge("tom", 400)
    assert len(windows.add("tom", record(400))) == 0
    for at_ms in range(1500, 1520):
        windows.add("busy", record(at_ms))
    assert list(windows.dump()) == ["busy"], "what was judged is kept for ever"


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from("abc")), max_size=60), st.integers(1, 12))
def test_a_window_counts_otherwise_than_one_would_by_hand(steps, entries_max):
    windows, now_ms, by_hand = Windows(100, entries_max=entries_max), 0, []
    for pause_ms, member in steps:
        now_ms += pause_ms
        by_hand.append((now_ms, member))
        window = windows.add("k", record(now_ms), member, 2.0)
        kept = [(at, name) for at, name in by_hand if at >= now_ms - 100][-entries_max:]
        again = Windows(100)
        again.restore(windows.dump())
        for one in (window, again.get("k", now_ms)):
            assert len(one) == len(kept)
            assert one.members() == {name for _, name in kept}
            assert one.weight() == 2.0 * len(kept)
            assert one.turns == sum(one[1] != other[1] for one, other in pairwise(kept))


@given(st.lists(st.tuples(st.integers(-20, 50), st.sampled_from("abcde")), max_size=60), st.integers(1, 6))
def test_one_that_comes_again_is_there_twice_or_keeps_its_old_place(steps, entries_max):
    windows, now_ms, by_hand = Windows(100, entries_max=entries_max, once=True), 100, []
    for number, (pause_ms, member) in enumerate(steps):
        now_ms += pause_ms
        by_hand = [other for other in by_hand if other[2] != member] + [(now_ms, number, member)]
        window = windows.add("k", record(now_ms, number), member, 2.0)
        stale = next((place for place, one in enumerate(by_hand) if one[0] >= now_ms - 100), len(by_hand))
        by_hand = by_hand[max(stale, len(by_hand) - entries_max) :]
        again = Windows(100, once=True)
        again.restore(windows.dump())
        kept = [one for one in by_hand if one[0] >= now_ms - 100]
        for told, hand in ((window, by_hand), (again.get("k", now_ms), kept), (windows.get("k", now_ms), kept)):
            assert [(one.at_ms, one.reference[1], one.member) for one in told.entries] == hand
            assert (len(told), list(told.members())) == (len(hand), [name for _, _, name in hand])
            assert told.weight() == 2.0 * len(hand)
            assert told.turns == max(0, len(hand) - 1)
            assert not hand or told.newest_ms == hand[-1][0]


@given(
    st.lists(st.tuples(st.integers(0, 50), st.sampled_from("abc"), st.integers(1, 5)), min_size=1, max_size=60),
    st.integers(0, 1000),
)
def test_a_weight_outlives_its_age_or_a_judgement_or_is_lost_before(steps, judged_ms):
    windows, now_ms, by_hand = Windows(100, once=True), 100, []
    for number, (pause_ms, member, weight) in enumerate(steps):
        now_ms += pause_ms
        by_hand.append((now_ms, member, weight))
        window = windows.add("k", record(now_ms, number), member, float(weight))
        assert window.weight() == heaviest(by_hand, now_ms - 100)
        again = Windows(100, once=True)
        again.restore(windows.dump())
        for told in (windows, again):
            assert told.get("k", now_ms + 50).weight() == heaviest(by_hand, now_ms - 50)
    for told in (windows, again):
        told.judge("k", judged_ms)
        assert told.get("k", now_ms).weight() == heaviest(by_hand, max(now_ms - 100, judged_ms + 1))


def heaviest(entries, oldest_ms):
    """The sum of what each member weighed at most from then on."""
    return sum(dict(sorted((name, weight) for at, name, weight in entries if at >= oldest_ms)).values())


def test_one_that_weighs_less_each_time_fills_the_memory():
    windows = Windows(10_000, once=True)
    for number in range(1000):
        window = windows.add("k", record(number, number), "a", 1000.0 - number)
    assert (len(window.kept) < 20, len(window), window.weight()) == (True, 1, 1000.0)
    window.forget("a")
    assert window.kept == []


def test_one_is_held_when_it_is_too_old():
    windows = Windows(1000)
    for at_ms, member in ((0, "a"), (500, "b")):
        windows.add("k", record(at_ms), member)
    assert [windows.holds("k", member, at) for at in (1000, 1001) for member in "ab"] == [True, True, False, True]


def test_what_was_judged_or_kept_with_doubles_counts_twice():
    """A state of before has a member in several places."""
    kept = [Entry(at_ms, member, 1.0, (0, at_ms), "") for at_ms, member in ((1, "a"), (2, "b"), (3, "a"))]
    windows = Windows(1000, once=True)
    windows.restore({"k": KeptWindow(kept)})
    assert [one.at_ms for one in windows.get("k", 3).entries] == [2, 3]
    windows.judge("k", 2)
    window = windows.add("k", record(4), "a")
    assert ([one.at_ms for one in window], window.judged_ms) == ([4], 2)
