from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.domain import location, order, order_steps
from actors.domain.allocation import Place
from actors.domain.errors import Refused
from actors.domain.kind import Context, Message
from actors.domain.location_commands import ReceiptLine, ReceiveStock, Release
from actors.domain.location_events import LocationOpened
from actors.domain.location_state import Stock
from actors.domain.order_commands import PlaceOrder, ReservationAnswered, RetryAllocation, UpdateOrder
from actors.domain.order_evolve import evolve
from actors.domain.order_state import (
    Line,
    ShipTo,
    missing_of,
    order_row,
    restored,
    status_of,
)
from actors.domain.order_views import ViewOrder

NOW_MS = 1_767_225_600_000
SKUS = ("a", "b")


class Cell:
    """One order and its locations; messages between them lie in `post` until somebody delivers them, in any order."""

    def __init__(self, **stock) -> None:
        self.order, self.version, self.post = None, 0, []
        self.places = {}
        for name, units in stock.items():
            opened = LocationOpened("store", name, "", "US", 0.0, 0.0, "UTC")
            self.places[name] = location.Location(opened, {sku: Stock(n) for sku, n in units.items()})

    def tell(self, command):
        context = Context("us-o", "key", NOW_MS)
        decision = order.decide(self.order, command, context)
        for event in decision.events:
            self.order = evolve(self.order, event, context)
            self.post.extend(order.messages("us-o", event))
        self.version += len(decision.events)
        return decision

    def place(self, lines, *seen, **more):
        known = [Place(name, {sku: stock.available for sku, stock in self.places[name].stock.items()}) for name in seen]
        priced = [Line(sku, units, 100) for sku, units in lines]
        return self.tell(PlaceOrder("ref", "online", "c", "US", ShipTo("US"), "USD", priced, known, **more))

    def deliver(self, which=0):
        message = self.post.pop(which)
        if message.kind == "order":
            self.tell(message.command)
            return
        if message.kind == "shipment":  # of which there are none here
            assert order.on_reply(message, b"{}", refused=True) is None
            return
        context = Context(message.entity_id, "message", NOW_MS)
        state = self.places[message.entity_id]
        decision = location.decide(state, message.command, context)
        for event in decision.events:
            location.evolve(state, event, context)
            self.post.extend(location.LOCATION.messages(message.entity_id, event))
        if message.on_reply:
            reply = msgspec.json.encode(decision.reply(state, 1))
            self.tell(order.on_reply(message, reply, refused=False))

    def receive(self, name, *lines):
        received = ReceiveStock([ReceiptLine(sku, units) for sku, units in lines])
        self.post.append(Message("location", name, received))

    def deliver_all(self):
        while self.post:
            self.deliver()
        return self

    @property
    def status(self):
        return status_of(self.order)

    def allocated(self, name, sku="a"):
        return self.places[name].stock[sku].allocated


def update(name, **more):
    return UpdateOrder(name, **more)


def test_an_order_can_not_live_to_its_end():
    cell = Cell(near={"a": 5})
    assert cell.place([("a", 2)], "near").provisional
    assert cell.status == "placed"
    assert cell.deliver_all().status == "allocated"
    for step, status in (
        ("start_picking", "picking"), ("pause_picking", "allocated"), ("start_picking", "picking"),
        ("pack", "packed"), ("ship", "shipped"), ("deliver", "delivered"),
    ):  # fmt: skip
        cell.tell(update(step))
        assert cell.deliver_all().status == status
    assert (cell.places["near"].stock["a"].on_hand, cell.allocated("near")) == (3, 0)


@pytest.mark.parametrize("step", ["pack", "ship", "deliver", "pause_picking", "short_pick", "allocate"])
def test_an_illegal_step_is_taken_or_refused_without_saying_what_is_allowed(step):
    cell = Cell(near={"a": 5})
    cell.place([("a", 2)], "near")
    cell.deliver_all()
    with pytest.raises(Refused) as refused:
        cell.tell(update(step, lines=[("a", 1)]))
    body = refused.value.body
    assert body.code == "order.illegal_transition"
    assert body.extra["status"] == "allocated"
    assert sorted(body.extra["allowed"]) == ["cancel", "start_picking"]


def test_a_cancelled_order_keeps_stock():
    cell = Cell(near={"a": 5})
    cell.place([("a", 2)], "near")
    cell.deliver_all()
    cell.tell(update("cancel"))
    assert cell.deliver_all().status == "cancelled"
    assert cell.allocated("near") == 0
    with pytest.raises(Refused):
        cell.tell(update("cancel"))


def test_a_reservation_that_comes_after_the_cancellation_is_kept():
    cell = Cell(near={"a": 5})
    cell.place([("a", 2)], "near")
    cell.tell(update("cancel"))
    cell.deliver_all()
    assert (cell.status, cell.allocated("near")) == ("cancelled", 0)


def test_the_caller_never_hears_the_end_of_a_placement():
    cell = Cell(near={"a": 5})
    cell.place([("a", 2)], "near")
    message = cell.post[0]
    decision = cell.tell(ReservationAnswered(message.command.fulfilment, "near", [("a", 2)]))
    assert [answer.command_id for answer in decision.answers] == ["key"]


def test_stock_that_was_gone_is_not_asked_for_elsewhere():
    cell = Cell(near={"a": 5}, far={"a": 5})
    cell.place([("a", 4)], "near", "far")
    cell.places["near"].stock["a"].allocated = 5
    cell.deliver_all()
    assert (cell.status, cell.allocated("far")) == ("allocated", 4)


def test_what_nobody_has_is_forgotten():
    cell = Cell(near={"a": 1})
    cell.place([("a", 3)], "near")
    assert cell.deliver_all().status == "partly_allocated"
    assert missing_of(cell.order) == {"a": 2}
    assert cell.order.retry_at_ms > NOW_MS
    cell.receive("near", ("a", 1))
    assert missing_of(cell.deliver_all().order) == {"a": 1}
    cell.receive("near", ("a", 5))
    assert (cell.deliver_all().status, cell.allocated("near"), cell.order.retry_at_ms) == ("allocated", 3, None)


def test_a_short_pick_is_not_replaced_from_another_place():
    cell = Cell(near={"a": 2}, far={"a": 5})
    cell.place([("a", 2)], "near", "far")
    cell.deliver_all().tell(update("start_picking"))
    cell.tell(update("short_pick", lines=[("a", 1)]))
    cell.deliver_all()
    assert (cell.places["near"].stock["a"].on_hand, cell.allocated("near"), cell.allocated("far")) == (1, 1, 1)
    with pytest.raises(Refused) as refused:
        cell.tell(update("short_pick", lines=[("a", 2)], fulfilment=1))
    assert refused.value.body.code == "order.short_pick_too_much"


def test_an_order_is_never_over_when_nothing_of_a_part_was_found():
    cell = Cell(near={"a": 2}, far={"a": 5})
    cell.place([("a", 2)], "near", "far")
    cell.deliver_all().tell(update("start_picking"))
    cell.tell(update("short_pick", lines=[("a", 1)]))
    cell.tell(update("short_pick", lines=[("a", 1)], fulfilment=1))
    assert [message.command for message in cell.post if type(message.command) is Release] == []
    assert (cell.deliver_all().status, cell.order.fulfilments[0].status) == ("allocated", "cancelled")
    for step in ("start_picking", "pack", "ship", "deliver"):
        cell.tell(update(step))
        cell.deliver_all()
    assert (cell.status, cell.places["near"].stock["a"].on_hand, cell.allocated("far")) == ("delivered", 0, 0)


def test_an_order_of_which_nothing_was_found_is_not_told_that_it_can_be_cancelled():
    cell = Cell(near={"a": 2})
    cell.place([("a", 2)], "near")
    cell.deliver_all().tell(update("start_picking"))
    cell.tell(update("short_pick", lines=[("a", 2)]))
    assert cell.deliver_all().status == "backordered"
    with pytest.raises(Refused) as refused:
        cell.tell(update("pack"))
    assert refused.value.body.extra["allowed"] == ["cancel", "allocate"]
    cell.tell(update("cancel"))
    assert cell.status == "cancelled"
    with pytest.raises(Refused) as refused:
        cell.tell(update("pack"))
    assert refused.value.body.extra["allowed"] == []


def test_a_kit_is_asked_for_as_if_it_had_stock_of_its_own():
    cell = Cell(near={"plate": 4, "cup": 1}, far={"plate": 9, "cup": 9})
    cell.place([("set", 2), ("cup", 1)], "near", "far", kits={"set": [("plate", 2), ("cup", 1)]})
    cell.deliver_all()
    assert cell.status == "allocated"
    assert (cell.allocated("far", "plate"), cell.allocated("far", "cup")) == (4, 3), "the nearest that has all of it"
    assert [(line.sku, line.quantity) for line in cell.order.lines] == [("set", 2), ("cup", 1)]
    cell.tell(update("cancel"))
    cell.deliver_all()
    assert cell.allocated("far", "plate") == cell.allocated("far", "cup") == 0


def test_a_kit_of_which_a_part_is_missing_is_told_as_served():
    cell = Cell(near={"plate": 4, "cup": 0})
    cell.place([("set", 2)], "near", kits={"set": [("plate", 2), ("cup", 1)]})
    cell.deliver_all()
    assert (cell.status, missing_of(cell.order)) == ("partly_allocated", {"cup": 2})


def test_the_first_round_goes_over_more_places_than_the_order_may():
    cell = Cell(one={"a": 1}, two={"a": 1})
    cell.place([("a", 2)], "one", "two", splits=1)
    assert [message.entity_id for message in cell.post] == ["one"]


def test_a_later_round_goes_over_more_places_than_the_order_may():
    cell = Cell(one={"a": 1}, two={"a": 1}, three={"a": 1})
    cell.place([("a", 3)], "one", splits=1)
    cell.deliver_all()
    cell.tell(update("allocate", places=[Place(name, {"a": 1}) for name in ("two", "three")]))
    assert [message.entity_id for message in cell.post] == ["two"]


def test_a_place_that_came_to_stock_after_the_order_is_not_asked_for_what_was_not_found():
    cell = Cell(near={"a": 2}, late={"a": 5})
    cell.place([("a", 2)], "near")
    cell.deliver_all().tell(update("start_picking"))
    seen = [Place("near", {"a": 9}), Place("empty", {"a": 0}), Place("late", {"a": 5})]
    cell.tell(update("short_pick", lines=[("a", 1)], places=seen))
    cell.deliver_all()
    assert (cell.allocated("near"), cell.allocated("late")) == (1, 1)


STEPS = st.one_of(
    st.sampled_from(sorted(order_steps.STEPS)).map(lambda name: ("step", name)),
    st.sampled_from(("allocate", "retry")).map(lambda name: (name, "")),
    st.integers(0, 5).map(lambda which: ("deliver", which)),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 4)), min_size=1, max_size=3),
    st.lists(st.dictionaries(st.sampled_from(SKUS), st.integers(0, 5)), min_size=1, max_size=4),
    st.lists(STEPS, max_size=30),
)
def test_stock_and_orders_disagree_after_some_order_of_steps_and_messages(lines, stocks, steps):
    cell = Cell(**{f"l{n}": {"a": 0, "b": 0} | stock for n, stock in enumerate(stocks)})
    # The order sees more than there is: what it proposes is not always what it gets.
    known = [Place(name, {"a": 3, "b": 3}) for name in cell.places]
    cell.tell(PlaceOrder("", "online", "", "US", ShipTo("US"), "USD", [Line(s, n, 1) for s, n in lines], known))
    for kind, which in steps:
        if kind == "deliver":
            if cell.post:
                cell.deliver(which % len(cell.post))
            continue
        try:
            if kind == "retry":
                cell.tell(RetryAllocation())
            elif kind == "allocate":
                cell.tell(update("allocate", places=known))
            else:
                cell.tell(update(which, lines=[("a", 1)] if which == "short_pick" else []))
        except Refused:
            continue
        assert status_of(restored(order_row("us-o", cell.order, cell.version).state)) == cell.status
        order.view(cell.order, ViewOrder("us-o"), cell.version)
    cell.deliver_all()
    held = {}
    for fulfilment in cell.order.fulfilments:
        assert fulfilment.status != "reserving" or cell.order.cancelled
        if fulfilment.status in ("allocated", "picking", "packed"):
            for sku, units in fulfilment.lines:
                held[fulfilment.location_id, sku] = held.get((fulfilment.location_id, sku), 0) + units
    for name, place in cell.places.items():
        for sku, stock in place.stock.items():
            assert stock.allocated == held.get((name, sku), 0)
    ordered = {sku: sum(n for s, n in lines if s == sku) for sku in SKUS}
    assert all(sum(n for (_, s), n in held.items() if s == sku) <= ordered[sku] for sku in SKUS)


def split_order():
    """One fulfilment at `near`, one at `far`, both allocated."""
    cell = Cell(near={"a": 1}, far={"a": 2})
    cell.place([("a", 3)], "near", "far")
    assert [(f.location_id, f.status) for f in cell.deliver_all().order.fulfilments] == [
        ("near", "allocated"), ("far", "allocated"),
    ]  # fmt: skip
    return cell


def statuses(cell):
    return {f.location_id: f.status for f in cell.order.fulfilments}


def test_somebody_moves_what_is_at_a_location_that_their_rights_do_not_reach():
    cell = split_order()
    cell.tell(update("start_picking", within=["near"]))
    assert statuses(cell) == {"near": "picking", "far": "allocated"}
    far = next(f.number for f in cell.order.fulfilments if f.location_id == "far")
    for step in (
        update("start_picking", fulfilment=far, within=["near"]),
        update("start_picking", within=["elsewhere"]),
        update("short_pick", fulfilment=far, lines=[("a", 1)], within=["near"]),
        update("cancel", within=["near"]),
        update("cancel", fulfilment=far, within=["near"]),
        update("allocate", within=["near", "far"]),
    ):
        with pytest.raises(Refused) as refused:
            cell.tell(step)
        assert refused.value.body.code == "order.location_forbidden", step
        assert statuses(cell) == {"near": "picking", "far": "allocated"}


def test_somebody_with_rights_at_every_location_of_an_order_can_not_cancel_it():
    cell = split_order()
    cell.tell(update("cancel", within=["near", "far", "other"]))
    assert cell.status == "cancelled"


def test_an_order_that_is_served_from_nowhere_is_cancelled_by_somebody_bound_to_a_location():
    cell = Cell(near={"a": 0})
    cell.place([("a", 3)], "near")
    assert not cell.deliver_all().order.fulfilments
    with pytest.raises(Refused) as refused:
        cell.tell(update("cancel", within=["near"]))
    assert refused.value.body.code == "order.location_forbidden"


def test_rights_hide_that_there_is_no_such_fulfilment_or_that_a_step_is_illegal():
    cell = split_order()
    for step, code in (
        (update("start_picking", fulfilment=99, within=["near"]), "order.fulfilment_unknown"),
        (update("ship", within=["near"]), "order.illegal_transition"),
    ):
        with pytest.raises(Refused) as refused:
            cell.tell(step)
        assert refused.value.body.code == code
