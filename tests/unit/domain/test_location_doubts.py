"""What comes no more: it is doubted when somebody had his turn in vain, and what lay idle beside it rests."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
    Allot,
    ChangeCondition,
    ConditionLine,
    ReceiptLine,
    ReceiveStock,
    Reserve,
    SetLevels,
    SetProfile,
    Unreserve,
)
from actors.domain.location_events import Levels
from actors.domain.location_profile import Profile
from actors.domain.location_turns import COMES_MS, GOES_ON_MS, KEEP_MS, PASSED_MAX
from actors.domain.outlook import DemandRate
from actors.domain.times import HOUR_MS
from tests.unit.domain.line_rig import NOW_MS, Place, passed

DAY_MS = 86_400_000


def test_goods_lie_idle_for_what_never_comes():
    place = Place()
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True)
    passed(place, "a", PASSED_MAX)
    place.receive(("a", 1))
    assert place.do(Allocate("us-late", 1, [("a", 1)])).lines == [], "it was passed often enough"
    place.wait("us-2", 20, ("a", 2))
    assert place.served == []
    assert place.state.waiting.due_ms == NOW_MS + KEEP_MS
    place.now_ms += KEEP_MS
    place.wake()
    assert place.served == [("us-2", 10_001, [("a", 1)])]
    assert place.again().waiting.doubted == {"b"}
    # Of what it lacks none has come: nothing is set aside for it, however often it is passed.
    place.receive(("a", 1))
    passed(place, "a", 3 * PASSED_MAX)
    place.now_ms += KEEP_MS
    passed(place, "a", PASSED_MAX)
    place.receive(("b", 1))
    assert place.again().waiting.doubted == set()
    assert place.do(Allocate("us-late", 2, [("b", 1)])).lines == [], "it was passed often enough, and some has come"
    place.receive(("a", 1))
    assert place.served[-1] == ("us-1", 10_001, [("a", 1), ("b", 1)])


def b_in_doubt(units: int = 1) -> Place:
    """One order had its turn for "a", of which so many are there, and "b", in vain; it waits on."""
    place = Place()
    place.receive(("a", units))
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True)
    place.now_ms += KEEP_MS
    place.wake()
    assert place.state.waiting.doubted == {"b"}
    return place


def served_carts(place: Place, hours: int, each: Callable[[int], object] = lambda hour: None) -> list[int]:
    """Two carts an hour for one "a" each; in which hours they got it. each: what else happens."""
    got = []
    for hour in range(hours):
        place.now_ms = NOW_MS + hour * HOUR_MS
        place.wake()
        each(hour)
        for at in (1, 2):
            got += [hour for _ in place.do(Reserve(f"us-resv-{hour}-{at}", [("a", 1)])).lines]
    return got


@pytest.mark.parametrize("others", ["the same", "a cart gives it back", "each another"])
def test_orders_that_wait_for_what_never_comes_have_one_turn_after_the_other(others):
    """Carts would find nothing for days, though hundreds are there."""
    place = Place(small=False)
    place.receive(("a", 500), ("b", 1))
    for number in range(60):
        lacked = (f"b{number}", 1) if others == "each another" else ("b", 2)
        place.wait(f"us-{number:02}", number, ("a", 60), lacked, whole=True)

    def back_and_forth(hour: int) -> None:
        cart = place.do(Reserve(f"us-resv-b{hour}", [("b", 1)])).lines if others == "a cart gives it back" else []
        if cart:
            place.do(Unreserve(f"us-resv-b{hour}", cart))

    got, turn_h = served_carts(place, 120, back_and_forth), KEEP_MS // HOUR_MS
    gaps = [later - sooner for sooner, later in itertools.pairwise(got)]
    assert max(gaps) <= turn_h + 1
    assert len(got) >= (2 * 120 * 4 // 10 if others == "each another" else 2 * (120 - turn_h))
    if others == "the same":  # the first in rank are served when it comes after all
        place.receive(("b", 3))
        assert [name for name, _, _ in place.served] == ["us-00", "us-01"]


@pytest.mark.parametrize("later", [0, 6])
@pytest.mark.parametrize(("wants", "daily"), [(15, 10), (25, 20), (50, 20), (6, 5), (8, 5), (20, 5), (6, 2)])
def test_an_order_that_needs_more_than_one_delivery_never_has_them_together(wants, daily, later):
    """Its goods come each day, or some hours later every other day, and carts take them in between: as many as would pass it, if fewer come than may."""

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

    assert {joins: served(joins) for joins in range(24)} == {joins: ["us-1"] for joins in range(24)}


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


@pytest.mark.parametrize("same", [True, False])
def test_what_was_there_of_other_lines_counts_for_a_turn_that_goes_on(same):
    place = Place()
    place.wait("us-1", 10, ("a", 9), ("b", 2), whole=True)
    place.receive(("a", 4))
    passed(place, "b", PASSED_MAX)
    place.receive(("b", 2))
    place.now_ms += KEEP_MS
    place.wake()
    assert place.state.waiting.turns["us-1"].there == 6
    place.receive(("a", 4))
    lines = [("a", 9), ("b", 2)] if same else [("a", 9)]
    place.wait("us-1", 10, *lines, whole=True)
    assert place.again() == place.state
    place.now_ms += GOES_ON_MS
    place.wake()
    assert bool(place.state.waiting.turns["us-1"].until_ms) == same


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


def test_what_was_in_doubt_already_lies_idle_in_turn_after_turn(at_once):
    """Somebody lacked it once, who wanted more than there is; all who come have what they want of it, and lack something else."""
    place = Place()
    place.receive(("a", 5))
    place.wait("us-0", 5, ("a", 9), whole=True)
    place.now_ms += COMES_MS
    place.wake()
    assert place.state.waiting.doubted == {"a"}
    for number in (1, 2):
        place.wait(f"us-{number}", 10 * number, ("a", 2), (f"b{number}", 1), whole=True)
    place.now_ms += KEEP_MS
    place.wake()
    place.wait("us-3", 30, ("a", 2), ("b3", 1), whole=True)
    assert place.do(Reserve("us-resv-1", [("a", 5)])).lines == [("a", 5)]
    assert place.again() == place.state


def test_what_lay_idle_rests_for_nobody_once_who_had_it_has_left(at_once):
    """It would stay in its row for who comes next year."""
    place = b_in_doubt()
    assert place.do(Reserve("us-resv-1", [("a", 1)])).lines == [("a", 1)]
    place.wait("us-2", 20, ("a", 1))
    place.wait("us-1", 10, whole=True)
    assert place.again().waiting.rests.keys() == {"a"}
    place.wait("us-2", 20, ("z", 1))
    assert place.again() == place.state
    assert place.state.waiting.rests == {}


def test_an_order_takes_its_turn_along_to_goods_that_are_in_doubt(at_once):
    """And to others, of which it would be doubted a moment later that they come."""
    place = b_in_doubt(2)
    place.now_ms += KEEP_MS
    place.wait("us-2", 11, ("a", 1), ("c", 1), whole=True)
    assert place.do(Reserve("us-resv-1", [("a", 2)])).lines == [("a", 1)]
    place.wait("us-2", 11, ("a", 1), ("b", 1), whole=True)
    assert place.again() == place.state
    assert place.do(Reserve("us-resv-2", [("a", 1)])).lines == [("a", 1)]
    # Who wants no more than before keeps it.
    place.receive(("a", 1))
    place.wait("us-3", 5, ("a", 1), ("c", 1), ("d", 1), whole=True)
    place.wait("us-3", 5, ("a", 1), ("c", 2), whole=True)
    assert place.do(Reserve("us-resv-3", [("a", 1)])).lines == []


def test_what_did_not_come_for_long_is_believed_to_come(at_once):
    place = Place()
    place.receive(("a", 1))
    place.wait("us-1", 10, ("a", 1), ("b", 2), whole=True)
    place.receive(("b", 1))
    while place.now_ms + KEEP_MS < NOW_MS + COMES_MS:
        place.now_ms += KEEP_MS
        place.wake()
        assert place.do(Reserve("us-resv-1", [("a", 1)])).lines == [], "it came not long ago"
    place.now_ms += KEEP_MS
    place.wake()
    assert place.do(Reserve("us-resv-1", [("a", 1)])).lines == [("a", 1)]


@pytest.mark.parametrize("more", ["receipt", "found", "good again", "levels", "safety"])
def test_what_comes_in_another_way_than_by_a_receipt_stays_in_doubt(at_once, more):
    place = Place()
    place.receive(("a", 1), ("b", 3))
    place.do(SetLevels([Levels("b", 1, None, {"online": 1})]))
    place.do(ChangeCondition([ConditionLine("b", 1, "sellable", "damaged")]))
    place.wait("us-1", 10, ("a", 1), ("b", 9), whole=True, channel="online")
    place.now_ms += COMES_MS
    place.wake()
    assert place.state.waiting.doubted == {"b"}
    place.do({
        "receipt": ReceiveStock([ReceiptLine("b", 1)]), "found": AdjustStock([AdjustmentLine("b", 1, "found")]),
        "good again": ChangeCondition([ConditionLine("b", 1, "damaged", "sellable")]),
        "levels": SetLevels([Levels("b", None, None, {"online": 0})]),
        "safety": AdjustStock([AdjustmentLine("b", 0, "other", safety_stock=0)]),
    }[more])  # fmt: skip
    assert place.again().waiting.doubted == set()


NOTHING_MORE = {
    "damaged, and in question now": ChangeCondition([ConditionLine("b", 1, "damaged", "quality_hold")]),
    "how much is wanted": SetLevels([Levels("b", rate=DemandRate(1_000, 20_000, 20_010))]),
    "when it runs low": SetLevels([Levels("b", reorder_point=5)]),
    "more is kept in safety": SetLevels([Levels("b", 1)]),
    "more is kept in safety by a count": AdjustStock([AdjustmentLine("b", 0, "other", safety_stock=1)]),
    "more is kept back from a channel": SetLevels([Levels("b", None, None, {"online": 3})]),
    "found in one bin and missed in another": AdjustStock([AdjustmentLine("b", 1, "count"), AdjustmentLine("b", -1, "count")]),
    "came in question": ReceiveStock([ReceiptLine("b", 1, condition="quality_hold")]),
    "came for somebody": ReceiveStock([ReceiptLine("b", 5)], allot=Allot("us-x.1", [("b", "", 5)])),
}  # fmt: skip


@pytest.mark.parametrize(
    ("there", "before", "after"),
    [
        (0, Levels("b", 5), Levels("b", 4)),
        (0, Levels("b", None, None, {"online": 5}), Levels("b", None, None, {"online": 4})),
        (3, Levels("b", None, None, {"online": 5}), Levels("b", None, None, {"online": 4})),
        (3, Levels("b", 0, None, {"store": 2}), Levels("b", None, None, {"store": 1})),
        (3, Levels("b", 0, None, {"online": 2}), Levels("b", 1, None, {"online": 1})),
    ],
)
def test_levels_by_which_nobody_who_waits_may_have_more_end_a_doubt(at_once, there, before, after):
    """Of what has never been there somebody may set them each day."""
    place = Place()
    place.receive(("a", 1), *([("b", there)] if there else []))
    place.do(SetLevels([before]))
    place.wait("us-1", 10, ("a", 1), ("b", 9), whole=True, channel="online")
    place.now_ms += COMES_MS
    place.wake()
    version = place.version
    place.do(SetLevels([after]))
    assert place.version > version
    assert (place.again().waiting.doubted, place.state.waiting.came) == ({"b"}, {})


@pytest.mark.parametrize("what", NOTHING_MORE)
def test_a_command_by_which_no_more_is_for_sale_ends_a_doubt(at_once, what):
    """A forecast that is set each day would keep everything from being in doubt."""
    place = Place()
    place.receive(("a", 1), ("b", 3))
    place.do(ChangeCondition([ConditionLine("b", 2, "sellable", "damaged")]))
    place.do(SetLevels([Levels("b", 0, None, {"online": 1})]))
    place.wait("us-1", 10, ("a", 1), ("b", 9), whole=True)
    place.now_ms += COMES_MS
    place.wake()
    assert place.state.waiting.doubted == {"b"}
    version = place.version
    place.do(NOTHING_MORE[what])
    assert place.version > version
    assert (place.again().waiting.doubted, place.state.waiting.came) == ({"b"}, {})


def test_goods_that_come_damaged_end_a_doubt(at_once):
    place = b_in_doubt()
    place.do(ReceiveStock([ReceiptLine("b", 1, condition="damaged")]))
    assert place.state.waiting.doubted == {"b"}


def test_the_last_who_waits_for_what_is_in_doubt_takes_what_he_finds_and_the_doubt_stays_in_its_row(at_once):
    place = Place()
    place.receive(("a", 1))
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True)
    place.wait("us-2", 20, ("b", 1))
    place.now_ms += KEEP_MS
    place.wake()
    place.wait("us-1", 10, whole=True)
    assert place.again().waiting.doubted == {"b"}
    place.wait("us-2", 20, ("z", 1))
    assert place.again() == place.state


@pytest.mark.parametrize("how", ["leaves", "wants other goods", "has all it wants"])
def test_what_nobody_waits_for_any_more_stays_in_doubt(at_once, how):
    """Who comes next year for it would have no turn."""
    place = Place()
    place.receive(("a", 1))
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True)
    place.wait("us-2", 20, ("z", 1))
    place.now_ms += KEEP_MS
    place.wake()
    assert place.again().waiting.doubted == {"b"}
    assert place.do(Allocate("us-new", 1, [("a", 1)])).lines == [("a", 1)]
    if how == "has all it wants":
        place.receive(("a", 1), ("b", 1))
    else:
        place.wait("us-1", 10, *([] if how == "leaves" else [("a", 1), ("c", 1)]), whole=True)
    assert place.again() == place.state
    assert place.state.waiting.doubted == set()
    place.wait("us-3", 30, ("d", 1), ("b", 1), whole=True)
    place.receive(("d", 1))
    assert place.do(Allocate("us-newer", 1, [("d", 1)])).lines == []


def test_nobody_has_a_turn_for_what_is_there_as_somebody_else_lacked_it(at_once):
    place = Place()
    place.receive(("a", 1), ("b", 1))
    place.wait("us-1", 10, ("a", 1), ("b", 2), whole=True)
    place.now_ms += KEEP_MS
    place.wake()
    assert place.state.waiting.doubted == {"b"}
    # One of it is all that this one wants.
    place.wait("us-2", 20, ("b", 1), ("c", 1), whole=True)
    assert place.do(Allocate("us-new", 1, [("b", 1)])).lines == []
