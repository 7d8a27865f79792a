"""A floor that picks, and a pack station behind it: what is missing at the table leaves the books once, and all three
agree then, in whatever order their messages come."""

from __future__ import annotations

from random import Random

import pytest

from actors.domain import ids
from actors.domain.errors import Refused
from actors.domain.floor_commands import TellLost, TellShort
from actors.domain.location_commands import ReceiptLine
from actors.domain.shipment_commands import (
    CloseParcel,
    FinishPacking,
    Known,
    OpenParcel,
    OpenShipment,
    PackUnits,
    TellMissing,
)
from actors.domain.shipment_state import Shipment, is_over, left_of, status_of
from tests.unit.domain.floor_world import OTHER, PLACE, World, placed

SERIES = ids.sscc_series_id("us", "9521234", 0)


class Building(World):
    """A floor with ten of `a`, of which an order wants three; another place has some more."""

    def __init__(self) -> None:
        super().__init__()
        self.receive(ReceiptLine("a", 10, bin="A-01"))
        self.receive(ReceiptLine("a", 5), place=OTHER)
        self.fulfilment = placed(self, ("a", 3))
        self.name = ids.shipment_of(self.fulfilment.rpartition(".")[0], 1)
        self.plan()
        self.trip = self.claim("mia").trip
        self.settle()

    def open(self) -> None:
        """The packers begin with what the order holds now."""
        order_id = self.fulfilment.rpartition(".")[0]
        lines = [(sku, units) for sku, units in self.held().items() if units]
        self.do("shipment", self.name, OpenShipment(PLACE, order_id, 1, lines, Known(), [], SERIES))

    def parcel(self, units: int) -> None:
        """A closed one."""
        number = self.shipment().next_parcel
        for command in (OpenParcel("", (1, 1, 1), 200, 0), PackUnits(number, "a", units)):
            self.do("shipment", self.name, command)
        self.do("shipment", self.name, CloseParcel(number, 500, 0, 0, despite=True))

    def shipment(self) -> Shipment:
        state: Shipment = self.entities["shipment", self.name][0]
        return state

    def held(self) -> dict[str, int]:
        return dict(self.bought(self.fulfilment).fulfilments[0].lines)

    def tell(self, command) -> None:
        self.do("shipment", self.name, command)
        self.settle()

    def check_end(self, packed: int) -> None:
        """Packed once, and what is lacking asked for elsewhere."""
        assert (self.status(self.fulfilment), status_of(self.shipment())) == ("packed", "packed")
        assert self.held() == {"a": packed}
        fulfilments = self.bought(self.fulfilment).fulfilments
        assert sum(units for f in fulfilments for _, units in f.lines) == 3
        assert self.place().stock["a"].on_hand == 10 - (3 - packed)
        assert self.fulfilment not in self.floor().works
        assert self.parked == []


@pytest.fixture
def world():
    return Building()


def test_a_unit_that_broke_on_its_way_to_the_table_can_be_told_to_nobody(world):
    world.pick_all("mia")
    world.settle()
    world.open()
    world.parcel(2)
    world.tell(TellMissing([("a", 1)]))
    world.check_end(2)


def test_the_shipment_never_hears_of_what_the_floor_did_not_find(world):
    world.open()
    world.pick("mia", world.trip, 1, 2)
    world.do("floor", PLACE, TellShort(world.trip, 1, 1, [], "mia"))
    world.settle()
    world.parcel(2)
    world.tell(TellMissing([("a", 1)]))
    world.check_end(2)


def test_what_the_floor_has_yet_to_pick_is_written_off_at_the_table(world):
    world.open()
    world.pick("mia", world.trip, 1, 2)
    world.settle()
    world.parcel(2)
    world.tell(TellMissing([("a", 1)]))
    assert (world.shipment().code, left_of(world.shipment())) == ("floor.not_picked", {"a": 1})
    world.pick("mia", world.trip, 1, 1)
    world.settle()
    world.parcel(1)
    world.settle()
    world.check_end(3)


def test_nothing_was_picked_and_all_of_it_is_told_as_missing_at_the_table(world):
    world.open()
    world.tell(TellMissing([("a", 3)]))
    assert (world.shipment().code, left_of(world.shipment())) == ("floor.not_picked", {"a": 3})
    assert world.place().stock["a"].on_hand == 10


def test_all_of_it_is_gone_at_the_table_and_the_books_get_it_back(world):
    world.pick_all("mia")
    world.settle()
    world.open()
    world.do("shipment", world.name, TellMissing([("a", 3)]))
    # The shipment hears of the floor's yes before the order hears of anything.
    while told := [one for one in world.waiting if world.sent[one].sender[0] == "shipment"]:
        world.deliver(told[0])
    world.settle()
    assert is_over(world.shipment())
    assert (world.status(world.fulfilment), world.place().stock["a"].on_hand) == ("cancelled", 7)
    assert world.fulfilment not in world.floor().works


@pytest.mark.parametrize("seed", range(60))
def test_floor_order_and_shipment_differ_about_what_is_missing(seed):
    """Lost units are told at the table, on the floor, or both, at any moment, until all of it is packed."""
    random, world = Random(seed), Building()
    world.pick_all("mia")
    if random.random() < 0.5:
        world.settle()
    world.open()
    world.parcel(random.randint(1, 2))
    there = 3 - random.randint(0, 1)
    for _ in range(60):
        draw = random.random()
        if world.waiting and draw < 0.6:
            world.deliver(random.choice(world.waiting))
            continue
        _go_on(world, random, there, draw)
    world.settle()
    for _ in range(4):
        _go_on(world, random, there, 0)
        world.settle()
    world.check_end(there)


def _go_on(world: Building, random: Random, there: int, draw: float) -> None:
    shipment = world.shipment()
    packed = sum(one.units for parcel in shipment.parcels for one in parcel.contents)
    left = left_of(shipment).get("a", 0)
    work = world.floor().works.get(world.fulfilment)
    gone = there < 3 and world.place().stock["a"].on_hand == 10
    try:
        if packed < there and left > 0:
            world.parcel(there - packed)
        elif packed == there and left > 0:
            world.do("shipment", world.name, random.choice((TellMissing([("a", left)]), FinishPacking())))
        elif draw > 0.9 and gone and work is not None and work.lines["a"].short == 0:
            world.do("floor", PLACE, TellLost(world.fulfilment, [("a", 1)]))
        elif status_of(shipment) == "packing":
            world.do("shipment", world.name, FinishPacking())
    except Refused:
        pass
