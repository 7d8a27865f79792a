"""Planning waves in a replica: one at a time, since it is up to a second of work in a thread that takes its time from
everybody else who is served here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from actors.domain.floor_plan import Proposal
from serve.problems import Problem

# For how long another one waits for its turn.
WAIT_S = 2.0


class Planning:
    """Of one replica."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)

    async def run(self, plan: Callable[[], Proposal]) -> Proposal:
        """Runs it in a thread, when nothing else is being planned. Raises Problem 503 `floor.planning_busy`,
        and what `plan` raises."""
        try:
            async with asyncio.timeout(WAIT_S):
                await self._turn.acquire()
        except TimeoutError:
            raise Problem("floor.planning_busy", "Another wave is being planned. Try again in a moment.") from None
        planned = asyncio.get_running_loop().run_in_executor(None, plan)
        # Who goes away does not end the thread: the turn is over when that is.
        planned.add_done_callback(lambda _: self._turn.release())
        return await asyncio.shield(planned)
