"""A parcel can not be opened again when it has to be, or is when it must not, or the order is asked once
more for what was in it."""

from __future__ import annotations

import pytest

from actors.domain.manifest_commands import CompleteHandOver, ScanParcel
from actors.domain.shipment_commands import (
    AskLabel,
    CloseParcel,
    FinishPacking,
    NoteLabel,
    NoteLabelRefused,
    OpenParcel,
    PackUnits,
    RemoveParcel,
    ReopenParcel,
    TakeOut,
    TellMissing,
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


# --- once others have left --------------------------------------------------------------------------------------------
@pytest.fixture
def left(world):
    """The first parcel is with the carrier, and the second is taken by none."""
    world.opened(("a", 3), ("b", 1))
    world.parcel(("a", 1))
    world.parcel(("a", 2), ("b", 1))
    world.label(1)
    key = world.step(AskLabel(2, "post", "standard", "pdf", b"request", DOCK)).key
    world.step(NoteLabelRefused(2, key, "carrier.too_heavy"))
    world.at_dock(CompleteHandOver(handed_over(world, 1)))
    assert (world.status(), status_of(world.shipment())) == ("shipped", "shipped")
    return world


def test_a_parcel_that_no_carrier_takes_has_no_way_out_once_another_has_left(left):
    assert "reopen_parcel" in allowed_steps(left.shipment())
    left.step(ReopenParcel(2))
    left.step(TakeOut(2, "b", 1))
    assert (left_of(left.shipment()), status_of(left.shipment())) == ({"b": 1}, "shipped")
    left.step(CloseParcel(2, 400, 50, 5))
    left.parcel(("b", 1))
    left.label(2)
    left.label(3)
    assert not is_over(left.shipment())
    left.at_dock(CompleteHandOver(handed_over(left, 2, 3)))
    assert is_over(left.shipment())
    assert "reopen_parcel" not in allowed_steps(left.shipment())
    # It left the books with the first.
    assert (left.stock("a"), left.stock("b")) == ((47, 0), (49, 0))


def test_a_shipment_is_over_while_units_of_it_lie_at_the_station(left):
    left.step(ReopenParcel(2))
    left.step(TakeOut(2, "b", 1))
    left.step(CloseParcel(2, 400, 50, 5))
    left.label(2)
    left.at_dock(CompleteHandOver(handed_over(left, 2)))
    assert not is_over(left.shipment())
    assert {"open_parcel", "pack"} <= set(allowed_steps(left.shipment()))
    left.parcel(("b", 1))
    left.label(3)
    left.at_dock(CompleteHandOver(handed_over(left, 3)))
    assert is_over(left.shipment())


def test_an_emptied_carton_keeps_a_shipment_from_being_over(left):
    left.step(ReopenParcel(2))
    left.step(TakeOut(2, "a", 2))
    left.step(TakeOut(2, "b", 1))
    left.parcel(("a", 2), ("b", 1))
    left.label(3)
    left.at_dock(CompleteHandOver(handed_over(left, 3)))
    assert not is_over(left.shipment())
    left.step(RemoveParcel(2))
    assert is_over(left.shipment())
    # Nothing that tells who got it is kept any more.
    assert not any(parcel.label.document for parcel in left.shipment().parcels)


def test_more_is_packed_after_others_have_left_than_was_taken_out(left):
    left.step(ReopenParcel(2))
    refused(left, PackUnits(2, "b", 1), "shipment.too_many", left=0)
    left.step(TakeOut(2, "b", 1))
    left.step(PackUnits(2, "b", 1))
    refused(left, PackUnits(2, "a", 1), "shipment.too_many", left=0)


def test_what_is_with_the_carrier_is_opened_again(left):
    refused(left, ReopenParcel(1), "shipment.parcel_labelled")
    # Nor is anything packed while no parcel is open.
    refused(left, OpenParcel("M", (400, 300, 200), 200, 0), "shipment.illegal_transition")


def test_another_lot_follows_than_the_one_that_was_taken_out(world):
    world.opened(("a", 1), ("lotted", 1))
    world.parcel(("a", 1))
    number = world.parcel(close=False)
    world.step(PackUnits(number, "lotted", 1, "L1", [("L1", 1)]))
    world.step(CloseParcel(number, 250, 50, 5))
    world.label(1)
    world.at_dock(CompleteHandOver(handed_over(world, 1)))
    world.step(ReopenParcel(number))
    world.step(TakeOut(number, "lotted", 1, "L1"))
    # Nothing is set aside for it any more.
    refused(world, PackUnits(number, "lotted", 1, "L2", []), "shipment.wrong_lot")
    world.step(PackUnits(number, "lotted", 1, "L1", []))
    assert left_of(world.shipment()) == {}


def test_what_is_broken_after_others_have_left_keeps_a_shipment_from_being_over(left):
    left.step(ReopenParcel(2))
    left.step(TakeOut(2, "b", 1))
    refused(left, TellMissing([("b", 2)]), "shipment.not_missing", left=1)
    before = left.stock("b")
    left.step(TellMissing([("b", 1)]))
    assert (left.stock("b"), left_of(left.shipment())) == (before, {})
    refused(left, PackUnits(2, "b", 1), "shipment.too_many")
    left.step(TakeOut(2, "a", 2))
    left.step(RemoveParcel(2))
    assert not is_over(left.shipment())
    left.step(TellMissing([("a", 2)]))
    assert is_over(left.shipment())
    assert not any(parcel.label.document for parcel in left.shipment().parcels)


def test_a_lot_that_is_not_there_is_told_as_left_behind(world):
    world.opened(("a", 1), ("lotted", 2))
    world.parcel(("a", 1))
    number = world.parcel(close=False)
    world.step(PackUnits(number, "lotted", 1, "L1", [("L1", 1), ("L2", 1)]))
    world.step(PackUnits(number, "lotted", 1, "L2", [("L1", 1), ("L2", 1)]))
    world.step(CloseParcel(number, 300, 50, 5))
    world.label(1)
    handed_over(world, 1)
    world.step(ReopenParcel(number))
    world.step(TakeOut(number, "lotted", 1, "L1"))
    refused(world, TellMissing([("lotted", 1)], lots=[("lotted", "L2", 1)]), "shipment.wrong_lot")
    world.step(TellMissing([("lotted", 1)]))
    assert world.shipment().outside == []


@pytest.fixture
def sold_late(left):
    """Of two tries for the second parcel's label one heard no, it was opened again, and now the other
    hears that it was sold."""
    key = left.shipment().parcels[1].label.key
    left.step(ReopenParcel(2))
    left.step(NoteLabel(2, key, "TRACK", b"document", 700, "USD"))
    return left, key


def test_an_open_parcel_goes_to_the_dock_by_a_label_that_comes_late(sold_late):
    left, key = sold_late
    parcel = left.shipment().parcels[1]
    assert (parcel.place, parcel.label.status, left.shipment().orphans) == ("", "refused", [(key, "TRACK")])


def test_a_label_that_came_late_is_asked_for_under_its_key_again_and_never_heard_of(sold_late):
    left, key = sold_late
    left.step(CloseParcel(2, 650, 50, 5))
    left.label(2)
    assert left.shipment().parcels[1].label.key != key
    left.at_dock(CompleteHandOver(handed_over(left, 2)))
    assert is_over(left.shipment())
