"""Something is packed that is not wanted, not allowed together or too heavy, or a parcel is
closed that can never leave."""

from __future__ import annotations

import pytest

from actors.domain import ids
from actors.domain.shipment_commands import (
    AskLabel,
    CloseParcel,
    Known,
    OpenParcel,
    OpenShipment,
    PackUnits,
    RemoveParcel,
    ReopenParcel,
    TakeOut,
)
from actors.domain.shipment_state import left_of, status_of
from actors.domain.sscc_series import Series
from tests.unit.domain.packing_world import DOCK, ORDER, SEATTLE, SERIES, SHIPMENT, PackingWorld, refused


@pytest.fixture
def world():
    return PackingWorld()


def test_something_else_is_packed(world):
    world.opened(("a", 2))
    world.parcel(close=False)
    refused(world, PackUnits(1, "b", 1), "shipment.wrong_item", sku="b", wanted=["a"])
    refused(world, PackUnits(1, "a", 3), "shipment.too_many", left=2)
    world.step(PackUnits(1, "a", 2))
    refused(world, PackUnits(1, "a", 1), "shipment.too_many", left=0)
    refused(world, PackUnits(2, "a", 1), "shipment.parcel_unknown")
    refused(world, TakeOut(1, "a", 3), "shipment.not_in_parcel", inside=2)
    refused(world, PackUnits(1, "a", 1, "L9"), "shipment.too_many")
    refused(world, RemoveParcel(1), "shipment.parcel_not_empty")


def test_a_lot_of_somebody_else_is_packed(world):
    world.opened(("lotted", 4))
    world.parcel(close=False)
    allotted = [("L1", 3), ("L2", 1)]
    refused(world, PackUnits(1, "lotted", 1, "", allotted), "shipment.lot_required", allotted=["L1", "L2"])
    refused(world, PackUnits(1, "lotted", 1, "L3", allotted), "shipment.wrong_lot", left=0)
    refused(world, PackUnits(1, "lotted", 2, "L2", allotted), "shipment.wrong_lot", left=1)
    world.step(PackUnits(1, "lotted", 1, "L2", allotted))
    refused(world, PackUnits(1, "lotted", 1, "L2", allotted), "shipment.wrong_lot", left=0)
    world.step(PackUnits(1, "lotted", 3, "L1", allotted))
    assert not left_of(world.shipment())


def test_a_lot_is_made_up_for_what_has_none(world):
    world.opened(("a", 2))
    world.parcel(close=False)
    refused(world, PackUnits(1, "a", 1, "L1"), "shipment.no_lots")


def test_a_wrong_weight_passes_unseen(world):
    world.opened(("a", 2))
    world.parcel(("a", 2), close=False)
    refused(world, CloseParcel(1, 500, 50, 5), "shipment.weight_differs", expected_g=400, allowed_g=50)
    refused(world, CloseParcel(1, 300, 50, 5), "shipment.weight_differs")
    world.step(CloseParcel(1, 500, 50, 5, despite=True))
    assert world.shipment().parcels[0].despite
    assert status_of(world.shipment()) == "packed"


def test_an_empty_or_heavy_carton_is_closed(world):
    world.opened(("a", 30))
    world.step(OpenParcel("S", (100, 100, 100), 50, 2_000))
    refused(world, CloseParcel(1, 50, 50, 5), "shipment.parcel_empty")
    refused(world, PackUnits(1, "a", 20), "shipment.parcel_too_heavy", weight_max_g=2_000)
    world.step(PackUnits(1, "a", 19))
    refused(world, CloseParcel(1, 2_001, 5_000, 5), "shipment.parcel_too_heavy")
    world.step(CloseParcel(1, 1_950, 50, 5))
    refused(world, PackUnits(1, "a", 1), "shipment.parcel_closed")
    world.step(ReopenParcel(1))
    world.step(TakeOut(1, "a", 19))
    world.step(RemoveParcel(1))
    assert world.shipment().parcels == []


def test_two_parcels_have_the_same_number(world):
    world.opened(("a", 3))
    for _ in range(3):
        world.parcel(("a", 1))
    ssccs = [one.sscc for one in world.shipment().parcels]
    assert len(set(ssccs)) == 3
    assert all(len(sscc) == 18 for sscc in ssccs)


def test_a_parcel_is_closed_that_never_gets_a_number(world):
    world.opened(("a", 2))
    world.entities["sscc_series", SERIES] = (Series(10**9), 1)
    world.parcel(("a", 1), close=False)
    world.do("shipment", SHIPMENT, OpenParcel("M", (1, 1, 1), 200, 0))
    world.do("shipment", SHIPMENT, PackUnits(2, "a", 1))
    # Before anybody knows.
    world.do("shipment", SHIPMENT, CloseParcel(2, 300, 50, 5))
    world.settle()
    refused(world, CloseParcel(1, 300, 50, 5), "sscc.exhausted")
    refused(world, AskLabel(2, "post", "standard", "pdf", b"r", DOCK), "shipment.sscc_pending", why="sscc.exhausted")
    # The region has other numbers by now.
    world.step(ReopenParcel(2))
    for number in (1, 2):
        world.step(TakeOut(number, "a", 1))
        world.step(RemoveParcel(number))
    world.step(OpenParcel("M", (1, 1, 1), 200, 0, series=ids.sscc_series_id("us", "9521234", 1)))
    world.step(PackUnits(3, "a", 2))
    world.step(CloseParcel(3, 400, 50, 5))
    assert world.label(3).status == "packed"
    assert world.shipment().parcels[0].sscc.startswith("19521234")


def test_goods_of_two_hazard_classes_go_into_one_parcel(world):
    world.order(("a", 2), ("b", 1), ("lotted", 1))
    known = Known({}, [], {"a": "3", "b": "8"})
    lines = [("a", 2), ("b", 1), ("lotted", 1)]
    world.do("shipment", SHIPMENT, OpenShipment(SEATTLE, ORDER, 1, lines, known, [], SERIES))
    world.step(OpenParcel("M", (400, 300, 200), 200, 0))
    for sku in ("a", "lotted", "a"):
        world.step(PackUnits(1, sku, 1))
    refused(world, PackUnits(1, "b", 1), "shipment.hazards_mixed", sku="b", classes=["3", "8"])
    world.step(TakeOut(1, "a", 2))
    world.step(PackUnits(1, "b", 1))


def test_rights_at_another_place_suffice(world):
    world.opened(("a", 1))
    refused(world, OpenParcel("", (1, 1, 1), 0, 0, ["us-st-portland"]), "shipment.location_forbidden")
    world.step(OpenParcel("", (1, 1, 1), 0, 0, [SEATTLE]))
