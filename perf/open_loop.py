"""Load at a given rate: requests are sent when their time has come, whether or not earlier ones are answered.

Latency counts from the *intended* time of sending. A system that stalls for a second therefore shows a second's
latency for all the requests of that second, and not for the one that was on its way (no coordinated omission); a
generator that falls behind makes the figures worse, never better.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from perf.http_pool import HttpPool, Reply
from perf.latency import percentile

TICK_S = 0.002
LAST_REPLIES_S = 15.0
PROBLEM_MARK = b'"code":'
ERROR_KINDS_MAX = 10


class Shot(NamedTuple):
    """One request and how many updates it carries."""

    raw: bytes
    updates: int


class OpenLoopFigures(msgspec.Struct, frozen=True):
    """What was measured at the given rate; times in milliseconds from the intended sending."""

    requests: int
    updates: int
    seconds: float
    rate_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    errors: int
    error_kinds: dict[str, int]


class _Tally:
    """Counts while the load runs."""

    def __init__(self) -> None:
        self.latencies_ms: list[float] = []
        self.updates = 0
        self.errors = 0
        self.kinds: dict[str, int] = {}
        self.outstanding = 0
        self.none_outstanding = asyncio.Event()

    def recorder(self, intended: float, updates: int, now: Callable[[], float]) -> Callable[[Reply], None]:
        """What to do with the answer of one request."""

        def record(reply: Reply) -> None:
            self.outstanding -= 1
            if not self.outstanding:
                self.none_outstanding.set()
            self.latencies_ms.append((now() - intended) * 1000)
            bad = updates if not 200 <= reply.status < 300 else reply.body.count(PROBLEM_MARK)
            self.updates += updates - bad
            if bad:
                self.count(f"{reply.status} {reply.body[:200].decode(errors='replace')}", bad)

        return record

    def count(self, kind: str, errors: int) -> None:
        """Adds errors of a kind; only so many kinds are told apart."""
        self.errors += errors
        name = kind if kind in self.kinds or len(self.kinds) < ERROR_KINDS_MAX else "others"
        self.kinds[name] = self.kinds.get(name, 0) + errors


async def run(pool: HttpPool, shots: Iterator[Shot], *, updates_per_s: float, seconds: float) -> OpenLoopFigures:
    """Sends shots so that `updates_per_s` are due in every second, for `seconds`, then waits for the last answers."""
    loop = asyncio.get_running_loop()
    tally = _Tally()
    start = loop.time()
    due = start
    while due < start + seconds:
        now = loop.time()
        if due > now:
            await asyncio.sleep(max(due - now, TICK_S))
            continue
        shot = next(shots)
        tally.outstanding += 1
        tally.none_outstanding.clear()
        pool.submit(shot.raw, tally.recorder(due, shot.updates, loop.time))
        due += shot.updates / updates_per_s
        if now - due > TICK_S:
            await asyncio.sleep(0)  # behind time: let the answers in between
    took = loop.time() - start
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LAST_REPLIES_S):
            await tally.none_outstanding.wait()
    if tally.outstanding:
        tally.count(f"no answer {LAST_REPLIES_S:.0f} s after the end", tally.outstanding)
    latencies = sorted(tally.latencies_ms)
    return OpenLoopFigures(
        requests=len(latencies),
        updates=tally.updates,
        seconds=took,
        rate_per_s=tally.updates / took,
        p50_ms=percentile(latencies, 50),
        p95_ms=percentile(latencies, 95),
        p99_ms=percentile(latencies, 99),
        max_ms=latencies[-1] if latencies else 0.0,
        errors=tally.errors,
        error_kinds=tally.kinds,
    )
