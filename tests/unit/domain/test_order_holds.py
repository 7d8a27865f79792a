"""Held orders: what could be picked all the same, forgotten, or never go on again."""

from __future__ import annotations

import pytest

from actors.domain.floor_state import status_of as work_status
from actors.domain.order_commands import RetryAllocation, UpdateOrder
from actors.domain.order_state import due_of
from actors.domain.order_terms_commands import HoldOrder, PrioritiseOrder, ReleaseOrder
from actors.domain.order_terms_events import HoldsOverdue
from actors.domain.order_terms_state import Hold, Terms
from actors.domain.times import HOUR_MS
from tests.unit.domain.floor_world import OTHER, PLACE, refused
from tests.unit.domain.terms_world import Terms3


@pytest.fixture
def world():
    return Terms3(here={"a": 10, "b": 5}, there={"a": 10})


@pytest.mark.parametrize("step", ["start_picking", "pack", "ship"])
def test_a_held_order_takes_a_step(world, step):
    made = world.placed_with(None, ("a", 12))
    before = {"start_picking": [], "pack": ["start_picking"], "ship": ["start_picking", "pack"]}[step]
    for one in before:
        world.step(made, one, fulfilment=2)
    world.hold(made, "customer", "fraud")
    refused("order.held", lambda: world.step(made, step, fulfilment=2), holds=["customer", "fraud"])
    world.release(made, "customer")
    refused("order.held", lambda: world.step(made, step, fulfilment=2), holds=["fraud"])
    world.release(made, "fraud")
    world.step(made, step, fulfilment=2)


def test_a_hold_gives_stock_away(world):
    made = world.placed_with(None, ("a", 12))
    world.hold(made, "payment")
    assert world.served(made) == {PLACE: {"a": 10}, OTHER: {"a": 2}}
    assert world.status_of(made) == "allocated"
    world.check_books()


def test_a_floor_gets_the_work_of_an_order_that_was_placed_held(world):
    made = world.placed_with(Terms(holds=[Hold("fraud", 0)]), ("a", 2))
    assert (world.floor().works, world.of(made).at_floors) == ({}, [])
    world.hold(made, "address")
    world.release(made, "fraud")
    assert world.floor().works == {}
    world.release(made, "address")
    assert list(world.floor().works) == [f"{made}.1"]


def test_work_that_waits_is_planned_though_its_order_is_held(world):
    made = world.placed_with(None, ("a", 2))
    world.hold(made, "customer")
    assert work_status(world.work(f"{made}.1")) == "held"
    world.plan()
    assert world.floor().trips == {}
    world.release(made, "customer")
    world.plan()
    assert len(world.floor().trips) == 1


def test_a_trip_carries_what_is_held(world):
    made, other = world.placed_with(None, ("a", 2)), world.placed_with(None, ("a", 1))
    world.plan()
    world.hold(made, "customer")
    ((_, trip),) = world.floor().trips.items()
    assert trip.works == [f"{other}.1"]
    world.release(made, "customer")
    assert work_status(world.work(f"{made}.1")) == "waiting"


def test_a_claim_that_crosses_with_the_hold_is_blocked_for_ever(world):
    made = world.placed_with(None, ("a", 2))
    world.plan()
    world.claim("mia")
    world.do("order", made, HoldOrder(["customer"]))
    world.settle()
    assert world.status(f"{made}.1") == "allocated"
    work = world.work(f"{made}.1")
    assert (work.held, work.asked, work.problem, work.planned) == (True, "", "", False)
    world.release(made, "customer")
    world.plan()
    world.pick_all("mia")
    world.settle()
    assert world.status(f"{made}.1") == "picking"


def test_a_refusal_that_comes_after_the_release_leaves_the_work_asleep(world):
    made = world.placed_with(None, ("a", 2))
    world.plan()
    told = world.claim("mia")
    world.pick("mia", told.trip, 1)
    (asked,) = [name for name in world.waiting if world.sent[name].message.kind == "order"]
    world.do("order", made, HoldOrder(["customer"]))
    world.apply(asked)
    (held,) = [name for name in world.waiting if world.sent[name].message.kind == "floor"]
    world.do("order", made, ReleaseOrder(["customer"]))
    gone = [name for name in world.waiting if world.sent[name].message.kind == "floor" and name != held]
    # The release overtakes both the hold and the refusal.
    world.deliver(gone[0])
    world.deliver(asked)
    world.settle()
    assert world.status(f"{made}.1") == "picking"


def test_what_is_being_picked_can_not_be_put_down(world):
    made = world.placed_with(None, ("a", 2))
    world.plan()
    told = world.claim("mia")
    world.settle()
    world.hold(made, "fraud")
    world.pick("mia", told.trip, 1)
    world.settle()
    refused("order.held", lambda: world.step(made, "pack"))
    assert not world.parked


def test_a_hold_is_told_twice_or_not_released_by_name(world):
    made = world.placed_with(None, ("a", 2))
    assert world.hold(made, "address", note="flat?").version == world.hold(made, "address", note="flat?").version
    refused("order.not_held", lambda: world.release(made, "fraud"), holds=["address"])
    world.hold(made, "address", note="number?")
    assert [(one.kind, one.note) for one in world.of(made).terms.holds] == [("address", "number?")]


def test_an_order_that_is_over_is_held(world):
    made = world.placed_with(None, ("a", 2))
    world.hold(made, "address")
    world.step(made, "cancel")
    refused("order.over", lambda: world.release(made, "address"), status="cancelled")
    refused("order.over", lambda: world.hold(made, "fraud"), status="cancelled")
    refused("order.over", lambda: world.say(made, PrioritiseOrder(5)))


def test_nobody_hears_of_a_hold_that_stands_too_long_or_it_is_released_by_itself(world):
    made = world.placed_with(None, ("a", 2))
    until = world.now_ms + HOUR_MS
    world.hold(made, "fraud", until_ms=until)
    refused("order.hold_time_out_of_range", lambda: world.hold(made, "payment", until_ms=world.now_ms))
    assert due_of(world.of(made)) == until
    world.now_ms = until
    seen = []
    world.happened = seen.append
    world.say(made, RetryAllocation())
    assert [type(event) for event in seen] == [HoldsOverdue]
    assert due_of(world.of(made)) is None
    world.say(made, RetryAllocation())
    assert [type(event) for event in seen].count(HoldsOverdue) == 1
    refused("order.held", lambda: world.step(made, "start_picking"))
    assert world.view(made).terms.holds[0].overdue


def test_it_is_told_of_a_hold_that_stands_too_long_on_an_order_of_which_each_part_was_cancelled(world):
    made = world.placed_with(None, ("a", 12))
    world.hold(made, "fraud", until_ms=world.now_ms + HOUR_MS)
    for number in (1, 2):
        world.step(made, "cancel", fulfilment=number)
    world.settle()
    assert world.status_of(made) == "cancelled"
    assert due_of(world.of(made)) is None, "a timer goes off for it"
    world.now_ms += HOUR_MS
    seen = []
    world.happened = seen.append
    world.say(made, RetryAllocation())
    assert HoldsOverdue not in [type(event) for event in seen]


def held_rows(world, made):
    return [name for name in world.stored["order", made] if name[0] == "held_orders"]


def test_an_order_of_which_all_that_is_left_is_shipped_is_found_among_those_that_are_held(world):
    made = world.placed_with(None, ("a", 2), ("none", 1))
    world.step(made, "start_picking")
    world.step(made, "pack")
    world.step(made, "ship")
    assert world.status_of(made) == "partly_shipped"
    world.hold(made, "payment")
    assert held_rows(world, made)
    world.change(made, (2, 0))
    assert world.status_of(made) == "shipped"
    assert not held_rows(world, made)


def test_an_order_is_lost_from_those_that_are_held_or_stays_there_when_it_is_released(world):
    made = world.placed_with(Terms(holds=[Hold("fraud", 0)]), ("a", 2))
    assert held_rows(world, made)
    world.change(made, (1, 1))
    assert held_rows(world, made)
    world.release(made, "fraud")
    assert not held_rows(world, made)


def test_a_timer_of_a_hold_asks_for_stock_too_early(world):
    made = world.placed_with(None, ("a", 30))
    retry_at = world.of(made).retry_at_ms
    world.hold(made, "fraud", until_ms=world.now_ms + 1_000)
    world.now_ms += 1_000
    world.say(made, RetryAllocation())
    assert (world.of(made).retry_at_ms, due_of(world.of(made))) == (retry_at, retry_at)


def test_a_customer_is_told_that_fraud_is_suspected(world):
    made = world.placed_with(None, ("a", 2))
    world.hold(made, "fraud", "address", by="us-acct-1", note="odd")
    assert [one.kind for one in world.view(made).terms.holds] == ["fraud", "address"]
    assert [(one.kind, one.by, one.note) for one in world.view(made, own=True).terms.holds] == [("address", "", "")]


def test_rights_at_one_place_hold_what_is_elsewhere_too(world):
    made = world.placed_with(None, ("a", 12))
    refused("order.location_forbidden", lambda: world.hold(made, "fraud", within=[PLACE]))
    world.hold(made, "fraud", within=[PLACE, OTHER])
    for here in (ReleaseOrder(["fraud"], within=[PLACE]), PrioritiseOrder(5, within=[PLACE])):
        refused("order.location_forbidden", lambda here=here: world.say(made, here))
    world.say(made, ReleaseOrder(["fraud"], within=[PLACE, OTHER]))
    assert world.of(made).terms.holds == []


def test_an_urgent_order_waits_behind_others(world):
    made = world.placed_with(None, ("a", 2))
    world.say(made, PrioritiseOrder(7))
    assert world.work(f"{made}.1").priority == 7
    late = world.placed_with(Terms(service_level="same_day"), ("a", 1))
    work = world.work(f"{late}.1")
    assert (work.priority, work.due_ms) == (100, world.now_ms + 2 * HOUR_MS)
    assert work.handling == []


def test_a_word_that_comes_before_the_work_is_lost(world):
    made = world.placed_with(None, ("a", 2), settle=False)
    while told := [name for name in world.waiting if world.sent[name].message.kind != "floor"]:
        world.deliver(told[0])
    (queue,) = world.waiting
    world.do("order", made, HoldOrder(["fraud"]))
    (word,) = [name for name in world.waiting if name != queue]
    world.deliver(word)
    world.deliver(queue)
    assert world.work(f"{made}.1").held
    assert not world.parked


def test_an_end_that_comes_with_a_hold_leaves_work_behind(world):
    made = world.placed_with(None, ("a", 2))
    world.do("order", made, HoldOrder(["fraud"]))
    world.do("order", made, UpdateOrder("cancel"))
    for name in reversed(list(world.waiting)):
        world.deliver(name)
    assert world.floor().works == {}
    world.check_books()
