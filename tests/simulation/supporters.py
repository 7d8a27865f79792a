"""Supporters: they place orders on terms, hold and release them, change what was ordered, and pick in between, so that
a change, a claim and a place's answer cross."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from actors.domain import ids
from actors.domain.allocation import Place
from actors.domain.order_commands import PlaceOrder
from actors.domain.order_state import Line, Order, ShipTo, fulfilment_id, wanted_of
from actors.domain.order_terms import may_go
from actors.domain.order_terms_commands import (
    ChangeOrder,
    HoldOrder,
    LineChange,
    PrioritiseOrder,
    ReleaseOrder,
    TermsCommand,
)
from actors.domain.order_terms_plan import groups_of
from actors.domain.order_terms_state import Hold, HoldKind, Terms, as_ordered
from actors.runtime.gateway import Ask
from tests.simulation.clients import LOCATIONS, REGION, SKUS, digest
from tests.simulation.history import History
from tests.simulation.pickers import Picker

KINDS: tuple[HoldKind, ...] = ("address", "fraud", "payment", "customer")
OVERDUE_MS = (500, 3_000)
_OUT = ("packed", "shipped", "delivered")


class Supporter(Picker):
    """`known`: orders that they all know of, with how many lines each has."""

    def __init__(self, world: Any, name: str, seed: str, actions: int, known: dict[str, int]) -> None:
        super().__init__(world, name, seed, actions)
        self.known = known

    async def run(self) -> None:
        """Then they wait until the last of their holds was told to be overdue."""
        await super().run()
        await asyncio.sleep(OVERDUE_MS[-1] / 1000 + 1)

    async def act(self) -> None:
        """One thing, drawn."""
        draw = self.rng.random()
        if draw < 0.25 or not self.known:
            await self.order()
        elif draw < 0.65:
            order_id = self.rng.choice(list(self.known))
            command = self.wish(order_id)
            ask = Ask("order", order_id, command, self._key(), digest(command))
            await self.ask(ask)
            if self.rng.random() < 0.2:
                await self.ask(ask, remember=False)
        else:
            await super().act()

    def seen(self) -> list[Place]:
        """All that the gateway's feed shows."""
        stock, near = self.world.seen_stock(), self.rng.sample(LOCATIONS, len(LOCATIONS))
        return [Place(place, {sku: stock.get((place, sku), 0) for sku in SKUS}) for place in near]

    async def order(self) -> None:
        """With groups, what may stand in, all or nothing, or held from the beginning."""
        rng = self.rng
        lines = [Line(sku, rng.choice((1, 2, 3, 8)), 100) for sku in rng.sample(SKUS, rng.randint(1, 3))]
        others = [[sku for sku in rng.sample(SKUS, 2) if sku != line.sku] for line in lines]
        terms = Terms(
            holds=[Hold(kind, self.world.now_ms()) for kind in rng.sample(KINDS, rng.choice((0, 0, 1, 2)))],
            ship_complete=rng.random() < 0.4,
            groups=[rng.choice(("", "g")) for _ in lines],
            substitutes=others if rng.random() < 0.5 else [],
            service_level=rng.choice(("standard", "express")),
        )
        command = PlaceOrder("", "online", self.name, "US", ShipTo("US"), "USD", lines, self.seen(), terms=terms)
        key = self._key()
        order_id = ids.new_order_id(REGION, self.world.now_ms(), key)
        self.known[order_id] = len(lines)
        await self._place_with(key, command)

    def wish(self, order_id: str) -> TermsCommand:
        """Something for the order, possible or not."""
        rng, draw = self.rng, self.rng.random()
        kinds = rng.sample(KINDS, rng.choice((1, 1, 2)))
        if draw < 0.2:
            until_ms = self.world.now_ms() + rng.choice(OVERDUE_MS) if rng.random() < 0.4 else None
            return HoldOrder(kinds, "", "", until_ms)
        if draw < 0.55:
            return ReleaseOrder(kinds)
        if draw < 0.62:
            return PrioritiseOrder(rng.randint(0, 9))
        numbers = rng.sample(range(1, self.known[order_id] + 1), rng.randint(1, self.known[order_id]))
        wished = [LineChange(number, rng.randint(0, 5)) for number in numbers]
        level = rng.choice((None, None, "express", "standard"))
        return ChangeOrder(wished, service_level=level, places=self.seen() if rng.random() < 0.5 else [])


def terms(history: History) -> Iterator[str]:
    """No group at two places or in part, no part of an order that goes whole is out, nothing is held for more than is
    wanted, and floors let lie what is held."""
    for (kind, order_id), entity in history.entities.items():
        if kind != "order" or entity.state is None or entity.state.terms is None:
            continue
        yield from _goods(order_id, entity.state)
        yield from _floor_of(order_id, entity.state, history)
        for version, view in sorted(entity.views.items()):
            yield from _parts(order_id, version, msgspec.json.decode(view))


def _goods(order_id: str, order: Order) -> Iterator[str]:
    assert order.terms is not None
    wanted, groups = wanted_of(order.lines, order.kits), groups_of(order.terms, order.lines, order.kits)
    having: Counter[str] = Counter()
    places: dict[str, list[str]] = defaultdict(list)
    for fulfilment in order.fulfilments:
        if fulfilment.status == "cancelled":
            continue
        here = Counter[str]()
        for sku, units in as_ordered(order.terms, fulfilment.number, fulfilment.lines):
            here[sku] += units
        having.update(here)
        for group in sorted({groups[sku] for sku in here if sku in groups}):
            places[group].append(fulfilment.location_id)
            torn = [sku for sku, of in groups.items() if of == group and here[sku] != wanted[sku]]
            if torn:
                yield f"{order_id}: group {group} at {fulfilment.location_id} lacks {torn}"
    for group, names in places.items():
        if len(names) > 1:
            yield f"{order_id}: group {group} comes from {names}"
    for sku, units in having.items():
        if units > wanted.get(sku, 0):
            yield f"{order_id}: has {units} of {sku}, wants {wanted.get(sku, 0)}"


def _parts(order_id: str, version: int, view: dict[str, Any]) -> Iterator[str]:
    if not view.get("terms", {}).get("ship_complete"):
        return
    statuses = {one["status"] for one in view["fulfilments"]} - {"cancelled"}
    if statuses & {"shipped", "delivered"} and (statuses - set(_OUT) or view["backordered"]):
        yield f"{order_id} version {version}: a part has left, with {sorted(statuses)} and {view['backordered']} missing"


def _floor_of(order_id: str, order: Order, history: History) -> Iterator[str]:
    if order.cancelled:
        return
    held = not may_go(order)
    for fulfilment in order.fulfilments:
        name = fulfilment_id(order_id, fulfilment.number)
        if fulfilment.status != "allocated":
            continue
        if fulfilment.number not in order.at_floors:
            if not held and order.terms is not None and fulfilment.number in order.terms.withheld:
                yield f"{name}: nothing stands against it, and its floor does not have it"
            continue
        floor = history.entities["floor", fulfilment.location_id].state
        work = floor.works.get(name)
        if work is not None and (work.held != held or (held and work.planned)):
            yield f"{name}: held is {held}, the floor's is {work.held}, on trips {work.planned}"
