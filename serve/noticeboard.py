"""Where the replicas of a machine leave their figures for each other: a file each, in a folder of the cell's.

They share one port, so a scrape reaches any of them; only all figures together are the API's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from serve.metrics import ReplicaCounts

POST_S = 1.0
# Whoever has not been heard of for so long is gone, or stands still: what it last said may mislead.
STALE_S = 10.0
log = logging.getLogger("ocefs.metrics")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ReplicaCounts).decode


class Noticeboard:
    """One replica's access. `figures`: gives its own."""

    def __init__(self, folder: Path, figures: Callable[[], ReplicaCounts]) -> None:
        self._folder = folder
        self._figures = figures
        self._own = folder / f"{figures().replica}.figures"
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Posts every `POST_S` from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        last = ""
        while True:
            problem = ""
            try:
                self.post()
            except OSError as fault:  # a full disk must not end it, nor fill what is left with lines
                problem = str(fault)
            if problem and not last:
                log.warning("noticeboard.unwritable", extra={"problem": problem})
            last = problem
            await asyncio.sleep(POST_S)

    def post(self) -> None:
        """Leaves the figures of now. Readers see the old ones or these."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._own.with_suffix(".fresh")
        fresh.write_bytes(_encode(self._figures()))
        fresh.replace(self._own)

    def others(self) -> list[ReplicaCounts]:
        """What the others left; files of those that are gone are cleared away. Nothing where the folder can't be read:
        whether the cell serves is asked by way of this, too."""
        found: list[ReplicaCounts] = []
        try:
            there = sorted(self._folder.iterdir())
        except OSError:
            return found
        for path in there:
            if path.stem == self._own.stem:
                continue
            try:
                if time.time() - path.stat().st_mtime > STALE_S:
                    path.unlink()
                elif path.suffix == self._own.suffix:
                    found.append(_decode(path.read_bytes()))
            except (OSError, msgspec.MsgspecError):
                continue  # it went away meanwhile, or is of another release
        return found

    def close(self) -> None:
        """Takes its own away, if it can."""
        if self._task is not None:
            self._task.cancel()
        with contextlib.suppress(OSError):
            self._own.unlink()
