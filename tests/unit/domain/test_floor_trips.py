"""Trips of a floor, as they are walked: what could be taken by two, or wrongly."""

from __future__ import annotations

import pytest

from actors.domain.floor_commands import (
    AbandonTrip,
    CloseDispute,
    HandOver,
    MoveRefused,
    PauseTrip,
    TellShort,
)
from actors.domain.floor_disputes import DISPUTES_MAX
from actors.domain.floor_picking import same_article
from actors.domain.floor_state import status_of
from actors.domain.location_commands import MoveLine, MoveUnits, ReceiptLine
from tests.unit.domain.floor_world import (
    DAY_MS,
    PLACE,
    TODAY,
    World,
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


# --- trips are one picker's -------------------------------------------------------------------------------------------
def test_two_pickers_get_the_same_trip_or_one_gets_two(world):
    placed(world, ("a", 1)), placed(world, ("b", 1))
    world.plan("single")
    mine, yours = world.claim("mia"), world.claim("tom")
    assert mine.trip != yours.trip
    assert world.claim("mia").trip == mine.trip
    world.restart("floor", PLACE)
    assert world.claim("tom").trip == yours.trip
    refused("floor.nothing_to_pick", lambda: world.claim("ann"))
    refused("floor.trip_not_yours", lambda: world.pick("tom", mine.trip, 1), trip=mine.trip)


def test_a_trip_that_nobody_has_is_picked(world):
    placed(world, ("a", 1))
    world.plan()
    refused("floor.trip_unclaimed", lambda: world.pick("", 1, 1))


def test_a_paused_trip_goes_on_or_gets_lost(world):
    _, trip = started(world, ("a", 1))
    assert say(world, PauseTrip(trip, paused=True, by="mia")).status == "paused"
    refused("floor.trip_paused", lambda: world.pick("mia", trip, 1))
    refused("floor.nothing_to_pick", lambda: world.claim("tom"))
    assert world.claim("mia").status == "claimed"
    world.pick("mia", trip, 1)
    refused("floor.trip_unknown", lambda: say(world, PauseTrip(trip, paused=True, by="mia")))


def test_a_trip_is_handed_over_by_anybody_or_to_who_has_one(world):
    _, trip = started(world, ("a", 1))
    refused("floor.trip_not_yours", lambda: say(world, HandOver(trip, "tom", "tom")))
    placed(world, ("b", 1))
    world.plan()
    assert world.claim("tom").trip != trip
    refused("floor.has_trip", lambda: say(world, HandOver(trip, "tom", "mia")))
    assert say(world, HandOver(trip, "ann", "boss", senior=True)).picker == "ann"
    refused("floor.trip_not_yours", lambda: world.pick("mia", trip, 1))
    world.pick("ann", trip, 1)


def test_what_is_left_of_an_abandoned_trip_is_lost_or_what_was_picked_comes_back(world):
    name, trip = started(world, ("a", 3), ("b", 1))
    task = next(at for at, one in enumerate(world.floor().trips[trip].tasks, 1) if one.sku == "a")
    world.pick("mia", trip, task, 2)
    refused("floor.trip_not_yours", lambda: say(world, AbandonTrip(trip, "tom")))
    say(world, AbandonTrip(trip, "mia"))
    lines = world.work(name).lines
    assert [(lines[sku].waiting, lines[sku].planned, lines[sku].picked) for sku in "ab"] == [(1, 0, 2), (1, 0, 0)]
    world.plan()
    say(world, AbandonTrip(next(iter(world.floor().trips)), "tom"))
    world.plan()
    world.pick_all("tom")
    world.settle()
    assert status_of(world.work(name)) == "picked"


# --- what is scanned --------------------------------------------------------------------------------------------------
def test_something_else_than_the_task_says_is_taken(world):
    _, trip = started(world, ("a", 3))
    before = world.floor()
    for code, said, facts in (
        ("floor.wrong_bin", {"bin_id": "B-01"}, {"expected_bin": "A-02"}),
        ("floor.wrong_item", {"sku": "b"}, {"expected_sku": "a"}),
        ("floor.too_many", {"units": 4}, {"left": 3}),
        ("floor.trip_not_yours", {"by": "tom"}, {}),
    ):
        refused(code, lambda said=said: world.pick("mia", trip, 1, **({"units": 3} | said)), **facts)
    refused("floor.task_unknown", lambda: world.do("floor", PLACE, pick_of(trip, 2)), tasks=1)
    refused("floor.trip_unknown", lambda: world.do("floor", PLACE, pick_of(99, 1)))
    assert world.floor() == before


def test_another_lot_or_an_expired_one_is_taken():
    world = World()
    world.receive(ReceiptLine("m", 3, lot="soon", expires_on=TODAY + 1, bin="A-01"))
    name, trip = started(world, ("m", 2))
    refused("floor.wrong_lot", lambda: world.pick("mia", trip, 1, lot="other"), expected_lot="soon")
    world.pick("mia", trip, 1, 1)
    world.now_ms += 2 * DAY_MS
    refused("floor.lot_expired", lambda: world.pick("mia", trip, 1), expired_on=TODAY + 1)
    say(world, TellShort(trip, 1, 1, by="mia"))
    assert world.work(name).lines["m"].short == 1


def test_units_go_into_somebody_elses_tote(world):
    one, two = placed(world, ("a", 1)), placed(world, ("a", 2))
    world.plan("cluster")
    trip = world.claim("mia").trip
    (task,) = world.floor().trips[trip].tasks
    totes = {share.fulfilment_id: share.tote for share in task.shares}
    assert sorted(totes.values()) == [1, 2]
    refused("floor.wrong_tote", lambda: world.pick("mia", trip, 1, tote=3), expected_totes=[1, 2])
    refused("floor.wrong_tote", lambda: world.pick("mia", trip, 1, 1, tote=0), expected_totes=[1, 2])
    refused("floor.too_many", lambda: world.pick("mia", trip, 1, 2, tote=totes[one]), left=1)
    world.pick("mia", trip, 1, 1, tote=totes[one])
    assert world.work(one).lines["a"].picked == 1
    # With one tote left it need not be said.
    world.pick("mia", trip, 1, 2, tote=0)
    assert world.work(two).lines["a"].picked == 2


def test_a_task_is_done_twice(world):
    name, trip = started(world, ("a", 1), ("b", 1))
    world.pick("mia", trip, 1)
    refused("floor.task_done", lambda: world.pick("mia", trip, 1, 1), next_task=2)
    told = world.pick("mia", trip, 2)
    assert (told.over, told.left, told.next) == (True, 0, None)
    world.settle()
    assert (world.in_bins("a"), world.in_bins("b")) == ({"A-01": 10, "A-02": 3}, {"B-01": 2})
    assert status_of(world.work(name)) == "picked"


@pytest.mark.parametrize(
    ("scanned", "sku", "same"),
    [
        ("85123A", "85123A", True),
        ("85123a", "85123A", False),
        ("9521234000044", "09521234000044", True),
        ("09521234000044", "9521234000044", True),
        ("9521234000045", "9521234000044", False),
        ("9521234000044", "85123A", False),
    ],
)
def test_an_article_is_taken_for_another_or_its_number_of_another_length_is_not_known(scanned, sku, same):
    assert same_article(scanned, sku) is same


def test_books_that_know_nothing_of_it_undo_a_pick(world):
    name, trip = started(world, ("a", 2))
    world.do("location", PLACE, MoveUnits([MoveLine("a", 4, "A-02", "A-01")]))
    world.pick("mia", trip, 1, 1)
    world.settle()
    assert world.work(name).lines["a"].picked == 1
    assert world.floor().disputes["A-02", "a", ""].code == "stock.not_in_bin"
    assert world.floor().trips[trip].tasks[0].problem == "stock.not_in_bin"
    assert world.in_bins("a") == {"A-01": 14}
    world.restart("floor", PLACE)
    say(world, CloseDispute("A-02", "a", ""))
    refused("floor.dispute_unknown", lambda: say(world, CloseDispute("A-02", "a", "")))


def test_disputes_fill_the_memory(world):
    for at in range(DISPUTES_MAX + 2):
        world.now_ms += 1
        world.do("floor", PLACE, MoveRefused(f"X-{at}", "a", "", 1, "stock.not_in_bin"))
    world.do("floor", PLACE, MoveRefused("X-9", "a", "", 2, "bins.unknown"))
    assert len(world.floor().disputes) == DISPUTES_MAX
    assert ("X-1", "a", "") not in world.floor().disputes
    assert world.floor().disputes["X-9", "a", ""].units == 3
