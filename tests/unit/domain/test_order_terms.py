"""Terms of an order when places give less, much later, or something is not found: what could be torn,
shipped in part, or forgotten."""

from __future__ import annotations

import msgspec

from actors.domain.allocation import Place
from actors.domain.floor_commands import TellShort
from actors.domain.location_commands import AdjustmentLine, AdjustStock, ReceiptLine, WaitInLine
from actors.domain.order_commands import CartAnswered, RetryAllocation
from actors.domain.order_state import Line
from actors.domain.order_terms_commands import ChangeOrder, LineChange
from actors.domain.order_terms_plan import Shape, plan, shape_of, stand_ins
from actors.domain.order_terms_state import StandIn, Terms
from actors.domain.reservation_commands import HeldPart
from tests.unit.domain.floor_world import OTHER, PLACE, refused
from tests.unit.domain.terms_world import THIRD, Terms3

SET = Terms(groups=["set", "set"])
WHOLE = Terms(ship_complete=True)


def gone(world, place, sku, units):
    """Somebody else has them meanwhile."""
    world.do("location", place, AdjustStock([AdjustmentLine(sku, -units, "damage")]))


def test_a_present_of_an_old_journal_is_none():
    for kept, given in (({"gift_wrap": True}, True), ({"message": True}, True), ({"gift": True}, True), ({}, False)):
        assert msgspec.convert(kept, Terms).is_gift == given


# --- plans
def test_a_plan_tears_a_group():
    shape = Shape({"a": "g", "b": "g"}, {}, whole=False)
    seen = [Place("p", {"a": 5}), Place("q", {"b": 5, "c": 1}), Place("r", {"a": 2, "b": 2})]
    assert plan(shape, {"a": 2, "b": 2, "c": 1}, seen, 3) == [("q", {"c": 1}), ("r", {"a": 2, "b": 2})]
    assert plan(shape, {"a": 2, "b": 3}, seen, 3) == []


def test_a_plan_of_some_is_made_for_all_or_nothing():
    shape = Shape({}, {}, whole=True)
    assert plan(shape, {"a": 3}, [Place("p", {"a": 2})], 3) == []
    assert plan(shape, {"a": 3}, [Place("p", {"a": 2}), Place("q", {"a": 1})], 3) == [("p", {"a": 2}), ("q", {"a": 1})]


def test_the_second_best_stands_in_first_or_more_than_is_missing():
    shape = Shape({}, {"a": ["x", "y"]}, whole=False)
    seen = [Place("p", {"a": 1, "x": 1, "y": 9})]
    made = plan(shape, {"a": 4}, seen, 3)
    assert made == [("p", {"a": 1, "x": 1, "y": 2})]
    asks = [(1, sorted(made[0][1].items()))]
    assert stand_ins(shape, {"a": 4}, asks) == [StandIn(1, "a", "x", 1), StandIn(1, "a", "y", 2)]


def test_what_stands_in_is_taken_from_who_ordered_it_itself():
    shape = Shape({}, {"a": ["b"]}, whole=False)
    assert plan(shape, {"a": 2, "b": 2}, [Place("p", {"b": 3})], 3) == [("p", {"b": 3})]
    assert stand_ins(shape, {"a": 2, "b": 2}, [(1, [("b", 3)])]) == [StandIn(1, "a", "b", 1)]


def test_a_group_with_what_stands_in_is_torn():
    shape = Shape({"a": "g", "b": "g"}, {"a": ["x"]}, whole=False)
    seen = [Place("p", {"b": 1}), Place("q", {"x": 1}), Place("r", {"x": 1, "b": 1})]
    assert plan(shape, {"a": 1, "b": 1}, seen, 3) == [("r", {"b": 1, "x": 1})]


def test_groups_that_share_a_sku_are_two():
    lines = [Line("a", 1, 1), Line("b", 1, 1), Line("b", 1, 1), Line("c", 1, 1)]
    shape = shape_of(Terms(groups=["g", "g", "h", "h"]), lines, None)
    assert len(set(shape.groups.values())) == 1
    kit = shape_of(Terms(groups=["g", ""]), [Line("k", 1, 1), Line("d", 1, 1)], {"k": [("a", 1), ("b", 2)]})
    assert set(kit.groups) == {"a", "b"}


# --- answers
def test_a_group_is_torn_by_a_place_that_gives_less_than_it_seemed_to_have():
    world = Terms3(here={"a": 2, "b": 2}, there={"a": 2, "b": 2})
    made = world.placed_with(SET, ("a", 2), ("b", 2), settle=False)
    gone(world, PLACE, "b", 1)
    world.settle()
    assert world.served(made) == {OTHER: {"a": 2, "b": 2}}
    world.check_books()


def test_part_of_an_order_that_goes_whole_is_kept_from_others_or_handed_to_a_floor():
    world = Terms3(here={"a": 2}, there={"a": 2})
    made = world.placed_with(WHOLE, ("a", 4), settle=False)
    gone(world, OTHER, "a", 1)
    world.settle()
    assert (world.served(made), world.status_of(made), world.floor().works) == ({}, "backordered", {})
    world.check_books()
    world.receive(ReceiptLine("a", 1), place=THIRD)
    world.now_ms = world.of(made).retry_at_ms
    world.say(made, RetryAllocation())
    assert world.status_of(made) == "allocated"
    assert list(world.floor().works) == [
        next(f"{made}.{f.number}" for f in world.of(made).fulfilments if f.location_id == PLACE)
    ]


def test_part_of_an_order_that_goes_whole_is_shipped():
    world = Terms3(there={"a": 2}, far={"a": 2})
    made = world.placed_with(WHOLE, ("a", 4))
    first, second = (f.number for f in world.of(made).fulfilments)
    world.step(made, "start_picking")
    world.step(made, "pack", fulfilment=first)
    refused("order.incomplete", lambda: world.step(made, "ship"))
    refused("order.ships_complete", lambda: world.step(made, "cancel", fulfilment=second))
    world.step(made, "short_pick", fulfilment=second, lines=[("a", 1)])
    world.step(made, "pack", fulfilment=second)
    refused("order.incomplete", lambda: world.step(made, "ship"))
    world.receive(ReceiptLine("a", 1), place=THIRD)
    world.say(made, RetryAllocation())
    while (last := world.of(made).fulfilments[-1]).status != "packed":
        world.step(made, "start_picking" if last.status == "allocated" else "pack", fulfilment=last.number)
    world.step(made, "ship")
    assert world.status_of(made) == "shipped"


def test_a_short_pick_leaves_half_a_group_where_it_was():
    world = Terms3(here={"c": 1}, there={"a": 2, "b": 2, "c": 9}, far={"a": 2, "b": 2, "c": 9})
    made = world.placed_with(Terms(groups=["set", "set", ""]), ("a", 2), ("b", 2), ("c", 1))
    assert world.served(made) == {OTHER: {"a": 2, "b": 2, "c": 1}}
    world.step(made, "start_picking")
    world.step(made, "short_pick", lines=[("b", 1)], places=world.seen("abc"))
    assert world.served(made)[THIRD].items() >= {"a": 2, "b": 2}.items()
    assert world.place(OTHER).stock["a"].allocated == 0
    assert not world.missing(made)
    world.check_books()


def test_a_floor_picks_on_for_a_group_that_was_torn():
    world = Terms3(here={"a": 2, "b": 2}, there={"a": 2, "b": 2})
    made = world.placed_with(SET, ("a", 2), ("b", 2))
    world.plan()
    told = world.claim("mia")
    world.settle()
    task = next(task for task in told.tasks if task.sku == "a")
    world.pick("mia", told.trip, task.task)
    short = next(task for task in told.tasks if task.sku == "b")
    world.do("floor", PLACE, TellShort(told.trip, short.task, 1, [], "mia"))
    world.settle()
    assert world.served(made) == {OTHER: {"a": 2, "b": 2}}
    assert [work.ended for work in world.floor().works.values()] == [True]
    assert not world.parked
    world.check_books()


def test_what_stands_in_and_was_not_given_is_missing_under_its_own_name_no_more():
    world = Terms3(here={"x": 3}, there={"a": 1})
    made = world.placed_with(Terms(substitutes=[["x"]]), ("a", 3), more=["x"], settle=False)
    gone(world, PLACE, "x", 2)
    world.settle()
    assert world.served(made) == {OTHER: {"a": 1}, PLACE: {"x": 1}}
    assert world.missing(made) == {"a": 1}
    assert [(one.sku, one.substitute, one.quantity) for one in world.view(made).terms.substituted] == [("a", "x", 1)]
    world.check_books()


def test_a_retry_never_asks_for_what_may_stand_in():
    world = Terms3()
    made = world.placed_with(Terms(substitutes=[["x"]]), ("a", 3), more=["x"])
    world.do("order", made, RetryAllocation())
    world.settle()
    world.receive(ReceiptLine("x", 5), place=OTHER)
    assert world.of(made).retry_places
    for _ in range(2):
        world.now_ms = world.of(made).retry_at_ms or world.now_ms
        world.say(made, RetryAllocation())
    assert world.served(made) == {OTHER: {"x": 3}}


def test_what_stands_in_and_is_not_found_is_gone():
    world = Terms3(there={"x": 3})
    made = world.placed_with(Terms(substitutes=[["x"]]), ("a", 2), more=["x"])
    assert world.served(made) == {OTHER: {"x": 2}}
    world.step(made, "start_picking")
    world.step(made, "short_pick", lines=[("x", 1)])
    assert world.missing(made) == {"a": 1}
    assert [one.units for one in world.of(made).terms.stands] == [1]
    world.check_books()


# --- carts
def ordered_cart(world, terms, *lines):
    made = world.placed_with(terms, *lines, settle=False, reservation_id="us-res-1")
    assert world.of(made).claiming
    return made


def claimed(world, order_id, *parts):
    """The cart answers; what the order does then with its parts, by place."""
    seen = len(world.sent)
    world.do("order", order_id, CartAnswered("us-res-1", [HeldPart(place, lines) for place, lines in parts]))
    told = list(world.sent.values())[seen:]
    return {
        (type(one.message.command).__name__, one.message.entity_id): dict(one.message.command.lines)
        for one in told
        if type(one.message.command) is not WaitInLine
    }


def test_a_cart_tears_a_group():
    world = Terms3()
    made = ordered_cart(world, SET, ("a", 2), ("b", 2))
    told = claimed(world, made, (PLACE, [("a", 2)]), (OTHER, [("b", 2)]))
    assert told == {("Unreserve", PLACE): {"a": 2}, ("Unreserve", OTHER): {"b": 2}}
    whole = ordered_cart(world, SET, ("a", 2), ("b", 2))
    assert claimed(world, whole, (OTHER, [("a", 2), ("b", 2)])) == {("Convert", OTHER): {"a": 2, "b": 2}}


def test_a_cart_gives_what_is_not_wanted_any_more():
    world = Terms3()
    made = ordered_cart(world, WHOLE, ("a", 5), ("b", 1))
    world.do("order", made, ChangeOrder([LineChange(1, 2)]))
    told = claimed(world, made, (PLACE, [("a", 5), ("b", 1)]))
    assert told == {("Unreserve", PLACE): {"a": 3}, ("Convert", PLACE): {"a": 2, "b": 1}}
