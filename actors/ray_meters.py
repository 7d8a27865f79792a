"""A host's figures as Ray metrics (Prometheus through Ray's exporter). Read from the host's counters once a second, so
that a turn costs nothing. Labels: region and host only, never an id of an order, a customer or a device."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ray.util.metrics import Counter, Gauge, Histogram

from actors.clock import SystemClock
from actors.runtime.host import Host
from actors.runtime.pauses import Pauses

log = logging.getLogger("ocefs.meters")
M = TypeVar("M", Counter, Gauge, Histogram)
INTERVAL_S = 1.0
_TAGS = ("region", "host")
_MS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000]
_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]


class HostMeters:
    """Exports one host."""

    def __init__(self, region: str, host: Host) -> None:
        self._host = host
        tags = {"region": region, "host": host.name}
        self._counters = {
            name: self._tagged(Counter(f"ocefs_{name}", description=text, tag_keys=_TAGS), tags)
            for name, text in (
                ("turns_total", "commands that changed or were remembered by an entity"),
                ("refusals_total", "commands refused by the domain"),
                ("repeats_total", "commands answered from memory"),
                ("faults_total", "commands that crashed"),
                ("activations_total", "entities loaded from the store"),
                ("messages_total", "messages sent to other entities"),
                ("drained_turns_total", "turns written behind"),
            )
        }
        self._gauges = {
            name: self._tagged(Gauge(f"ocefs_{name}", description=text, tag_keys=_TAGS), tags)
            for name, text in (
                ("shards", "shards owned"),
                ("shards_unlearned", "of these, that do not know yet what they saw: the store is asked for all"),
                ("entities", "entities in memory"),
                ("inbox", "envelopes waiting"),
                ("tail_turns", "turns that are not in the store"),
                ("write_behind_lag_ms", "age of the oldest of these"),
                ("outbox", "messages not acknowledged"),
                ("outbox_parked", "messages that wait for an operator"),
                ("rss_mb", "resident memory"),
                ("journal_fullness", "share of the journal's memory that is used; 0: no limit, or no answer"),
            )
        }
        self._append_ms = self._tagged(
            Histogram("ocefs_append_ms", description="journal append", boundaries=_MS, tag_keys=_TAGS), tags
        )
        self._group_size = self._tagged(
            Histogram("ocefs_group_turns", description="envelopes an append", boundaries=_SIZES, tag_keys=_TAGS), tags
        )
        self._last = dict.fromkeys(self._counters, 0)
        self._tasks: list[asyncio.Task[None]] = []
        self._clock, self._pauses = SystemClock(), Pauses()

    @staticmethod
    def _tagged(metric: M, tags: dict[str, str]) -> M:
        metric.set_default_tags(tags)
        return metric

    def start(self) -> None:
        """Exports from now on."""
        # The journal by itself: one that hangs would hold up all other figures, just when somebody looks at them.
        for work in (self._export, self._ask_journal):
            self._tasks.append(asyncio.get_running_loop().create_task(self._run(work)))

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        """For ever. What nobody foresaw is told, ever less often: a figure that stands still
        looks like one that is well."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            try:
                await work()
                self._pauses.well(work)
            except Exception:
                if self._pauses.renew(work, self._clock.now_ms()):
                    log.exception("figures of %s could not be exported", self._host.name)

    async def _ask_journal(self) -> None:
        self._gauges["journal_fullness"].set(await self._host.appender.fullness())

    async def _export(self) -> None:
        host, stats = self._host, self._host.stats()
        totals = {
            "turns_total": host.turns.turns, "refusals_total": host.turns.refusals, "repeats_total": host.turns.repeats,
            "faults_total": host.turns.faults, "activations_total": host.loader.activations,
            "messages_total": host.outbox.sent, "drained_turns_total": host.drain.drained_turns,
        }  # fmt: skip
        for name, total in totals.items():
            if total > self._last[name]:
                self._counters[name].inc(total - self._last[name])
                self._last[name] = total
        values = {
            "shards": stats.shards, "shards_unlearned": host.activation.unlearned(), "entities": stats.entities,
            "inbox": host.waiting(), "tail_turns": stats.tail_turns,
            "write_behind_lag_ms": stats.lag_ms, "outbox": stats.outbox, "outbox_parked": stats.parked,
            "rss_mb": stats.rss_mb,
        }  # fmt: skip
        for name, value in values.items():
            self._gauges[name].set(value)
        while host.appender.appends:
            took_ms, size = host.appender.appends.popleft()
            self._append_ms.observe(took_ms)
            self._group_size.observe(size)
