"""A parcel can not be opened again when it has to be, or is when it must not, or the order is asked once more for what was in it."""

from __future__ import annotations

import pytest

from actors.domain.manifest_commands import CompleteHandOver, ScanParcel
from actors.domain.shipment_commands import (
    AskLabel,
    CloseParcel,
    FinishPacking,
    NoteLabelRefused,
    ReopenParcel,
    TakeOut,
)
from actors.domain.shipment_state import allowed_steps, is_over, left_of, status_of
from tests.unit.domain.packing_world import DOCK, PackingWorld, handed_over, refused


@pytest.fixture
def world():
    return PackingWorld()


def test_a_labelled_parcel_is_opened_again(world):
    world.opened(("a", 1), ("b", 1))
    world.parcel(("a", 1))
    world.label()
    refused(world, ReopenParcel(1), "shipment.parcel_labelled")


def test_a_parcel_that_no_carrier_takes_stays_closed_for_ever(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2), ("b", 1))
    key = world.step(AskLabel(1, "post", "standard", "pdf", b"request", DOCK)).key
    refused(world, ReopenParcel(1), "shipment.parcel_labelled")
    world.step(NoteLabelRefused(1, key, "carrier.too_heavy"))
    assert "reopen_parcel" in allowed_steps(world.shipment())
    world.step(ReopenParcel(1))
    assert (status_of(world.shipment()), world.status()) == ("packing", "packed")
    world.step(TakeOut(1, "b", 1))
    world.step(CloseParcel(1, 400, 50, 5))
    assert status_of(world.shipment()) == "packing"
    world.parcel(("b", 1))
    assert status_of(world.shipment()) == "packed"
    world.label(1)
    world.label(2)
    world.at_dock(CompleteHandOver(handed_over(world, 1, 2)))
    assert is_over(world.shipment())
    assert (world.stock("a"), world.stock("b")) == ((48, 0), (49, 0))


def test_a_packed_order_is_asked_for_what_was_taken_out_of_a_parcel_again(world):
    world.opened(("a", 2))
    world.parcel(("a", 2))
    world.step(ReopenParcel(1))
    world.step(TakeOut(1, "a", 1))
    world.step(CloseParcel(1, 300, 50, 5))
    world.step(FinishPacking())
    assert (world.shipment().code, left_of(world.shipment())) == ("shipment.not_all_packed", {"a": 1})
    world.parcel(("a", 1))
    assert status_of(world.shipment()) == "packed"
    assert world.stock("a") == (50, 2)


def test_a_parcel_leaves_while_another_of_its_shipment_is_open_again(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.label(1)
    world.step(ReopenParcel(2))
    number = handed_over(world, 1)
    (listed,) = world.dock().manifests[number].parcels
    assert (listed.status, listed.code, world.status()) == ("held", "shipment.not_packed", "packed")
    world.step(CloseParcel(2, 450, 50, 5))
    world.at_dock(ScanParcel(number, listed.sscc))
    assert world.status() == "shipped"
    # At the door nothing is packed otherwise.
    refused(world, ReopenParcel(2), "shipment.illegal_transition")
