"""Trips of a floor, as they are planned: what could be picked twice, or from where it is not."""

from __future__ import annotations

import pytest

from actors.domain.floor_commands import (
    AbandonTrip,
    PlanTrips,
    Prioritise,
)
from actors.domain.floor_state import status_of
from actors.domain.floor_work import DUE_WITHIN_MS
from actors.domain.location_commands import ReceiptLine
from actors.domain.wave_terms import Limits
from tests.unit.domain.floor_world import (
    NOW_MS,
    TODAY,
    World,
    placed,
    refused,
    say,
    started,
    stocked,
    task_of,
    trip_of,
)


@pytest.fixture
def world():
    return stocked()


def test_a_plan_that_is_late_puts_a_unit_on_two_trips(world):
    name, other = placed(world, ("a", 2)), placed(world, ("a", 3))
    stale = PlanTrips([trip_of(task_of("a", (name, 2), (other, 3)))])
    world.plan()
    assert say(world, stale).trips == []
    assert world.work(name).lines["a"].planned == 2
    # Of one plan, too, only what waits.
    third = placed(world, ("a", 4))
    twice = PlanTrips([trip_of(task_of("a", (third, 3))), trip_of(task_of("a", (third, 3)), task_of("a", (third, 1)))])
    told = say(world, twice)
    assert [trip.units for trip in told.trips] == [3, 1]
    assert world.work(third).lines["a"].waiting == 0


def test_what_is_planned_is_unknown_not_there_or_of_somebody_elses_bin(world):
    name = placed(world, ("a", 2))
    assert say(world, PlanTrips([trip_of(task_of("a", ("us-x.1", 2))), trip_of(task_of("z", (name, 1)))])).trips == []
    assert say(world, PlanTrips([])).trips == []


def test_two_waves_take_the_same_units_from_a_bin(world):
    placed(world, ("a", 8))
    world.plan()
    placed(world, ("a", 4))
    world.plan()
    taken = {}
    for trip in world.floor().trips.values():
        for task in trip.tasks:
            taken[task.bin_id] = taken.get(task.bin_id, 0) + task.left
    assert taken == {"A-01": 8, "A-02": 4}


def test_more_urgent_work_comes_later(world):
    placed(world, ("a", 1)), placed(world, ("b", 1))
    names = list(world.floor().works)
    say(world, Prioritise(names[1], 0, NOW_MS + 1))
    world.plan("single")
    assert world.claim("mia").tasks[0].shares[0].fulfilment_id == names[1]
    refused("floor.work_unknown", lambda: say(world, Prioritise("us-x.1", 0, 0)))


def test_work_is_due_when_no_clock_goes_any_more(world):
    placed(world, ("a", 1))
    (name,) = world.floor().works
    for due_ms in (NOW_MS + DUE_WITHIN_MS, NOW_MS - DUE_WITHIN_MS):
        say(world, Prioritise(name, 0, due_ms))
        away = due_ms + (1 if due_ms > NOW_MS else -1)
        refused("floor.due_out_of_range", lambda away=away: say(world, Prioritise(name, 0, away)))


def test_a_lot_is_planned_that_was_promised_to_somebody_else():
    world = World()
    world.receive(
        ReceiptLine("m", 4, lot="late", expires_on=TODAY + 90, bin="A-01"),
        ReceiptLine("m", 3, lot="soon", expires_on=TODAY + 9, bin="B-01"),
    )
    one, two = placed(world, ("m", 2)), placed(world, ("m", 3))
    world.plan("single")
    tasks = {
        (task.shares[0].fulfilment_id, task.bin_id, task.lot, task.left, task.expires_on)
        for trip in world.floor().trips.values()
        for task in trip.tasks
    }
    assert tasks == {
        (one, "B-01", "soon", 2, TODAY + 9),
        (two, "B-01", "soon", 1, TODAY + 9),
        (two, "A-01", "late", 2, TODAY + 90),
    }
    # What was picked of a lot is not planned again when the rest of the trip is abandoned.
    mine = next(n for n, trip in world.floor().trips.items() if trip.works == [two])
    while (told := world.claim("tom")).trip != mine:
        world.pick_all("tom")
    number = next(task.task for task in told.tasks if task.lot == "soon")
    world.pick("tom", mine, number)
    say(world, AbandonTrip(mine, "tom"))
    world.plan("single")
    (trip,) = [trip for trip in world.floor().trips.values() if trip.works == [two]]
    assert [(task.lot, task.left) for task in trip.tasks] == [("late", 2)]


def test_goods_in_no_bin_are_planned_from_nowhere_and_never_picked():
    world = World()
    world.receive(ReceiptLine("a", 5), ReceiptLine("r", 2, bin="A-01"))
    name, trip = started(world, ("a", 5))
    (task,) = world.floor().trips[trip].tasks
    assert (task.bin_id, task.left) == ("", 5)
    world.pick("mia", trip, 1)
    world.settle()
    assert status_of(world.work(name)) == "picked"
    assert world.floor().disputes == {}


def test_a_trip_carries_more_than_the_floor_allows():
    world = World()
    world.receive(ReceiptLine("heavy", 9, bin="A-01"))
    placed(world, ("heavy", 2))
    told = world.plan(limits=Limits(weight_g=10_000))
    assert [trip.units for trip in told.trips] == [1, 1]
