"""Clients: they place orders, follow their life with legal and illegal updates, move stock, read, repeat themselves,
and write down every answer. A client that got no clear answer asks again with the same command id, perhaps
through another gateway."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import ClassVar

import msgspec

from actors.domain import claim, ids
from actors.domain.allocation import Place
from actors.domain.catalogue import DefineSkus
from actors.domain.location_commands import AdjustmentLine, AdjustStock, OpenLocation, ReceiptLine, ReceiveStock
from actors.domain.location_views import ViewStock
from actors.domain.order_commands import PlaceOrder, UpdateOrder
from actors.domain.order_state import Line, ShipTo
from actors.domain.order_views import ViewOrder
from actors.runtime import wire
from actors.runtime.gateway import Ask
from actors.runtime.sharding import digest_of
from tests.simulation.told import Told

REGION = "us"
LOCATIONS = [f"us-wh-{n}" for n in range(1, 4)] + ["us-st-1"]
SKUS = ["hot", "scarce", "plenty", "spare part", "other"]
# Units at the start, a location: `hot` is what everybody wants, `scarce` is less than the demand.
STOCK = {"hot": 25, "scarce": 6, "plenty": 100_000, "spare part": 40, "other": 60}
ORDERLY = {
    "placed": ["cancel"], "allocated": ["start_picking"], "partly_allocated": ["start_picking", "allocate"],
    "backordered": ["allocate", "cancel"], "picking": ["pack", "pack", "pause_picking", "short_pick"], "packed": ["ship", "ship", "cancel"],
    "partly_shipped": ["ship", "pack", "start_picking"], "shipped": ["deliver"],
}  # fmt: skip
UPDATES = ["start_picking", "pause_picking", "pack", "short_pick", "ship", "deliver", "cancel", "allocate"]
PATIENCE = 60  # asks with one command id while the world is healing


class Client:
    """One caller, who does one thing at a time. `world` gives gateways, the clock and the evidence. `wants`: how
    often it orders each SKU."""

    wants: ClassVar[Mapping[str, int]] = dict(zip(SKUS, (5, 3, 2, 1, 1), strict=True))

    def __init__(self, world, name: str, seed: str, actions: int) -> None:
        self.world, self.name = world, name
        self.rng = random.Random(seed)
        self.actions = actions
        self.orders: dict[str, str] = {}  # order id → status as last told
        self.past: list[tuple[Ask, bool]] = []
        self.number = 0

    async def run(self) -> None:
        """Does `actions` things with pauses in between."""
        for _ in range(self.actions):
            await asyncio.sleep(self.rng.expovariate(1 / 0.08))
            await self.act()

    async def act(self) -> None:
        """One thing, drawn."""
        draw = self.rng.random()
        if draw < 0.27 or not self.orders:
            await self.place()
        elif draw < 0.60:
            await self.update()
        elif draw < 0.66:
            await self.update_many()
        elif draw < 0.74:
            await self.repeat()
        elif draw < 0.84:
            await self.stock()
        else:
            await self.read()

    # --- what clients do ----------------------------------------------------------------------------------------------
    async def place(self) -> None:
        """Orders 1–4 lines from what the gateway's feed shows."""
        rng = self.rng
        lines = [
            Line(sku, rng.choice((1, 1, 2, 3, 8)), 100 * rng.randint(1, 9))
            for sku in rng.choices(list(self.wants), list(self.wants.values()), k=rng.randint(1, 4))
        ]
        wanted = {line.sku for line in lines}
        near = rng.sample(LOCATIONS, len(LOCATIONS))
        seen = self.world.seen_stock()
        places = [Place(place, {sku: seen.get((place, sku), 0) for sku in sorted(wanted)}) for place in near]
        command = PlaceOrder(
            f"ref-{self.name}-{self.number}", "online", self.name, "US", ShipTo("US"), "USD", lines, places,
        )  # fmt: skip
        key = self._key()
        await self._place_with(key, command)

    async def _place_with(self, key: str, command: PlaceOrder) -> None:
        ask = Ask(
            "order", ids.new_order_id(REGION, self.world.now_ms(), key), command, key, digest(command), creates=True
        )
        told = await self.ask(ask, wait_ms=self.rng.choice((0, 300, 1000)))
        if told is not None and told.status == wire.OK:
            self._learn(told.fields())

    async def update(self) -> None:
        """A step of an order's life: mostly one that fits what was told last."""
        order_id = self.rng.choice(list(self.orders))
        told = await self.ask(Ask("order", order_id, *self._update(order_id)))
        self._learn_from(order_id, told)

    async def update_many(self) -> None:
        """A body of several updates: the claim of its key first, then the parts."""
        key = self._key()
        chosen = self.rng.choices(list(self.orders), k=self.rng.randint(2, 5))
        parts = []
        for index, order_id in enumerate(chosen):
            command, _, _ = self._update(order_id)
            parts.append(Ask("order", order_id, command, f"{key}/{index}", digest(command)))
        taken = await self.ask(Ask("claim", ids.claim_id(REGION, key), claim.Take(len(parts)), key, len(parts)))
        if taken is None or taken.status != wire.OK:
            return
        answers = await self.world.gateway(self.rng).ask_many(self, parts)
        for part, told in zip(parts, answers, strict=True):
            self.past.append((part, False))
            self._learn_from(part.entity_id, told)

    def _update(self, order_id: str) -> tuple[UpdateOrder, str, int]:
        rng = self.rng
        fitting = ORDERLY.get(self.orders[order_id], [])
        update = rng.choice(fitting) if fitting and rng.random() < 0.8 else rng.choice(UPDATES)
        lines = [(rng.choice(list(self.wants)), 1)] if update == "short_pick" else []
        places = []
        if update == "allocate":
            seen = self.world.seen_stock()
            places = [Place(place, {sku: seen.get((place, sku), 0) for sku in self.wants}) for place in LOCATIONS]
        fulfilment = rng.choice((None, None, None, 1, 2))
        command = UpdateOrder(update, fulfilment, None, lines, places)
        return command, self._key(), digest(command)

    async def repeat(self) -> None:
        """An earlier command again: the same, or another body under the same id."""
        if not self.past:
            return
        ask, creates = self.rng.choice(self.past)
        if self.rng.random() < 0.3:
            ask = Ask(ask.kind, ask.entity_id, ask.command, ask.command_id, ask.digest + 1, ask.creates)
        if creates:  # a repetition comes at another time, so with another id
            entity_id = ids.new_order_id(REGION, self.world.now_ms(), ask.command_id)
            ask = Ask(ask.kind, entity_id, ask.command, ask.command_id, ask.digest, creates=True)
        await self.ask(ask, wait_ms=self.rng.choice((0, 200)), remember=False)

    async def stock(self) -> None:
        """Goods come in, or a count corrects them."""
        rng = self.rng
        place, sku = rng.choice(LOCATIONS), rng.choice(SKUS)
        if rng.random() < 0.5:
            command = ReceiveStock([ReceiptLine(sku, rng.randint(1, 5), (100, "USD")), ReceiptLine("hot", 1)], "asn")
        else:
            safety = rng.choice((None, None, 0, 2))
            command = AdjustStock([AdjustmentLine(sku, rng.choice((-3, -1, 1, 2)), "count", None, safety)])
        await self.ask(Ask("location", place, command, self._key(), digest(command)))

    async def read(self) -> None:
        """One order, one location's stock, or a history."""
        draw = self.rng.random()
        gateway = self.world.gateway(self.rng)
        if draw < 0.55:
            order_id = self.rng.choice(list(self.orders))
            told = await gateway.view(self, "order", order_id, ViewOrder(order_id))
            self._learn_from(order_id, told)
        elif draw < 0.8:
            place = self.rng.choice(LOCATIONS)
            await gateway.view(self, "location", place, ViewStock(place, "", 100))
        else:
            order_id = self.rng.choice(list(self.orders))
            after = self.rng.choice((0, 0, 2))
            await gateway.history(self, "order", order_id, after, 3 if after else 50)

    # --- asking ------------------------------------------------------------------------------------------------------
    async def ask(self, ask: Ask, *, wait_ms: int = 0, remember: bool = True) -> Told | None:
        """Asks until there is a clear answer, or patience is over: sooner while faults go on, so that
        some outcomes stay open."""
        if remember:
            self.past.append((ask, ask.creates))
        for attempt in range(1, PATIENCE + 1):
            told = await self.world.gateway(self.rng).ask(self, ask, wait_ms=wait_ms, attempt=attempt)
            if told is not None and told.status in (wire.OK, wire.REFUSED, wire.KEY_REUSED):
                if told.kind == "order" and told.status == wire.OK:
                    self.world.freshness.acknowledged(told)
                await self._look_elsewhere(told)
                return told
            if self.world.faulty and self.rng.random() < 0.15:
                return told
            await asyncio.sleep(self.rng.uniform(0.05, 0.6))
        self.world.complain(f"{self.name} got no clear answer to {ask.command_id} in {PATIENCE} asks")
        return None

    async def _look_elsewhere(self, told: Told) -> None:
        """What was acknowledged shows at every gateway from then on, also at one that still goes by an old map."""
        if told.status == wire.OK and self.world.faulty and self.rng.random() < 0.4:
            gateway = self.world.gateway(self.rng)
            if told.kind == "order":
                order_id = told.fields()["order_id"]
                await gateway.view(self, "order", order_id, ViewOrder(order_id))
            elif told.kind == "location":
                await gateway.view(self, "location", told.entity_id, ViewStock(told.entity_id, "", 100))

    def _key(self) -> str:
        self.number += 1
        return f"{self.name}-{self.number}"

    def _learn(self, fields: dict) -> None:
        self.orders[fields["order_id"]] = fields["status"]

    def _learn_from(self, order_id: str, told: Told | None) -> None:
        if told is None:
            return
        if told.status == wire.OK and "status" in told.fields():
            self.orders[order_id] = told.fields()["status"]
        elif told.status == wire.REFUSED:
            self.orders[order_id] = told.fields()["extra"].get("status", self.orders[order_id])


class Onlooker(Client):
    """Looks at stock all the time: if anything is shown before it is durable, somebody has to be there to see it. And
    at how fresh lists say that they are."""

    async def run(self) -> None:
        """Reads, more often than others act."""
        for _ in range(self.actions):
            await asyncio.sleep(self.rng.expovariate(1 / 0.05))
            place = self.rng.choice(LOCATIONS)
            await self.world.gateway(self.rng).view(self, "location", place, ViewStock(place, "", 100))
            self.world.freshness.look()


async def furnish(world) -> None:
    """Opens the locations, defines the SKUs and receives the first stock, before any fault."""
    setup = Client(world, "setup", "setup", 0)
    define = DefineSkus([(sku, sku.title()) for sku in SKUS])
    await setup.ask(Ask("catalogue", ids.catalogue_id(REGION), define, "setup-skus", digest(define)))
    for number, place in enumerate(LOCATIONS):
        opened = OpenLocation("warehouse", place, "Town", "US", 40.0 + number, -100.0)
        await setup.ask(Ask("location", place, opened, f"setup-{place}", digest(opened)))
        received = ReceiveStock([ReceiptLine(sku, units) for sku, units in STOCK.items()], "first")
        await setup.ask(Ask("location", place, received, f"setup-{place}-stock", digest(received)))


_encode = msgspec.msgpack.Encoder().encode


def digest(command: msgspec.Struct) -> int:
    """Of a body that nobody has but the simulation."""
    return digest_of(_encode(command))
