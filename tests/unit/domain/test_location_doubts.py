"""What comes no more: it is doubted when somebody had his turn in vain, and what lay idle beside it rests."""

from __future__ import annotations

import itertools

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
    Unreserve,
)
from actors.domain.location_events import Levels
from actors.domain.location_turns import COMES_MS, KEEP_MS, PASSED_MAX
from actors.domain.outlook import DemandRate
from actors.domain.times import HOUR_MS
from tests.unit.domain.line_rig import NOW_MS, Place, passed, served_carts

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


def test_what_was_in_doubt_already_lies_idle_in_turn_after_turn(at_once):
    """Somebody lacked it once, who wanted more than there is; all who come have what they want of it,
    and lack something else."""
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


def test_what_came_again_is_doubted_since_it_came_long_ago_for_the_first_time(at_once):
    place = Place()
    place.receive(("a", 1))
    place.wait("us-1", 10, ("a", 1), ("b", 3), whole=True)
    place.receive(("b", 1))
    place.now_ms += 36 * HOUR_MS
    place.receive(("b", 1))
    for now_ms, doubted in ((NOW_MS + COMES_MS, set()), (NOW_MS + COMES_MS + 36 * HOUR_MS, {"b"})):
        place.now_ms = now_ms
        place.wake()
        assert place.again().waiting.doubted == doubted


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
