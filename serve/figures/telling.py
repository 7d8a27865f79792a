"""Tells live streams of each minute that was recorded. It looks for new ones only while somebody listens: one small
read every POLL_S for all streams of this replica."""

from __future__ import annotations

import asyncio
import logging

from actors.domain.times import MINUTE_MS
from actors.runtime.errors import StoreUnavailable
from actors.runtime.figures import FiguresList
from actors.runtime.ports import Clock
from serve.figures.schemas import point_of_minute
from serve.live.hub import LiveHub
from serve.responses import encode

log = logging.getLogger("ocefs.figures")
POLL_S = 5.0
# Whoever comes first is told of a minute that is no older than that.
BACK_MS = 2 * MINUTE_MS


class FiguresTelling:
    """`want` is the hub's to call, when the first stream of figures comes and the last leaves."""

    def __init__(self, region: str, hub: LiveHub, figures: FiguresList, clock: Clock) -> None:
        self._region, self._hub, self._figures, self._clock = region, hub, figures, clock
        self._task: asyncio.Task[None] | None = None

    def want(self, wanted: bool) -> None:
        """Begins to look, or ends."""
        if wanted and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        elif not wanted and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        told_ms = self._clock.now_ms() - BACK_MS
        while True:
            try:
                told_ms = await self.round(told_ms)
            except StoreUnavailable as away:
                log.warning("figures can't be told: %s", away)
            except Exception:
                log.exception("telling figures failed")
            await asyncio.sleep(POLL_S)

    async def round(self, told_ms: int) -> int:
        """Tells of the last minute, if it is past `told_ms`; gives which was told last. Raises StoreUnavailable."""
        for minute in await self._figures.latest(told_ms):
            told_ms = minute.at
            # The region's is for those whose rights reach all of it.
            place = "" if minute.location_id == self._region else minute.location_id
            self._hub.figures(minute.location_id, place, minute.at, encode(point_of_minute(minute)))
        return told_ms
