"""A store, a warehouse, and orders that are collected at the store, with all the messages between them."""

from __future__ import annotations

from typing import Any

from actors.domain import ids
from actors.domain.allocation import Place
from actors.domain.collection_commands import (
    EndCollection,
    HandOver,
    LocateUnits,
    LookAtCollection,
    MakeReady,
    Notices,
    Told,
    VerifyCode,
)
from actors.domain.collection_state import Collection, CollectionView, ViewCollection, to_find
from actors.domain.kinds import KINDS
from actors.domain.location_commands import ReceiptLine
from actors.domain.order_commands import PlaceOrder, UpdateOrder
from actors.domain.order_pickup_state import PickupAt
from actors.domain.order_state import Line, Order, ShipTo
from actors.domain.order_views import OrderView, ViewOrder
from actors.domain.transfer_commands import DispatchPackages, NewPackage, ReceiveUnits, StartPicking
from tests.unit.domain.transfer_world import DAY_MS, NOW_MS, PORTLAND, SEATTLE, World

ORDER = ids.new_order_id("us", NOW_MS, "order-1")
CODE, WRONG = b"right", b"wrong"


def told(name: str) -> Told:
    return Told(ids.notice_id("us", name.encode().ljust(16, b".")), f"pickup.{name}", b"sealed", b"sealed", NOW_MS + 9 * DAY_MS)  # fmt: skip


NOTICES = Notices(told("ready"), told("reminder"), told("expired"))


class Shop(World):
    """`store`: units of SKU → what Portland has; `warehouse`: Seattle."""

    def __init__(self, store: dict[str, int], warehouse: dict[str, int]) -> None:
        super().__init__()
        self.first = {(place, sku): n for place, has in ((PORTLAND, store), (SEATTLE, warehouse)) for sku, n in has.items()}  # fmt: skip
        for (place, sku), units in self.first.items():
            self.receive(place, ReceiptLine(sku, units))

    def place_order(self, *lines: tuple[str, int], order_id: str = ORDER, settle: bool = True, life_days: dict[str, int] | None = None, **more: Any) -> None:  # fmt: skip
        """Of what is seen at both places now."""
        skus = [sku for sku, _ in lines]
        seen = {place: Place(place, {sku: self.available(place, sku) for sku in skus}) for place in (PORTLAND, SEATTLE)}
        at = PickupAt(PORTLAND, [seen[SEATTLE]], NOW_MS + DAY_MS, **more)
        bought = [Line(sku, units, 100) for sku, units in lines]
        command = PlaceOrder("r", "online", "c", "US", ShipTo("US"), "USD", bought, [seen[PORTLAND]], pickup=at, life_days=life_days)  # fmt: skip
        self.do("order", order_id, command)
        if settle:
            self.settle()

    def available(self, place: str, sku: str) -> int:
        stock = self.entities["location", place][0].stock.get(sku)
        return max(0, stock.available) if stock is not None else 0

    def order(self, order_id: str = ORDER) -> Order:
        state: Order = self.entities["order", order_id][0]
        return state

    def shown(self, order_id: str = ORDER) -> OrderView:
        state, version = self.entities["order", order_id]
        view = KINDS["order"].view(state, ViewOrder(order_id), version)
        assert isinstance(view, OrderView)
        return view

    def of(self, kind: str) -> list[str]:
        """Ids of all of a kind, oldest first."""
        return sorted(identity for name, identity in self.entities if name == kind)

    def collection(self, at: int = 0) -> Collection:
        state: Collection = self.entities["collection", self.of("collection")[at]][0]
        return state

    def seen(self, at: int = 0, now_ms: int = 0) -> CollectionView:
        name = self.of("collection")[at]
        state, version = self.entities["collection", name]
        view = KINDS["collection"].view(state, ViewCollection(name, now_ms=now_ms), version)
        assert isinstance(view, CollectionView)
        return view

    def step(self, command: Any, at: int = 0) -> Any:
        """A step of a collection, and all that follows."""
        reply = self.do("collection", self.of("collection")[at], command)
        self.settle()
        return reply

    def make_ready(self, at: int = 0) -> None:
        left = sorted(to_find(self.collection(at)).items())
        if left:
            self.step(LocateUnits(left, shelf="S1"), at)
        notices = NOTICES if not at else Notices(told(f"ready {at}"))
        self.step(MakeReady(CODE, self.now_ms + 3 * DAY_MS, notices), at)

    def collect(self, *left: tuple[str, int], at: int = 0) -> None:
        self.step(VerifyCode(CODE), at)
        self.step(HandOver(list(left)), at)

    def look(self, at: int = 0) -> None:
        self.step(LookAtCollection(), at)

    def end(self, why: Any, at: int = 0) -> None:
        self.step(EndCollection(why), at)

    def cancel(self, order_id: str = ORDER, *, settle: bool = True) -> None:
        self.do("order", order_id, UpdateOrder("cancel"))
        if settle:
            self.settle()

    def send(self, *lines: tuple[str, int], at: int = 0) -> str:
        """The transfer leaves, in one package."""
        name = self.of("transfer")[at]
        self.do("transfer", name, StartPicking())
        self.do("transfer", name, DispatchPackages([NewPackage("", list(lines))], self.now_ms + DAY_MS))
        self.settle()
        return name

    def arrive(self, name: str) -> None:
        self.do("transfer", name, ReceiveUnits(["1"]))
        self.settle()

    def notices(self) -> list[str]:
        return sorted(self.entities["notice", name][0].template for name in self.of("notice"))

    def stock(self, place: str, sku: str) -> tuple[int, int]:
        """(on hand, allocated)."""
        one = self.entities["location", place][0].stock[sku]
        return one.on_hand, one.allocated
