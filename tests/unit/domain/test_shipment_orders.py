"""An order and its shipment disagree: what is packed is not told, or goods of an order that is cancelled
are packed on and leave."""

from __future__ import annotations

import pytest

from actors.domain.errors import Refused
from actors.domain.manifest_commands import CloseManifest, CompleteHandOver, NoteManifest, ScanParcel
from actors.domain.shipment_commands import (
    AskVoid,
    CloseParcel,
    FinishPacking,
    NoteCancelled,
    NoteVoided,
    PutBack,
    ReopenParcel,
)
from actors.domain.shipment_state import status_of
from tests.unit.domain.packing_world import SHIPMENT, PackingWorld, cancelled_unheard, handed_over, refused


@pytest.fixture
def world():
    return PackingWorld()


def test_the_order_is_not_told_once_all_is_packed(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    assert world.status() == "picking"
    world.parcel(("b", 1))
    assert world.status() == "packed"
    assert status_of(world.shipment()) == "packed"


def test_an_order_that_is_not_being_picked_can_never_be_packed(world):
    world.opened(("a", 1))
    world.update("pause_picking")
    world.parcel(("a", 1))
    assert (status_of(world.shipment()), world.shipment().code) == ("packing", "order.illegal_transition")
    world.update("start_picking")
    world.step(FinishPacking())
    assert status_of(world.shipment()) == "packed"


def test_somebody_packed_and_shipped_it_without_the_station(world):
    world.opened(("a", 1))
    world.update("pack")
    world.parcel(("a", 1))
    assert status_of(world.shipment()) == "packed"
    world.update("ship")
    world.label()
    number = handed_over(world, 1)
    world.at_dock(CompleteHandOver(number))
    assert status_of(world.shipment()) == "shipped"
    assert world.stock("a") == (49, 0)


def test_a_cancelled_order_is_packed_on(world):
    world.opened(("a", 1), ("b", 1))
    world.parcel(("a", 1))
    world.label()
    word = cancelled_unheard(world)
    world.parcel(("b", 1))
    assert status_of(world.shipment()) == "unpacking"
    world.deliver(word)
    assert world.stock("a") == (50, 0)
    refused(world, PutBack(), "shipment.labels_open", parcels=[1])
    ticket = world.step(AskVoid(1))
    assert ticket.status == "voiding"
    world.step(NoteVoided(1, ticket.key))
    world.step(PutBack())
    assert status_of(world.shipment()) == "cancelled"


def test_goods_of_a_cancelled_order_leave(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    world.label()
    ticket = world.at_dock(CloseManifest())
    world.at_dock(NoteManifest(ticket.number, "MF1"))
    word = cancelled_unheard(world)
    sscc = world.shipment().parcels[0].sscc
    world.at_dock(ScanParcel(ticket.number, sscc))
    assert status_of(world.shipment()) == "unpacking"
    world.deliver(word)
    assert world.dock().manifests[ticket.number].parcels[0].status in ("held", "withdrawn")
    world.at_dock(CompleteHandOver(ticket.number, leave=True))
    assert world.dock().manifests[ticket.number].parcels[0].status != "handed_over"
    assert world.dock().waiting == []
    assert world.stock("a") == (50, 0)


def test_a_parcel_of_a_cancelled_order_waits_at_the_dock_and_goes_onto_a_manifest(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    world.label()
    assert len(world.dock().waiting) == 1
    world.update("cancel")
    assert (world.dock().waiting, status_of(world.shipment())) == ([], "unpacking")


@pytest.mark.parametrize("update", [{"fulfilment": None}, {"fulfilment": 1}])
def test_a_shipment_of_a_cancelled_order_can_not_be_unpacked(world, update):
    world.opened(("a", 1), ("b", 1))
    world.parcel(("a", 1))
    world.update("cancel", **update)
    world.step(PutBack())
    assert status_of(world.shipment()) == "cancelled"
    assert world.stock("a") == (50, 0)


def test_a_packer_hears_that_he_can_not_unpack_what_he_had_only_begun(world):
    world.opened(("a", 1))
    world.update("cancel")
    assert world.step(PutBack()).status == "cancelled"


def test_an_order_that_nobody_packs_is_not_cancelled(world):
    world.order(("a", 1))
    world.update("cancel")
    assert (world.the_order().cancelled, ("shipment", SHIPMENT) in world.entities) == (True, False)


def test_an_order_is_cancelled_once_its_goods_are_before_the_driver(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    world.label()
    number = handed_over(world, 1)
    with pytest.raises(Refused):
        world.update("cancel")
    world.step(NoteCancelled())
    assert status_of(world.shipment()) == "shipped"
    world.at_dock(CompleteHandOver(number))


def test_an_order_that_is_cancelled_while_its_packed_parcel_is_open_again_is_packed_on(world):
    world.opened(("a", 2))
    world.parcel(("a", 2))
    world.step(ReopenParcel(1))
    cancelled_unheard(world)
    world.step(CloseParcel(1, 400, 50, 5))
    world.step(PutBack())
    assert status_of(world.shipment()) == "cancelled"
    assert world.stock("a") == (50, 0)
