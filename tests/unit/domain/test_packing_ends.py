"""Whatever was done to a shipment, whoever goes on with it gets it to its end: out of the door, or taken apart."""

from __future__ import annotations

import pytest

from actors.domain.errors import Refused
from actors.domain.manifest_commands import CloseManifest, CompleteHandOver, NoteManifest, ScanParcel
from actors.domain.manifest_state import live
from actors.domain.order_commands import UpdateOrder
from actors.domain.shipment_commands import (
    AskLabel,
    AskVoid,
    CloseParcel,
    FinishPacking,
    NoteCancelled,
    NoteLabel,
    NoteVoided,
    OpenParcel,
    PackUnits,
    PutBack,
    RemoveParcel,
    ReopenParcel,
    TakeOut,
    TryLabel,
)
from actors.domain.shipment_state import is_over, left_of, open_labels
from tests.unit.domain.packing_world import DOCK
from tests.unit.domain.test_packing_model import Play, played

# Of goods that change under the packer's hands it may take a few goes.
_ROUNDS = 12


class Finisher:
    """Does what is next, as far as `allowed` and the parcels tell: with a carrier that sells,
    and a driver who comes."""

    def __init__(self, play: Play) -> None:
        self.world = play.world
        self.orders = play.orders
        self.names = list(play.plain)

    def finish(self) -> list[str]:
        """What has come to no end."""
        for _ in range(_ROUNDS):
            for name in self.names:
                self._order(name)
                self._pack(name)
                self._label(name)
                self._unpack(name)
            self._leave()
        return [name for name in self.names if not is_over(self.world.shipment(name))]

    def _try(self, kind: str, name: str, command):
        try:
            told = self.world.do(kind, name, command)
        except Refused:
            return None
        self.world.settle()
        return told

    def _step(self, name: str, command):
        return self._try("shipment", name, command)

    def _order(self, name: str) -> None:
        order_id = self.orders.get(name)
        if order_id is None:
            return
        if self.world.status(order_id) == "allocated":
            self._try("order", order_id, UpdateOrder("start_picking", 1))
        if self.world.the_order(order_id).cancelled and any(one.closed for one in self.world.shipment(name).parcels):
            # As whoever asks for a label sees it.
            self._step(name, NoteCancelled())

    def _pack(self, name: str) -> None:
        if self.world.shipment(name).stage != "packing":
            return
        for parcel in list(self.world.shipment(name).parcels):
            for one in list(parcel.contents):
                over = -left_of(self.world.shipment(name)).get(one.sku, 0)
                if over > 0:
                    self._open(name, parcel.number)
                    self._step(name, TakeOut(parcel.number, one.sku, min(over, one.units), one.lot))
        for sku, units in left_of(self.world.shipment(name)).items():
            number = self.world.shipment(name).next_parcel
            if units > 0 and self._step(name, OpenParcel("", (1, 1, 1), 1, 0)):
                self._step(name, PackUnits(number, sku, units))
        for parcel in list(self.world.shipment(name).parcels):
            if not parcel.closed:
                close = CloseParcel(parcel.number, 500, 0, 0, despite=True)
                self._step(name, close if parcel.contents else RemoveParcel(parcel.number))
        self._step(name, FinishPacking())

    def _open(self, name: str, number: int) -> None:
        (parcel,) = (one for one in self.world.shipment(name).parcels if one.number == number)
        if not parcel.closed:
            return
        if open_labels([parcel]):
            self._give_back(name, number)
        self._step(name, ReopenParcel(number))

    def _give_back(self, name: str, number: int) -> None:
        ticket = self._step(name, AskVoid(number))
        if ticket is not None and ticket.status == "voiding":
            self._step(name, NoteVoided(number, ticket.key))

    def _label(self, name: str) -> None:
        """One parcel at a time: the driver may come before the next has its label."""
        for parcel in list(self.world.shipment(name).parcels):
            label = parcel.label
            if not parcel.closed or parcel.place:
                continue
            if label is not None and label.status == "voiding":
                self._give_back(name, parcel.number)
            if self.world.shipment(name).stage == "unpacking" and label is None:
                continue
            service = label.service if label is not None and label.status == "asked" else "standard"
            ticket = self._step(name, AskLabel(parcel.number, "post", service, "pdf", b"r", DOCK))
            if ticket is not None and ticket.status != "bought":
                self._step(name, TryLabel(parcel.number, ticket.key))
                self._step(name, NoteLabel(parcel.number, ticket.key, f"T{ticket.key}", b"d", 700, "USD"))
                return

    def _unpack(self, name: str) -> None:
        if self.world.shipment(name).stage == "unpacking":
            for number in open_labels(self.world.shipment(name).parcels):
                self._give_back(name, number)
            self._step(name, PutBack())

    def _leave(self) -> None:
        ticket = self._try("manifest", DOCK, CloseManifest())
        if ticket is not None:
            self._try("manifest", DOCK, NoteManifest(ticket.number, "MF"))
        if ("manifest", DOCK) not in self.world.entities:
            return
        for manifest in [one for one in live(self.world.dock()) if one.status == "closed"]:
            for parcel in manifest.parcels:
                self._try("manifest", DOCK, ScanParcel(manifest.number, parcel.sscc))
            self._try("manifest", DOCK, CompleteHandOver(manifest.number, leave=True))


@pytest.mark.parametrize("seed", range(40))
def test_a_shipment_has_no_way_to_its_end(seed):
    play = played(seed, 150)
    assert Finisher(play).finish() == []
