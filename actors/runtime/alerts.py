"""What surrounds the monitor: the audit as a stream, its own memory, and alerts as lists. Ports: `actors/storage/`
fills them, fakes in tests do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import msgspec

from actors.anomalies.record import Record


class Position(NamedTuple):
    """How far a shard's audit was read: the number of its last line, and when that was (UTC ms)."""

    number: int
    at_ms: int


class Kept(msgspec.Struct, frozen=True):
    """What the monitor has learned, and up to where."""

    cursor: dict[int, Position]
    state: bytes


class AlertSummary(msgspec.Struct, frozen=True):
    """One alert in a list. Times: UTC ms."""

    alert_id: str
    version: int
    status: str
    about: str
    role: str
    rules: str
    score: float
    action: str
    assignee: str
    verdict: str
    began_at: int
    last_at: int


class Read(NamedTuple):
    """What a look at the audit brought. records: by time. cursor: how far each shard is read by that, those that had
    news. more: is there more at once?"""

    records: list[Record]
    cursor: dict[int, Position]
    more: bool


class AuditStream(Protocol):
    """Lines of the audit in the order of each shard."""

    async def since(self, cursor: Mapping[int, Position], limit: int) -> Read:
        """The next lines after the cursor, at most `limit` of each shard, and none that is later than what is still to
        come. Of machines' routine (`record.ROUTINE`) only one in SAMPLED. Raises StoreUnavailable."""


class MonitorMemory(Protocol):
    """Keeps one monitor's state over restarts."""

    async def load(self) -> Kept | None:
        """What was saved last. Raises StoreUnavailable."""

    async def save(self, kept: Kept, now_ms: int) -> None:
        """Replaces it. Raises StoreUnavailable."""


class AlertList(Protocol):
    """Alerts as they were written behind."""

    async def alerts(self, *, status: str | None, before: str | None, limit: int) -> list[AlertSummary]:
        """Newest first (by alert id), older than the alert id `before`. Raises StoreUnavailable."""

    async def untold(self, since_ms: int, limit: int) -> list[str]:
        """Ids of alerts with news since then that the webhook has not taken, oldest news first.
        Raises StoreUnavailable."""

    async def close(self) -> None:
        """Gives the connections back."""
