"""Carriers: they move stock between locations, in packages, by steps that come twice, too early and too late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from actors.domain import ids
from actors.domain.location_state import Location
from actors.domain.transfer_commands import (
    CancelTransfer,
    CloseTransfer,
    Command,
    DispatchPackages,
    FoundLine,
    NewPackage,
    ReceivedLine,
    ReceiveUnits,
    RequestTransfer,
    StartPicking,
    StopSending,
    TellMissing,
)
from actors.domain.transfer_for_order import cause_of
from actors.domain.transfer_state import OVER, Transfer, status_of
from actors.runtime import wire
from actors.runtime.gateway import Ask
from tests.simulation.clients import LOCATIONS, REGION, Client, digest
from tests.simulation.history import History


class Carrier(Client):
    """Two thirds of what they do is about transfers. `transfers`: id → SKUs, of all of them."""

    def __init__(self, world, name: str, seed: str, actions: int, transfers: dict[str, list[str]]) -> None:
        super().__init__(world, name, seed, actions)
        self.transfers = transfers

    async def act(self) -> None:
        """One thing, drawn."""
        draw = self.rng.random()
        if draw < 0.15 or (draw < 0.65 and not self.transfers):
            await self.request()
        elif draw < 0.65:
            identity = self.rng.choice(list(self.transfers))
            command = self._step(self.transfers[identity])
            ask = Ask("transfer", identity, command, self._key(), digest(command))
            await self.ask(ask)
            if self.rng.random() < 0.2:
                await self.ask(ask, remember=False)
        else:
            await super().act()

    async def request(self) -> None:
        """A new one."""
        rng, key = self.rng, self._key()
        source, destination = rng.sample(LOCATIONS, 2)
        skus = rng.sample(list(self.wants), rng.randint(1, 3))
        lines = [(sku, rng.choice((2, 4, 9))) for sku in skus]
        command = RequestTransfer(source, destination, lines, "", self.world.now_ms() + rng.choice((2_000, 3_600_000)))
        identity = ids.transfer_id(REGION, self.world.now_ms(), key)
        told = await self.ask(Ask("transfer", identity, command, key, digest(command), creates=True))
        if told is not None and told.status == wire.OK:
            self.transfers[told.fields()["transfer_id"]] = skus

    def _step(self, skus: list[str]) -> Command:
        rng = self.rng
        sku, units = rng.choice(skus), rng.choice((1, 2, 4))
        draw = rng.random()
        if draw < 0.2:
            return StartPicking()
        if draw < 0.5:
            return DispatchPackages([NewPackage("", [(sku, units)])], self.world.now_ms() + 3_600_000)
        if draw < 0.75:
            return ReceiveUnits(packages=[str(rng.randint(1, 3))])
        if draw < 0.87:
            found = [FoundLine(sku, 1)] if rng.random() < 0.2 else []
            return ReceiveUnits(lines=[ReceivedLine(sku, units, rng.choice(("sellable", "damaged")))], found=found)
        if draw < 0.9:
            return TellMissing([(sku, 1)])
        if draw < 0.94:
            return StopSending()
        return CloseTransfer() if draw < 0.97 else CancelTransfer()


def allocated_to(transfer: Transfer) -> Iterator[tuple[str, int]]:
    """(SKU, units) that the source keeps for the transfer."""
    for sku, line in transfer.lines.items():
        if line.to_go + line.leaving:
            yield sku, line.to_go + line.leaving


def transfers(history: History) -> Iterator[str]:
    """What left is what arrived, was lost, or is on the road: in the transfer, in the ledgers of both ends, and in what
    the destination expects."""
    booked: Counter[tuple[str, str, str]] = Counter()
    for row in history.rows.get("ledger", {}).values():
        # "<transfer>.1" at the source, "<transfer>.<receipt>" at the destination.
        booked[row.location_id, row.cause.rpartition(".")[0], row.sku] += row.on_hand_delta
    for (kind, identity), entity in history.entities.items():
        if kind != "transfer" or entity.state is None:
            continue
        transfer: Transfer = entity.state
        there = history.entities["location", transfer.destination_id].state
        for sku, line in transfer.lines.items():
            left = -booked[transfer.source_id, identity, sku]
            if left != line.dispatched + line.missing:
                yield f"{identity} {sku}: {line}, the source's books have {left} that left"
            came = booked[transfer.destination_id, identity, sku]
            if came != line.received + line.found:
                yield f"{identity} {sku}: {line}, the destination's books have {came} that came"
            if line.dispatched != line.received + line.lost + line.in_transit or line.in_transit < 0:
                yield f"{identity} {sku} does not add up: {line}"
            # What comes for an order is nobody else's to count on.
            anybodys = 0 if cause_of(transfer) else line.in_transit
            if _expected(there, identity, sku) != anybodys:
                yield f"{identity} {sku}: {anybodys} on the road, {_expected(there, identity, sku)} expected"
        if status_of(transfer) in OVER and any(
            line.in_transit or line.to_go or line.leaving for line in transfer.lines.values()
        ):
            yield f"{identity} is over and has units: {transfer.lines}"


def _expected(location: Location, identity: str, sku: str) -> int:
    incoming = location.incoming.get(identity)
    return dict(incoming.lines).get(sku, 0) if incoming is not None else 0
