"""The clients: each follows its own orders through their lives, and repeats a call with the
same key until it is answered.

    Shopper   places orders and takes them through their lives, in single updates and in bodies of several
    Probe     one order in a given shard, put to picking and back all the time: shows when the shard serves
    Clerk     receives goods

All of them write down what they were told (`told.py`). A refusal where none can be is written down as wrong: it is what
one sees of an update that was done twice, or lost.
"""

import asyncio
import random
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from perf.chaos import world
from perf.chaos.door import NO_ANSWER, Door, Reply
from perf.chaos.told import Acknowledged, Notebook, ToldOrder
from perf.credentials import NOBODY, Credentials
from perf.open_loop import PROBLEM_MARK

GIVE_UP_S = 120.0
PAUSE_FIRST_S = 0.05
PAUSE_MAX_S = 0.5
REPEAT_SHARE = 0.03
CATCH_UP_S = 0.5
# What an order that was just placed may wait for its stock before its client cancels it.
ALLOCATION_PATIENCE_S = 15.0
SHORT_STATUSES = frozenset({"backordered", "partly_allocated"})


class Caller:
    """Repeats a call until it is answered for good. `give_up_s`: for how long at most."""

    def __init__(
        self, base: str, notebook: Notebook, credentials: Credentials = NOBODY, *, give_up_s: float = GIVE_UP_S
    ) -> None:
        self._door = Door(base, credentials)
        self._notebook = notebook
        self._give_up_s = give_up_s

    async def __call__(self, method: str, path: str, body: object = None, key: str = "") -> tuple[Reply, float, int]:
        """The reply, when the first try began (monotonic seconds), and how many tries it took.

        The last reply counts when all tries failed.
        """
        raw = b"" if body is None else msgspec.json.encode(body)
        began = time.monotonic()
        pause_s, tries = PAUSE_FIRST_S, 0
        while True:
            tries += 1
            reply = await self._door.ask(method, path, raw, key)
            self._notebook.answers[str(reply.status or "none")] += 1
            if reply.status == NO_ANSWER:
                self._notebook.broken[reply.body.decode()[:100]] += 1
            if answered(reply):
                return reply, began, tries
            if time.monotonic() - began > self._give_up_s:
                self._notebook.given_up.append(f"{method} {path} {key}: {reply.status} {reply.body[:200]!r}")
                return reply, began, tries
            await asyncio.sleep(pause_s)
            pause_s = min(PAUSE_MAX_S, pause_s * 2)

    def close(self) -> None:
        """Closes the connection."""
        self._door.close()


def answered(reply: Reply) -> bool:
    """Whether the cell said yes or no; otherwise nobody knows what happened. While no application is deployed, Serve's
    own ingress answers a 404 of its own: only a problem with a code is a no of the cell."""
    if reply.status in {NO_ANSWER, 429} or reply.status >= 500:
        return False
    return reply.status < 400 or PROBLEM_MARK in reply.body


class Client(ABC):
    """What all clients have. `name` is unique in the run; its keys begin with it. `per_s`: updates a second."""

    def __init__(
        self, name: str, base: str, notebook: Notebook, seed: int, per_s: float, credentials: Credentials = NOBODY
    ) -> None:
        self.name = name
        self.call = Caller(base, notebook, credentials)
        self.notebook = notebook
        self.chance = random.Random(f"{seed}-{name}")
        self._per_s = per_s
        self._keys = 0
        self._next_at = 0.0
        self.ending = False

    def key(self) -> str:
        """A new key."""
        self._keys += 1
        return f"{self.name}-{self._keys}"

    async def pace(self, updates: int = 1) -> None:
        """Waits so that the client's rate comes out on average; what a long call cost it catches up within reason."""
        now = time.monotonic()
        self._next_at = max(now - CATCH_UP_S, self._next_at + self.chance.expovariate(self._per_s / updates))
        await asyncio.sleep(max(0.0, self._next_at - now))

    @abstractmethod
    async def run(self) -> None:
        """Works until `ending`."""

    # --- orders
    async def place(self, units: dict[str, int], key: str) -> ToldOrder | None:
        """Places an order; None if it was not taken."""
        body = world.order(units, self.chance)
        reply, began, tries = await self.call("POST", "/v1/orders", body, key)
        if reply.status != 201:
            self._refusal("place", key, reply)
            return None
        told = reply.json()
        order = ToldOrder(told["order_id"], units)
        self.notebook.orders[order.order_id] = order
        self._acknowledged("order", order.order_id, key, told, began, tries)
        if self.chance.random() < REPEAT_SHARE:
            again, *_ = await self.call("POST", "/v1/orders", body, key)
            self._same(key, reply.json()["order_id"], (again.json() or {}).get("order_id"), again)
        return order

    async def update(self, order: ToldOrder, step: str) -> bool:
        """One step of the order's life; whether it was taken."""
        key, path = self.key(), f"/v1/orders/{order.order_id}/updates"
        reply, began, tries = await self.call("POST", path, {"update": step}, key)
        if reply.status != 200:
            order.unsure = order.unsure or not answered(reply)
            self._refusal(f"{step} of {order.status} {order.order_id}", key, reply)
            return False
        self._acknowledged("order", order.order_id, key, reply.json(), began, tries)
        if self.chance.random() < REPEAT_SHARE:
            again, *_ = await self.call("POST", path, {"update": step}, key)
            self._same(key, reply.json(), again.json(), again)
        return True

    async def look(self, order: ToldOrder) -> str:
        """Reads the order; its status, "" if it can't be read."""
        reply, *_ = await self.call("GET", f"/v1/orders/{order.order_id}")
        if reply.status != 200:
            self._refusal(f"read of {order.order_id}", "", reply)
            return ""
        found = reply.json()
        self.notebook.read(order, found["version"], found["status"])
        return str(found["status"])

    def _acknowledged(
        self, kind: str, entity_id: str, key: str, told: dict[str, Any], began: float, tries: int
    ) -> None:
        status = str(told.get("status", ""))
        self.notebook.acknowledge(
            Acknowledged(kind, entity_id, key, told["version"], status, began, time.monotonic(), tries)
        )

    def _same(self, key: str, first: object, again: object, reply: Reply) -> None:
        if answered(reply):
            self.notebook.repeats += 1
            if first != again:
                self.notebook.wrong.append(f"{key} was answered {first} first, then {reply.status} {again}")

    def _refusal(self, what: str, key: str, reply: Reply) -> None:
        """Our clients only ask for what is legal, so a refusal says that an update was lost or done twice."""
        if answered(reply):
            code = str((reply.json() or {}).get("code", reply.status))
            self.notebook.refused[code] += 1
            self.notebook.wrong.append(f"{what} ({key}) was refused: {reply.body.decode(errors='replace')[:300]}")


class Shopper(Client):
    """Lives of orders, one after the other, sometimes several side by side."""

    async def run(self) -> None:
        while not self.ending:
            several = self.chance.random() < 0.2
            orders = [order async for order in self._placed(4 if several else 1)]
            ready = [order for order in orders if await self._allocated(order)]
            if len(ready) > 1:
                await self._together(ready)
            for order in ready:
                await self._alone(order)
        self.call.close()

    async def _placed(self, count: int) -> AsyncIterator[ToldOrder]:
        for _ in range(count):
            await self.pace()
            order = await self.place(world.basket(self.chance), self.key())
            if order is not None:
                yield order

    async def _allocated(self, order: ToldOrder) -> bool:
        """Waits until the order has its stock; what does not get all of it in time is cancelled."""
        deadline = time.monotonic() + ALLOCATION_PATIENCE_S
        status = order.status
        while status == "placed" and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
            status = await self.look(order)
        if status == "allocated":
            order.status = status
            return True
        self.notebook.short += status in SHORT_STATUSES
        await self.update(order, "cancel")
        return False

    async def _alone(self, order: ToldOrder) -> None:
        if order.status == "allocated":
            await self._step(order, "start_picking")
        for _ in range(self.chance.randint(0, 3)):
            await self._step(order, "pause_picking")
            await self._step(order, "start_picking")
        if self.chance.random() < 0.15:
            await self._step(order, "cancel")
            return
        for step in ("pack", "ship", "deliver"):
            await self._step(order, step)

    async def _step(self, order: ToldOrder, step: str) -> None:
        if not order.unsure:
            await self.pace()
            await self.update(order, step)
            if self.chance.random() < 0.2:
                await self.look(order)

    async def _together(self, orders: list[ToldOrder]) -> None:
        """Two bodies of updates for all of the orders, which ends with them being picked."""
        for step in ("start_picking", "pause_picking", "start_picking"):
            await self.pace(len(orders))
            key = self.key()
            body = {"updates": [{"order_id": order.order_id, "update": step} for order in orders]}
            open_parts = set(range(len(orders)))
            while open_parts:
                reply, began, tries = await self.call("POST", "/v1/order-updates", body, key)
                if reply.status != 200:
                    for part in open_parts:
                        orders[part].unsure = True
                    self._refusal(f"body {key}", key, reply)
                    return
                results = reply.json()["results"]
                open_parts = {
                    part for part in open_parts if not self._part(orders[part], key, part, results[part], began, tries)
                }
                if open_parts:  # parts that the cell could not take now: the same body under the same key again
                    await asyncio.sleep(PAUSE_MAX_S)

    def _part(
        self, order: ToldOrder, key: str, part: int, result: dict[str, Any], began: float, tries: int
    ) -> bool:  # fmt: skip
        """Whether the part has its final answer."""
        error = result.get("error")
        if error is None:
            self._acknowledged("order", order.order_id, f"{key}/{part}", result, began, tries)
            return True
        if error["status"] in {429, 503}:
            self.notebook.answers[f"part {error['status']}"] += 1
            return False
        self.notebook.refused[error["code"]] += 1
        self.notebook.wrong.append(f"part {part} of {key} ({order.order_id}) was refused: {error}")
        return True


class Probe(Client):
    """One order that never gets further than picking. `shard`: where it lives."""

    def __init__(
        self, shard: int, shards: int, tag: str, base: str, notebook: Notebook, seed: int, per_s: float,
        credentials: Credentials = NOBODY,
    ) -> None:  # fmt: skip
        super().__init__(f"{tag}probe-{shard}", base, notebook, seed, per_s, credentials)
        self.shard = shard
        self._place_key = world.key_in_shard(shard, shards, f"{tag}home")

    async def run(self) -> None:
        order = await self.place({world.PROBE: 1}, self._place_key)
        while order is not None and order.status == "placed" and not self.ending:
            await asyncio.sleep(0.2)
            order.status = await self.look(order) or order.status
        while order is not None and not self.ending and not order.unsure:
            await self.pace()
            await self.update(order, "pause_picking" if order.status == "picking" else "start_picking")
        self.call.close()


class Clerk(Client):
    """Receives goods at one location, little by little."""

    def __init__(
        self, location_id: str, tag: str, base: str, notebook: Notebook, seed: int, per_s: float,
        credentials: Credentials = NOBODY,
    ) -> None:  # fmt: skip
        super().__init__(f"{tag}clerk-{location_id}", base, notebook, seed, per_s, credentials)
        self.location_id = location_id

    async def open(self) -> None:
        """Opens the location and fills it."""
        path = f"/v1/locations/{self.location_id}"
        reply, *_ = await self.call("PUT", path, world.particulars(self.location_id), self.key())
        if reply.status != 200:
            self._refusal(f"opening {self.location_id}", "", reply)
        await self.receive(world.first_receipt())

    async def receive(self, lines: list[tuple[str, int]]) -> None:
        """One receipt."""
        key, path = self.key(), f"/v1/locations/{self.location_id}/receipts"
        reply, began, tries = await self.call("POST", path, world.receipt(lines), key)
        if reply.status != 200:
            self._refusal(f"receipt at {self.location_id}", key, reply)
            return
        self._acknowledged("location", self.location_id, key, reply.json(), began, tries)
        for sku, units in lines:
            self.notebook.received[self.location_id, sku] += units

    async def run(self) -> None:
        while not self.ending:
            await self.pace()
            await self.receive([(self.chance.choice(world.SCARCE), world.RESTOCK_UNITS)])
        self.call.close()
