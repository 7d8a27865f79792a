"""What read models keep only for a while: rows of what is over, that nothing looks for any more. Of what happened the history tells for as long as it is kept.

Once an hour, in small parts, beside the collector of figures (`actors/ray_figures.py`). It takes away rows and never an entity that is alive: only such rows as their entity has said
its last word on, long after the commands to it are forgotten. An entity of which the row is gone is unknown, as one is that never was.
"""

from __future__ import annotations

import logging
from typing import Protocol

from actors.domain.times import DAY_MS
from actors.runtime.errors import StoreUnavailable
from actors.runtime.ports import Clock

log = logging.getLogger("ocefs.retention")
# A cart lives two days at most; whoever asks for its end has 30.
CARTS_KEPT_DAYS = 30
EVERY_S = 3_600.0
# Between two parts: others want the store too.
PAUSE_S = 1.0
PARTS_MAX = 1_000


class Rows(Protocol):
    """Raises StoreUnavailable."""

    async def forget_carts(self, before_ms: int) -> int:
        """Takes away rows of reservations that are over, and were made and ended before then (UTC ms); so many, of which there may be more."""


class Retention:
    """`carts`: rows that went since it started."""

    def __init__(self, rows: Rows, clock: Clock) -> None:
        self._rows, self._clock = rows, clock
        self.carts = 0

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
        before_ms = self._clock.now_ms() - CARTS_KEPT_DAYS * DAY_MS
        for _ in range(PARTS_MAX):
            gone = await self._rows.forget_carts(before_ms)
            self.carts += gone
            if not gone:
                return
            await self._clock.sleep(PAUSE_S)
