"""A sample is sent that is not there, never leaves, or is booked twice or not at all."""

from __future__ import annotations

import pytest

from actors.domain.manifest_commands import CompleteHandOver
from actors.domain.shipment_commands import CancelManual, CloseParcel, ForgetRecipient, PutBack, ReopenParcel
from actors.domain.shipment_state import status_of
from tests.unit.domain.packing_world import MANUAL, SEATTLE, PackingWorld, handed_over, refused


@pytest.fixture
def world():
    return PackingWorld()


def test_a_sample_of_two_parcels_has_one_that_never_reaches_the_dock(world):
    world.manual(("a", 2))
    world.parcel(("a", 1), name=MANUAL)
    world.label(name=MANUAL)
    world.parcel(("a", 1), name=MANUAL)
    assert [one.parcel for one in world.dock().waiting] == [1]


def test_a_sample_leaves_without_an_entry_in_the_books(world):
    world.manual(("a", 2))
    assert world.stock("a") == (50, 2)
    world.parcel(("a", 2), name=MANUAL)
    assert status_of(world.shipment(MANUAL)) == "packed"
    world.label(name=MANUAL)
    number = handed_over(world, 1, name=MANUAL)
    world.at_dock(CompleteHandOver(number))
    assert world.stock("a") == (48, 0)
    booked = [row for row in world.ledger[SEATTLE] if row.cause == f"{MANUAL}.1"]
    assert [(row.reason, row.on_hand_delta) for row in booked] == [("allocate", 0), ("pick", 0), ("ship", -2)]


def test_the_second_parcel_of_a_sample_is_under_way_for_ever(world):
    world.manual(("a", 2))
    world.parcel(("a", 1), name=MANUAL)
    world.parcel(("a", 1), name=MANUAL)
    world.label(1, MANUAL)
    world.at_dock(CompleteHandOver(handed_over(world, 1, name=MANUAL)))
    refused(world, ForgetRecipient(), "shipment.under_way", MANUAL)
    world.label(2, MANUAL)
    world.at_dock(CompleteHandOver(handed_over(world, 2, name=MANUAL)))
    world.step(ForgetRecipient(), MANUAL)
    assert world.stock("a") == (48, 0)


def test_a_sample_that_is_packed_once_more_is_picked_twice(world):
    world.manual(("a", 2))
    world.parcel(("a", 2), name=MANUAL)
    world.step(ReopenParcel(1), MANUAL)
    world.step(CloseParcel(1, 400, 50, 5), MANUAL)
    world.label(name=MANUAL)
    world.at_dock(CompleteHandOver(handed_over(world, 1, name=MANUAL)))
    assert [row.reason for row in world.ledger[SEATTLE] if row.cause == f"{MANUAL}.1"] == ["allocate", "pick", "ship"]


def test_more_is_sent_than_there_is(world):
    world.manual(("a", 60))
    assert status_of(world.shipment(MANUAL)) == "not_available"
    assert world.stock("a") == (50, 0)


def test_a_sample_that_nobody_wants_keeps_its_stock(world):
    world.manual(("a", 2))
    world.parcel(("a", 2), name=MANUAL)
    world.step(CancelManual(), MANUAL)
    assert status_of(world.shipment(MANUAL)) == "unpacking"
    assert world.stock("a") == (50, 0)
    world.step(PutBack(), MANUAL)
    assert status_of(world.shipment(MANUAL)) == "cancelled"


def test_an_answer_of_the_location_comes_after_the_end(world):
    from actors.domain.shipment_commands import OpenManual
    from tests.unit.domain.packing_world import KNOWN, SERIES

    world.do("shipment", MANUAL, OpenManual(SEATTLE, "sample", "", [("a", 2)], KNOWN, [], SERIES, "US", b"to"))
    world.do("shipment", MANUAL, CancelManual())
    world.settle()
    assert status_of(world.shipment(MANUAL)) == "cancelled"
    assert world.stock("a") == (50, 0)


def test_an_order_is_cancelled_by_its_shipment(world):
    world.opened(("a", 1))
    refused(world, CancelManual(), "shipment.not_manual")
