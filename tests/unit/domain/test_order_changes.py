"""Changes of orders after their placement: units left behind or given back twice, goods in hands that nobody wants."""

from __future__ import annotations

import pytest

from actors.domain import ids
from actors.domain.floor_commands import PutBack
from actors.domain.floor_state import status_of as work_status
from actors.domain.order_commands import PlaceOrder
from actors.domain.order_state import Line, ShipTo
from actors.domain.order_terms_commands import NewAddress
from actors.domain.order_terms_state import Terms
from tests.unit.domain.floor_world import OTHER, PLACE, refused
from tests.unit.domain.terms_world import Terms3


@pytest.fixture
def world():
    return Terms3(here={"a": 5, "b": 5}, there={"a": 5})


def test_units_of_a_smaller_line_stay_allocated_or_on_the_floor(world):
    made = world.placed_with(None, ("a", 4), ("b", 2))
    told = world.change(made, (1, 1))
    assert (told.refund.amount, told.total.amount) == (300, 300)
    assert world.served(made) == {PLACE: {"a": 1, "b": 2}}
    assert {sku: line.wanted for sku, line in world.work(f"{made}.1").lines.items()} == {"a": 1, "b": 2}
    world.check_books()
    again = world.change(made, (1, 1))
    assert (again.refund.amount, again.lines) == (0, [])


def test_a_cancelled_line_leaves_an_empty_fulfilment_on_the_floor(world):
    made = world.placed_with(None, ("a", 7), ("b", 1))
    assert world.served(made) == {PLACE: {"a": 5, "b": 1}, OTHER: {"a": 2}}
    world.change(made, (1, 0))
    assert world.served(made) == {PLACE: {"b": 1}}
    world.change(made, (1, 0), (2, 1))
    refused("order.nothing_left", lambda: world.change(made, (2, 0)))
    world.check_books()


def test_what_was_asked_for_and_is_not_wanted_any_more_is_kept(world):
    made = world.placed_with(None, ("a", 7), settle=False)
    told = world.change(made, (1, 2), settle=False)
    assert told.refund.amount == 500
    world.settle()
    assert sum(n for lines in world.served(made).values() for n in lines.values()) == 2
    assert world.missing(made) == {}
    world.check_books()


def test_what_is_backordered_is_not_taken_off_first(world):
    made = world.placed_with(None, ("a", 14))
    assert world.missing(made) == {"a": 4}
    world.change(made, (1, 10))
    assert (world.missing(made), world.of(made).retry_at_ms) == ({}, None)
    assert world.served(made) == {PLACE: {"a": 5}, OTHER: {"a": 5}}


def test_what_is_being_picked_is_changed_or_not_told(world):
    made = world.placed_with(None, ("a", 7))
    number = next(f.number for f in world.of(made).fulfilments if f.location_id == OTHER)
    world.step(made, "start_picking", fulfilment=number)
    refused("order.too_late_to_change", lambda: world.change(made, (1, 1)))
    told = world.change(made, (1, 2))
    assert told.lines[0].quantity == 2
    assert world.served(made) == {OTHER: {"a": 2}}
    assert world.floor().works == {}
    world.check_books()


def test_some_wishes_harm_the_others(world):
    made = world.placed_with(None, ("a", 7), ("b", 1))
    number = next(f.number for f in world.of(made).fulfilments if f.location_id == OTHER)
    world.step(made, "start_picking", fulfilment=number)
    told = world.change(made, (1, 1), (2, 0))
    assert [(one.line, one.quantity) for one in told.lines] == [(2, 0)]
    (why,) = told.not_changed
    assert (why.code, why.line, why.quantity_min, why.fulfilments) == (
        "order.too_late_to_change",
        1,
        2,
        [f"{made}.{number}"],
    )


def test_goods_in_hands_that_nobody_wants_any_more_are_nowhere(world):
    made = world.placed_with(None, ("a", 3))
    world.plan()
    told = world.claim("mia")
    world.pick("mia", told.trip, 1, 2)
    # The floor's question whether it may is on its way.
    world.change(made, (1, 1))
    work = world.work(f"{made}.1")
    assert (work.lines["a"].wanted, work.lines["a"].picked) == (1, 1)
    (back,) = [name for name in world.floor().works if name != f"{made}.1"]
    assert work_status(world.work(back)) == "put_back"
    world.do("floor", PLACE, PutBack(back, "a", "", 1, "A-01"))
    world.settle()
    assert list(world.floor().works) == [f"{made}.1"]
    world.step(made, "pack")
    assert not world.parked
    world.check_books()


def test_an_order_that_goes_whole_waits_for_what_nobody_wants_any_more():
    world = Terms3(here={"a": 5}, there={"a": 2})
    made = world.placed_with(Terms(ship_complete=True), ("a", 7))
    first = next(f.number for f in world.of(made).fulfilments if f.location_id == OTHER)
    world.step(made, "start_picking", fulfilment=first)
    world.step(made, "short_pick", fulfilment=first, lines=[("a", 1)])
    assert world.work(f"{made}.{3 - first}").held
    world.change(made, (1, 6))
    assert not world.work(f"{made}.{3 - first}").held
    assert world.missing(made) == {}


def test_more_is_asked_for_twice_or_never(world):
    made = world.placed_with(None, ("a", 2))
    told = world.change(made, (1, 6), places=world.seen(["a"]))
    assert told.refund.amount == -400
    assert sum(n for lines in world.served(made).values() for n in lines.values()) == 6
    world.check_books()
    world.change(made, (1, 20), places=[])
    assert (world.missing(made), world.of(made).retry_at_ms is not None) == ({"a": 10}, True)


def test_more_is_taken_while_places_are_asked(world):
    made = world.placed_with(None, ("a", 2), settle=False)
    refused("order.allocation_under_way", lambda: world.change(made, (1, 6), settle=False))


def test_more_is_taken_when_it_is_too_late_for_all_else(world):
    made = world.placed_with(None, ("a", 2))
    refused("order.cut_off_passed", lambda: world.change(made, (1, 3), cut_offs={PLACE: world.now_ms}))
    world.plan()
    world.claim("mia")
    world.settle()
    refused("order.too_late_to_change", lambda: world.change(made, (1, 3)))
    assert world.served(made) == {PLACE: {"a": 2}}


def test_more_of_a_group_tears_it(world):
    made = world.placed_with(Terms(groups=["g", "g"]), ("a", 2), ("b", 2))
    refused("order.line_grouped", lambda: world.change(made, (1, 3)))
    world.change(made, (1, 1))
    assert world.served(made) == {PLACE: {"a": 1, "b": 2}}


def test_what_stands_in_is_not_given_back_first():
    world = Terms3(here={"a": 2, "x": 5})
    made = world.placed_with(Terms(substitutes=[["x"], []]), ("a", 4), ("x", 1), more=["x"])
    assert world.served(made) == {PLACE: {"a": 2, "x": 3}}
    world.change(made, (1, 3))
    assert world.served(made) == {PLACE: {"a": 2, "x": 2}}
    world.change(made, (2, 0))
    assert world.served(made) == {PLACE: {"a": 2, "x": 1}}
    assert (world.missing(made), [one.units for one in world.of(made).terms.stands]) == ({}, [1])
    world.check_books()


def test_the_cut_off_of_the_place_is_not_heeded(world):
    made = world.placed_with(None, ("a", 2))
    refused("order.cut_off_passed", lambda: world.change(made, (1, 1), cut_offs={PLACE: world.now_ms}))
    world.change(made, (1, 1), cut_offs={PLACE: world.now_ms - 1})


def test_an_address_is_changed_on_top_of_another_change_or_too_late(world):
    made = world.placed_with(None, ("a", 2))
    to = NewAddress(ShipTo("US", "98104"))
    assert world.change(made, address=to).readdressed
    assert world.of(made).ship_to.postcode == "98104"
    refused("order.changed_meanwhile", lambda: world.change(made, address=NewAddress(sealed=b"new", was=b"other")))
    world.plan()
    world.claim("mia")
    world.settle()
    refused("order.too_late_to_change", lambda: world.change(made, address=to))


def test_a_floor_does_not_hear_that_it_is_urgent_now(world):
    made = world.placed_with(None, ("a", 2))
    assert world.change(made, service_level="express").service_level == "express"
    assert world.work(f"{made}.1").priority == 50
    assert world.change(made, service_level="express").service_level is None, "it is told as new once more"


def test_what_is_picked_becomes_urgent_or_what_nobody_has_yet_can_not(world):
    made, waiting = world.placed_with(None, ("a", 2)), world.placed_with(None, ("c", 1))
    world.plan()
    world.claim("mia")
    world.settle()
    refused("order.too_late_to_change", lambda: world.change(made, service_level="express"))
    assert world.change(waiting, service_level="express").service_level == "express"


def test_a_kit_is_changed_by_halves(world):
    order_id = ids.new_order_id("us", world.now_ms, "kit")
    place = PlaceOrder(
        "",
        "online",
        "",
        "US",
        ShipTo("US"),
        "USD",
        [Line("k", 2, 500)],
        world.seen("ab"),
        kits={"k": [("a", 1), ("b", 2)]},
    )
    world.do("order", order_id, place)
    world.settle()
    told = world.change(order_id, (1, 1))
    assert (told.refund.amount, world.served(order_id)) == (500, {PLACE: {"a": 1, "b": 2}})
    world.check_books()
