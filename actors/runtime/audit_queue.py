"""The audit line by line, for somebody who keeps a copy of it. A port: `actors/storage/audit_queue.py` fills it, fakes
in tests do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from actors.runtime.alerts import Position
from actors.runtime.audit_lines import Line


class Missing(NamedTuple):
    """Lines of a shard, from number `first` to `last`, that should have come and are not there."""

    shard: int
    first: int
    last: int


class Batch(NamedTuple):
    """What comes after a place in the audit. lines: by time, and each shard's in the order of its chain. missing: what
    should have come with them. passed: how far a shard is done with although no line of it came: it ends before that
    place, or what is left of it is missing. more: is there more at once?"""

    lines: list[Line]
    missing: list[Missing]
    passed: dict[int, Position]
    more: bool


class AuditQueue(Protocol):
    """Lines of the audit, oldest first: none is passed over in silence."""

    async def after(self, cursor: Mapping[int, Position], limit: int) -> Batch:
        """What comes after the last lines that were taken, by shard; all, of a shard that is not there. About `limit`
        lines. Raises StoreUnavailable."""
