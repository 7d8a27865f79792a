"""A warehouse with an order that is being picked, its shipment, the dock and the counter of SSCCs, with
the messages between them."""

from __future__ import annotations

from typing import Any

import pytest

from actors.domain import ids
from actors.domain.allocation import Place
from actors.domain.errors import Refused
from actors.domain.location_commands import ReceiptLine, ReceiveStock
from actors.domain.manifest_commands import CloseManifest, NoteManifest, ScanParcel
from actors.domain.manifest_state import Dock
from actors.domain.order_commands import PlaceOrder, UpdateOrder
from actors.domain.order_state import Line, Order, ShipTo
from actors.domain.shipment_commands import (
    AskLabel,
    CloseParcel,
    Known,
    NoteCancelled,
    NoteLabel,
    OpenManual,
    OpenParcel,
    OpenShipment,
    PackUnits,
)
from actors.domain.shipment_state import Shipment
from tests.unit.domain.transfer_world import NOW_MS, SEATTLE, World

ORDER = ids.new_order_id("us", NOW_MS, "order-1")
SHIPMENT = ids.shipment_of(ORDER, 1)
MANUAL = ids.shipment_id("us", NOW_MS, "manual-1")
DOCK = ids.dock_id(SEATTLE, "post")
SERIES = ids.sscc_series_id("us", "9521234", 0)
KNOWN = Known({"a": 100, "b": 250, "lotted": 50}, ["lotted"])


class PackingWorld(World):
    """Seattle has stock; what follows is done there."""

    def __init__(self) -> None:
        super().__init__()
        lines = [
            ReceiptLine("a", 50), ReceiptLine("b", 50), ReceiptLine("lotted", 3, lot="L1"), ReceiptLine("lotted", 5, lot="L2"),
        ]  # fmt: skip
        self.do("location", SEATTLE, ReceiveStock(lines))

    def order(self, *lines: tuple[str, int], order_id: str = ORDER) -> str:
        """Placed, and being picked."""
        need = dict(lines)
        command = PlaceOrder(
            "ref", "online", "c-1", "US", ShipTo("US"), "USD", [Line(sku, units, 500) for sku, units in lines],
            [Place(SEATTLE, need)],
        )  # fmt: skip
        self.do("order", order_id, command)
        self.settle()
        self.do("order", order_id, UpdateOrder("start_picking"))
        self.settle()
        return order_id

    def opened(self, *lines: tuple[str, int], order_id: str = ORDER) -> str:
        """Its shipment, being packed."""
        self.order(*lines, order_id=order_id)
        name = ids.shipment_of(order_id, 1)
        self.do("shipment", name, OpenShipment(SEATTLE, order_id, 1, list(lines), KNOWN, [], SERIES))
        return name

    def manual(self, *lines: tuple[str, int], name: str = MANUAL) -> str:
        """One without an order."""
        self.do("shipment", name, OpenManual(SEATTLE, "sample", "", list(lines), KNOWN, [], SERIES, "US", b"to"))
        self.settle()
        return name

    def parcel(self, *contents: tuple[str, int], name: str = SHIPMENT, close: bool = True) -> int:
        """A parcel with these, closed."""
        number = self.shipment(name).next_parcel
        self.step(OpenParcel("M", (400, 300, 200), 200, 0), name)
        for sku, units in contents:
            self.step(PackUnits(number, sku, units), name)
        if close:
            weight_g = 200 + sum(KNOWN.weights_g[sku] * units for sku, units in contents)
            self.step(CloseParcel(number, weight_g, 50, 5), name)
        return number

    def label(self, number: int = 1, name: str = SHIPMENT, dock: str = DOCK) -> Any:
        """Bought, at once."""
        ticket = self.step(AskLabel(number, "post", "standard", "pdf", b"request", dock), name)
        return self.step(NoteLabel(number, ticket.key, f"T{ticket.key}", b"document", 700, "USD"), name)

    def step(self, command: Any, name: str = SHIPMENT) -> Any:
        """A step of a shipment, and all that follows; its first answer."""
        reply = self.do("shipment", name, command)
        self.settle()
        return reply

    def at_dock(self, command: Any, dock: str = DOCK) -> Any:
        """A step at a dock, and all that follows; its first answer."""
        reply = self.do("manifest", dock, command)
        self.settle()
        return reply

    def update(self, update: str, order_id: str = ORDER, **more: Any) -> None:
        """A plain update of the order, and all that follows."""
        self.do("order", order_id, UpdateOrder(update, **more))
        self.settle()

    def shipment(self, name: str = SHIPMENT) -> Shipment:
        """The state."""
        state: Shipment = self.entities["shipment", name][0]
        return state

    def dock(self, name: str = DOCK) -> Dock:
        """The state."""
        state: Dock = self.entities["manifest", name][0]
        return state

    def the_order(self, order_id: str = ORDER) -> Order:
        """The state."""
        state: Order = self.entities["order", order_id][0]
        return state

    def status(self, order_id: str = ORDER) -> str:
        """Of its one fulfilment."""
        return self.the_order(order_id).fulfilments[0].status

    def stock(self, sku: str) -> tuple[int, int]:
        """(on hand, allocated) in Seattle."""
        row = self.place(SEATTLE).stock[sku]
        return row.on_hand, row.allocated


def refused(world, command, code, name=SHIPMENT, **facts):
    before = world.entities.get(("shipment", name))
    with pytest.raises(Refused) as caught:
        world.do("shipment", name, command)
    assert caught.value.body.code == code
    assert {fact: caught.value.body.extra.get(fact) for fact in facts} == facts
    assert world.entities.get(("shipment", name)) == before


def cancelled_unheard(world, **more):
    """The order is cancelled, and its word to the shipment is late; gives the message."""
    world.do("order", ORDER, UpdateOrder("cancel", **more))
    (word,) = [name for name in world.waiting if type(world.sent[name].message.command) is NoteCancelled]
    world.waiting.remove(word)
    world.settle()
    return word


def handed_over(world, *numbers, name=SHIPMENT):
    """Everything that waits leaves."""
    ticket = world.at_dock(CloseManifest())
    world.at_dock(NoteManifest(ticket.number, "MF1"))
    for number in numbers:
        sscc = next(one.sscc for one in world.shipment(name).parcels if one.number == number)
        world.at_dock(ScanParcel(ticket.number, sscc))
    return ticket.number
