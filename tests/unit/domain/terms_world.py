"""Orders with holds and terms, their places, and a floor: as `floor_world.World`, with shorthand."""

from __future__ import annotations

from collections import Counter
from typing import Any

from actors.domain import ids
from actors.domain.allocation import Place
from actors.domain.location_commands import OpenLocation, ReceiptLine
from actors.domain.order_changes import OrderChanged
from actors.domain.order_commands import PlaceOrder, UpdateOrder
from actors.domain.order_state import (
    Line,
    Order,
    ShipTo,
    missing_of,
    status_of,
)
from actors.domain.order_terms_commands import ChangeOrder, HoldOrder, LineChange, ReleaseOrder
from actors.domain.order_terms_state import Terms
from actors.domain.order_views import order_view
from tests.unit.domain.floor_world import OTHER, PLACE, World

THIRD = "us-st-portland"
PLACES = (PLACE, OTHER, THIRD)


class Terms3(World):
    """Three places, of which PLACE has a floor. What is received is seen by who orders next."""

    def __init__(self, **stock: dict[str, int]) -> None:
        super().__init__()
        self.do("location", THIRD, OpenLocation("store", THIRD, "", "US", 0.0, 0.0))
        for name, place in zip(("here", "there", "far"), PLACES, strict=True):
            lines = [ReceiptLine(sku, units) for sku, units in stock.get(name, {}).items() if units]
            if lines:
                self.receive(*lines, place=place)

    def seen(self, skus) -> list[Place]:
        """What is available now."""
        out = []
        for place in PLACES:
            stock = self.place(place).stock
            out.append(Place(place, {sku: stock[sku].available for sku in sorted(set(skus)) if sku in stock}))
        return out

    def placed_with(self, terms: Terms | None, *lines: tuple[str, int], more=(), settle=True, **fields: Any) -> str:
        """The id of an order; more: SKUs that are looked at besides."""
        self._made += 1
        order_id = ids.new_order_id("us", self.now_ms, f"order-{self._made}")
        priced = [Line(sku, units, 100) for sku, units in lines]
        seen = self.seen([*(sku for sku, _ in lines), *more])
        self.do(
            "order",
            order_id,
            PlaceOrder("", "online", "", "US", ShipTo("US"), "USD", priced, seen, terms=terms, **fields),
        )
        if settle:
            self.settle()
        return order_id

    def of(self, order_id: str) -> Order:
        """The state."""
        state: Order = self.entities["order", order_id][0]
        return state

    def served(self, order_id: str) -> dict[str, dict[str, int]]:
        """Place → units, of what is not cancelled."""
        return {f.location_id: dict(f.lines) for f in self.of(order_id).fulfilments if f.status != "cancelled"}

    def say(self, order_id: str, command: Any) -> Any:
        """And all that follows."""
        told = self.do("order", order_id, command)
        self.settle()
        return told

    def hold(self, order_id: str, *kinds: str, **more: Any) -> Any:
        return self.say(order_id, HoldOrder(list(kinds), **more))

    def release(self, order_id: str, *kinds: str) -> Any:
        return self.say(order_id, ReleaseOrder(list(kinds)))

    def step(self, order_id: str, update: str, **more: Any) -> Any:
        return self.say(order_id, UpdateOrder(update, **more))

    def change(self, order_id: str, *lines: tuple[int, int], settle=True, **more: Any) -> OrderChanged:
        command = ChangeOrder([LineChange(*line) for line in lines], **more)
        return self.say(order_id, command) if settle else self.do("order", order_id, command)

    def view(self, order_id: str, *, own: bool = False) -> Any:
        state, version = self.entities["order", order_id]
        return order_view(order_id, state, version, own=own)

    def status_of(self, order_id: str) -> str:
        return status_of(self.of(order_id))

    def missing(self, order_id: str) -> dict[str, int]:
        return missing_of(self.of(order_id))

    def check_books(self) -> None:
        """When no message is on its way: what places have allocated is what orders hold."""
        held: Counter[tuple[str, str]] = Counter()
        for (kind, _), (state, _) in self.entities.items():
            if kind != "order":
                continue
            for f in state.fulfilments:
                assert f.status != "reserving" or state.cancelled
                if f.status in ("allocated", "picking", "packed"):
                    held.update({(f.location_id, sku): units for sku, units in f.lines})
        for place in PLACES:
            for sku, stock in self.place(place).stock.items():
                assert stock.allocated == held[place, sku], (place, sku, stock.allocated, held[place, sku])
