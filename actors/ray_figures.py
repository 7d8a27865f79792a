"""The collector of a cell's figures as a Ray actor: `us/figures`. Thin: it wires the runtime's `Collector`, and the
`Retention` of rows beside it."""

from __future__ import annotations

import asyncio
from typing import Any

from actors.clock import SystemClock
from actors.ray_alone import Alone, end_alone, start_alone
from actors.ray_host import CellSettings
from actors.runtime.collector import Collector
from actors.runtime.retention import Retention
from actors.storage.figures import PostgresFigures
from actors.storage.retention import PostgresRetention


class FiguresActor(Alone):
    """See the module's docstring."""

    part = "figures"

    def __init__(self, settings: bytes, counts: bool) -> None:
        self._counts = counts
        self._collector: Collector | None = None
        super().__init__(settings)

    def status(self) -> dict[str, Any]:
        """How much it has recorded since it started."""
        collector = self._collector
        return {"running": collector is not None, "minutes": collector.minutes if collector else 0}

    async def _run(self) -> None:
        clock, url = SystemClock(), self._cell.postgres_url
        rows = PostgresRetention(url, self._cell.region)
        loops = [Retention(rows, clock, self._cell.papers_keep_days).run()]
        if self._counts:
            self._collector = Collector(self._cell.region, PostgresFigures(url), clock)
            loops.append(self._collector.run())
        await asyncio.gather(*loops)


def start_figures(settings: CellSettings, *, counts: bool) -> Any:
    """Makes the cell's collector (or finds it). `counts`: without it only old rows are taken away."""
    return start_alone(FiguresActor, settings, counts)


def end_figures(region: str) -> None:
    """What it has not recorded is a gap."""
    end_alone(FiguresActor, region)
