"""What the audit says of holds and changes of orders: what could not be proved afterwards."""

from __future__ import annotations

from actors.domain.acts import of_order
from actors.domain.audit import Act
from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.order_refund_commands import GiveRefund, WantRefund
from actors.domain.order_refund_events import RefundGiven
from actors.domain.order_state import ShipTo
from actors.domain.order_terms_commands import (
    ChangeOrder,
    HoldOrder,
    LineChange,
    NewAddress,
    PrioritiseOrder,
    ReleaseOrder,
)
from tests.unit.domain.floor_world import OTHER
from tests.unit.domain.terms_world import Terms3


def act(world, order_id, command):
    state, _ = world.entities["order", order_id]
    decision = KINDS["order"].decide(state, command, Context(order_id, "c", world.now_ms))
    told = of_order(state, command, decision.events)
    world.say(order_id, command)
    return told.action, told.changes


def test_nobody_can_tell_later_who_released_or_changed_what():
    world = Terms3(here={"a": 5})
    made = world.placed_with(None, ("a", 3))
    assert act(world, made, HoldOrder(["fraud"])) == ("order.hold", {"holds": ("", "fraud")})
    assert act(world, made, HoldOrder(["fraud"])) == ("order.hold", {})
    assert act(world, made, HoldOrder(["address"])) == ("order.hold", {"holds": ("fraud", "fraud,address")})
    assert act(world, made, ReleaseOrder(["fraud"])) == ("order.release", {"holds": ("fraud,address", "address")})
    assert act(world, made, PrioritiseOrder(4)) == ("order.prioritise", {"priority": (None, 4)})
    wished = ChangeOrder([LineChange(1, 1)], NewAddress(ShipTo("US", "98104")), "express")
    name, changes = act(world, made, wished)
    assert (name, changes) == (
        "order.change",
        {"line.1": (3, 1), "address": (None, "changed"), "service_level": ("standard", "express")},
    )
    assert "98104" not in str(changes)


def test_nobody_can_tell_later_what_was_given_back_and_why():
    world = Terms3(there={"a": 3})
    made = world.placed_with(None, ("a", 3))
    state = world.of(made)
    for amount, changes in ((120, {"amount_minor": (None, 120), "currency": (None, "USD")}), (301, {})):
        events = [RefundGiven(1, amount, "USD", "late")] if changes else []
        told = of_order(state, GiveRefund(amount, "USD", "late"), events)
        assert told == Act("refund.give", OTHER, "late", changes)
    asked = of_order(state, WantRefund(GiveRefund(300, "USD", "price")), [])
    assert asked == Act("refund.want", OTHER, "price")
    # What one person may not give alone is asked for, and not given.
    assert of_order(state, GiveRefund(120, "USD", "late", alone_minor_max=119), []) == Act("refund.want", OTHER, "late")
