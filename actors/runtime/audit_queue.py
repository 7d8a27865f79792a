"""The audit line by line, for somebody who keeps a copy of it. A port: `actors/storage/audit_queue.py` fills it, fakes
in tests do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from actors.runtime.alerts import Position
from actors.runtime.audit_lines import Line

# In a cursor beside the shards: up to when (UTC ms) the lines of all of them were read. What comes later and is older
# is seen by its number.
SWEPT = -1


class Missing(NamedTuple):
    """Lines of a shard, from number `first` to `last`, that should have come and are not there."""

    shard: int
    first: int
    last: int


class Batch(NamedTuple):
    """What comes after a cursor. lines: by time, and each shard's in the order of its chain. missing: what should have
    come with them. then: what the cursor has besides the places of these lines, once they are all taken. more: is there
    more at once? put_off: shards of which nothing comes for a while, because it took too long to look for it."""

    lines: list[Line]
    missing: list[Missing]
    then: dict[int, Position]
    more: bool
    put_off: tuple[int, ...] = ()


class AuditQueue(Protocol):
    """Lines of the audit, oldest first: none is passed over in silence."""

    async def after(self, cursor: Mapping[int, Position], limit: int) -> Batch:
        """What comes after the last lines that were taken, by shard; all, of a shard that is not there. At most twice
        `limit` lines. Raises StoreUnavailable."""
