"""Managers: they ask for corrections that one person may not do, and decide over each other's, their own
too if anybody lets them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator

from actors.domain import ids
from actors.domain.approval import AskApproval, Command, DecideApproval, WithdrawApproval
from actors.domain.approval_wanted import size_of
from actors.domain.location_commands import AdjustmentLine, AdjustStock
from actors.runtime import wire
from actors.runtime.gateway import Ask
from tests.simulation.clients import LOCATIONS, REGION, SKUS, Client, digest
from tests.simulation.history import History


class Manager(Client):
    """One of them. `waiting`: ids of approvals that they all know of."""

    def __init__(self, world, name: str, seed: str, actions: int, waiting: list[str]) -> None:
        super().__init__(world, name, seed, actions)
        self.account = ids.account_id(REGION, name.encode().ljust(16))
        self.waiting = waiting

    async def run(self) -> None:
        """Asks now and then, and decides in between."""
        for _ in range(self.actions):
            await asyncio.sleep(self.rng.expovariate(1 / 0.15))
            if not self.waiting or self.rng.random() < 0.35:
                await self.want()
            else:
                await self.judge()

    async def want(self) -> None:
        """A correction, sometimes of more than there is; some of them expire while faults go on."""
        rng, place = self.rng, self.rng.choice(LOCATIONS)
        lines = [AdjustmentLine(sku, rng.choice((-90, -2, 3, 40)), "count") for sku in rng.sample(SKUS, 2)]
        wanted = AskApproval(
            place, place, AdjustStock(lines, "count"), self.account, rng.choice((400, 3_000, 3_600_000))
        )
        key = self._key()
        identity = ids.approval_id(REGION, self.world.now_ms(), key)
        told = await self.ask(Ask("approval", identity, wanted, key, digest(wanted), creates=True))
        if told is not None and told.status == wire.OK:
            self.waiting.append(told.fields()["approval_id"])

    async def judge(self) -> None:
        """One of those that they know of, whoever asked and whatever became of it; sometimes the same once more."""
        rng, identity = self.rng, self.rng.choice(self.waiting)
        verdict = rng.choice(("approve", "approve", "approve", "refuse", "withdraw"))
        command: Command = WithdrawApproval(self.account)
        if verdict != "withdraw":
            command = DecideApproval(verdict, self.account, [], "other" if verdict == "refuse" else "")
        ask = Ask("approval", identity, command, self._key(), digest(command))
        await self.ask(ask)
        if rng.random() < 0.3:
            await self.ask(ask, remember=False)


def approvals(history: History) -> Iterator[str]:
    """The ledger, and orders of what is given back, have what two people wanted, once, and nothing
    else of what was asked for."""
    booked: dict[str, int] = defaultdict(int)
    for row in history.rows.get("ledger", {}).values():
        booked[row.cause] += abs(row.on_hand_delta)
    for (kind, _), entity in history.entities.items():
        for refund in (entity.state.refunds if kind == "order" and entity.state is not None else None) or ():
            if refund.cause:
                booked[refund.cause] += refund.amount
    for (kind, identity), entity in history.entities.items():
        if kind != "approval" or entity.state is None:
            continue
        state = entity.state
        expected = size_of(state.wanted) if state.status == "done" else 0
        if booked[identity] != expected:
            yield f"{identity} is {state.status}, of {expected} there are {booked[identity]} in the books"
        if state.status == "approved":
            yield f"{identity} was approved and has heard nothing of {state.target_id}"
        if state.status in ("done", "failed") and state.asked_by == state.decided_by:
            yield f"{identity} was approved by {state.decided_by}, who asked for it"
