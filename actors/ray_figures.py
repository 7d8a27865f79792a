"""The collector of a cell's figures as a Ray actor: `us/figures`. Thin: it wires the runtime's `Collector`, and the
`Retention` of rows beside it. Nobody calls it, so it starts by itself, after each restart too: in a thread
with a loop of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from typing import Any

import msgspec
import ray

from actors.clock import SystemClock
from actors.logs import configure_logs
from actors.ray_gateway import NAMESPACE
from actors.ray_host import CellSettings
from actors.runtime.collector import Collector
from actors.runtime.retention import Retention
from actors.storage.figures import PostgresFigures
from actors.storage.retention import PostgresRetention

log = logging.getLogger("ocefs.figures")


def figures_name(region: str) -> str:
    """The name of a cell's collector in the Ray dashboard."""
    return f"{region}/figures"


class FiguresActor:
    """See the module's docstring."""

    def __init__(self, settings: bytes, counts: bool) -> None:
        self._cell = msgspec.msgpack.decode(settings, type=CellSettings)
        self._counts = counts
        self._collector: Collector | None = None
        configure_logs(self._cell.log_folder, figures_name(self._cell.region))
        threading.Thread(target=self._live, name="figures", daemon=True).start()

    def status(self) -> dict[str, Any]:
        """How much it has recorded since it started."""
        collector = self._collector
        return {"running": collector is not None, "minutes": collector.minutes if collector else 0}

    def _live(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException:
            log.exception("the collector ended")
            os._exit(1)  # Ray starts it again

    async def _run(self) -> None:
        clock, url = SystemClock(), self._cell.postgres_url
        rows = PostgresRetention(url, self._cell.region)
        loops = [Retention(rows, clock, self._cell.papers_keep_days).run()]
        if self._counts:
            self._collector = Collector(self._cell.region, PostgresFigures(url), clock)
            loops.append(self._collector.run())
        await asyncio.gather(*loops)


def start_figures(settings: CellSettings, *, counts: bool) -> Any:
    """Makes the cell's collector (or finds it); Ray restarts it for ever. `counts`: without it only
    old rows are taken away."""
    return (
        ray.remote(FiguresActor)
        .options(
            name=figures_name(settings.region), namespace=NAMESPACE, lifetime="detached", num_cpus=0,
            max_restarts=-1, get_if_exists=True,
        )
        .remote(msgspec.msgpack.encode(settings), counts)
    )  # fmt: skip


def end_figures(region: str) -> None:
    """The end of the cell; what it has not recorded is a gap."""
    try:
        collector = ray.get_actor(figures_name(region), NAMESPACE)
    except ValueError:
        return
    ray.kill(collector, no_restart=True)
