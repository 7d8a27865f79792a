"""Work whose outcome and duration are told to nobody: whether there is such an order or account, and
whether a code went out."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from serve.identity.desk import not_before
from serve.problems import Problem

# Every answer comes at that time, whether the work is done or not.
ANSWER_S = 0.5
# More at once are not begun.
RUNNING_MAX = 1_000
log = structlog.get_logger("ocefs.customers")


class Quietly:
    """Of one replica."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    async def do(self, work: Coroutine[Any, Any, None], request_id: str) -> None:
        """Begins the work, and returns ANSWER_S later. Raises Problem 429 when too much is being done."""
        loop = asyncio.get_running_loop()
        earliest = loop.time() + ANSWER_S
        if len(self._running) >= RUNNING_MAX:
            work.close()
            raise Problem("auth.busy", "Too many people ask at this moment.")
        task = loop.create_task(_quiet(work, request_id))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=ANSWER_S)
        await not_before(earliest)


async def _quiet(work: Coroutine[Any, Any, None], request_id: str) -> None:
    try:
        await work
    except Problem as problem:
        log.warning("a code did not go out", code=problem.code, request_id=request_id)
    except Exception:
        log.exception("a code did not go out", request_id=request_id)
