"""Which SKUs are there that this replica has not heard of? All that are asked about at nearly the same time go to
the catalogue in one call.

    asked ──▶ gathered ──▶ at most one call every ASK_EVERY_S ──▶ each hears of its own

Whoever asks about SKUs that are made up must not keep the catalogue's host from its work. No answer is kept: a SKU may
be defined, and that acknowledged, a moment after it was unknown. So each question is answered by a call
that began after it was asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

import msgspec

from actors.domain.catalogue import KnownSkus, KnownSkusView
from actors.runtime.ports import Clock
from actors.runtime.wire import OK, Reply
from serve.gateway import Gateway
from serve.problems import Problem
from serve.replies import body_of

ASK_EVERY_S = 0.1
# Of one call; one request may name up to 1,000.
GATHERED_MAX = 10_000
_decoder = msgspec.json.Decoder(KnownSkusView)
# What the catalogue said, and the SKUs in it.
_Told = tuple[Reply, frozenset[str]]


class UnheardSkus:
    """See the module's docstring."""

    def __init__(self, gateway: Gateway, catalogue: str, clock: Clock) -> None:
        self._gateway = gateway
        self._catalogue = catalogue
        self._clock = clock
        self._gathered: dict[str, None] = {}
        self._next: asyncio.Task[_Told] | None = None
        self._asked_at = -ASK_EVERY_S

    async def known(self, skus: Sequence[str], cause: str) -> Collection[str]:
        """Those that the catalogue has, with some that others asked about. Raises Problem; 429 `cell.busy` when
        too many are asked about."""
        if self._gathered and len(self._gathered) + len(skus) > GATHERED_MAX:
            raise Problem("cell.busy", "Too many SKUs are asked about that are not known.")
        self._gathered.update(dict.fromkeys(skus))
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._ask(cause))
            self._next.add_done_callback(_seen)
        # The call is everybody's: one that goes away does not end it for the others.
        reply, known = await asyncio.shield(self._next)
        body_of(reply)
        return known

    async def _ask(self, cause: str) -> _Told:
        pause_s = self._asked_at + ASK_EVERY_S - self._clock.monotonic()
        if pause_s > 0:
            await self._clock.sleep(pause_s)
        # From here on others gather for the next call: this one may not see what is acknowledged now.
        skus, self._gathered, self._next = list(self._gathered), {}, None
        self._asked_at = self._clock.monotonic()
        reply = await self._gateway.view("catalogue", self._catalogue, KnownSkus(skus), cause=cause)
        return reply, frozenset(_decoder.decode(reply.body).skus if reply.status == OK else ())


def _seen(task: asyncio.Task[_Told]) -> None:
    """Everybody who asked may have gone: then nobody looks at what went wrong."""
    if not task.cancelled():
        task.exception()
