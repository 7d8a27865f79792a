"""Shoppers: they keep units for a cart, extend and leave it, forget it until its time is over, and order it, sometimes
twice or when it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from actors.domain import ids
from actors.domain.allocation import Place
from actors.domain.order_commands import PlaceOrder
from actors.domain.order_state import Line, ShipTo
from actors.domain.reservation_commands import ExtendReservation, MakeReservation, ReleaseReservation
from actors.domain.reservation_state import LIVE, parts_of
from actors.runtime import wire
from actors.runtime.gateway import Ask
from tests.simulation.clients import LOCATIONS, REGION, Client, digest
from tests.simulation.history import History


class Shopper(Client):
    """Half of what they do is about carts. `carts`: (reservation, what is in it) of all of them."""

    def __init__(
        self, world, name: str, seed: str, actions: int, carts: list[tuple[str, list[tuple[str, int]]]]
    ) -> None:
        super().__init__(world, name, seed, actions)
        self.carts = carts

    async def act(self) -> None:
        """One thing, drawn."""
        draw = self.rng.random()
        if draw < 0.3:
            await self.reserve()
        elif draw < 0.6 and self.carts:
            await self.use(*self.rng.choice(self.carts))
        else:
            await super().act()

    async def reserve(self) -> None:
        """A cart; most of them are forgotten soon."""
        rng = self.rng
        skus = rng.sample(list(self.wants), rng.randint(1, 3))
        lines = [(sku, rng.choice((1, 1, 2, 5))) for sku in skus]
        ttl_ms = rng.choice((300, 1_000, 4_000))
        command = MakeReservation(lines, self._seen(skus), "online", ttl_ms, whole=rng.random() < 0.3)
        key = self._key()
        identity = ids.reservation_id(REGION, self.world.now_ms(), key)
        ask = Ask("reservation", identity, command, key, digest(command), creates=True)
        told = await self.ask(ask, wait_ms=rng.choice((0, 300, 1_000)))
        if told is not None and told.status == wire.OK:
            self.carts.append((told.fields()["reservation_id"], lines))

    async def use(self, identity: str, lines: list[tuple[str, int]]) -> None:
        """Something with a cart, whoever made it and whatever became of it."""
        draw = self.rng.random()
        if draw < 0.55:
            await self._order(identity, lines)
            return
        command = ExtendReservation(self.rng.choice((500, 3_000))) if draw < 0.8 else ReleaseReservation()
        await self.ask(Ask("reservation", identity, command, self._key(), digest(command)))

    async def _order(self, identity: str, lines: list[tuple[str, int]]) -> None:
        rng = self.rng
        # Sometimes more than is in the cart, sometimes less, sometimes something else.
        wanted = [Line(sku, max(1, units + rng.choice((0, 0, 0, -1, 2))), 100) for sku, units in lines]
        if rng.random() < 0.3:
            wanted.append(Line(rng.choice(list(self.wants)), 1, 100))
        places = self._seen([line.sku for line in wanted])
        command = PlaceOrder("ref", "online", self.name, "US", ShipTo("US"), "USD", wanted, places)
        command = msgspec.structs.replace(command, reservation_id=identity)
        await self._place_with(self._key(), command)

    def _seen(self, skus: list[str]) -> list[Place]:
        seen = self.world.seen_stock()
        near = self.rng.sample(LOCATIONS, len(LOCATIONS))
        return [Place(place, {sku: seen.get((place, sku), 0) for sku in sorted(set(skus))}) for place in near]


def reservations(history: History) -> Iterator[str]:
    """What locations keep for carts is what live carts have, in the books of stock and in the ledger by cart; and no
    cart outlives its time."""
    kept: Counter[tuple[str, str]] = Counter()
    by_cart: Counter[tuple[str, str]] = Counter()
    for (kind, identity), entity in history.entities.items():
        if kind != "reservation" or entity.state is None:
            continue
        if entity.state.stage in LIVE:
            yield f"{identity} is {entity.state.stage} long after its time"
        for part in parts_of(entity.state):
            for sku, units in part.lines:
                kept[part.location_id, sku] += units
                by_cart[identity, sku] += units
    for row in history.rows.get("ledger", {}).values():
        if row.aside == "reserved":
            by_cart[row.cause, row.sku] -= row.aside_delta
    for (cause, sku), units in by_cart.items():
        if units:
            yield f"{cause} and its locations differ by {units} units of {sku}"
    for (kind, location_id), entity in history.entities.items():
        for sku, stock in entity.state.stock.items() if kind == "location" and entity.state else ():
            if stock.reserved != kept[location_id, sku]:
                yield f"{location_id} {sku}: {stock.reserved} reserved, carts have {kept[location_id, sku]}"
