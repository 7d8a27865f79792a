"""A floor and the orders it picks for: what could be picked for nobody, or behind its back."""

from __future__ import annotations

import pytest

from actors.domain.floor_commands import (
    PutBack,
    RetryWork,
    TellShort,
)
from actors.domain.floor_state import status_of
from actors.domain.floor_views import ViewQueue, view
from actors.domain.order_commands import UpdateOrder
from tests.unit.domain.floor_world import (
    PLACE,
    pick_of,
    placed,
    refused,
    say,
    started,
    stocked,
)


@pytest.fixture
def world():
    return stocked()


def test_an_order_is_picked_that_does_not_know_of_it(world):
    name = placed(world, ("a", 1))
    world.plan()
    assert world.status(name) == "allocated"
    world.claim("mia")
    world.settle()
    assert (world.status(name), world.work(name).started) == ("picking", True)


def test_packed_work_stays_in_the_queue(world):
    name, trip = started(world, ("a", 1))
    world.pick("mia", trip, 1)
    world.settle()
    world.update(name, "pack")
    world.update(name, "ship")
    world.settle()
    assert (world.floor().works, world.bought(name).at_floors, world.parked) == ({}, [], [])
    assert world.place().stock["a"].on_hand == 13
    assert world.in_bins("a") == {"A-01": 10, "A-02": 3}


def test_goods_of_a_cancelled_fulfilment_stay_in_hands(world):
    name, trip = started(world, ("a", 3))
    world.pick("mia", trip, 1, 2)
    world.update(name, "cancel")
    world.settle()
    assert world.floor().trips == {}
    assert status_of(world.work(name)) == "put_back"
    refused("floor.trip_unknown", lambda: world.do("floor", PLACE, pick_of(trip, 1)))
    refused("floor.too_many", lambda: say(world, PutBack(name, "a", "", 3, "A-01")), left=2)
    refused("floor.nothing_to_put_back", lambda: say(world, PutBack(name, "b", "", 1, "A-01")))
    say(world, PutBack(name, "a", "", 1, "NO-BIN"))
    told = view(world.floor(), ViewQueue(PLACE, "put_back"), 1)
    assert [(one.problem, [(u.sku, u.units) for u in one.put_back]) for one in told.works] == [
        ("bins.unknown", [("a", 2)])
    ]
    say(world, PutBack(name, "a", "", 1, "B-01"))
    world.restart("floor", PLACE)
    say(world, PutBack(name, "a", "", 1, ""))
    assert world.floor().works == {}
    assert world.in_bins("a") == {"A-01": 10, "A-02": 2, "B-01": 1}
    assert world.parked == []


def test_a_put_back_that_is_on_its_way_is_put_back_again(world):
    name, trip = started(world, ("a", 1))
    world.pick("mia", trip, 1)
    world.settle()
    world.do("order", name.rpartition(".")[0], _cancel())
    world.settle()
    world.do("floor", PLACE, PutBack(name, "a", "", 1, "A-01"))
    refused("floor.nothing_to_put_back", lambda: world.do("floor", PLACE, PutBack(name, "a", "", 1, "A-01")))
    world.settle()
    assert world.floor().works == {}


def _cancel():
    return UpdateOrder("cancel")


def test_an_order_whose_picking_was_begun_by_hand_blocks_its_work(world):
    name = placed(world, ("a", 1))
    world.update(name, "start_picking")
    world.plan()
    world.claim("mia")
    world.settle()
    assert (world.work(name).started, world.work(name).problem) == (True, "")


def test_picking_that_was_paused_by_hand_loses_what_was_missing(world):
    name, trip = started(world, ("a", 2), ("b", 1))
    world.update(name, "pause_picking")
    task = next(at for at, one in enumerate(world.floor().trips[trip].tasks, 1) if one.sku == "b")
    say(world, TellShort(trip, task, 1, [], "mia"))
    held = next(f for f in world.bought(name).fulfilments if f.number == 1)
    assert (held.status, dict(held.lines)) == ("picking", {"a": 2})


def test_units_are_told_missing_to_the_order_behind_the_floors_back(world):
    name, _ = started(world, ("a", 2))
    refused("order.floor_picks", lambda: world.update(name, "short_pick", lines=[("a", 1)]), location_id=PLACE)


def test_a_refusal_of_the_order_is_passed_over(world):
    name = placed(world, ("a", 2))
    world.plan()
    # Somebody packs it by hand, and the floor hears of it late.
    world.update(name, "start_picking")
    world.update(name, "pack")
    late = list(world.waiting)
    world.waiting.clear()
    world.claim("mia")
    world.settle()
    assert (status_of(world.work(name)), world.work(name).problem) == ("blocked", "order.illegal_transition")
    assert view(world.floor(), ViewQueue(PLACE, "blocked"), 1).works[0].problem == "order.illegal_transition"
    world.restart("floor", PLACE)
    say(world, RetryWork(name))
    assert status_of(world.work(name)) == "blocked"
    for message in late:
        world.deliver(message)
    assert (world.floor().works, world.floor().trips) == ({}, {})
    refused("floor.work_unknown", lambda: say(world, RetryWork(name)))


def test_work_that_is_not_blocked_is_asked_for_again(world):
    name, _ = started(world, ("a", 2))
    refused("floor.not_blocked", lambda: say(world, RetryWork(name)))
