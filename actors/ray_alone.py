"""A part of a cell that nobody calls, as a Ray actor: it starts by itself, after each restart too, in a thread with a
loop of its own; Ray restarts it for ever."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from abc import ABC, abstractmethod
from typing import Any

import msgspec
import ray

from actors.logs import configure_logs
from actors.ray_gateway import NAMESPACE
from actors.ray_host import CellSettings


class Alone(ABC):
    """What runs so. `part`: its name in the cell, e.g. `monitor`. A subclass sets what it needs before this `__init__`,
    which starts it."""

    part: str

    def __init__(self, settings: bytes) -> None:
        self._cell = msgspec.msgpack.decode(settings, type=CellSettings)
        configure_logs(self._cell.log_folder, f"{self._cell.region}/{self.part}")
        threading.Thread(target=self._live, name=self.part, daemon=True).start()

    def _live(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException:
            logging.getLogger(f"ocefs.{self.part}").exception("the %s ended", self.part)
            os._exit(1)  # Ray starts it again

    @abstractmethod
    async def _run(self) -> None:
        """For ever."""


def name_of(region: str, part: type[Alone]) -> str:
    """Its name in the Ray dashboard, e.g. `us/monitor`."""
    return f"{region}/{part.part}"


def start_alone(part: type[Alone], settings: CellSettings, *more: Any) -> Any:
    """Makes it (or finds it). more: what its `__init__` wants besides the settings."""
    return (
        ray.remote(part)
        .options(
            name=name_of(settings.region, part), namespace=NAMESPACE, lifetime="detached", num_cpus=0,
            max_restarts=-1, get_if_exists=True,
        )
        .remote(msgspec.msgpack.encode(settings), *more)
    )  # fmt: skip


def end_alone(part: type[Alone], region: str) -> None:
    """The end of the cell."""
    try:
        alone = ray.get_actor(name_of(region, part), NAMESPACE)
    except ValueError:
        return
    ray.kill(alone, no_restart=True)
