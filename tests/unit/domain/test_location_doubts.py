"""What comes no more: it is doubted when somebody had his turn in vain, and what lay idle beside it rests."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
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


@pytest.mark.parametrize(("wants", "daily"), [(15, 10), (25, 20), (50, 20)])
def test_an_order_that_needs_more_than_one_delivery_never_has_them_together(wants, daily):
    """Its goods come each day, and carts take them in between."""
    place = Place(small=False)
    place.wait("us-1", 10, ("a", wants), whole=True)
    served_carts(place, 120, lambda hour: place.receive(("a", daily)) if hour % 24 == 8 else None)
    assert [name for name, _, _ in place.served] == ["us-1"]


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


@pytest.mark.parametrize("more", ["receipt", "found", "good again", "levels"])
def test_what_comes_in_another_way_than_by_a_receipt_stays_in_doubt(at_once, more):
    place = Place()
    place.receive(("a", 1), ("b", 1))
    place.do(SetLevels([Levels("b", 0, None, {"online": 1})]))
    place.do(ChangeCondition([ConditionLine("b", 1, "sellable", "damaged")]))
    place.wait("us-1", 10, ("a", 1), ("b", 9), whole=True, channel="online")
    place.now_ms += COMES_MS
    place.wake()
    assert place.state.waiting.doubted == {"b"}
    place.do({
        "receipt": ReceiveStock([ReceiptLine("b", 1)]), "found": AdjustStock([AdjustmentLine("b", 1, "found")]),
        "good again": ChangeCondition([ConditionLine("b", 1, "damaged", "sellable")]),
        "levels": SetLevels([Levels("b", None, None, {"online": 0})]),
    }[more])  # fmt: skip
    assert place.again().waiting.doubted == set()


def test_goods_that_come_damaged_end_a_doubt(at_once):
    place = Place()
    place.receive(("a", 1))
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True)
    place.now_ms += KEEP_MS
    place.wake()
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
