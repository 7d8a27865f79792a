"""Turns of those who take all or nothing at a location: they come, end, and hold nobody up for good."""

from __future__ import annotations

import pytest

from actors.domain import location_serving, location_turns
from actors.domain.location_commands import (
    Allocate,
    Reserve,
    SetLevels,
)
from actors.domain.location_events import Levels, StockRunsLow
from actors.domain.location_profile import Profile, SetProfile
from actors.domain.location_serving import Round
from actors.domain.location_turns import KEEP_MS, KEEPERS_MAX, PASSED_MAX
from tests.unit.domain.line_rig import NOW_MS, Place, passed

DAY_MS = 86_400_000


def test_who_wants_two_goods_at_once_is_passed_for_ever_by_those_who_want_one(at_once):
    place = Place()
    place.wait("us-1", 10, ("a", 2), ("b", 1), whole=True)
    place.wait("us-2", 20, ("a", 9))
    place.wait("us-3", 30, ("b", 9))
    # Never both at once, and each time somebody else wants it.
    for sku in ("a", "b", "a"):
        place.receive((sku, 1))
        assert place.do(Allocate(f"us-new-{place.turns}", 1, [(sku, 1)])).lines == []
        assert place.do(Reserve(f"us-resv-{place.turns}", [(sku, 1)])).lines == []
        assert place.again() == place.state
    assert place.served == [("us-1", 10_001, [("a", 2), ("b", 1)])]
    assert place.state.waiting.turns == {}


def test_two_who_each_have_what_the_other_wants_wait_for_each_other_for_ever(at_once):
    place = Place()
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True)
    place.wait("us-2", 20, ("b", 1), ("a", 1), whole=True)
    # The second's turn comes first, as there is nothing for the first yet that it could not have.
    for sku in "abba":
        place.receive((sku, 1))
    assert [name for name, _, _ in place.served] == ["us-1", "us-2"]


def test_which_comes_first_hangs_on_the_sku_when_some_are_out_later(at_once):
    place = Place()
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True, from_ms={"a": NOW_MS + 100})
    place.wait("us-2", 20, ("a", 1), ("b", 1), whole=True, from_ms={"a": NOW_MS + 50, "b": NOW_MS + 50})
    place.now_ms += 200
    place.receive(("b", 1))
    place.receive(("a", 1))
    # That they are out is the timer's to see: until then nobody takes both goods, past who may come first for one.
    place.wake()
    assert [name for name, _, _ in place.served] == ["us-2"], "both would have one of two goods"


def test_what_a_buffer_holds_back_as_well_goes_past_whose_turn_it_is_to_who_came_later(at_once):
    place = Place()
    place.receive(("a", 1))
    place.do(SetLevels([Levels("a", buffers={"online": 1})]))
    place.wait("us-1", 10, ("a", 2), ("b", 1), whole=True, channel="store")
    place.wait("us-2", 20, ("a", 2), ("b", 1), whole=True, channel="online")
    place.wait("us-3", 30, ("a", 5), channel="online")
    place.receive(("a", 2))
    # Two are set aside for the first; the third is the second's, as it would be anybody's of its channel.
    assert place.served == []
    place.receive(("a", 2), ("b", 2))
    assert [name for name, _, _ in place.served] == ["us-1", "us-2"]


def test_the_timer_of_a_turn_comes_late_and_somebody_else_finds_the_units_kept():
    place = Place()
    place.wait("us-1", 10, ("a", 1), ("b", 2), whole=True)
    passed(place, "a", PASSED_MAX)
    place.receive(("a", 1))
    assert place.do(Allocate("us-new", 1, [("a", 1)])).lines == []
    place.now_ms += KEEP_MS + 1
    assert place.do(Allocate("us-newer", 1, [("a", 1)])).lines == [("a", 1)]
    place.wake()
    assert place.again() == place.state
    passed(place, "a", PASSED_MAX - 1)
    place.now_ms += KEEP_MS
    place.receive(("b", 1))
    assert place.do(Allocate("us-late", 1, [("b", 1)])).lines == [], "who found its time over passed it, too"


def test_all_of_a_sku_is_kept_for_hundreds_who_wait_for_another(at_once):
    place = Place(small=False)
    for number in range(3 * KEEPERS_MAX):
        place.wait(f"us-{number:03}", number, ("a", 1), ("b", 1), whole=True)
    place.receive(("a", 100))
    assert sum(bool(turn.until_ms) for turn in place.state.waiting.turns.values()) == KEEPERS_MAX
    assert place.do(Allocate("us-new", 1, [("a", 200)])).lines == [("a", 100 - KEEPERS_MAX)]


def test_a_sku_is_kept_for_hundreds_whose_turn_came_by_another(at_once):
    place = Place(small=False)
    for number in range(2 * KEEPERS_MAX):
        place.wait(f"us-{number:03}", number, ("a", 1), (f"x{number}", 1), whole=True)
        place.receive((f"x{number}", 1))
    place.receive(("b", 1))
    assert sum(bool(turn.until_ms) for turn in place.state.waiting.turns.values()) == KEEPERS_MAX
    place.wait("us-999", 999, ("b", 1), ("c", 1), whole=True)
    assert place.state.waiting.turns["us-999"].until_ms, "nobody keeps any of it"


def test_a_whole_shop_is_kept_for_one_order(at_once):
    place = Place(small=False)
    skus = [f"s{number:02}" for number in range(location_turns.TURN_SKUS_MAX + 1)]
    place.wait("us-1", 10, *((sku, 1) for sku in skus), whole=True)
    place.receive(*((sku, 1) for sku in skus[1:]))
    assert place.state.waiting.turns == {}
    assert place.do(Allocate("us-new", 1, [(skus[1], 1)])).lines == [(skus[1], 1)]
    place.receive((skus[0], 1), (skus[1], 1))
    assert [name for name, _, _ in place.served] == ["us-1"], "it has all when all is there"
    # With one fewer it would have its turn.
    place.wait("us-2", 20, *((sku, 1) for sku in skus[1:]), whole=True)
    place.receive((skus[1], 1))
    assert place.state.waiting.turns["us-2"].until_ms


def test_an_order_of_many_goods_is_looked_at_as_a_whole_for_each_of_them(at_once, monkeypatch):
    place, looks = Place(small=False), []
    skus = [f"s{number:02}" for number in range(location_turns.TURN_SKUS_MAX)]
    place.wait("us-1", 10, *((sku, 1) for sku in skus), whole=True)
    parts_of = Round._parts
    monkeypatch.setattr(Round, "_parts", lambda *of: looks.append(1) or parts_of(*of))
    place.receive(*((sku, 1) for sku in skus[1:]))
    assert len(looks) <= 4 * len(skus)
    place.receive((skus[0], 1))
    assert [name for name, _, _ in place.served] == ["us-1"]


def test_who_takes_all_is_given_nothing_in_a_full_turn_and_passes_others(monkeypatch):
    monkeypatch.setattr(location_serving, "SERVED_MAX", 2)
    monkeypatch.setattr(location_turns, "PASSED_MAX", 3)
    place = Place()
    place.wait("us-0", 1, ("a", 1), ("c", 1), whole=True)
    place.wait("us-1", 2, ("a", 1))
    place.wait("us-2", 3, ("a", 1))
    place.wait("us-3", 4, ("a", 1), whole=True)
    place.receive(("a", 3))
    assert (len(place.served), place.state.waiting.turns["us-0"].until_ms) == (2, None)
    place.now_ms = place.state.waiting.due_ms
    place.wake()
    assert len(place.served) == 3


@pytest.mark.parametrize("leaves", [True, False])
def test_what_was_kept_for_who_leaves_goes_to_nobody(at_once, leaves):
    place = Place()
    place.wait("us-1", 10, ("a", 2), ("b", 1), whole=True)
    place.wait("us-2", 20, ("a", 5))
    place.receive(("a", 2))
    lines = [] if leaves else [("a", 1), ("b", 1)]
    place.wait("us-1", 10, *lines, whole=True)
    assert place.served == [("us-2", 10_001, [("a", 2 if leaves else 1)])]
    assert place.again() == place.state


def test_an_order_that_asks_by_itself_passes_itself():
    """It goes on wanting as many: what it got it gives back, as it is of no use alone."""
    place = Place()
    place.wait("us-1", 10, ("a", 2), ("b", 1), whole=True)
    place.wait("us-2", 20, ("a", 2), ("c", 1), whole=True)
    for number in range(PASSED_MAX):
        place.receive(("a", 1))
        assert place.do(Allocate("us-1", number, [("a", 1)])).lines == [("a", 1)]
        assert place.again() == place.state
    place.receive(("a", 1))
    turns = place.state.waiting.turns
    assert (turns["us-1"].until_ms, turns["us-2"].until_ms) == (None, NOW_MS + KEEP_MS)


def notes(place: Place) -> list[str]:
    """SKUs of which there is a row of its own."""
    rows = [row for (table, *_), row in place.rows.items() if table == "waiters"]
    return sorted(row.order_id[1:] for row in rows if row.order_id[:1] == "#")


def test_what_is_counted_for_who_is_passed_grows_without_end():
    place = Place()
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True)
    place.wait("us-2", 20, ("b", 1), ("c", 1), whole=True)
    place.wait("us-9", 90, ("z", 9))
    assert place.state.waiting.given == {"a": 0, "b": 0, "c": 0}
    passed(place, "b", 2)
    # Two wait for it, and each leaves the line in another way.
    place.wait("us-1", 10, ("a", 1), ("d", 1), whole=True)
    assert (place.state.waiting.given, notes(place)) == ({"a": 0, "b": 2, "c": 0, "d": 0}, list("abcd"))
    place.receive(("b", 1), ("c", 1))
    assert (place.state.waiting.given, notes(place)) == ({"a": 0, "d": 0}, ["a", "d"])
    passed(place, "a", PASSED_MAX)
    place.receive(("a", 1))
    assert place.state.waiting.turns["us-1"].until_ms
    # That some came in is noted, too, and in the end that none did.
    assert (place.state.waiting.given, notes(place)) == ({}, ["a"])
    place.now_ms += KEEP_MS
    place.wake()
    assert (place.state.waiting.given, notes(place)) == ({"a": 0, "d": 0}, ["a", "d"])
    assert place.again() == place.state
    place.wait("us-1", 10, whole=True)
    assert (place.state.waiting.given, notes(place)) == ({}, [])
    place.wait("us-2", 20, seen=[10_001], number=10_002)
    place.wait("us-9", 90)
    place.wake()
    assert not [key for key in place.rows if key[0] == "waiters"]


def test_all_that_is_counted_is_written_each_time_somebody_is_passed():
    place = Place(small=False)
    for number in range(300):
        place.wait(f"us-{number:03}", number, ("a", 1), (f"x{number}", 1), whole=True)
    passed(place, "a", 1)
    assert max(len(row.state) for row in place.rows.values() if row.table == "waiters") < 200


def test_what_is_kept_for_one_goes_to_another_who_wants_it_with_something_else(at_once):
    place = Place()
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True)
    place.receive(("b", 1))
    place.wait("us-2", 20, ("b", 1), ("c", 1), whole=True)
    place.receive(("c", 1))
    place.receive(("a", 1))
    assert [name for name, _, _ in place.served] == ["us-1"]


def test_a_channel_s_buffer_eats_what_is_kept(at_once):
    place = Place()
    place.do(SetLevels([Levels("a", None, None, {"online": 2})]))
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True, channel="online")
    place.receive(("a", 3))
    assert place.do(Allocate("us-new", 1, [("a", 1)], "store")).lines == []
    place.receive(("b", 1))
    assert place.served == [("us-1", 10_001, [("a", 1), ("b", 1)])]


def test_what_had_to_stay_with_what_was_kept_lies_idle_once_that_is_served(at_once):
    place = Place()
    place.do(SetLevels([Levels("a", None, None, {"online": 1})]))
    place.wait("us-1", 10, ("a", 2), ("b", 1), whole=True, channel="online")
    place.wait("us-2", 20, ("a", 1), channel="store")
    place.receive(("a", 3))
    assert place.served == []
    place.receive(("b", 1))  # the third of "a" stayed as the channel's buffer, and "a" does not come now
    assert [name for name, _, _ in place.served] == ["us-1", "us-2"]


def test_who_no_longer_wants_what_another_gives_up_is_given_it_all_the_same(at_once):
    place = Place()
    place.do(SetProfile(Profile(orders_a_day=2)))
    for number, name in enumerate(("us-0", "us-00")):
        place.wait(name, number, ("z", 1))
    place.receive(("z", 2))  # the day is full
    place.wait("us-k", 10, ("a", 1), ("c", 1), whole=True)
    place.wait("us-w", 20, ("a", 1), ("c", 1), ("d", 1))
    place.receive(("a", 1))
    place.receive(("c", 2))
    place.now_ms += DAY_MS // 4  # another day, before the timer
    place.wait("us-w", 20, ("a", 1), number=10_002)
    assert [name for name, _, _ in place.served] == ["us-0", "us-00", "us-k"]
    assert place.waiting() == {"us-w": {"a": 1}}


def test_what_is_kept_for_an_order_is_kept_from_itself(at_once):
    """It asks this place for a part, and others for the rest."""
    place = Place()
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True)
    place.receive(("a", 1))
    assert place.do(Allocate("us-new", 1, [("a", 1)])).lines == []
    assert place.do(Allocate("us-1", 1, [("a", 1)])).lines == [("a", 1)]


def test_who_takes_all_is_forgotten_when_the_day_has_room_for_less(at_once):
    place = Place()
    place.do(SetProfile(Profile(units_a_day=3)))
    place.wait("us-0", 5, ("c", 2))
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True)
    place.receive(("c", 2))
    place.receive(("a", 1), ("b", 1))
    assert [name for name, _, _ in place.served] == ["us-0"]
    assert place.do(Reserve("us-resv-1", [("a", 1)])).lines == []
    place.now_ms = place.state.waiting.due_ms
    assert place.now_ms < NOW_MS + KEEP_MS
    place.wake()
    assert [name for name, _, _ in place.served] == ["us-0", "us-1"]


@pytest.mark.parametrize("kept", [0, 6])
@pytest.mark.parametrize(
    ("point", "wants", "told"),
    [(3, 2, []), (3, 4, []), (7, 4, [StockRunsLow("a", 6, 7)]), (7, 2, [])],
)
def test_units_that_are_set_aside_count_as_gone_when_stock_is_said_to_run_low(at_once, kept, point, wants, told):
    """It would be said too soon, or not at all: below the point already, it falls to it no more."""
    place = Place()
    place.receive(("a", 10))
    place.do(SetLevels([Levels("a", None, point)]))
    if kept:
        place.wait("us-1", 10, ("a", kept), ("b", 1), whole=True)
    assert place.do(Allocate("us-new", 1, [("a", wants)])).lines == [("a", wants)]
    assert place.state.stock["a"].available == 10 - wants
    assert place.told == told


@pytest.mark.parametrize("before", [True, False])
def test_units_lie_idle_for_an_order_that_the_place_can_do_on_no_day_any_more(at_once, before):
    place = Place()
    place.do(SetProfile(Profile(units_a_day=100)))
    if before:  # its turn runs already
        place.receive(("a", 20))
    assert place.wait("us-1", 10, ("a", 20), ("b", 1), whole=True).accepted
    place.do(SetProfile(Profile(units_a_day=10)))
    if not before:
        place.receive(("a", 20))
    assert place.do(Allocate("us-new", 1, [("a", 5)])).lines == [("a", 5)]
    place.receive(("b", 1))
    assert place.served == []
    place.do(SetProfile(Profile(units_a_day=100)))
    place.receive(("a", 5))
    assert [name for name, _, _ in place.served] == ["us-1"]


def test_those_whom_the_place_can_do_on_no_day_any_more_keep_others_from_their_turns(at_once):
    place = Place(small=False)
    place.do(SetProfile(Profile(units_a_day=100)))
    place.receive(("a", 200))
    for number in range(KEEPERS_MAX):
        place.wait(f"us-{number:02}", number, ("a", 20), ("b", 1), whole=True)
    place.do(SetProfile(Profile(units_a_day=10)))
    place.wait("us-50", 50, ("a", 3), ("b", 1), whole=True)
    assert place.do(Reserve("us-resv-1", [("a", 200)])).lines == [("a", 197)]


def test_units_stay_for_who_can_have_them_on_no_day_when_another_wants_them_with_something_else(at_once):
    place = Place()
    place.do(SetProfile(Profile(units_a_day=100)))
    place.receive(("a", 20))
    place.wait("us-1", 10, ("a", 20), ("b", 1), whole=True)
    place.do(SetProfile(Profile(units_a_day=10)))
    place.wait("us-2", 20, ("a", 2), ("c", 1), whole=True)
    place.receive(("c", 1))
    assert [name for name, _, _ in place.served] == ["us-2"]
