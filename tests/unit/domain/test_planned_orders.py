"""Orders that sourcing has made a plan for: they ask by it, and go on among the places that it left."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain import allocation, order
from actors.domain.kind import Context
from actors.domain.location_commands import Allocate
from actors.domain.order_commands import PlaceOrder
from actors.domain.order_events import AllocationAsked, OrderPlaced
from actors.domain.order_state import (
    ShipTo,
    missing_of,
    order_row,
    restored,
)
from actors.domain.order_views import order_view
from tests.unit.domain.test_order import NOW_MS, Cell

DAY_MS = 86_400_000


def asked(cell):
    return [(one.entity_id, one.command.lines) for one in cell.post if type(one.command) is Allocate]


def served(cell):
    return {f.location_id: f.lines for f in cell.order.fulfilments}


def test_the_nearest_is_asked_though_the_plan_says_another():
    cell = Cell(near={"a": 5}, far={"a": 5})
    cell.place([("a", 2)], "near", "far", plan=[("far", {"a": 2})])
    assert asked(cell) == [("far", [("a", 2)])]
    assert served(cell.deliver_all()) == {"far": [("a", 2)]}


def test_more_than_three_places_are_not_asked_though_the_policy_allows_them():
    cell = Cell(p={"a": 1}, q={"a": 1}, r={"a": 1}, s={"a": 1})
    cell.place([("a", 4)], *"pqrs", plan=[(name, {"a": 1}) for name in "pqrs"], splits=4)
    assert len(cell.post) == 4
    assert cell.deliver_all().status == "allocated"


def test_what_a_planned_place_did_not_give_is_not_asked_of_the_next_by_cost():
    cell = Cell(first={"a": 5}, second={"a": 5}, third={"a": 5})
    cell.place([("a", 4)], "first", "second", "third", plan=[("first", {"a": 4})])
    cell.places["first"].stock["a"].allocated = 4
    cell.deliver_all()
    assert served(cell) == {"first": [("a", 1)], "second": [("a", 3)]}


def test_a_policy_of_one_place_is_split_when_that_gave_less():
    cell = Cell(first={"a": 5}, second={"a": 5})
    cell.place([("a", 4)], "first", "second", plan=[("first", {"a": 4})], splits=1)
    cell.places["first"].stock["a"].allocated = 4
    assert cell.deliver_all().status == "partly_allocated"
    assert (served(cell), missing_of(cell.order)) == ({"first": [("a", 1)]}, {"a": 3})


def test_a_plan_of_nobody_asks_somebody():
    cell = Cell(near={"a": 5})
    cell.place([("a", 2)], plan=[])
    assert (cell.status, cell.post, cell.order.retry_places) == ("backordered", [], [])


def test_each_part_is_not_promised_for_when_its_place_can():
    cell = Cell(p={"a": 1}, q={"a": 5})
    by = [NOW_MS + DAY_MS, NOW_MS + 3 * DAY_MS]
    cell.place([("a", 3)], "p", "q", plan=[("p", {"a": 1}), ("q", {"a": 2})], promised=by)
    cell.deliver_all()
    view = order_view("us-o", cell.order, cell.version)
    assert [f.promised_by.timestamp() * 1000 for f in view.fulfilments] == by
    assert view.promised_by.timestamp() * 1000 == max(by)
    assert restored(order_row("us-o", cell.order, cell.version).state) == cell.order


@pytest.mark.parametrize("more", [{"reservation_id": "us-resv-1"}, {"lines": [("a", 3)]}])
def test_something_is_promised_of_what_is_not_planned_whole(more):
    cell = Cell(p={"a": 1})
    lines = more.pop("lines", [("a", 1)])
    cell.place(lines, "p", plan=[("p", {"a": 1})], promised=[NOW_MS + DAY_MS], **more)
    assert cell.order.promised_by_ms is None
    assert order_view("us-o", cell.order, 1).promised_by is msgspec.UNSET


def test_the_decision_is_kept_in_the_state():
    cell = Cell(p={"a": 1})
    decision = cell.place([("a", 1)], "p", plan=[("p", {"a": 1})], sourcing=b"why it is so")
    assert decision.events[0].sourcing == b"why it is so"
    assert b"why it is so" not in order_row("us-o", cell.order, 1).state


UNITS = st.dictionaries(st.sampled_from("ab"), st.integers(0, 6), min_size=1)


@given(st.lists(UNITS, min_size=1, max_size=5), st.dictionaries(st.sampled_from("ab"), st.integers(1, 6), min_size=1))
@settings(max_examples=80, deadline=None)
def test_without_a_plan_another_place_is_asked_than_before_there_were_any(stock, need):
    """Byte for byte the events that were written before there were plans: field by field as they were then."""
    names = [f"p{number}" for number in range(len(stock))]
    places = [allocation.Place(name, here) for name, here in zip(names, stock, strict=True)]
    cell = Cell(**dict(zip(names, stock, strict=True)))
    cell.place(list(need.items()), *names)
    plan = allocation.plan(need, places)
    assert asked(cell) == [(name, sorted(part.items())) for name, part in plan]
    # And what a policy would have planned alike comes out alike, to the last place.
    other = Cell(**dict(zip(names, stock, strict=True)))
    other.place(list(need.items()), *names, plan=plan)
    assert (asked(other), other.order) == (asked(cell), cell.order)


def test_an_order_without_a_plan_is_written_otherwise_than_before():
    command = PlaceOrder("r", "online", "c", "US", ShipTo("US"), "USD", [], [])
    decision = order.decide(None, command, Context("us-o", "k", NOW_MS))
    (placed,) = decision.events
    assert type(placed) is OrderPlaced
    wanted = {"type", "order_ref", "channel", "customer_ref", "country", "ship_to", "currency", "lines", "places", "command_id", "retry_at_ms"}  # fmt: skip
    assert set(msgspec.to_builtins(placed)) == wanted
    assert set(msgspec.to_builtins(AllocationAsked([], []))) == {"type", "asks", "places"}
