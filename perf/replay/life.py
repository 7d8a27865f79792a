"""Takes placed orders through their lives: many at once in bodies of updates, or one by one in trace time.

An order's steps are sent one after the other, each after the answer to the one before, so their sequence is kept. An
`order.illegal_transition` is no failure where the order is at or past that step already: so it is when a run was
interrupted, and the next one groups its bodies differently. It goes on from where the order is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from perf.replay.client import RETRIED_STATUSES, CellClient, CellUnreachable, encode
from perf.replay.keys import content_key, step_key
from perf.replay.placing import LiveOrder, read_status
from perf.replay.plan import STATUS_AFTER
from perf.replay.tally import Tally

UPDATES_PER_BODY_MAX: Final = 1_000
ITEM_TRIES_MAX: Final = 30
ITEM_PAUSE_S_FIRST: Final = 0.1
ITEM_PAUSE_S_MAX: Final = 5.0
ILLEGAL: Final = "order.illegal_transition"
# What an order of which a part was never there says once the rest is on its way, and says for ever.
PARTLY: Final = "partly_shipped"
_LEAVING: Final = ("ship", "deliver")
_PATH: Final = "/v1/order-updates"

Step = tuple[LiveOrder, str]
Result = dict[str, Any]


class Halt(NamedTuple):
    """An order that can't go on from this step: refused (and counted), or `illegal` and still to be checked."""

    live: LiveOrder
    step: str
    illegal: bool


class Life:
    """Sends updates; counts in `tally`. Raises CellUnreachable where the cell stays away."""

    def __init__(self, client: CellClient, tally: Tally) -> None:
        self._client = client
        self._tally = tally

    def is_due(self, live: LiveOrder) -> bool:
        """Whether the order can go on; one that got no stock can only be cancelled and is counted as left."""
        if not live.plan.steps:
            return False
        if live.can_be_picked or live.plan.steps == ("cancel",):
            self._tally.shipped_in_part += live.status == "partly_allocated" and "ship" in live.plan.steps
            return True
        self._tally.left_unallocated += 1
        return False

    async def together(self, orders: Sequence[LiveOrder]) -> None:
        """Takes all of them to their last status, the n-th steps of all in the same bodies."""
        due = [live for live in orders if self.is_due(live)]
        illegal: list[Step] = []
        out: set[int] = set()
        for steps in zip_longest(*(live.plan.steps for live in due)):
            round_ = [(live, step) for live, step in zip(due, steps, strict=True) if step and id(live) not in out]
            for start in range(0, len(round_), UPDATES_PER_BODY_MAX):
                halts = await self._send_body(round_[start : start + UPDATES_PER_BODY_MAX])
                out.update(id(halt.live) for halt in halts)
                illegal.extend((halt.live, halt.step) for halt in halts if halt.illegal)
        await asyncio.gather(*(self._go_on(live, step) for live, step in illegal))

    async def _send_body(self, steps: list[Step]) -> list[Halt]:
        """Sends one body, again while the cell puts items off; returns the orders that can't go on."""
        body = encode({"updates": [{"order_id": live.order_id, "update": step} for live, step in steps]})
        key, pause_s = content_key(f"POST {_PATH}", body), ITEM_PAUSE_S_FIRST
        for _ in range(ITEM_TRIES_MAX):
            answer = await self._client.post(_PATH, body, key)
            results = answer.body.get("results") if answer.ok and isinstance(answer.body, dict) else None
            if not isinstance(results, list) or len(results) != len(steps):
                for live, step in steps:
                    self._tally.refuse(live.plan.reference, step, answer.code, answer.detail)
                return [Halt(live, step, illegal=False) for live, step in steps]
            # The whole body under its key: what was done is answered as before, what was put off is done now.
            if not any(_problem(result).get("status") in RETRIED_STATUSES for result in results):
                halts = (self._take(live, step, result) for (live, step), result in zip(steps, results, strict=True))
                return [halt for halt in halts if halt is not None]
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, ITEM_PAUSE_S_MAX)
        raise CellUnreachable(f"updates were put off {ITEM_TRIES_MAX} times")

    def _take(self, live: LiveOrder, step: str, result: Result) -> Halt | None:
        problem = _problem(result)
        if not problem:
            live.status = str(result.get("status", ""))
            self._done(live, step)
            return None
        code = problem.get("code")
        if code != ILLEGAL:
            self._tally.refuse(live.plan.reference, step, str(code), str(problem.get("detail", ""))[:200])
        return Halt(live, step, illegal=code == ILLEGAL)

    async def alone(self, live: LiveOrder, until: Callable[[str], Awaitable[None]]) -> None:
        """Takes one order to its last status; `until` waits for the time of a step."""
        if self.is_due(live):
            await self._one_by_one(live, live.plan.steps, until)

    async def _one_by_one(
        self, live: LiveOrder, steps: Sequence[str], until: Callable[[str], Awaitable[None]] | None = None
    ) -> None:
        path = f"/v1/orders/{live.order_id}/updates"
        for step in steps:
            if until is not None:
                await until(step)
            answer = await self._client.post(path, encode({"update": step}), step_key(live.plan.reference, step))
            if answer.ok:
                self._done(live, step)
            elif answer.code == ILLEGAL:
                await self._go_on(live, step, until)
                return
            else:
                self._tally.refuse(live.plan.reference, step, answer.code, answer.detail)
                return

    def _done(self, live: LiveOrder, step: str) -> None:
        self._tally.updates += 1
        if step == "ship":
            self._tally.shipped.add(live.plan.reference)

    async def _go_on(self, live: LiveOrder, step: str, until: Callable[[str], Awaitable[None]] | None = None) -> None:
        """After an illegal step: what comes after it, where an earlier run has taken the order
        there; else it is refused."""
        present = await read_status(self._client, live.order_id)
        at = live.plan.steps.index(step)
        while at < len(live.plan.steps) and not _is_after(live.plan.steps[at], present):
            at += 1
        if at == len(live.plan.steps):
            self._tally.refuse(live.plan.reference, step, ILLEGAL, f"the order is {present or 'unknown'}")
            return
        if "ship" in live.plan.steps[: at + 1]:
            self._tally.shipped.add(live.plan.reference)
        left = live.plan.steps[at + 1 :]
        if left:
            await self._one_by_one(live, left, until)
        else:
            self._tally.already_so += 1


def _is_after(step: str, status: str) -> bool:
    """Has an order of that status taken the step?"""
    return status == STATUS_AFTER[step] or (status == PARTLY and step in _LEAVING)


def _problem(result: Result) -> Result:
    """The problem that an item was answered with; empty where it was done."""
    error = result.get("error")
    return error if isinstance(error, dict) else {}
