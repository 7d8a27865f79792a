"""What read models keep only for a while: rows of what is over, that nothing looks for any more. Of what happened the
history tells for as long as it is kept.

Once an hour, in small parts, beside the collector of figures (`actors/ray_figures.py`). It takes away rows and never an
entity that is alive: only such rows as their entity has said its last word on, long after the commands to it are
forgotten. An entity of which the row is gone is unknown, as one is that never was. The list of ended sessions is one
entity with a row a session, all of which are read whenever it comes to memory: of these it takes what
the list itself has dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple, Protocol

from actors.domain.times import DAY_MS
from actors.runtime.errors import StoreUnavailable
from actors.runtime.ports import Clock

log = logging.getLogger("ocefs.retention")
# A cart lives two days at most; whoever asks for its end has 30.
CARTS_KEPT_DAYS = 30
# Ended sessions, after their tokens are over by themselves: nobody asks for them any more, but clocks differ.
REVOCATIONS_KEPT_DAYS = 1
# Labels and addresses of shipments that are over, for whoever prints them again: `[packing] papers_keep_days`.
PAPERS_KEPT_DAYS = 30
EVERY_S = 3_600.0
# Between two parts: others want the store too.
PAUSE_S = 1.0
PARTS_MAX = 1_000


class Papers(NamedTuple):
    """How many rows of shipments' papers went, of each kind."""

    labels: int
    addresses: int


class Rows(Protocol):
    """Raises StoreUnavailable."""

    async def forget_carts(self, before_ms: int) -> int:
        """Takes away rows of reservations that are over, and were made and ended before then (UTC ms); so many, of
        which there may be more."""

    async def forget_revocations(self, before_ms: int) -> int:
        """Takes away rows of ended sessions whose tokens were over before then (UTC ms); so many, of which there may be
        more. Never the newest row of a list: it tells the list's version."""

    async def forget_papers(self, before_ms: int) -> Papers:
        """Takes away papers of shipments that were over before then (UTC ms); so many, of which there may be more."""


class Retention:
    """`carts`, `revocations`, `labels`, `addresses`: rows that went since it started. papers_kept_days: of
    shipments that are over."""

    def __init__(self, rows: Rows, clock: Clock, papers_kept_days: int = PAPERS_KEPT_DAYS) -> None:
        self._rows, self._clock = rows, clock
        self._papers_kept_days = papers_kept_days
        self.carts = self.revocations = self.labels = self.addresses = 0

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self.round()
            except StoreUnavailable as away:
                log.warning("old rows can't be taken away: %s", away)
            except Exception:
                log.exception("a round of the retention failed")
            await self._clock.sleep(EVERY_S)

    async def round(self) -> None:
        """All that is old, part by part, up to PARTS_MAX. Raises StoreUnavailable."""
        carts, revocations, labels, addresses = self.carts, self.revocations, self.labels, self.addresses
        try:
            for part, days in (
                (self._forget_carts, CARTS_KEPT_DAYS),
                (self._forget_revocations, REVOCATIONS_KEPT_DAYS),
                (self._forget_papers, self._papers_kept_days),
            ):
                await self._in_parts(partial(part, self._clock.now_ms() - days * DAY_MS))
        finally:
            told = {
                "carts": self.carts - carts, "revocations": self.revocations - revocations,
                "labels": self.labels - labels, "addresses": self.addresses - addresses,
            }  # fmt: skip
            if any(told.values()):
                log.info("retention.dropped", extra=told)

    async def _in_parts(self, part: Callable[[], Awaitable[bool]]) -> None:
        """`part`: takes some away, and says whether there was anything."""
        for _ in range(PARTS_MAX):
            if not await part():
                return
            await self._clock.sleep(PAUSE_S)

    async def _forget_carts(self, before_ms: int) -> bool:
        gone = await self._rows.forget_carts(before_ms)
        self.carts += gone
        return bool(gone)

    async def _forget_revocations(self, before_ms: int) -> bool:
        gone = await self._rows.forget_revocations(before_ms)
        self.revocations += gone
        return bool(gone)

    async def _forget_papers(self, before_ms: int) -> bool:
        gone = await self._rows.forget_papers(before_ms)
        self.labels, self.addresses = self.labels + gone.labels, self.addresses + gone.addresses
        return any(gone)
