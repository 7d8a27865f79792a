"""What is not there at the table, or breaks there, stays in the order or the books, leaves them twice, or holds
its shipment up for ever."""

from __future__ import annotations

import pytest

from actors.domain.errors import Refused
from actors.domain.manifest_commands import CompleteHandOver
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_terms_commands import ChangeOrder, LineChange
from actors.domain.shipment_commands import (
    CloseParcel,
    FinishPacking,
    MissingAnswered,
    OpenParcel,
    PackUnits,
    RemoveParcel,
    ReopenParcel,
    TakeOut,
    TellMissing,
)
from actors.domain.shipment_state import allowed_steps, is_over, left_of, status_of
from tests.unit.domain.packing_world import ORDER, SHIPMENT, PackingWorld, cancelled_unheard, handed_over, refused


@pytest.fixture
def world():
    return PackingWorld()


def test_what_is_missing_at_the_table_stays_in_the_order(world):
    world.opened(("a", 3))
    world.parcel(("a", 2))
    world.step(TellMissing([("a", 1)]))
    # Its place has another in the books, and gives that to the next of its fulfilments.
    assert [f.lines for f in world.the_order().fulfilments] == [[("a", 2)], [("a", 1)]]
    assert world.status() == "packed"
    assert world.stock("a") == (49, 3)


def test_nothing_is_left_and_the_order_waits_for_ever(world):
    world.opened(("a", 1))
    world.step(TellMissing([("a", 1)]))
    assert status_of(world.shipment()) == "cancelled"
    assert world.status() == "cancelled"


def test_units_went_missing_behind_the_packers_back(world):
    world.opened(("a", 3))
    world.update("short_pick", fulfilment=1, lines=[("a", 1)])
    world.parcel(("a", 3))
    assert status_of(world.shipment()) == "packing"
    assert world.shipment().code == "order.fulfilment_changed"
    assert left_of(world.shipment()) == {"a": -1}
    assert world.status() == "picking"
    refused(world, FinishPacking(), "shipment.not_all_packed")
    world.step(ReopenParcel(1))
    world.step(TakeOut(1, "a", 1))
    world.step(CloseParcel(1, 400, 50, 5))
    assert world.status() == "packed"


def test_units_that_the_picker_told_as_missing_leave_the_books_once_more_at_the_table(world):
    world.opened(("a", 3))
    world.update("short_pick", fulfilment=1, lines=[("a", 1)])
    world.parcel(("a", 2))
    assert left_of(world.shipment()) == {"a": 1}
    world.step(TellMissing([("a", 1)]))
    assert world.stock("a")[0] == 49
    assert (world.status(), status_of(world.shipment())) == ("packed", "packed")
    assert [f.lines for f in world.the_order().fulfilments] == [[("a", 2)], [("a", 1)]]


def test_a_sound_unit_is_written_off_because_the_customer_took_one_less(world):
    world.opened(("a", 3))
    world.update("pause_picking")
    world.do("order", ORDER, ChangeOrder(lines=[LineChange(1, 2)]))
    world.settle()
    world.update("start_picking")
    world.parcel(("a", 2), close=False)
    world.step(TellMissing([("a", 1)]))
    assert world.shipment().code == "order.fulfilment_changed"
    world.step(CloseParcel(1, 400, 50, 5))
    assert world.status() == "packed"
    assert world.stock("a") == (50, 2)


def test_all_that_is_left_of_a_fulfilment_is_packed_and_nobody_notices(world):
    world.opened(("a", 3))
    world.parcel(("a", 2))
    assert "finish" in allowed_steps(world.shipment())
    world.step(FinishPacking())
    assert (status_of(world.shipment()), world.shipment().code) == ("packing", "shipment.not_all_packed")
    world.update("short_pick", fulfilment=1, lines=[("a", 1)])
    world.step(FinishPacking())
    assert status_of(world.shipment()) == "packed"
    assert world.stock("a") == (49, 3)


def test_packing_goes_on_with_what_was_asked_before_it_is_answered(world):
    world.opened(("a", 3))
    world.parcel(("a", 1))
    world.update("short_pick", fulfilment=1, lines=[("a", 1)])
    world.do("shipment", SHIPMENT, FinishPacking())
    for command in (FinishPacking(), TellMissing([("a", 1)])):
        refused(world, command, "shipment.missing_asked")
    world.do("shipment", SHIPMENT, OpenParcel("M", (1, 1, 1), 200, 0))
    world.do("shipment", SHIPMENT, PackUnits(2, "a", 1))
    world.do("shipment", SHIPMENT, CloseParcel(2, 300, 50, 5))
    world.settle()
    assert (world.status(), status_of(world.shipment())) == ("packed", "packed")


@pytest.mark.parametrize("command", [TellMissing([("a", 2)]), FinishPacking()])
@pytest.mark.parametrize("part", [None, 1])
def test_a_shipment_of_a_cancelled_order_is_packed_for_ever_since_nothing_is_in_it(world, command, part):
    world.opened(("a", 2))
    word = cancelled_unheard(world, fulfilment=part)
    world.step(command)
    world.deliver(word)
    assert status_of(world.shipment()) == "cancelled"
    assert world.stock("a") == (50, 0)


def test_an_answer_from_before_orders_told_what_they_hold_is_not_understood(world):
    world.opened(("a", 3))
    world.parcel(("a", 2))
    world.do("shipment", SHIPMENT, TellMissing([("a", 1)]))
    state = world.shipment()
    state.asking = False  # as its row said then
    world.do("shipment", SHIPMENT, MissingAnswered())
    world.settle()
    assert state.wanted == {"a": 2}
    assert world.status() == "packed"


def test_a_unit_that_broke_once_all_was_packed_is_shipped_or_has_all_of_it_cancelled(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.step(ReopenParcel(2))
    world.step(TakeOut(2, "b", 1))
    world.step(RemoveParcel(2))
    # Only a shipment can tell: the picker is done with it.
    with pytest.raises(Refused, match="short_pick is not possible"):
        world.update("short_pick", fulfilment=1, lines=[("b", 1)])
    world.step(TellMissing([("b", 1)]))
    assert (status_of(world.shipment()), world.shipment().code, world.status()) == ("packed", "", "packed")
    # It has left the books, and another is asked for.
    assert [(f.status, f.lines) for f in world.the_order().fulfilments] == [
        ("packed", [("a", 2)]),
        ("allocated", [("b", 1)]),
    ]
    assert (world.stock("a"), world.stock("b")) == ((50, 2), (49, 1))
    world.label(1)
    world.at_dock(CompleteHandOver(handed_over(world, 1)))
    assert is_over(world.shipment())
    assert (world.status(), world.stock("a"), world.stock("b")) == ("shipped", (48, 0), (49, 1))


def test_parcels_of_an_order_that_was_shipped_without_them_wait_for_ever_for_a_unit_that_broke(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.step(ReopenParcel(2))
    world.update("ship")
    world.step(TakeOut(2, "b", 1))
    # With a carton open it is not known yet what follows.
    world.step(TellMissing([("b", 1)]))
    assert (status_of(world.shipment()), world.shipment().code) == ("packing", "order.illegal_transition")
    world.step(RemoveParcel(2))
    # Nobody says that it is not there: it was forgotten.
    world.step(FinishPacking())
    assert (status_of(world.shipment()), world.shipment().code) == ("packing", "shipment.not_all_packed")
    world.step(TellMissing([("b", 1)]))
    assert (status_of(world.shipment()), world.shipment().code) == ("packed", "order.illegal_transition")
    world.label(1)
    world.at_dock(CompleteHandOver(handed_over(world, 1)))
    assert is_over(world.shipment())
    # The books have it among what was shipped.
    assert (world.stock("a"), world.stock("b")) == ((48, 0), (49, 0))


def test_nothing_is_left_of_an_order_that_was_shipped_and_its_shipment_waits_for_ever(world):
    world.opened(("a", 1))
    world.update("pack")
    world.update("ship")
    world.step(TellMissing([("a", 1)]))
    assert (status_of(world.shipment()), world.status()) == ("cancelled", "shipped")


def test_all_that_was_packed_breaks_and_its_shipment_waits_for_ever(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    world.step(ReopenParcel(1))
    world.step(TakeOut(1, "a", 1))
    world.step(TellMissing([("a", 1)]))
    assert status_of(world.shipment()) == "cancelled"
    assert [(f.status, f.lines) for f in world.the_order().fulfilments] == [
        ("cancelled", []),
        ("allocated", [("a", 1)]),
    ]
    assert world.stock("a") == (49, 1)


def test_a_unit_of_a_packed_order_leaves_the_books_twice_since_two_told_of_it(world):
    world.opened(("a", 3))
    world.parcel(("a", 3))
    world.step(ReopenParcel(1))
    world.step(TakeOut(1, "a", 1))
    world.do("order", ORDER, UpdateOrder("short_pick", 1, lines=[("a", 1)], held=[("a", 3)]))
    world.settle()
    world.step(TellMissing([("a", 1)]))
    assert (world.shipment().code, left_of(world.shipment())) == ("order.fulfilment_changed", {})
    world.step(CloseParcel(1, 400, 50, 5))
    assert (status_of(world.shipment()), world.stock("a")) == ("packed", (49, 3))
