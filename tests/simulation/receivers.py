"""Receivers: they announce goods, with or without packages, receive them by package or by halves, twice, in too many
units or broken, and close or cancel what has not come."""

from __future__ import annotations

from collections import Counter as Sum
from collections.abc import Iterator
from typing import NamedTuple

from actors.domain import gs1, ids
from actors.domain.inbound_commands import (
    AnnouncedLine,
    AnnouncedPackage,
    AnnounceInbound,
    CancelInbound,
    ChangeInbound,
    CloseInbound,
    Command,
    PackedGoods,
    ReceivedGoods,
    ReceivedPackage,
    ReceiveGoods,
)
from actors.domain.inbound_state import Inbound
from actors.runtime import wire
from actors.runtime.gateway import Ask
from tests.simulation.clients import LOCATIONS, REGION, Client, digest
from tests.simulation.history import History


class Delivery(NamedTuple):
    """What is known of one: its SKUs, and the SSCCs of its packages."""

    skus: list[str]
    packages: list[str]


class Receiver(Client):
    """Two thirds of what they do is about what comes in. `inbounds`: by id, of all of them."""

    def __init__(self, world, name: str, seed: str, actions: int, inbounds: dict[str, Delivery]) -> None:
        super().__init__(world, name, seed, actions)
        self.inbounds = inbounds

    async def act(self) -> None:
        """One thing, drawn."""
        draw = self.rng.random()
        if draw < 0.15 or (draw < 0.65 and not self.inbounds):
            await self.announce()
        elif draw < 0.65:
            identity = self.rng.choice(list(self.inbounds))
            command = self._step(self.inbounds[identity])
            ask = Ask("inbound", identity, command, self._key(), digest(command))
            await self.ask(ask, wait_ms=self.rng.choice((0, 300)))
            if self.rng.random() < 0.25:
                await self.ask(ask, remember=False)
        else:
            await super().act()

    async def announce(self) -> None:
        """A new one."""
        rng, key = self.rng, self._key()
        skus = rng.sample(list(self.wants), rng.randint(1, 3))
        lines = [AnnouncedLine(10 * number, sku, rng.choice((3, 6))) for number, sku in enumerate(skus, 1)]
        packages = self._packages(lines) if rng.random() < 0.5 else []
        command = AnnounceInbound(
            rng.choice(LOCATIONS),
            self.world.now_ms() + 3_600_000,
            lines,
            packages,
            tolerance_percent=rng.choice((0, 50)),
        )
        identity = ids.inbound_id(REGION, self.world.now_ms(), key)
        told = await self.ask(Ask("inbound", identity, command, key, digest(command), creates=True))
        if told is not None and told.status == wire.OK:
            self.inbounds[told.fields()["inbound_id"]] = Delivery(skus, [one.sscc for one in packages])

    def _packages(self, lines: list[AnnouncedLine]) -> list[AnnouncedPackage]:
        """A carton of three units each, some of all lines: the rest comes loose."""
        goods = [PackedGoods(line.sku, 3) for line in lines for _ in range(line.units // 3)]
        kept = self.rng.sample(goods, self.rng.randint(1, len(goods)))
        return [AnnouncedPackage(gs1.sscc("0952123", self.rng.randrange(10**9)), [one]) for one in kept]

    def _step(self, delivery: Delivery) -> Command:
        rng, skus = self.rng, delivery.skus
        if delivery.packages and rng.random() < 0.5:
            bin_id = "Z-99" if rng.random() < 0.15 else ""
            wanted = rng.sample(delivery.packages, min(len(delivery.packages), rng.randint(1, 2)))
            return ReceiveGoods([ReceivedPackage(sscc, bin=bin_id) for sscc in wanted], accept_over=rng.random() < 0.5)
        sku = rng.choice(skus) if rng.random() < 0.9 else rng.choice(list(self.wants))
        draw = rng.random()
        if draw < 0.75:
            # A bin that is nowhere: the location refuses.
            bin_id = "Z-99" if rng.random() < 0.15 else ""
            goods = ReceivedGoods(
                sku, rng.choice((1, 2, 4)), rng.choice(("sellable", "sellable", "damaged")), bin=bin_id
            )
            return ReceiveGoods([], [goods], accept_over=rng.random() < 0.5, accept_unexpected=rng.random() < 0.5)
        if draw < 0.9:
            return ChangeInbound(expected_at_ms=self.world.now_ms() + 7_200_000)
        return CloseInbound([(sku, rng.choice((1, 2, 3)))]) if draw < 0.96 else CancelInbound()


def inbounds(history: History) -> Iterator[str]:
    """What was received is in the location's books, once; what remains is what it expects."""
    booked: Sum[tuple[str, str]] = Sum()
    for row in history.rows.get("ledger", {}).values():
        booked[row.cause.rpartition(".")[0], row.sku] += row.on_hand_delta
    for (kind, identity), entity in history.entities.items():
        if kind != "inbound" or entity.state is None:
            continue
        inbound: Inbound = entity.state
        incoming = history.entities["location", inbound.location_id].state.incoming.get(identity)
        expected = dict(incoming.lines) if incoming is not None else {}
        came = Sum(sscc for one in inbound.receipts.values() if one.status == "booked" for sscc in one.packages)
        for sscc, package in inbound.packages.items():
            if came[sscc] != (package.status == "received"):
                yield f"{identity} package {sscc} is {package.status}, and {came[sscc]} receipts have it"
        for sku, line in inbound.lines.items():
            if line.arriving or inbound.waits:
                yield f"{identity} {sku} still waits for {inbound.location_id}: {line}"
            if booked[identity, sku] != line.received:
                yield f"{identity} {sku}: {line}, the books have {booked[identity, sku]} that came"
            remaining = 0 if inbound.ended else line.remaining
            if expected.get(sku, 0) != remaining:
                yield f"{identity} {sku}: {remaining} remain, {expected.get(sku, 0)} are expected"
