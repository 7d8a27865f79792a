"""The floor by example: what could be picked twice, wrongly, for nobody, or be left hanging."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain import floor_picking, floor_work, order, order_floor
from actors.domain.errors import Refused
from actors.domain.floor_commands import (
    AbandonTrip,
    CloseDispute,
    ConfirmPick,
    Elsewhere,
    EndWork,
    HandOver,
    MoveRefused,
    PauseTrip,
    PlanTrips,
    Prioritise,
    PutBack,
    QueueWork,
    RetryWork,
    TellShort,
)
from actors.domain.floor_disputes import DISPUTES_MAX
from actors.domain.floor_picking import same_article
from actors.domain.floor_state import status_of
from actors.domain.floor_views import ViewFigures, ViewQueue, ViewTrip, view
from actors.domain.floor_work import DUE_WITHIN_MS, ENDED_EARLY_MAX
from actors.domain.kind import Context, Message
from actors.domain.kinds import KINDS
from actors.domain.location_commands import Convert, MoveLine, MoveUnits, ReceiptLine, Reserve, RunFloor
from actors.domain.order_commands import ReservationAnswered, UpdateOrder
from actors.domain.order_events import HandedToFloor, ReservationSettled
from actors.domain.order_state import status_of as order_status
from actors.domain.wave_terms import Limits
from tests.unit.domain.floor_world import (
    DAY_MS,
    NOW_MS,
    OTHER,
    PLACE,
    TODAY,
    World,
    task_of,
    trip_of,
)


@pytest.fixture
def world():
    made = World()
    made.receive(ReceiptLine("a", 10, bin="A-01"), ReceiptLine("a", 4, bin="A-02"), ReceiptLine("b", 3, bin="B-01"))
    return made


def refused(code, run, **facts):
    with pytest.raises(Refused) as caught:
        run()
    assert caught.value.body.code == code
    assert {name: caught.value.body.extra.get(name) for name in facts} == facts


def placed(world, *lines):
    name = world.order(*lines)
    world.settle()
    return name


def started(world, *lines, picker="mia"):
    """A fulfilment on a trip that somebody has."""
    name = placed(world, *lines)
    world.plan()
    told = world.claim(picker)
    world.settle()
    return name, told.trip


def say(world, command):
    told = world.do("floor", PLACE, command)
    world.settle()
    return told


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


# --- planning ---------------------------------------------------------------------------------------------------------
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
    refused("floor.task_unknown", lambda: world.do("floor", PLACE, _pick_of(trip, 2)), tasks=1)
    refused("floor.trip_unknown", lambda: world.do("floor", PLACE, _pick_of(99, 1)))
    assert world.floor() == before


def _pick_of(trip, task):
    return ConfirmPick(trip, task, "A-01", "a", 1)


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


# --- what is not there ------------------------------------------------------------------------------------------------
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


# --- the order --------------------------------------------------------------------------------------------------------
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
    refused("floor.trip_unknown", lambda: world.do("floor", PLACE, _pick_of(trip, 1)))
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
    assert shown == {"picking": (1, 2, 1, {"over_24h": 1}), "waiting": (1, 1, 0, {"under_1h": 1})}
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
