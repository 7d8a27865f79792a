"""Cashiers: they order, give money back at once or ask a second person for it, and decide over what others ask,
while the orders go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec

from actors.domain import ids
from actors.domain.approval import AskApproval
from actors.domain.order_refund_commands import GiveRefund, WantRefund
from actors.domain.order_refund_state import given_alone, refunded
from actors.runtime import wire
from actors.runtime.gateway import Ask
from tests.simulation.clients import REGION, digest
from tests.simulation.history import History
from tests.simulation.managers import Manager

# So much of an order one of them gives back without asking.
ALONE_MINOR = 1_500


class Cashier(Manager):
    """One of them, who knows the managers' approvals too."""

    async def run(self) -> None:
        """Orders now and then, and refunds or decides in between."""
        for _ in range(self.actions):
            await asyncio.sleep(self.rng.expovariate(1 / 0.15))
            draw = self.rng.random()
            if not self.orders or draw < 0.15:
                await self.place()
            elif draw < 0.25:
                await self.update()
            elif draw < 0.5:
                await self.give()
            elif draw < 0.75 or not self.waiting:
                await self.want()
            else:
                await self.judge()

    async def give(self) -> None:
        """Something of an order, maybe more than is left of it; sometimes the same once more."""
        ask = self._of_order(msgspec.structs.replace(self._refund(), alone_minor_max=ALONE_MINOR))
        await self.ask(ask)
        if self.rng.random() < 0.3:
            await self.ask(ask, remember=False)

    async def want(self) -> None:
        """What takes two, when the order says that it could be; some of it expires, or fits no
        more when it is approved."""
        refund = self._refund()
        look = self._of_order(WantRefund(refund))
        possible = await self.ask(look)
        if possible is None or possible.status != wire.OK:
            return
        place = possible.fields()["location_id"]
        wanted = AskApproval(place, look.entity_id, refund, self.account, self.rng.choice((400, 3_000, 3_600_000)))
        key = f"{look.entity_id}:{look.command_id}"
        identity = ids.approval_id(REGION, self.world.now_ms(), key)
        told = await self.ask(Ask("approval", identity, wanted, key, digest(wanted), creates=True))
        if told is not None and told.status == wire.OK:
            self.waiting.append(told.fields()["approval_id"])

    def _refund(self) -> GiveRefund:
        return GiveRefund(self.rng.choice((1, 100, 700, 2_000)), "USD", self.rng.choice(("late", "damaged", "price")))

    def _of_order(self, command: GiveRefund | WantRefund) -> Ask:
        return Ask("order", self.rng.choice(list(self.orders)), command, self._key(), digest(command))


def refunds(history: History) -> Iterator[str]:
    """No order gives back more than it came to, nor more than one may give without somebody else. That what two people
    wanted was given once, `managers.approvals` looks at."""
    for (kind, order_id), entity in history.entities.items():
        if kind != "order" or entity.state is None:
            continue
        given, due = (
            refunded(entity.state.refunds),
            0 if entity.state.terms is None else entity.state.terms.refund_minor,
        )
        if given > entity.state.total_minor + due:
            yield f"{order_id} has given back {given} of {entity.state.total_minor + due}"
        if (alone := given_alone(entity.state.refunds)) > ALONE_MINOR:
            yield f"{order_id} has given back {alone} without an approval, of {ALONE_MINOR}"
