"""The audit for the monitor: what is new in each shard, and what the monitor has learned so far.

The ends of the chains stand in `shards`, so a second without news costs one look at a small table. Times of a shard never go back, so the
months before its last line are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from actors.anomalies.record import ROUTINE, SAMPLED, Record
from actors.domain.times import moment
from actors.runtime.alerts import Kept, Position, Read
from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, new_engine
from actors.storage.schema.audit import audit, monitor_state
from actors.storage.schema.turns import shards

POOL_SIZE = 1
LINES_MAX = 10_000
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

    async def since(self, cursor: Mapping[int, Position], limit: int) -> Read:
        """See `AuditStream.since`; at most LINES_MAX."""
        limit = min(limit, LINES_MAX)

        async def work() -> Read:
            async with self._engine.connect() as connection:
                c = shards.c
                found = await connection.execute(sa.select(c.shard, c.audit_number, c.audit_at))
                ends = {shard: Position(number, at) for shard, number, at in found}
                behind = [shard for shard, end in ends.items() if end.number > cursor.get(shard, NOWHERE).number]
                if not behind:
                    return Read([], {}, False)
                starts = {shard: cursor.get(shard, NOWHERE) for shard in behind}
                wanted = {shard: ends[shard] for shard in behind}
                rows = await connection.execute(
                    _LINES,
                    {
                        "shards": behind, "numbers": [start.number for start in starts.values()],
                        "lasts": [end.number for end in wanted.values()], "lines": limit,
                        "since": moment(min(start.at_ms for start in starts.values())),
                        "until": moment(max(end.at_ms for end in wanted.values())),
                    },
                )  # fmt: skip
                return _read([_record(row) for row in rows], starts, wanted, limit)

        return await bounded(work(), self._limit_s)

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


# The next lines of many shards by one statement: a look each second must not cost one for each shard. `lasts` are the ends that were read
# before, so what is written meanwhile comes with the next look.
_LINES = (
    sa.text(f"""
        SELECT {", ".join(f"audit.{name}" for name in _FIELDS)} FROM audit
        JOIN unnest(:shards, :numbers, :lasts) AS wanted (shard, number, last) ON audit.shard = wanted.shard
        WHERE audit.at >= :since AND audit.at <= :until AND audit.number > wanted.number AND audit.number <= wanted.last
          AND NOT (role = '' AND outcome = '' AND changes = '' AND action = ANY (:routine) AND audit.number % {SAMPLED} <> 0)
        ORDER BY audit.at, audit.shard, audit.number LIMIT :lines
    """)  # noqa: S608 -- of constants
    .bindparams(
        sa.bindparam("shards", type_=postgresql.ARRAY(sa.Integer)),
        sa.bindparam("numbers", type_=postgresql.ARRAY(sa.BigInteger)),
        sa.bindparam("lasts", type_=postgresql.ARRAY(sa.BigInteger)),
        sa.bindparam("since", type_=sa.DateTime(timezone=True)),
        sa.bindparam("until", type_=sa.DateTime(timezone=True)),
        sa.bindparam("routine", list(ROUTINE), type_=postgresql.ARRAY(sa.Text)),
    )
    .columns(*(audit.c[name] for name in _FIELDS))
)


def _read(records: list[Record], starts: Mapping[int, Position], ends: Mapping[int, Position], limit: int) -> Read:
    """How far it is read: to the ends, or where the limit cut it off. Then of each shard all is read that is older than the last line, be it none."""
    if len(records) < limit:
        return Read(records, dict(ends), False)
    last_ms = records[-1].at_ms
    cursor = {shard: Position(start.number, max(start.at_ms, last_ms)) for shard, start in starts.items()}
    cursor |= {record.shard: Position(record.number, last_ms) for record in records}
    return Read(records, cursor, True)


def _record(row: Any) -> Record:
    fields = dict(zip(Record.__struct_fields__, row, strict=True))
    return Record(**fields | {"changes": _decode_changes(fields["changes"]) if fields["changes"] else {}})
