"""The audit for the monitor: what is new in each shard, and what the monitor has learned so far.

The ends of the chains stand in `shards`, so a second without news costs one look at a small table. Times of a shard never go back, so the
months before its last line are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from actors.anomalies.record import Record
from actors.runtime.alerts import Kept, Position
from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, new_engine
from actors.storage.schema import audit, monitor_state, shards

POOL_SIZE = 1
LINES_MAX = 2_000
NOWHERE = Position(0, 0)
# In the order of a Record's.
_FIELDS = (
    "shard", "number", "at", "subject", "role", "action", "outcome", "session_id", "address", "device", "behalf",
    "request_id", "location_id", "kind", "entity_id", "version", "why", "changes",
)  # fmt: skip
_decode_changes = msgspec.json.Decoder(dict[str, tuple[str | int | None, str | int | None]]).decode


class PostgresAuditStream:
    """`AuditStream` and `MonitorMemory` (see `actors/runtime/alerts.py`) of one monitor."""

    def __init__(self, url: str, monitor_id: str, *, timeout_s: float = STATEMENT_TIMEOUT_S) -> None:
        self._engine = new_engine(url, timeout_s, POOL_SIZE)
        self._limit_s = timeout_s + CONNECT_TIMEOUT_S
        self._monitor_id = monitor_id

    async def close(self) -> None:
        """Gives the connection back."""
        await self._engine.dispose()

    async def since(self, cursor: Mapping[int, Position], limit: int) -> list[Record]:
        """See `AuditStream.since`; at most LINES_MAX of each shard."""

        async def work() -> list[Record]:
            async with self._engine.connect() as connection:
                ends = await connection.execute(sa.select(shards.c.shard, shards.c.audit_number))
                behind = [shard for shard, end in ends if end > cursor.get(shard, NOWHERE).number]
                found: list[Record] = []
                for shard in behind:
                    rows = await connection.execute(lines_query(shard, cursor.get(shard, NOWHERE), limit))
                    found.extend(map(_record, rows))
                return found

        return sorted(await bounded(work(), self._limit_s), key=lambda record: record.at_ms)

    async def load(self) -> Kept | None:
        """See `MonitorMemory.load`."""
        c = monitor_state.c
        query = sa.select(c.cursor, c.state).where(c.monitor_id == self._monitor_id)

        async def work() -> Sequence[Any]:
            async with self._engine.connect() as connection:
                return [*await connection.execute(query)]

        found = await bounded(work(), self._limit_s)
        if not found:
            return None
        cursor, state = found[0]
        return Kept({int(shard): Position(*place) for shard, place in cursor.items()}, bytes(state))

    async def save(self, kept: Kept, now_ms: int) -> None:
        """See `MonitorMemory.save`."""
        values = {
            "cursor": {str(shard): list(place) for shard, place in kept.cursor.items()},
            "state": kept.state,
            "saved_at": now_ms,
        }
        insert = postgresql.insert(monitor_state).values(monitor_id=self._monitor_id, **values)
        upsert = insert.on_conflict_do_update(index_elements=["monitor_id"], set_=values)

        async def work() -> None:
            async with self._engine.begin() as connection:
                await connection.execute(upsert)

        await bounded(work(), self._limit_s)


def lines_query(shard: int, after: Position, limit: int) -> sa.Select[Any]:
    """The shard's next lines."""
    c = audit.c
    at = datetime.fromtimestamp(after.at_ms / 1000, UTC)
    return (
        sa.select(*(c[name] for name in _FIELDS))
        .where(c.shard == shard, c.number > after.number, c.at >= sa.literal(at, sa.DateTime(timezone=True)))
        .order_by(c.number)
        .limit(min(limit, LINES_MAX))
    )


def _record(row: Any) -> Record:
    fields = dict(zip(Record.__struct_fields__, row, strict=True))
    return Record(**fields | {"changes": _decode_changes(fields["changes"]) if fields["changes"] else {}})
