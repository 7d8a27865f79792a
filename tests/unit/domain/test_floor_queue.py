"""What a floor has to pick: what could get into its queue twice, hang there, or be told wrongly."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain import floor_picking, floor_work, order, order_floor
from actors.domain.floor_commands import (
    EndWork,
    PlanTrips,
    Prioritise,
    QueueWork,
    TellShort,
)
from actors.domain.floor_state import status_of
from actors.domain.floor_views import ViewFigures, ViewQueue, ViewTrip, view
from actors.domain.floor_work import ENDED_EARLY_MAX
from actors.domain.kind import Context, Message
from actors.domain.kinds import KINDS
from actors.domain.location_commands import Convert, ReceiptLine, Reserve, RunFloor
from actors.domain.order_commands import ReservationAnswered
from actors.domain.order_events import HandedToFloor, ReservationSettled
from tests.unit.domain.floor_world import (
    DAY_MS,
    NOW_MS,
    PLACE,
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


# --- into the queue ---------------------------------------------------------------------------------------------------
def test_a_building_without_a_floor_gets_a_queue_or_says_so_in_its_answers():
    world = World(floor=False)
    world.receive(ReceiptLine("a", 10))
    name = placed(world, ("a", 2))
    assert ("floor", PLACE) not in world.entities
    assert world.bought(name).at_floors == []
    assert b"floor" not in b"".join(answer for answer, _ in world._answers.values())


def test_what_a_floor_has_to_pick_is_not_handed_to_it(world):
    name = placed(world, ("a", 2), ("b", 1))
    work = world.work(name)
    assert {sku: line.waiting for sku, line in work.lines.items()} == {"a": 2, "b": 1}
    assert (work.placed_at_ms, work.due_ms) == (NOW_MS, NOW_MS + DAY_MS)
    assert world.bought(name).at_floors == [1]


def test_a_floor_that_is_switched_off_gets_more_or_loses_what_it_has(world):
    kept = placed(world, ("a", 2))
    world.do("location", PLACE, RunFloor(None))
    world.restart("location", PLACE)
    placed(world, ("a", 2))
    assert list(world.floor().works) == [kept]
    world.plan()
    world.pick_all("mia")
    world.settle()
    assert status_of(world.work(kept)) == "picked"


def test_an_event_of_an_order_says_something_of_floors_where_there_is_none():
    world = World(floor=False)
    world.receive(ReceiptLine("a", 10))
    kinds = {type(event) for event in _events_of(world)}
    assert ReservationSettled in kinds
    assert HandedToFloor not in kinds


def _events_of(world):
    seen, plain = [], world.do

    def watched(kind, entity_id, command):
        state, _ = world.entities.get((kind, entity_id), (None, 0))
        if kind == "order":
            seen.extend(KINDS[kind].decide(state, command, Context(entity_id, "c", world.now_ms)).events)
        return plain(kind, entity_id, command)

    world.do = watched
    world.order(("a", 2))
    world.settle()
    return seen


def test_units_of_a_cart_that_was_ordered_are_not_handed_to_the_floor(world):
    world.do("location", PLACE, Reserve("us-resv-1", [("a", 2)]))
    convert = Convert("us-resv-1", "us-o", 1, [("a", 2)])
    told = world.do("location", PLACE, convert)
    answered = order.on_reply(
        Message("location", PLACE, convert, on_reply=True), msgspec.json.encode(told), refused=False
    )
    assert (answered.lines, answered.floor) == ([("a", 2)], True)


def test_what_was_promised_sooner_is_due_when_it_is_too_late(world):
    name = world.order(("a", 2))
    state = world.bought(name)
    state.fulfilments[0].promised_by_ms = NOW_MS + 3_600_000
    (handed,) = order_floor.handed(state, ReservationAnswered(1, PLACE, [("a", 2)], floor=True))
    assert handed.due_ms == NOW_MS + 3_600_000
    state.fulfilments[0].promised_by_ms = NOW_MS + 9 * DAY_MS
    (handed,) = order_floor.handed(state, ReservationAnswered(1, PLACE, [("a", 2)], floor=True))
    assert handed.due_ms == NOW_MS + DAY_MS


def test_an_end_that_comes_before_its_beginning_leaves_work_for_ever(world):
    name = world.order(("a", 2))
    while not any(type(world.sent[one].message.command) is QueueWork for one in world.waiting):
        world.deliver(world.waiting[0])
    (late,) = world.waiting
    world.waiting.remove(late)
    world.update(name, "cancel")
    world.settle()
    assert name in world.floor().ended_early
    world.restart("floor", PLACE)
    world.deliver(late)
    assert world.floor().works == {}
    assert world.floor().ended_early == {}


def test_ends_that_never_had_a_beginning_fill_the_memory():
    world = World()
    for at in range(ENDED_EARLY_MAX + 3):
        world.now_ms += 1
        world.do("floor", PLACE, EndWork(f"us-x.{at}", "packed"))
    assert len(world.floor().ended_early) == ENDED_EARLY_MAX
    assert "us-x.2" not in world.floor().ended_early
    assert world.do("floor", PLACE, EndWork("us-x.9", "packed"))


# --- what is told -----------------------------------------------------------------------------------------------------
def test_a_page_of_the_queue_tells_work_twice_or_leaves_some_out(world):
    names = [placed(world, ("a", 1)) for _ in range(5)]
    say(world, Prioritise(names[3], 9, NOW_MS + DAY_MS))
    told, after = [], None
    while True:
        page = view(world.floor(), ViewQueue(PLACE, "", after, 2), 7)
        told += [one.fulfilment_id for one in page.works]
        after = page.next_after
        if after is None:
            break
    assert told[0] == names[3]
    assert sorted(told) == sorted(names)


def test_figures_leave_work_out_or_count_it_twice(world):
    name, trip = started(world, ("a", 2))
    world.now_ms += 2 * DAY_MS
    placed(world, ("b", 1))
    say(world, TellShort(trip, 1, 1, [], "mia"))
    told = view(world.floor(), ViewFigures(PLACE, world.now_ms), 3)
    shown = {
        one.status: (one.works, one.units, one.overdue, {a: n for a, n in one.by_age.items() if n})
        for one in told.statuses
    }
    assert shown == {"picking": (1, 2, 1, {"over_24h": 1}), "waiting": (2, 2, 1, {"over_24h": 1, "under_1h": 1})}
    assert told.trips == {"open": 0, "claimed": 1, "paused": 0}
    assert [(one.bin_id, one.reason) for one in told.disputes] == [("A-02", "floor.short")]
    assert name in world.floor().works
    refused("floor.trip_unknown", lambda: view(world.floor(), ViewTrip(PLACE, 99), 3))
    assert msgspec.json.encode(view(None, ViewQueue(PLACE), 0))


# --- limits -----------------------------------------------------------------------------------------------------------
def test_a_queue_or_the_trips_of_a_floor_grow_without_end(world, monkeypatch):
    names = [placed(world, ("a", 1)) for _ in range(3)]
    monkeypatch.setattr(floor_work, "WORKS_MAX", 3)
    refused("floor.full", lambda: say(world, QueueWork("us-x.1", [("a", 1)], 0, NOW_MS, NOW_MS)), limit=3)
    # What is in it already is no more of it.
    say(world, QueueWork(names[0], [("a", 1)], 0, NOW_MS, NOW_MS))
    monkeypatch.setattr(floor_picking, "TRIPS_MAX", 2)
    say(world, PlanTrips([trip_of(task_of("a", (names[0], 1)))]))
    two = PlanTrips([trip_of(task_of("a", (name, 1))) for name in names[1:]])
    refused("floor.too_many_trips", lambda: say(world, two), limit=2, open=1)
    assert len(world.floor().trips) == 1
