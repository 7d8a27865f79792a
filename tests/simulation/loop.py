"""An event loop in virtual time for a world of simulated processes.

Time jumps to the next timer when nothing is ready; nothing ever waits for real, and there is no I/O. Two runs with the
same seed run the same callbacks in the same order.

What is shuffled, and what is not: callbacks of `call_soon` run first in, first out, as asyncio promises and code relies
on. Chance comes in at two places only: everything between processes (network, journal, store) takes a time drawn from
the seed, and timers that are due at the very same moment go off in an order drawn from the seed,
which asyncio leaves open.

A *process* is a `Process` in the context variable `PROCESS`. Tasks, timers and callbacks inherit the context in which
they were made, so each callback belongs to a process:

    running    its callbacks run
    paused     they are held, timers too, and run in their order when it wakes up (SIGSTOP, SIGCONT)
    dead       they never run: no `except` and no `finally` sees the end (SIGKILL)

Hashes of tasks and futures are running numbers instead of addresses, so that sets of them have
the same order in every run.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import random
from collections.abc import Callable, Coroutine
from typing import Any

STEPS_MAX = 5_000_000


class Stuck(Exception):
    """Nothing can happen any more, or too much happens. Carries a readable list of what waits where."""


PROCESS: contextvars.ContextVar[Process] = contextvars.ContextVar("PROCESS")


class Process:
    """A simulated process: who its callbacks belong to, and whether they may run."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = "running"
        self.held: list[asyncio.Handle] = []
        self.on_death: dict[int, Callable[[], None]] = {}
        self._context = contextvars.Context()
        self._context.run(lambda: PROCESS.set(self))

    def __repr__(self) -> str:
        return f"<{self.name} {self.state}>"

    def context(self) -> contextvars.Context:
        """The context in which whatever is made belongs to this process. Callbacks never nest, so one is enough."""
        return self._context


# Whatever was made outside of every process: network, disks, supervisor, clients.
WORLD = Process("world")


class _Future(asyncio.Future):
    def __init__(self, number: int, *, loop: asyncio.AbstractEventLoop) -> None:
        self.number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.number


class _Task(asyncio.Task):
    def __init__(
        self, number: int, coro: Coroutine[Any, Any, Any], *, context: contextvars.Context, **options: Any
    ) -> None:
        self.number = number  # before the base class puts the task into a set
        self.process = context.get(PROCESS, WORLD)
        super().__init__(coro, context=context, **options)

    def __hash__(self) -> int:
        return self.number


class SimulatedLoop(asyncio.BaseEventLoop):
    """See the module. `random` belongs to the loop alone, so that other draws don't move the order of timers."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._now = 0.0
        self._random = random.Random(f"loop {seed}")
        self._numbers = 0
        self._timers: list[tuple[float, float, int, asyncio.TimerHandle]] = []
        self._over = False
        self.steps = 0
        self.tasks: list[_Task] = []
        self.failures: list[str] = []
        self._buried: list[asyncio.Handle] = []
        self.set_exception_handler(self._note_failure)

    # --- time and order ---------------------------------------------------------------------------------------------
    def time(self) -> float:
        """Virtual seconds since the world began."""
        return self._now

    def call_soon(self, callback, *args, context=None):
        """As asyncio's; after the end of the world nothing is taken any more."""
        if self._over:
            return asyncio.Handle(callback, args, self, context)
        return super().call_soon(callback, *args, context=context)

    def call_at(self, when, callback, *args, context=None):
        """As asyncio's, with equal times in an order drawn from the seed."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        if not self._over:
            self._numbers += 1
            heapq.heappush(self._timers, (when, self._random.random(), self._numbers, timer))
        return timer

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers
        if not ready:
            while timers and timers[0][3]._cancelled:
                heapq.heappop(timers)
            if not timers:
                raise Stuck("nothing is ready and no timer runs\n" + self.waiting())
            self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            timer = heapq.heappop(timers)[3]
            if not timer._cancelled:
                ready.append(timer)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            process = handle._context.get(PROCESS, WORLD)
            if process.state == "running":
                self.steps += 1
                handle._run()
            elif process.state == "paused":
                process.held.append(handle)
            else:
                self._buried.append(handle)  # dropping it would run the `finally` of its coroutine
        if self.steps > STEPS_MAX:
            raise Stuck(f"more than {STEPS_MAX} steps: something runs in circles\n" + self.waiting())

    # --- processes --------------------------------------------------------------------------------------------------
    def pause(self, process: Process) -> None:
        """Holds everything that the process would do."""
        assert process.state == "running", process
        process.state = "paused"

    def wake(self, process: Process) -> None:
        """Goes on where the process was paused; what fell due meanwhile comes at once."""
        assert process.state == "paused", process
        process.state = "running"
        self._ready.extend(process.held)
        process.held.clear()

    def kill(self, process: Process) -> None:
        """Nothing of the process ever runs again."""
        process.state = "dead"
        self._buried.extend(process.held)
        process.held.clear()
        for told in list(process.on_death.values()):
            told()
        process.on_death.clear()

    # --- tasks ------------------------------------------------------------------------------------------------------
    def create_future(self) -> asyncio.Future:
        """A future with a stable hash."""
        self._numbers += 1
        return _Future(self._numbers, loop=self)

    def create_task(self, coro, *, name=None, context=None):
        """A task with a stable hash and name. All are kept to the end, so that none is collected in between."""
        self._numbers += 1
        context = context if context is not None else contextvars.copy_context()
        task = _Task(self._numbers, coro, loop=self, name=name or f"task-{self._numbers}", context=context)
        self.tasks.append(task)
        return task

    def _note_failure(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not self._over:
            self.failures.append(f"{context.get('message')}: {context.get('exception')!r}")

    def unhandled(self) -> list[str]:
        """Errors that nobody looked at, of tasks whose process lives."""
        out = list(self.failures)
        for task in self.tasks:
            if task.done() and not task.cancelled() and task._log_traceback:
                error = task.exception()
                if task.process.state != "dead":
                    out.append(f"{task.process.name} {task.get_coro().__qualname__}: {error!r}")
        return out

    def waiting(self) -> str:
        """One line for each pending task: where it stands."""
        lines = []
        for task in self.tasks:
            if task.done():
                continue
            frames, coro = [], task.get_coro()
            while coro is not None and len(frames) < 12:
                frame = getattr(coro, "cr_frame", None)
                if frame is not None:
                    frames.append(f"{coro.__qualname__}:{frame.f_lineno}")
                coro = getattr(coro, "cr_await", None)
            lines.append(f"  {task.get_name()}: {' > '.join(frames)}")
        return "\n".join(lines[:80])

    def end(self) -> None:
        """Ends the world: closes what still waits, hears nothing of it, and closes the loop."""
        self._over = True
        for task in self.tasks:
            if not task.done():
                task._log_destroy_pending = False
                try:
                    task.get_coro().close()
                except (RuntimeError, ValueError, asyncio.CancelledError):
                    pass  # it awaited in a `finally`: there is nobody left to answer
        self._ready.clear()
        self._timers.clear()
        self._buried.clear()
        self.close()

    # --- what a world without I/O does not have -----------------------------------------------------------------------
    def _write_to_self(self) -> None:
        raise RuntimeError("threads have no place in the simulation")

    def run_in_executor(self, executor, func, *args):
        """Threads have no place here."""
        raise RuntimeError("threads have no place in the simulation")

    def _process_events(self, event_list) -> None:
        raise AssertionError("there is no I/O")
