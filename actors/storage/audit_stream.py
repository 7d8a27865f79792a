"""The audit for the monitor: what is new in each shard, and what the monitor has learned so far.

The ends of the chains stand in `shards`, so a second without news costs one look at a small table. Times of a shard
never go back, so the months before its last line are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from actors.anomalies.record import Record
from actors.domain.times import moment
from actors.runtime.alerts import Kept, Position, Read
from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, new_engine
from actors.storage.schema.audit import WATCHED, audit, monitor_state
from actors.storage.schema.turns import shards

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

    async def since(self, cursor: Mapping[int, Position], limit: int) -> Read:
        """See `AuditStream.since`; at most LINES_MAX of each shard."""
        limit = min(limit, LINES_MAX)

        async def work() -> Read:
            async with self._engine.connect() as connection:
                c = shards.c
                found = await connection.execute(sa.select(c.shard, c.audit_number, c.audit_at))
                ends = {shard: Position(number, at) for shard, number, at in found}
                behind = [shard for shard, end in ends.items() if end.number > cursor.get(shard, NOWHERE).number]
                if not behind:
                    return Read([], {}, False)
                starts = [cursor.get(shard, NOWHERE) for shard in behind]
                rows = await connection.execute(
                    _LINES,
                    {
                        "shards": behind, "numbers": [start.number for start in starts],
                        "ats": [moment(start.at_ms) for start in starts],
                        "lasts": [ends[shard].number for shard in behind], "lines": limit,
                    },
                )  # fmt: skip
                return in_order([_record(row) for row in rows], {shard: ends[shard] for shard in behind}, limit)

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


# The next lines of many shards by one statement: a look each second must not cost one for each shard. `lasts` are the
# ends that were read before, so what is written meanwhile comes with the next look. Only in the very words of its index
# the condition is known to be that one's.
_LINES = (
    sa.text(f"""
        SELECT line.* FROM unnest(:shards, :numbers, :ats, :lasts) AS wanted (shard, number, at, last)
        CROSS JOIN LATERAL (
            SELECT {", ".join(_FIELDS)} FROM audit
            WHERE audit.shard = wanted.shard AND audit.number > wanted.number AND audit.number <= wanted.last AND audit.at >= wanted.at
              AND {WATCHED}
            ORDER BY audit.number LIMIT :lines
        ) AS line
    """)  # noqa: S608 -- of constants
    .bindparams(
        sa.bindparam("shards", type_=postgresql.ARRAY(sa.Integer)),
        sa.bindparam("numbers", type_=postgresql.ARRAY(sa.BigInteger)),
        sa.bindparam("ats", type_=postgresql.ARRAY(sa.DateTime(timezone=True))),
        sa.bindparam("lasts", type_=postgresql.ARRAY(sa.BigInteger)),
    )
    .columns(*(audit.c[name] for name in _FIELDS))
)


def in_order(records: list[Record], ends: dict[int, Position], limit: int) -> Read:
    """What of the next lines of the shards may be judged now, and how far each is read by that: to its end, or to
    its last line that is given.

    Of a shard that the limit cut off nothing is known after its last line, so nothing later is given of any other: else
    after an outage somebody's changes of the evening, in a short shard, would come before his looks of the morning in a
    long one. The shard that is cut earliest gives all its lines, so each look comes further. `records`: in the order of
    each shard, whose times never go back.
    """
    last: dict[int, Record] = {}
    counts: dict[int, int] = {}
    for record in records:
        last[record.shard] = record
        counts[record.shard] = counts.get(record.shard, 0) + 1
    cut = {shard for shard, count in counts.items() if count >= limit}
    if not cut:
        return Read(_by_time(records), ends, False)
    horizon_ms = min(last[shard].at_ms for shard in cut)
    given = [record for record in records if record.at_ms <= horizon_ms]
    held_back = {shard for shard, record in last.items() if record.at_ms > horizon_ms}
    cursor = {shard: end for shard, end in ends.items() if shard not in cut | held_back}
    cursor |= {
        record.shard: Position(record.number, record.at_ms) for record in given if record.shard in cut | held_back
    }
    return Read(_by_time(given), cursor, True)


def _by_time(records: list[Record]) -> list[Record]:
    return sorted(records, key=lambda record: record.at_ms)


def _record(row: Any) -> Record:
    fields = dict(zip(Record.__struct_fields__, row, strict=True))
    return Record(**fields | {"changes": _decode_changes(fields["changes"]) if fields["changes"] else {}})
