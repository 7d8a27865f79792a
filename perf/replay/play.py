"""Sends the orders of a trace: as fast as the cell takes them, or in the trace's own time.

Fast: `LANES` lanes each take the next `CHUNK` orders of the trace, place them beside each other, then lead them through
their lives in bodies of updates. A chunk is the same orders in every run, so that its bodies are the same.
In trace time: an order is placed when the trace's clock, N times as fast as the world's, comes to its `ordered_at`; it
ships at its `shipped_at` and is delivered at its `delivered_at` where the trace knows them and
they make sense, else at once.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from perf.replay.life import Life
from perf.replay.placing import Placer
from perf.replay.plan import OrderPlan

CHUNK: Final = 250
LANES: Final = 4
# Orders placed and waiting for their shipping day; the trace's clock waits where there are more.
PENDING_MAX: Final = 10_000


async def play_fast(plans: Iterable[OrderPlan], placer: Placer, life: Life, progress: Callable[[int], None]) -> None:
    """Sends everything, as fast as it is taken. Raises CellUnreachable, alone or in a group."""
    chunks = _chunks(iter(plans))

    async def lane() -> None:
        for chunk in chunks:  # shared by all lanes: each takes the next one
            await _play_chunk(chunk, placer, life, progress)

    async with asyncio.TaskGroup() as lanes:
        for _ in range(LANES):
            lanes.create_task(lane())


def _chunks(plans: Iterator[OrderPlan]) -> Iterator[list[OrderPlan]]:
    while chunk := list(islice(plans, CHUNK)):
        yield chunk


async def _play_chunk(chunk: list[OrderPlan], placer: Placer, life: Life, progress: Callable[[int], None]) -> None:
    async with asyncio.TaskGroup() as group:
        placements = [group.create_task(placer.place(plan)) for plan in chunk if plan.order is not None]
        for plan in chunk:
            if plan.adjustments:
                group.create_task(placer.adjust(plan))
    placed = (placement.result() for placement in placements)
    await life.together([live for live in placed if live is not None])
    progress(len(chunk))


class TraceClock:
    """Tells when a moment of the trace comes, if its first moment is now and it runs `speed` times as fast."""

    def __init__(self, first: datetime, speed: float) -> None:
        self._first = first
        self._speed = speed
        self._time = asyncio.get_running_loop().time
        self._start = self._time()

    async def until(self, moment: datetime) -> None:
        """Sleeps until the trace's clock says `moment`; not at all where that is past."""
        due = self._start + (moment - self._first).total_seconds() / self._speed
        await asyncio.sleep(max(0.0, due - self._time()))


async def play_paced(
    plans: Iterable[OrderPlan], placer: Placer, life: Life, progress: Callable[[int], None], speed: float
) -> None:
    """Sends every order at its time. Raises CellUnreachable, alone or in a group."""
    pending = asyncio.Semaphore(PENDING_MAX)
    clock: TraceClock | None = None

    async def play(plan: OrderPlan, clock: TraceClock) -> None:
        async def until(step: str) -> None:
            moment = {"ship": plan.shipped_at, "deliver": plan.delivered_at}.get(step)
            if moment is not None:
                await clock.until(moment)

        try:
            if plan.adjustments:
                await placer.adjust(plan)
            live = await placer.place(plan) if plan.order is not None else None
            if live is not None:
                await life.alone(live, until)
            progress(1)
        finally:
            pending.release()

    async with asyncio.TaskGroup() as group:
        for plan in plans:
            clock = clock or TraceClock(plan.ordered_at, speed)
            await clock.until(plan.ordered_at)
            await pending.acquire()
            group.create_task(play(plan, clock))
