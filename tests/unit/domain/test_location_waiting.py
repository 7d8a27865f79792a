"""Orders in line at a location: who gets what is free, by examples."""

from __future__ import annotations

import pytest

from actors.domain import location_waiting
from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
    ChangeCondition,
    ConditionLine,
    Expect,
    LookAtLocation,
    ReceiptLine,
    ReceiveStock,
    Release,
    Reserve,
    SetLevels,
    Unreserve,
)
from actors.domain.location_dates import LOOK_AFTER_MS
from actors.domain.location_events import Levels, StockRanOut, StockRunsLow
from actors.domain.location_profile import Profile, SetProfile
from actors.domain.order_backorder import DateMoved, UnitsOffered
from actors.domain.rows import LedgerRow
from tests.unit.domain.line_rig import NOW_MS, Place

DAY_MS = 86_400_000


def test_who_comes_later_gets_what_comes_in():
    place = Place()
    place.wait("us-2", 20, ("a", 2))
    place.wait("us-1", 10, ("a", 2))
    place.receive(("a", 3))
    assert place.served == [("us-1", 10_001, [("a", 2)]), ("us-2", 10_001, [("a", 1)])]
    assert place.waiting() == {"us-2": {"a": 1}}
    assert place.do(Allocate("us-new", 1, [("a", 1)])).lines == []
    assert next(message.command for message in place.sent) == UnitsOffered("here", 10_001, [("a", 2)])


@pytest.mark.parametrize("freed", [
    AdjustStock([AdjustmentLine("a", 1, "found")]), Release("us-old", 1, [("a", 1)]), Unreserve("us-resv-1", [("a", 1)]),
    ChangeCondition([ConditionLine("a", 1, "damaged", "sellable")]), SetLevels([Levels("a", 0)]),
    AdjustStock([AdjustmentLine("a", 0, "count", safety_stock=0)]),
], ids=lambda command: type(command).__name__)  # fmt: skip
def test_units_that_are_free_again_are_anybodys(freed):
    place = Place()
    place.do(ReceiveStock([ReceiptLine("a", 3), ReceiptLine("a", 1, condition="damaged")]))
    place.do(Allocate("us-old", 1, [("a", 1)]))
    place.do(Reserve("us-resv-1", [("a", 1)]))
    place.do(SetLevels([Levels("a", 1)]))
    place.wait("us-1", 10, ("a", 2))
    assert place.served == []
    place.do(freed)
    assert place.served == [("us-1", 10_001, [("a", 1)])]
    assert place.state.stock["a"].available == 0


def test_a_level_is_told_with_what_was_served_after_it():
    place = Place()
    place.receive(("a", 3))
    place.do(SetLevels([Levels("a", 2)]))
    place.wait("us-1", 10, ("a", 3))
    place.do(AdjustStock([AdjustmentLine("a", 0, "other", safety_stock=0)]))
    assert place.served[1:] == [("us-1", 10_002, [("a", 2)])]
    rows = KINDS["location"].rows(place.state, place.version, place.last, Context("here", "c", NOW_MS))
    [level, allocated] = [row for row in rows if isinstance(row, LedgerRow)]
    assert (level.aside_delta, level.aside_balance, level.on_hand, level.allocated) == (-2, 0, 3, 1)
    assert (allocated.reason, allocated.allocated) == ("allocate", 3)


def test_what_is_kept_from_a_channel_goes_to_it_or_to_nobody():
    place = Place()
    place.do(SetLevels([Levels("a", None, None, {"online": 2})]))
    place.wait("us-1", 10, ("a", 2), channel="online")
    place.wait("us-2", 20, ("a", 1), channel="store")
    place.receive(("a", 2))
    assert place.served == [("us-2", 10_001, [("a", 1)])]
    assert place.do(Allocate("us-new", 1, [("a", 1)], "store")).lines == [("a", 1)], "it is good for nobody in line"


def test_a_lot_that_ends_too_soon_is_given_or_stops_the_line():
    place = Place()
    today = NOW_MS // DAY_MS
    place.wait("us-1", 10, ("a", 1), life_days={"a": 30})
    place.wait("us-2", 20, ("a", 1))
    place.do(ReceiveStock([ReceiptLine("a", 2, None, "soon", today + 5)]))
    assert place.served == [("us-2", 10_001, [("a", 1)])]
    place.do(ReceiveStock([ReceiptLine("a", 1, None, "late", today + 90)]))
    assert place.served[1:] == [("us-1", 10_001, [("a", 1)])]
    assert place.state.claims == {"us-2.10001": {("a", "soon"): 1}, "us-1.10001": {("a", "late"): 1}}


def test_who_takes_all_or_nothing_holds_a_part_or_holds_up_others():
    place = Place()
    place.wait("us-1", 10, ("a", 2), ("b", 1), whole=True)
    place.wait("us-2", 20, ("a", 1))
    place.receive(("a", 3))
    assert place.served == [("us-2", 10_001, [("a", 1)])]
    assert place.state.stock["a"].available == 2
    place.receive(("b", 1))
    assert place.served[1:] == [("us-1", 10_001, [("a", 2), ("b", 1)])]


def test_what_was_got_unheard_of_is_got_again():
    place = Place()
    place.wait("us-1", 10, ("a", 3))
    place.receive(("a", 1))
    # It was said before the order heard: of the three one is on its way.
    place.wait("us-1", 10, ("a", 3))
    assert place.waiting() == {"us-1": {"a": 2}}
    place.wait("us-1", 10, ("a", 2), seen=[10_001], number=10_002)
    assert place.waiting() == {"us-1": {"a": 2}}
    place.receive(("a", 5))
    assert place.served[1:] == [("us-1", 10_002, [("a", 2)])]
    place.wait("us-1", 10, seen=[10_002], number=10_003)
    assert place.state.waiting is None, "a line stays for ever"


def test_who_leaves_before_he_heard_is_forgotten_with_his_units():
    place = Place()
    place.wait("us-1", 10, ("a", 1))
    place.receive(("a", 1))
    place.wait("us-1", 10)
    assert place.state.waiting.waiters["us-1"].unseen == [(10_001, [("a", 1)])]
    place.do(Release("us-1", 10_001, [("a", 1)]))
    place.wait("us-1", 10, seen=[10_001], number=10_002)
    assert (place.state.waiting, place.state.stock["a"].available) == (None, 1)


def test_what_is_given_back_does_not_go_to_the_next():
    place = Place()
    place.wait("us-1", 10, ("a", 1))
    place.wait("us-2", 20, ("a", 1))
    place.receive(("a", 1))
    place.do(Release("us-1", 10_001, [("a", 1)]))
    assert place.served == [("us-1", 10_001, [("a", 1)]), ("us-2", 10_001, [("a", 1)])]


def test_what_is_free_when_somebody_comes_is_kept_from_him():
    place = Place()
    place.receive(("a", 1))
    assert place.wait("us-1", 10, ("a", 2)).accepted
    assert place.served == [("us-1", 10_001, [("a", 1)])]


def test_goods_are_sold_before_they_are_out_or_to_who_asks_first_then():
    place = Place()
    out = NOW_MS + 1_000
    place.wait("us-2", 20, ("a", 1), from_ms={"a": out})
    place.wait("us-1", 10, ("a", 1), from_ms={"a": out})
    place.receive(("a", 1))
    assert place.served == []
    place.now_ms = out
    # Nobody has woken the location yet.
    assert place.do(Allocate("us-new", 1, [("a", 1)])).lines == []
    assert place.served == [("us-1", 10_001, [("a", 1)])]
    place.wake()
    assert place.state.waiting.due_ms is None
    assert place.again() == place.state


def test_the_timer_of_a_release_wakes_nobody():
    place = Place()
    place.wait("us-1", 10, ("a", 1), from_ms={"a": NOW_MS + 1_000})
    place.receive(("a", 1))
    place.now_ms += 999
    place.wake()
    assert place.served == []
    place.now_ms += 1
    place.wake()
    assert place.served == [("us-1", 10_001, [("a", 1)])]


def test_the_work_of_a_day_is_exceeded_for_who_waits_or_goes_to_who_comes_tomorrow():
    place = Place()
    place.do(SetProfile(Profile(units_a_day=3)))
    place.wait("us-1", 10, ("a", 2))
    place.wait("us-2", 20, ("a", 2))
    place.receive(("a", 9))
    assert place.served == [("us-1", 10_001, [("a", 2)]), ("us-2", 10_001, [("a", 1)])]
    assert place.do(Reserve("us-resv-1", [("a", 9)])).lines == [("a", 5)], "one is kept for who waits"
    assert place.state.waiting.due_ms == 1_767_243_600_000, "midnight in New York"
    place.now_ms = place.state.waiting.due_ms
    place.wake()
    assert place.served[2:] == [("us-2", 10_002, [("a", 1)])]


def test_who_takes_all_at_once_waits_for_ever_where_a_day_is_too_short():
    place = Place()
    place.do(SetProfile(Profile(units_a_day=3)))
    assert not place.wait("us-1", 10, ("a", 3), ("b", 1), whole=True).accepted
    assert place.state.waiting is None
    assert place.wait("us-1", 10, ("a", 2), ("b", 1), whole=True).accepted
    assert place.wait("us-2", 20, ("a", 9)).accepted, "it takes what there is each day"
    # It wants more now: it leaves.
    assert not place.wait("us-1", 10, ("a", 9), whole=True).accepted
    assert sorted(place.waiting()) == ["us-2"]
    place.do(SetProfile(Profile(orders_a_day=1)))
    assert place.wait("us-1", 10, ("a", 9), whole=True).accepted


def test_a_line_grows_without_end(monkeypatch):
    monkeypatch.setattr(location_waiting, "SKU_LINE_MAX", 2)
    place = Place()
    assert place.wait("us-1", 10, ("a", 1)).accepted
    assert place.wait("us-2", 20, ("a", 1)).accepted
    assert not place.wait("us-3", 30, ("a", 1)).accepted
    assert place.wait("us-2", 20, ("a", 5)).accepted, "it is in line already"
    assert place.wait("us-3", 30, ("b", 1)).accepted
    monkeypatch.setattr(location_waiting, "LINE_MAX", 3)
    assert not place.wait("us-4", 40, ("c", 1)).accepted
    assert sorted(place.waiting()) == ["us-1", "us-2", "us-3"]


def test_it_is_told_that_units_will_come_that_others_wait_for():
    place = Place()
    soon, late = NOW_MS + DAY_MS, NOW_MS + 5 * DAY_MS
    place.do(Expect("us-inbound-1", "purchase", 1, soon, [("a", 3)]))
    place.do(Expect("us-inbound-2", "purchase", 1, late, [("a", 3)]))
    assert place.wait("us-1", 10, ("a", 2)).expected_ms == soon
    assert place.wait("us-2", 20, ("a", 2)).expected_ms == late
    assert place.wait("us-3", 30, ("a", 9)).expected_ms is None
    assert place.wait("us-0", 5, ("a", 1)).expected_ms == soon, "it comes before them"


def test_a_location_where_nobody_waits_does_something_for_the_line():
    place = Place()
    place.wait("us-1", 10)
    assert place.state.waiting is None
    place.wait("us-1", 10, ("a", 1))
    place.wait("us-1", 10)
    assert place.state.waiting is None
    assert not [key for key in place.rows if key[0] == "waiters"]


def test_what_a_location_tells_an_order_is_taken_for_what_its_floor_tells():
    """They have the same id, and both count their versions: a message of one must not be known
    already as one of the other."""
    assert KINDS["location"].sends_as != KINDS["floor"].sends_as


def test_who_comes_just_before_the_timer_takes_its_moment_away():
    place = Place()
    place.wait("us-1", 10, ("a", 1), from_ms={"a": NOW_MS + 1_000})
    place.wait("us-2", 20, ("b", 1))
    place.receive(("a", 1))
    place.now_ms += 1_001
    place.do(Allocate("us-new", 1, [("b", 1)]))
    place.wait("us-3", 30, ("b", 1))
    place.receive(("b", 2))
    place.wake()
    assert sorted(name for name, _, _ in place.served) == ["us-1", "us-2", "us-3"]


def test_a_busy_location_looks_at_no_dates_and_all_its_commands_pay_for_it():
    place = Place()
    place.wait("us-1", 10, ("a", 2))
    place.wait("us-2", 20, ("b", 1))
    place.do(Expect("us-inbound-1", "purchase", 1, NOW_MS + 2 * DAY_MS, [("a", 2)]))
    place.now_ms += LOOK_AFTER_MS
    due, version = place.state.waiting.due_ms, place.version
    for number in range(3):
        place.receive((f"other-{number}", 1))
    assert place.version == version + 3, "more is written than what was received"
    # The timer asks in the same moment: it is still due.
    assert place.state.waiting.due_ms == due == place.now_ms
    place.wake()
    assert place.sent[-1].command == DateMoved("here", NOW_MS + 2 * DAY_MS, place.now_ms)
    # It is looked at once more, when that date has gone by.
    assert place.state.waiting.due_ms == place.state.waiting.dates["a"][0] > NOW_MS + 2 * DAY_MS


def test_too_much_for_one_turn_moves_the_timer_on_at_each_command():
    place = Place(small=False)
    for number in range(1_000):
        place.wait(f"us-{number:04}", number, ("a", 1))
    place.receive(("a", 900))
    place.now_ms = due = place.state.waiting.due_ms
    for number in range(2):
        place.do(Allocate(f"us-new-{number}", 1, [("a", 1)]))
    assert (len(place.served), place.state.waiting.due_ms) == (600, due)
    place.wake()
    assert len(place.served) == 800


# --- what is told of stock that the line has taken --------------------------------------------------------------------
def test_stock_runs_out_by_the_line_and_nobody_is_told():
    place = Place()
    place.receive(("a", 10))
    place.do(SetLevels([Levels("a", None, 5)]))
    place.wait("us-1", 10, ("a", 10), from_ms={"a": place.now_ms + 1000})
    assert (place.served, place.told) == ([], [])
    place.now_ms += 1000
    place.do(LookAtLocation())
    assert place.state.stock["a"].available == 0
    assert place.told == [StockRunsLow("a", 0, 5), StockRanOut("a")]


def test_stock_is_told_to_run_low_with_each_receipt_that_the_line_takes():
    place = Place()
    place.receive(("a", 1))
    place.do(SetLevels([Levels("a", None, 5)]))
    place.wait("us-1", 10, ("a", 30))
    told = list(place.told)
    assert told == [StockRunsLow("a", 1, 5), StockRanOut("a")]
    for _ in range(2):
        place.receive(("a", 10))
    assert place.state.stock["a"].available == 0
    # Nothing of it was ever there for others.
    assert place.told == told


def test_stock_that_runs_low_by_what_leaves_and_the_line_together_is_told_twice_or_never():
    place = Place()
    place.receive(("a", 10))
    place.do(SetLevels([Levels("a", None, 5)]))
    place.wait("us-1", 10, ("a", 3), from_ms={"a": place.now_ms + 1000})
    place.now_ms += 1000
    place.do(AdjustStock([AdjustmentLine("a", -3, "loss")]))
    assert place.state.stock["a"].available == 4
    assert place.told == [StockRunsLow("a", 4, 5)]
