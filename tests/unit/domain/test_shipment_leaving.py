"""Of parcels that leave one by one the order is shipped more than once, or the later ones never leave."""

from __future__ import annotations

import pytest

from actors.domain import ids
from actors.domain.manifest_commands import CompleteHandOver
from actors.domain.order_commands import UpdateOrder
from actors.domain.shipment_commands import (
    AskLabel,
    AskVoid,
    ClearParcel,
    NoteLabel,
    NoteLabelRefused,
    NoteVoided,
    TryLabel,
)
from actors.domain.shipment_state import allowed_steps, is_over, status_of
from tests.unit.domain.packing_world import DOCK, ORDER, SEATTLE, SHIPMENT, PackingWorld, handed_over, refused


@pytest.fixture
def world():
    return PackingWorld()


def test_a_parcel_that_leaves_does_not_ship_the_order_just_once(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.label(1)
    world.label(2)
    number = handed_over(world, 1)
    assert world.status() == "shipped"
    assert world.stock("a") == (48, 0)
    world.at_dock(CompleteHandOver(number, leave=True))
    assert [one.place for one in world.shipment().parcels] == ["handed_over", "waiting"]
    assert [one.sscc for one in world.dock().waiting] == [world.shipment().parcels[1].sscc]
    again = handed_over(world, 2)
    world.at_dock(CompleteHandOver(again))
    assert {one.place for one in world.shipment().parcels} == {"handed_over"}
    assert len([e for e, _ in world.events["order", ORDER] if getattr(e, "to", "") == "shipped"]) == 1


def both_packed_and_one_gone(world, asked=""):
    """The second parcel's label: not asked for, or `asked` and not answered; its key."""
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.label(1)
    key = world.step(AskLabel(2, "post", "standard", "pdf", b"request", DOCK)).key if asked else ""
    world.at_dock(CompleteHandOver(handed_over(world, 1)))
    assert [one.place for one in world.shipment().parcels] == ["handed_over", ""]
    return key


def the_second_leaves(world):
    assert [one.parcel for one in world.dock().waiting] == [2]
    world.at_dock(CompleteHandOver(handed_over(world, 2)))
    assert is_over(world.shipment())


def test_a_parcel_without_a_label_when_the_first_has_left_never_leaves(world):
    both_packed_and_one_gone(world)
    assert allowed_steps(world.shipment()) == ["label", "void", "hand_over", "reopen_parcel"]
    world.label(2)
    the_second_leaves(world)
    assert allowed_steps(world.shipment()) == []


def test_a_label_that_is_sold_after_the_first_parcel_left_is_paid_for_nothing(world):
    key = both_packed_and_one_gone(world, asked="in time")
    assert world.step(TryLabel(2, key)).status == "asked"
    world.step(NoteLabel(2, key, "T2", b"document", 700, "USD"))
    the_second_leaves(world)


def test_a_parcel_that_the_carrier_refused_before_the_first_left_is_never_sold_another_label(world):
    key = both_packed_and_one_gone(world, asked="in time")
    world.step(NoteLabelRefused(2, key, "carrier.too_heavy"))
    world.label(2)
    the_second_leaves(world)


def test_a_label_can_not_be_given_back_once_another_parcel_has_left(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.label(1)
    world.label(2)
    ticket = world.step(AskVoid(2))
    world.at_dock(CompleteHandOver(handed_over(world, 1)))
    world.step(NoteVoided(2, ticket.key))
    assert world.shipment().parcels[1].label.status == "voided"
    world.label(2, dock=ids.dock_id(SEATTLE, "other"))
    assert world.shipment().parcels[1].place == "waiting"
    # What stands at a dock may be before the driver at this moment.
    refused(world, AskVoid(2), "shipment.illegal_transition")


def test_a_label_is_given_back_while_the_order_is_asked_for_another_parcel(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.label(1)
    key = world.step(AskLabel(2, "post", "standard", "pdf", b"request", DOCK)).key
    world.do("shipment", SHIPMENT, ClearParcel(1, DOCK))
    assert status_of(world.shipment()) == "leaving"
    world.do("shipment", SHIPMENT, NoteLabel(2, key, "T2", b"document", 700, "USD"))
    refused(world, AskVoid(2), "shipment.illegal_transition")
    # The order is cancelled at the last moment: nothing of it may stay at the dock.
    world.do("order", ORDER, UpdateOrder("cancel"))
    world.settle()
    assert status_of(world.shipment()) == "unpacking"
    assert world.dock().waiting == []
