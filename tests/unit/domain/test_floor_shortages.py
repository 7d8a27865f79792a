"""What a floor does not find: what could be told as missing that is there, or be left hanging."""

from __future__ import annotations

import pytest

from actors.domain.floor_commands import (
    Elsewhere,
    Prioritise,
    RetryWork,
    ReviseWork,
    TellLost,
    TellShort,
)
from actors.domain.location_commands import MoveUnits, ReceiptLine
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_state import status_of as order_status
from actors.domain.order_steps import allowed_updates
from tests.unit.domain.floor_world import (
    NOW_MS,
    OTHER,
    PLACE,
    TODAY,
    placed,
    refused,
    say,
    started,
    stocked,
)


@pytest.fixture
def world():
    return stocked()


def test_what_another_bin_has_is_told_as_missing(world):
    name, trip = started(world, ("a", 3))
    say(world, TellShort(trip, 1, 2, [Elsewhere("A-02", 4), Elsewhere("A-01", 1), Elsewhere("B-01", 9)], "mia"))
    tasks = world.floor().trips[trip].tasks
    # The task was in A-02, so that is passed over; A-01 has one, the next the rest.
    assert [(task.bin_id, task.left) for task in tasks] == [("A-02", 1), ("A-01", 1), ("B-01", 1)]
    assert world.work(name).short == []
    assert world.floor().disputes["A-02", "a", ""].code == "floor.short"
    refused("floor.too_many", lambda: say(world, TellShort(trip, 1, 2, by="mia")), left=1)


def test_units_elsewhere_that_are_spoken_for_are_promised_again(world):
    placed(world, ("a", 9))
    world.plan()
    mine = placed(world, ("a", 3))
    say(world, Prioritise(mine, 0, NOW_MS))
    world.plan()
    trip = world.claim("tom").trip
    (task,) = world.floor().trips[trip].tasks
    assert (task.bin_id, task.left) == ("A-02", 3)
    say(world, TellShort(trip, 1, 3, [Elsewhere("A-01", 10)], "tom"))
    assert [(one.bin_id, one.left) for one in world.floor().trips[trip].tasks] == [("A-02", 0), ("A-01", 1)]
    assert world.work(mine).lines["a"].short == 2


def test_what_no_bin_has_is_neither_told_nor_looked_for_elsewhere(world):
    world.receive(ReceiptLine("b", 5), place=OTHER)
    name = world.order(("a", 1), ("b", 3), places=(PLACE, OTHER))
    world.settle()
    world.plan()
    trip = world.claim("mia").trip
    task = next(at for at, one in enumerate(world.floor().trips[trip].tasks, 1) if one.sku == "b")
    world.pick("mia", trip, task, 1)
    # Before the order has heard that it is being picked: messages keep no order.
    world.do("floor", PLACE, TellShort(trip, task, 2, [], "mia"))
    world.settle()
    held = {f.number: (f.location_id, f.status, dict(f.lines)) for f in world.bought(name).fulfilments}
    assert held == {1: (PLACE, "picking", {"a": 1, "b": 1}), 2: (OTHER, "allocated", {"b": 2})}
    assert world.place().stock["b"].on_hand == 1
    assert world.in_bins("b") == {}
    assert world.work(name).short == []
    line = world.work(name).lines["b"]
    assert (line.wanted, line.picked, line.short, line.waiting) == (3, 1, 2, 0)


def test_the_least_urgent_gets_what_is_there(world):
    first, second = placed(world, ("b", 1)), placed(world, ("b", 2))
    say(world, Prioritise(second, 0, NOW_MS))
    world.plan("cluster")
    trip = world.claim("mia").trip
    (task,) = world.floor().trips[trip].tasks
    assert [share.fulfilment_id for share in task.shares] == [second, first]
    world.settle()
    say(world, TellShort(trip, 1, 2, [], "mia"))
    assert (world.work(second).lines["b"].short, second in world.floor().works) == (1, True)
    # The other has nothing left at all.
    assert first not in world.floor().works


def test_a_second_shortage_tells_the_first_once_more(world):
    name, trip = started(world, ("a", 4), ("b", 1))
    task = next(at for at, one in enumerate(world.floor().trips[trip].tasks, 1) if one.sku == "a")
    for _ in range(2):
        world.do("floor", PLACE, TellShort(trip, task, 1, [], "mia"))
        # The location has answered, the order has not.
        for moved in [one for one in world.waiting if type(world.sent[one].message.command) is MoveUnits]:
            world.deliver(moved)
    world.settle()
    held = next(f for f in world.bought(name).fulfilments if f.number == 1)
    assert dict(held.lines) == {"a": 2, "b": 1}
    assert (world.work(name).short, world.work(name).missing, world.work(name).problem) == ([], [], "")


def test_what_is_missing_of_a_cancelled_fulfilment_stays_in_the_books_unseen(world):
    name, trip = started(world, ("a", 2))
    world.do("floor", PLACE, TellShort(trip, 1, 1, [], "mia"))
    world.update(name, "cancel")
    world.settle()
    assert world.floor().works == {}
    assert {place: one.code for place, one in world.floor().disputes.items()} == {
        ("A-02", "a", ""): "floor.short",
        ("", "a", ""): "floor.short",
    }


def test_a_fulfilment_of_which_nothing_was_found_hangs_for_ever(world):
    name, trip = started(world, ("b", 3))
    say(world, TellShort(trip, 1, 3, [], "mia"))
    assert world.floor().works == {}
    assert world.floor().trips == {}
    assert world.status(name) == "cancelled"
    assert order_status(world.bought(name)) == "backordered"
    assert world.bought(name).at_floors == []
    assert world.place().stock["b"].on_hand == 0
    assert world.parked == []


def test_what_was_not_found_at_all_is_packed_before_the_floor_has_given_it_up(world):
    name, _ = started(world, ("b", 3))
    order_id, _, number = name.rpartition(".")
    world.do("order", order_id, UpdateOrder("short_pick", int(number), lines=[("b", 3)], by_floor=True))
    refused("order.illegal_transition", lambda: world.do("order", order_id, UpdateOrder("pack")))
    assert "pack" not in allowed_updates(world.bought(name))
    world.do("order", order_id, UpdateOrder("cancel", int(number), by_floor=True))
    assert world.status(name) == "cancelled"


# --- after it was picked ----------------------------------------------------------------------------------------------
def picked(world, *lines):
    """A fulfilment that was picked, and its trip is over."""
    name, _ = started(world, *lines)
    world.pick_all("mia")
    world.settle()
    assert world.floor().trips == {}
    return name


def counts(world, name, sku="a"):
    line = world.work(name).lines[sku]
    return line.wanted, line.picked, line.short


def held(world, name):
    return {f.number: (f.status, dict(f.lines)) for f in world.bought(name).fulfilments}


def test_what_breaks_after_it_was_picked_is_neither_told_nor_asked_for_elsewhere(world):
    name = picked(world, ("a", 3), ("b", 1))
    say(world, TellLost(name, [("a", 1)], held=[("b", 1), ("a", 3)]))
    assert held(world, name)[1] == ("picking", {"a": 2, "b": 1})
    assert sum(lines.get("a", 0) for _, lines in held(world, name).values()) == 3
    assert (counts(world, name), world.work(name).short, world.work(name).picked["a", ""]) == ((3, 2, 1), [], 2)
    assert world.place().stock["a"].on_hand == 13
    # Told again by who has not heard of it, nothing more leaves the books.
    refused(
        "floor.fulfilment_changed", lambda: say(world, TellLost(name, [("a", 1)], held=[("a", 3), ("b", 1)])), lines=[["a", 2], ["b", 1]],
    )  # fmt: skip
    world.update(name, "pack")
    world.settle()
    assert name not in world.floor().works
    assert world.parked == []


def test_all_of_a_fulfilment_is_lost_and_it_is_packed_for_ever(world):
    name = picked(world, ("b", 3))
    say(world, TellLost(name, [("b", 1), ("b", 2)]))
    assert world.floor().works == {}
    assert world.status(name) == "cancelled"
    assert (order_status(world.bought(name)), world.bought(name).at_floors) == ("backordered", [])
    assert world.place().stock["b"].on_hand == 0


def test_what_is_not_picked_yet_is_lost(world):
    name, trip = started(world, ("a", 3))
    world.pick("mia", trip, 1, 1)
    refused("floor.not_picked", lambda: say(world, TellLost(name, [("a", 2)])), picked=1)
    refused("floor.not_picked", lambda: say(world, TellLost(name, [("x", 1)])), picked=0)
    refused("floor.work_unknown", lambda: say(world, TellLost("us-x.1", [("a", 1)])))
    say(world, TellLost(name, [("a", 1)]))
    assert counts(world, name) == (3, 0, 1)
    world.pick("mia", trip, 1, 2)
    world.settle()
    assert held(world, name)[1] == ("picking", {"a": 2})


def test_what_was_picked_for_a_cancelled_fulfilment_is_lost_twice(world):
    name = picked(world, ("a", 2))
    world.update(name, "cancel")
    world.settle()
    refused("floor.work_unknown", lambda: say(world, TellLost(name, [("a", 1)])))


def test_another_lot_is_lost_than_the_one_that_is_gone(world):
    world.receive(
        ReceiptLine("m", 1, lot="soon", expires_on=TODAY + 30, bin="B-01"), ReceiptLine("m", 9, lot="late", bin="A-02")
    )
    name = picked(world, ("m", 3))
    refused("floor.lot_required", lambda: say(world, TellLost(name, [("m", 1)])), expected_lots=["late", "soon"])
    refused("floor.wrong_lot", lambda: say(world, TellLost(name, [("m", 2)], [("m", "soon", 2)])))
    say(world, TellLost(name, [("m", 1)], [("m", "late", 1)]))
    assert {lot: one.on_hand for lot, one in world.place().lots["m"].items()} == {"soon": 1, "late": 8}
    assert world.work(name).picked == {("m", "soon"): 1, ("m", "late"): 1}
    # The rest can be no others.
    say(world, TellLost(name, [("m", 2)], [("m", "late", 1)]))
    assert name not in world.floor().works
    assert {lot: one.on_hand for lot, one in world.place().lots["m"].items()} == {"late": 7}


def test_what_is_lost_while_the_order_stands_still_or_refuses_is_never_told(world):
    name = picked(world, ("a", 3))
    world.do("floor", PLACE, ReviseWork(name, 9, True, 0, world.work(name).due_ms, []))
    say(world, TellLost(name, [("a", 1)]))
    assert len(world.work(name).short) == 1
    world.do("floor", PLACE, ReviseWork(name, 10, False, 0, world.work(name).due_ms, []))
    world.settle()
    assert (world.work(name).short, held(world, name)[1]) == ([], ("picking", {"a": 2}))
    refused("floor.not_blocked", lambda: say(world, RetryWork(name)))
