"""A turn goes on while enough comes of all that its order lacks, and no longer."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.location_commands import ReceiptLine, ReceiveStock, Reserve, SetLevels, SetProfile
from actors.domain.location_events import Levels
from actors.domain.location_line import LATELY_MS, WaitingLine, line_changed
from actors.domain.location_line_events import GoodsCame, Turn, Waiter
from actors.domain.location_profile import Profile
from actors.domain.location_turns import GOES_ON_MS, KEEP_MS, PASSED_MAX
from actors.domain.rows_of_waiting import WaiterRow, line_of, waiter_row
from actors.domain.times import DAY_MS, HOUR_MS
from tests.unit.domain.line_rig import NOW_MS, Place, passed, served_carts


@pytest.mark.parametrize("later", [0, 6])
@pytest.mark.parametrize(("wants", "daily"), [(15, 10), (25, 20), (50, 20), (6, 5), (8, 5), (20, 5), (6, 2)])
def test_an_order_that_needs_more_than_one_delivery_never_has_them_together(wants, daily, later):
    """Its goods come each day, or some hours later every other day, and carts take them in between: as many as would
    pass it, if fewer come than may."""

    def served(joins: int) -> list[str]:
        place = Place(small=False)

        def each(hour: int) -> None:
            if hour == joins:
                place.wait("us-1", 10, ("a", wants), ("z", 1), whole=True)
            if hour % 24 == (8 if hour // 24 % 2 else 8 + later):
                place.receive(("a", daily))

        place.receive(("z", 5))
        served_carts(place, 240, each)
        return [name for name, _, _ in place.served]

    hours = range(0, 24, 3)
    assert {joins: served(joins) for joins in hours} == {joins: ["us-1"] for joins in hours}


def test_a_turn_goes_on_for_what_comes_each_day_and_goes_to_others():
    """None of it is there for the order, so it does not add up, and its other goods would lie idle for ever."""
    place = Place(small=False)
    place.receive(("a", 100))
    place.wait("us-0", 1, ("b", 100))
    place.wait("us-1", 10, ("a", 90), ("b", 2), whole=True)
    got = served_carts(place, 240, lambda hour: place.receive(("b", 1)) if hour % 24 == 8 else None)
    assert len(got) > 50


def test_a_turn_goes_on_with_no_more_than_it_had():
    place = Place()
    place.wait("us-1", 10, ("a", 9), whole=True)
    passed(place, "a", PASSED_MAX)
    place.receive(("a", 3))
    for sold, hours in (([], 0), ([], KEEP_MS), ([], GOES_ON_MS - 1), ([("a", 3)], 1)):
        place.now_ms += hours
        place.wake()
        assert place.do(Reserve("us-resv-1", [("a", 3)])).lines == sold
        assert place.again() == place.state


@pytest.mark.parametrize(("hours", "until"), [(0, KEEP_MS + GOES_ON_MS), (1, None)])
def test_a_turn_that_was_over_long_ago_goes_on_with_what_comes_now(hours, until):
    """When it was over there was nothing for it, so nobody looked."""
    place = Place()
    place.wait("us-1", 10, ("a", 9), whole=True)
    passed(place, "a", PASSED_MAX)
    place.receive(("a", 3))
    place.wait("us-0", 1, ("a", 3))
    assert place.served == [("us-0", 10_001, [("a", 3)])]
    place.now_ms += KEEP_MS + hours * HOUR_MS
    place.receive(("a", 5))
    assert place.state.waiting.turns["us-1"].until_ms == (until and NOW_MS + until)


@pytest.mark.parametrize(("wanted", "of_b"), [(9, 2), (8, 2), (7, 2), (9, 1), (9, 0)])
def test_a_turn_does_not_go_on_as_its_order_wants_less(wanted, of_b):
    place = Place()
    place.wait("us-1", 10, ("a", 9), ("b", 2), whole=True)
    place.receive(("a", 4))
    passed(place, "b", PASSED_MAX)
    place.receive(("b", 2))
    place.now_ms += KEEP_MS
    place.wake()
    assert place.state.waiting.turns["us-1"].there == 6
    place.wait("us-1", 10, ("a", wanted), *([("b", of_b)] if of_b else []), whole=True)
    place.receive(("a", 2))
    assert place.again() == place.state
    place.now_ms += GOES_ON_MS
    place.wake()
    assert place.state.waiting.turns["us-1"].until_ms == place.now_ms + GOES_ON_MS


@pytest.mark.parametrize(("buffer", "wants"), [(0, (30, 29, 28)), (6, (16, 15, 14))])
def test_a_turn_goes_on_as_its_order_wants_less_of_what_never_came(buffer, wants):
    """It has no more than it had: what comes goes to who is before it, and some is kept back from its channel."""
    place = Place(small=False)
    place.wait("us-1", 10, ("a", wants[0]), whole=True)
    passed(place, "a", PASSED_MAX)
    place.do(SetLevels([Levels("a", buffers={"": buffer} if buffer else {})]))
    place.receive(("a", 15))
    for number, wanted in enumerate(wants[1:]):
        place.now_ms = place.state.waiting.turns["us-1"].until_ms - HOUR_MS
        place.wait(f"us-0{number}", 1, ("a", 3))
        place.receive(("a", 3))
        place.wait("us-1", 10, ("a", wanted), whole=True)
        assert place.again() == place.state
        place.now_ms += HOUR_MS
        place.wake()
    assert place.now_ms == NOW_MS + KEEP_MS + GOES_ON_MS
    assert place.state.waiting.turns["us-1"].until_ms is None


def test_what_lay_idle_for_another_breaks_off_a_turn_that_goes_on():
    place = Place()
    place.wait("us-1", 10, ("a", 9), whole=True)
    place.wait("us-2", 20, ("a", 1), ("z", 1), whole=True)
    passed(place, "a", PASSED_MAX)
    place.receive(("a", 5))
    turns = place.state.waiting.turns
    assert [turns[name].until_ms for name in ("us-1", "us-2")] == [NOW_MS + KEEP_MS, None]
    place.state.waiting.rests["a"] = NOW_MS + 2 * KEEP_MS
    place.now_ms += KEEP_MS
    place.wake()
    assert place.state.waiting.turns["us-1"].until_ms == place.now_ms + GOES_ON_MS


def test_goods_are_set_aside_for_who_will_not_have_enough_within_weeks():
    place = Place(small=False)
    place.receive(("a", 100))
    place.wait("us-1", 10, ("a", 90), ("b", 1_000), whole=True)
    got = served_carts(place, 240, lambda hour: place.receive(("b", 1)) if hour % 24 == 8 else None)
    assert len(got) == 100


def _safety(units):
    return [Levels("a", safety_stock=units)]


def _buffer(units):
    return [Levels("a", buffers={"": units} if units else {})]


@pytest.mark.parametrize("levels", [_safety, _buffer])
@pytest.mark.parametrize(("wants", "daily"), [(20, 5), (15, 10), (8, 3)])
def test_goods_that_are_kept_back_as_they_come_are_none_that_came(levels, wants, daily):
    """They are looked at first, and kept from everybody meanwhile."""

    def hours(kept_back: bool) -> int:
        place, served = Place(small=False), []

        def each(hour: int) -> None:
            if not hour:
                place.wait("us-1", 10, ("a", wants), whole=True)
            if hour % 24 == 8:
                if kept_back:
                    place.do(SetLevels(levels(2 * wants + daily)))
                place.receive(("a", daily))
            if kept_back and hour % 24 == 10:
                place.do(SetLevels(levels(0)))
            if place.served:
                served.append(hour)

        served_carts(place, 240, each)
        return served[0]

    assert hours(kept_back=True) <= hours(kept_back=False) + 2


@pytest.mark.parametrize(
    ("wanted", "there"),
    [({"a": 300}, {"a": 200}), ({"a": 60}, {"a": 40}), ({"a": 300, "b": 60}, {"a": 200, "b": 1})],
)
def test_what_lay_there_is_taken_for_what_comes(wanted, there):
    """One a day comes: a turn would go on each time for what would be together in months, and
    keep all from everybody."""
    place = Place(small=False)
    place.receive(*there.items())
    place.wait("us-1", 10, *wanted.items(), whole=True)
    daily = [(sku, 1) for sku in wanted]
    got = served_carts(place, 480, lambda hour: place.receive(*daily) if hour % 24 == 8 else None)
    # Five pass it between two turns of half a day.
    assert len(got) >= min(5 * 20 * 24 / (12 + 3), there["a"])


def test_what_is_kept_back_and_not_any_more_comes_each_time():
    """A level that is set each day: none of it came."""
    place = Place(small=False)
    place.receive(("a", 200))
    place.wait("us-1", 10, ("a", 300), whole=True)

    def each(hour: int) -> None:
        if hour % 24 in (20, 21):
            place.do(SetLevels([Levels("a", safety_stock=40 if hour % 24 == 20 else 0)]))

    assert len(served_carts(place, 480, each)) > 150


@pytest.mark.parametrize(("wants", "there", "daily"), [(20, 10, 3), (16, 10, 2)])
def test_the_hour_of_a_delivery_decides_whether_an_order_is_ever_served(wants, there, daily):
    """Of what came lately there may be two deliveries or one."""

    def served(at: int) -> int:
        place = Place(small=False)
        place.receive(("a", there))
        place.wait("us-1", 10, ("a", wants), whole=True)
        served_carts(place, 480, lambda hour: place.receive(("a", daily)) if hour % 24 == at else None)
        return len(place.served)

    assert {at: served(at) for at in range(2, 24, 4)} == dict.fromkeys(range(2, 24, 4), 1)


def test_a_turn_goes_on_for_weeks_while_other_goods_come_than_it_lacks():
    """A part of what is missing of "a" comes each time it is looked, of "b" the other one never."""
    place = Place()
    place.wait("us-1", 10, ("a", 200), ("b", 2), whole=True)
    place.receive(("a", 100))
    passed(place, "b", PASSED_MAX)
    place.receive(("b", 1))
    begun_ms = place.now_ms
    while (until_ms := place.state.waiting.turns["us-1"].until_ms) is not None:
        place.receive(("a", (200 - place.state.stock["a"].on_hand) // 4))
        place.now_ms = until_ms
        place.wake()
        assert place.again() == place.state
    assert place.now_ms == begun_ms + KEEP_MS + GOES_ON_MS


@pytest.mark.parametrize(("comes", "goes_on"), [(2, True), (1, False)])
def test_a_turn_goes_on_for_more_than_will_come_or_is_over_as_the_goods_come(comes, goes_on):
    """At the end of the turn some come for the first time: six times that has to suffice for the rest."""
    place = Place()
    place.wait("us-1", 10, ("a", 10), ("b", 2), whole=True)
    passed(place, "b", PASSED_MAX)
    place.receive(("b", 1))
    place.now_ms += KEEP_MS
    place.receive(("b", 1), ("a", comes))
    until_ms = place.state.waiting.turns["us-1"].until_ms
    assert until_ms == (place.now_ms + GOES_ON_MS if goes_on else None)


def test_a_delivery_an_hour_is_noted_without_end():
    """By the hour, and no longer than it counts."""
    place = Place(small=False)
    place.wait("us-1", 10, ("a", 9_999), whole=True)
    for minutes in range(0, 72 * 60, 20):
        place.now_ms = NOW_MS + minutes * 60_000
        place.receive(("a", 2))
    came = place.again().waiting.came["a"]
    assert came == place.state.waiting.came["a"]
    assert len(came) <= LATELY_MS // HOUR_MS + 1
    assert sum(units for _, units in came) == 2 * 3 * LATELY_MS // HOUR_MS
    assert {units for _, units in came[1:]} == {6}


def test_when_something_came_as_it_was_noted_once_can_not_be_read():
    """Before units were: in rows, and in turns that are not in them yet."""
    line = WaitingLine()
    line.put(Waiter("us-1", 10, 10_001, {"a": 2}, whole=True, turn=Turn("", None)))
    old = msgspec.json.decode(msgspec.json.encode({"type": "GoodsCame", "skus": ["a"], "at_ms": 7}), type=GoodsCame)
    line_changed(line, old)
    assert line.came == {"a": [(7, 0)]}
    rows = [
        waiter_row("here", "us-1", line),
        WaiterRow("here", "#a", state=msgspec.msgpack.encode((0, None, False, 7))),
    ]
    assert line_of(rows) == line


def test_goods_end_while_they_are_set_aside_each_day():
    """Five come and five end, and six are wanted: it would be so for ever."""
    place = Place(small=False)
    place.wait("us-1", 10, ("a", 6), whole=True)

    def fresh(hour: int) -> None:
        if hour % 24 == 8:
            place.do(ReceiveStock([ReceiptLine("a", 5, None, f"lot-{hour}", place.now_ms // DAY_MS)]))

    assert len(served_carts(place, 480, fresh)) >= 5 * 20 / 4


def test_a_turn_goes_on_for_want_of_work_that_can_be_done():
    """All is there, and each day goes to who comes before: that adds up to nothing."""
    place = Place(small=False)
    place.wait("us-1", 10, ("a", 8), whole=True)
    passed(place, "a", PASSED_MAX)
    place.do(SetProfile(Profile(units_a_day=10)))
    place.wait("us-0", 1, ("b", 5))
    place.receive(("a", 8), ("b", 5))
    assert place.state.waiting.turns["us-1"].until_ms == NOW_MS + KEEP_MS
    place.now_ms += KEEP_MS
    place.wait("us-00", 2, ("b", 5))
    place.receive(("b", 5))
    place.wake()
    assert place.state.waiting.turns["us-1"].until_ms is None


def test_what_is_set_aside_for_who_comes_before_adds_up_for_who_comes_after():
    """It is found before the timer looks at all: only what came is looked at then."""
    place = Place()
    place.wait("us-2", 20, ("a", 9), ("b", 2), whole=True)
    passed(place, "a", PASSED_MAX)
    place.receive(("a", 1))
    place.now_ms += HOUR_MS
    place.wait("us-1", 10, ("b", 5), ("z", 1), whole=True)
    passed(place, "z", PASSED_MAX)
    place.receive(("b", 3))
    place.now_ms = NOW_MS + KEEP_MS
    place.receive(("a", 1))
    turns = place.state.waiting.turns
    assert (turns["us-1"].until_ms, turns["us-2"].until_ms) == (NOW_MS + HOUR_MS + KEEP_MS, None)
