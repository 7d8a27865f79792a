"""Places one order and waits until the cell knows what it can serve; books its negative lines as stock adjustments."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from perf.replay.client import Answer, CellClient, encode
from perf.replay.keys import step_key
from perf.replay.plan import Adjustment, OrderPlan
from perf.replay.remembered import SentBefore
from perf.replay.second_person import SecondPerson
from perf.replay.tally import Lacking, Tally

SETTLE_POLLS_MAX: Final = 40
# Not done: somebody else has to approve it.
ASKED: Final = 202
SETTLE_S_FIRST: Final = 0.05
SETTLE_S_MAX: Final = 1.0
ALLOCATE_TRIES_MAX: Final = 6
SHORT_STATUSES: Final = ("backordered", "partly_allocated")


@dataclass(slots=True)
class LiveOrder:
    """An order that the cell has taken; `status` as last told."""

    plan: OrderPlan
    order_id: str
    status: str

    @property
    def can_be_picked(self) -> bool:
        return self.status not in ("placed", "backordered")


class Placer:
    """Places orders and books adjustments; counts in `tally`. `sent`: what earlier runs sent.

    Raises CellUnreachable where the cell stays away, and KeysForgotten before anything of an order is sent
    that it may have forgotten."""

    def __init__(
        self, client: CellClient, second_person: SecondPerson, tally: Tally, sent: SentBefore, home_country: str, returns_at: str, scarce: bool,
    ) -> None:  # fmt: skip
        self._client = client
        self._second_person = second_person
        self._tally = tally
        self._sent = sent
        self._home_country = home_country
        self._returns_at = returns_at
        self._scarce = scarce

    async def place(self, plan: OrderPlan) -> LiveOrder | None:
        """The order as the cell took it, settled; None where it was refused (which is counted)."""
        self._sent.check(plan.reference)
        country = plan.country or self._home_country
        answer = await self._post_order(plan, country, "place")
        substituted = not plan.country
        if _is_foreign(answer) and country != self._home_country:
            answer = await self._post_order(plan, self._home_country, "place-at-home")
            substituted = True
        body = answer.body
        if not answer.ok or not isinstance(body, dict):
            self._tally.refuse(plan.reference, "place", answer.code, answer.detail)
            return None
        self._tally.placed += 1
        if substituted:
            self._tally.country_foreign += bool(plan.country)
            self._tally.country_missing += not plan.country
        live = LiveOrder(plan, str(body["order_id"]), str(body["status"]))
        await self._settle(live)
        return live

    async def _post_order(self, plan: OrderPlan, country: str, step: str) -> Answer:
        body, key = encode(plan.body_for(country)), step_key(plan.reference, step)
        return await self._client.post("/v1/orders", body, key)

    async def _settle(self, live: LiveOrder) -> None:
        """`placed` means that the cell is still asking its locations; short stock is asked for again unless meant."""
        await self._until_known(live)
        if self._scarce:
            return
        tries = 0
        while live.status in SHORT_STATUSES and tries < ALLOCATE_TRIES_MAX:
            tries += 1
            await asyncio.sleep(SETTLE_S_FIRST * 2**tries)
            path, step = f"/v1/orders/{live.order_id}/updates", f"allocate-{tries}"
            await self._client.post(path, encode({"update": "allocate"}), step_key(live.plan.reference, step))
            await self._read_status(live)
            await self._until_known(live)
        self._tally.allocated_late += tries > 0 and live.status not in SHORT_STATUSES

    async def _until_known(self, live: LiveOrder) -> None:
        pause_s, polls = SETTLE_S_FIRST, 0
        while live.status == "placed" and polls < SETTLE_POLLS_MAX:
            await asyncio.sleep(pause_s)
            pause_s, polls = min(2 * pause_s, SETTLE_S_MAX), polls + 1
            await self._read_status(live)

    async def _read_status(self, live: LiveOrder) -> None:
        live.status = await read_status(self._client, live.order_id) or live.status

    async def adjust(self, plan: OrderPlan) -> None:
        """Books the order's negative lines, one body after the other."""
        self._sent.check(plan.reference)
        path = f"/v1/locations/{self._returns_at}/adjustments"
        lacking: list[Adjustment] = []
        for adjustment in plan.adjustments:
            step = f"{adjustment.reason}-{adjustment.part}"
            answer = await self._client.post(path, encode(adjustment.body), step_key(plan.reference, step))
            if answer.status == ASKED:
                answer = await self._second_person.decided(answer)
                self._tally.approved += answer.ok
            if answer.ok:
                self._tally.adjusted_lines += len(adjustment.body["lines"])
            elif self._scarce and adjustment.reason == "write_off" and answer.code == "stock.insufficient":
                lacking.append(adjustment)  # what was to be written off is promised to orders
            else:
                self._tally.refuse(plan.reference, adjustment.reason, answer.code, answer.detail)
        if lacking:
            whole = plan.order is None and len(lacking) == len(plan.adjustments)
            self._tally.lacking.append(_lacking(plan, lacking, whole=whole))


def _lacking(plan: OrderPlan, adjustments: list[Adjustment], *, whole: bool) -> Lacking:
    entries = [entry for adjustment in adjustments for entry in adjustment.body["lines"]]
    value: dict[str, int] = {}
    for entry in entries:
        price = entry["unit_value"]
        value[price["currency"]] = value.get(price["currency"], 0) + entry["quantity"] * price["amount"]
    units = -sum(entry["quantity"] for entry in entries)
    return Lacking(plan.reference, plan.final_status, units, len(entries), value, whole)


async def read_status(client: CellClient, order_id: str) -> str:
    """The order's present status from its actor; "" where the cell doesn't tell."""
    answer = await client.get(f"/v1/orders/{order_id}")
    body: Mapping[str, Any] = answer.body if answer.ok and isinstance(answer.body, dict) else {}
    return str(body.get("status", ""))


def _is_foreign(answer: Answer) -> bool:
    """Whether the order was refused for its country: of another region (421), or of none that the cell serves."""
    return answer.status == 421 or (400 <= answer.status < 500 and "country" in answer.code)
