"""Load in a thread of its own, while a test or a benchmark does something to the cell."""

import asyncio
import threading
from collections.abc import Sequence
from types import TracebackType

from perf.chaos.clients import Client
from perf.chaos.run import end
from perf.chaos.told import Notebook


class Background:
    """Runs clients from entering to leaving; on leaving, all of them finish what they are at.
    Errors go into the notebook."""

    def __init__(self, clients: Sequence[Client], notebook: Notebook) -> None:
        self._clients = clients
        self._notebook = notebook
        self._ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work()), name="load", daemon=True)

    async def _work(self) -> None:
        work = [asyncio.create_task(client.run(), name=client.name) for client in self._clients]
        await asyncio.to_thread(self._ending.wait)
        await end(self._clients, work, self._notebook)

    def __enter__(self) -> "Background":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._ending.set()
        self._thread.join()
