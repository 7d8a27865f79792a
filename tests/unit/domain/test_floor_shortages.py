"""What a floor does not find: what could be told as missing that is there, or be left hanging."""

from __future__ import annotations

import pytest

from actors.domain.floor_commands import (
    Elsewhere,
    Prioritise,
    TellShort,
)
from actors.domain.location_commands import MoveUnits, ReceiptLine
from actors.domain.order_state import status_of as order_status
from tests.unit.domain.floor_world import (
    NOW_MS,
    OTHER,
    PLACE,
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
