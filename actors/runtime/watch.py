"""Keeps the monitor going: reads what is new in the audit each second, raises alerts, remembers how far it is.

    audit ──since(cursor)──▶ Monitor ──▶ RaiseAlert to the alert's entity (again until it is taken)
                                 └─ every SAVE_S: state and cursor together, when every alert so far is taken

After a crash it reads the last minute again: the same records give the same alerts with the same ids, and an alert that
is there already takes no harm. Of what is older than STALE_MS it only learns: nobody's session is ended
for what was done yesterday.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from actors.anomalies.monitor import Alert, Monitor
from actors.anomalies.record import Record
from actors.domain.alert import Finding, RaiseAlert
from actors.domain.audit import Who
from actors.domain.times import DAY_MS
from actors.runtime.alerts import AuditStream, Kept, MonitorMemory, Position, Read
from actors.runtime.ports import Clock
from actors.runtime.rounds import rounds_for_ever
from actors.runtime.sharding import digest_of
from actors.runtime.wire import OK, REFUSED, Reply

log = logging.getLogger("ocefs.monitor")
POLL_S = 1.0
SAVE_S = 60.0
LINES_MAX = 500
WAITING_MAX = 1_000
STALE_MS = DAY_MS
NOTHING = Read([], {}, False)
# Who raises alerts, in the audit.
WATCHMAN = "monitor"


class Asks(Protocol):
    """The part of the gateway that is needed."""

    async def ask(
        self,
        kind: str,
        entity_id: str,
        command: msgspec.Struct,
        *,
        command_id: str,
        digest: int,
        who: Who | None = None,
    ) -> Reply:
        """One command."""

    async def view(self, kind: str, entity_id: str, query: msgspec.Struct) -> Reply:
        """A query."""


class Watch:
    """`fresh` makes a monitor that has learned nothing."""

    def __init__(
        self,
        region: str,
        fresh: Callable[[], Monitor],
        stream: AuditStream,
        memory: MonitorMemory,
        gateway: Asks,
        clock: Clock,
    ) -> None:
        self._who = Who(f"{region}-{WATCHMAN}")
        self._fresh, self._monitor = fresh, fresh()
        self._stream, self._memory, self._gateway, self._clock = stream, memory, gateway, clock
        self._cursor: dict[int, Position] = {}
        self._waiting: deque[Alert] = deque()
        self._loaded, self._dirty, self._saved_at = False, False, 0.0
        self.records = 0
        self.alerts = 0

    async def run(self) -> None:
        """For ever. Whatever goes wrong is told, and tried again."""
        await rounds_for_ever(self.round, self._forget, self._clock, POLL_S, log, "the monitor")

    def _forget(self) -> None:
        self._loaded = False

    async def round(self) -> bool:
        """Reads once; True when there is more at once. Raises StoreUnavailable."""
        if not self._loaded:
            await self._load()
        await self._hand_over()
        read = NOTHING
        if len(self._waiting) < WAITING_MAX:
            read = await self._stream.since(self._cursor, LINES_MAX)
        for record in read.records:
            self._see(record)
        if read.cursor:
            self._cursor |= read.cursor
            self._dirty = True
        await self._hand_over()
        await self._save()
        return read.more

    def _see(self, record: Record) -> None:
        self.records += 1
        if record.subject == self._who.subject:
            return
        for alert in self._monitor.see(record):
            if alert.last_ms >= self._clock.now_ms() - STALE_MS:
                self._waiting.append(alert)

    async def _hand_over(self) -> None:
        """Raises what waits, oldest first; what is not taken now waits on."""
        while self._waiting:
            command = RaiseAlert(_finding(self._waiting[0]))
            body = msgspec.msgpack.encode(command)
            digest = digest_of(body)
            alert_id = self._waiting[0].alert_id
            reply = await self._gateway.ask(
                "alert", alert_id, command, command_id=f"{alert_id}:{digest:x}", digest=digest, who=self._who
            )
            if reply.status not in {OK, REFUSED}:
                log.warning("an alert is not taken yet", extra={"entity_id": alert_id})
                return
            if reply.status == REFUSED:
                log.error("an alert was refused", extra={"entity_id": alert_id})
            self._waiting.popleft()
            self.alerts += 1

    async def _load(self) -> None:
        self._monitor, self._cursor = self._fresh(), {}
        self._waiting.clear()
        kept = await self._memory.load()
        if kept is not None and self._monitor.restore(kept.state):
            self._cursor = dict(kept.cursor)
        elif kept is not None:
            log.warning("what the monitor had learned is of another version: it learns anew")
        self._loaded, self._dirty, self._saved_at = True, False, self._clock.monotonic()

    async def _save(self) -> None:
        if self._waiting or not self._dirty or self._clock.monotonic() - self._saved_at < SAVE_S:
            return
        await self._memory.save(Kept(dict(self._cursor), self._monitor.dump()), self._clock.now_ms())
        self._dirty, self._saved_at = False, self._clock.monotonic()


def _finding(alert: Alert) -> Finding:
    return Finding(
        alert.about, alert.role, alert.session_id, alert.began_ms, alert.last_ms, alert.rules, alert.score, alert.reasons,
        alert.evidence, alert.requests, alert.action, alert.lines,
    )  # fmt: skip
