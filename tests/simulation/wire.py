"""What lies between processes: every call takes time, and may be lost on its way there or back, late, or done twice.

`remote` is the one place where chance comes between two processes. The far side runs in a process of its own: it goes
on when the caller dies, and answers into the void.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.simulation.loop import WORLD, Process, SimulatedLoop
from tests.simulation.trace import Trace


@dataclass(slots=True)
class Odds:
    """Chances of faults of one line between processes, 0..1, and its delays in seconds."""

    delay_min: float = 0.0002
    delay_max: float = 0.003
    slow: float = 0.0  # a delay ten to a hundred times as long
    lose_request: float = 0.0
    lose_reply: float = 0.0
    repeat: float = 0.0  # the request comes a second time, later
    late: float = 0.0  # the caller gives up, and then it is done
    timeout: float = 1.0  # seconds after which a caller without an answer gives up
    away: bool = False  # nobody is there: calls fail at once, or hang until the timeout

    def calm(self) -> None:
        """No faults any more."""
        self.slow = self.lose_request = self.lose_reply = self.repeat = self.late = 0.0
        self.away = False


Work = Callable[[], Awaitable[Any]]
Find = Callable[[], Process | None]


@dataclass(slots=True)
class _Request:
    caller: str
    what: str
    there: Work
    server: Find
    back_after: float
    mute: bool


class Line:
    """A line to some server. `fault` makes the error that a caller gets when the outcome is in doubt."""

    def __init__(
        self,
        name: str,
        loop: SimulatedLoop,
        trace: Trace,
        rng: random.Random,
        odds: Odds,
        fault: Callable[[str], Exception],
    ) -> None:
        self.name, self._loop, self._trace, self._rng, self.odds, self._fault = name, loop, trace, rng, odds, fault

    def _delay(self) -> float:
        odds = self.odds
        delay = self._rng.uniform(odds.delay_min, odds.delay_max)
        if self._rng.random() >= odds.slow:
            return delay
        self._tally("slow")
        return delay * self._rng.uniform(10, 100)

    async def remote(
        self,
        caller: str,
        what: str,
        there: Work,
        *,
        server: Find = lambda: WORLD,
        timeout: float | None = None,
        repeats: bool = True,
    ) -> Any:
        """Runs `there` in the process that `server` finds when the request arrives, and gives its outcome. Raises the
        line's fault when nobody is there, and when the outcome is in doubt. `repeats`: may the
        request come a second time?"""
        odds, rng = self.odds, self._rng
        limit = timeout if timeout is not None else odds.timeout
        answer: asyncio.Future[Any] = self._loop.create_future()
        if odds.away:
            self._note(caller, f"{what} … {self.name} is away")
            self._later_fail(limit if rng.random() < 0.3 else self._delay(), answer, "away")
            return await answer
        lost, mute = rng.random() < odds.lose_request, rng.random() < odds.lose_reply
        again, late = rng.random() < odds.repeat and repeats, rng.random() < odds.late
        there_after, request = self._delay(), _Request(caller, what, there, server, self._delay(), mute)
        if lost:
            self._note(caller, f"{what} … request lost")
            self._tally("request lost")
        else:
            if late:
                self._note(caller, f"{what} … will come late")
                self._tally("late")
                there_after += limit
            self._start(there_after, request, answer)
            if again:
                self._note(caller, f"{what} … will come again")
                self._tally("repeated")
                self._start(there_after + self._delay() * rng.choice((1, 10, 1000)), request, None)
        self._later_fail(limit, answer, "timeout")
        return await answer

    def _start(self, after: float, request: _Request, answer: asyncio.Future[Any] | None) -> None:
        self._loop.call_later(after, self._arrive, request, answer, context=WORLD.context())

    def _arrive(self, request: _Request, answer: asyncio.Future[Any] | None) -> None:
        process = request.server()
        if self.odds.away or process is None or process.state == "dead":
            if answer is not None:
                self._later_fail(request.back_after, answer, "refused")
        else:
            self._loop.create_task(self._serve(request, answer, process), context=process.context())

    async def _serve(self, request: _Request, answer: asyncio.Future[Any] | None, process: Process) -> None:
        if answer is not None:
            process.on_death[id(answer)] = lambda: self._later_fail(request.back_after, answer, "died")
        try:
            outcome, error = await request.there(), None
        except Exception as raised:  # whatever it is, it is the caller's
            outcome, error = None, raised
        if answer is None:
            return
        process.on_death.pop(id(answer), None)
        if request.mute:
            self._note(request.caller, f"{request.what} … done, reply lost")
            self._tally("reply lost")
            if request.what.startswith("append ") and error is None and not outcome:
                # The worst that Redis can do: nobody is told of what is on disk. `outcome` has
                # the shards that were refused.
                self._tally("append done without a reply")
            return
        self._loop.call_later(request.back_after, self._settle, answer, outcome, error, context=WORLD.context())

    def _later_fail(self, after: float, answer: asyncio.Future[Any], why: str) -> None:
        self._loop.call_later(after, self._fail, answer, why, context=WORLD.context())

    def _settle(self, answer: asyncio.Future[Any], outcome: Any, error: Exception | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(outcome)

    def _fail(self, answer: asyncio.Future[Any], why: str) -> None:
        if not answer.done():
            answer.set_exception(self._fault(f"{self.name}: {why}"))

    def _tally(self, fault: str) -> None:
        self._trace.tally(f"{self.name}: {fault}")

    def _note(self, caller: str, what: str) -> None:
        self._trace(self._loop.time(), caller, what)
