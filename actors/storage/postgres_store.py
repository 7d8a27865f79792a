"""The store on PostgreSQL: leases and epochs, write-behind, and what brings shards and entities back to memory."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from actors.domain.kind import Kind
from actors.domain.kinds import KINDS
from actors.runtime.pages import Page
from actors.runtime.ports import (
    DrainBatch,
    Due,
    HistoryTurn,
    Lease,
    OutboxEntry,
    OutboxMark,
    RememberedCommand,
    ShardRecord,
    Snapshot,
)
from actors.runtime.sharding import shard_of
from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, new_engine
from actors.storage.drain import DRAIN_TIMEOUT_S, Drainer, drain_session
from actors.storage.partitions import Month, ensure_partitions
from actors.storage.schema import metadata, row_columns
from actors.storage.schema.columns import Instant
from actors.storage.schema.turns import history, outbox
from actors.storage.schema.turns import shards as shard_table
from actors.storage.storable import storable_text

LOAD_IDS_MAX = 5_000  # of one query; more are asked for in several
HISTORY_LIMIT_MAX = 10_000
_T = TypeVar("_T")
# Kinds whose entities want to be woken: id and due-time.
_TIMERS = {
    kind.name: (row_columns(row_type)[0], metadata.tables[row_type.table].c.due_at)  # type: ignore[attr-defined]
    for kind in KINDS.values()
    for row_type in kind.tables[:1]
    if "due_at" in row_type.__struct_fields__
}
_decode_answers = msgspec.msgpack.Decoder(list[tuple[str, bytes]]).decode


def _in(column: sa.Column[Any], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """`column = ANY (array)`: one statement for any number of values."""
    kind = sa.Text if isinstance(column.type, sa.Text) else column.type
    return column == sa.any_(sa.bindparam(None, list(values), type_=postgresql.ARRAY(kind)))


def _values(*typed: tuple[Any, type[sa.types.TypeEngine[Any]]]) -> sa.Tuple:
    """A row of values, to be compared with one of columns: an index on the first of these finds it."""
    return sa.tuple_(*(sa.literal(value, kind) for value, kind in typed))


class PostgresStore:
    """`Store` (see `actors/runtime/ports.py`) on PostgreSQL 15 to 18.

    Args:
        url: `postgresql://…`. Not through a pooler that changes sessions between transactions' statements.
        shards: number of shards of the cell (entities are found to be of a shard by their id).
        timeout_s: of every call but drains, which may take `drain_timeout_s`.
    """

    def __init__(
        self, url: str, shards: int = 64, *, timeout_s: float = STATEMENT_TIMEOUT_S,
        drain_timeout_s: float = DRAIN_TIMEOUT_S,
    ) -> None:  # fmt: skip
        self._engine = new_engine(url, timeout_s)
        self._shards = shards
        self._limit_s = timeout_s + CONNECT_TIMEOUT_S
        self._drainer = Drainer(url, self._ensure_months, drain_timeout_s)

    async def close(self) -> None:
        """Gives the connections back."""
        await self._drainer.close()
        await self._engine.dispose()

    async def _bounded(self, work: Coroutine[Any, Any, _T]) -> _T:
        return await bounded(work, self._limit_s)

    async def _all(self, statement: sa.Select[Any]) -> Sequence[Any]:
        """All rows of a query."""

        async def work() -> Sequence[Any]:
            async with self._engine.connect() as connection:
                return [*await connection.execute(statement)]

        return await self._bounded(work())

    async def ping(self) -> None:
        """See `Store.ping`."""
        await self._all(sa.select(sa.literal(1)))

    # --- ownership ------------------------------------------------------------------------------------------------
    async def lease(self, host: str, shards: Sequence[int], epoch: int) -> dict[int, Lease]:
        """See `Store.lease`."""
        return await self._bounded(self._lease(host, sorted(set(shards)), epoch)) if shards else {}

    async def _lease(self, host: str, shards: list[int], epoch: int) -> dict[int, Lease]:
        async with self._engine.connect() as connection:
            async with connection.begin():
                await self._end_drains_of_others(connection, host, shards)
            async with connection.begin():
                new = postgresql.insert(shard_table).values(
                    [{"shard": shard, "host": "", "epoch": 0, "watermark": 0} for shard in shards]
                )
                await connection.execute(new.on_conflict_do_nothing())
                await _lock(connection, shards)
                raised = await connection.execute(
                    sa.update(shard_table).where(_in(shard_table.c.shard, shards), shard_table.c.epoch < epoch)
                    .values(host=host, epoch=epoch)
                    .returning(shard_table.c.shard, shard_table.c.epoch, shard_table.c.watermark)
                )  # fmt: skip
                return {row.shard: Lease(row.shard, row.epoch, row.watermark) for row in raised}

    async def _end_drains_of_others(self, connection: AsyncConnection, host: str, shards: list[int]) -> None:
        """A former owner that is paused may have left a drain half-done: its session ends, so that
        nobody waits for its locks.

        One that lives connects again, reads its watermarks and goes on with what is still its own.
        """
        owners = await connection.execute(
            sa.select(shard_table.c.host).distinct()
            .where(_in(shard_table.c.shard, shards), shard_table.c.host != "", shard_table.c.host != host)
        )  # fmt: skip
        names = [drain_session(owner) for owner in owners.scalars()]
        if names:
            activity = sa.table("pg_stat_activity", *map(sa.column, ("pid", "application_name", "datname", "usename")))
            await connection.execute(
                sa.select(sa.func.pg_terminate_backend(activity.c.pid)).where(
                    activity.c.application_name.in_(names),
                    activity.c.datname == sa.func.current_database(),
                    activity.c.usename == sa.func.current_user(),
                )
            )

    async def release(self, host: str, shards: Mapping[int, int]) -> None:
        """See `Store.release`."""
        if shards:
            await self._bounded(self._release(host, shards))

    async def _release(self, host: str, shards: Mapping[int, int]) -> None:
        async with self._engine.begin() as connection:
            await _lock(connection, sorted(shards))
            mine = [
                sa.and_(shard_table.c.shard == shard, shard_table.c.epoch == epoch, shard_table.c.host == host)
                for shard, epoch in shards.items()
            ]
            await connection.execute(sa.update(shard_table).where(sa.or_(*mine)).values(host=""))

    async def shards(self) -> dict[int, ShardRecord]:
        """See `Store.shards`."""
        columns = (shard_table.c.shard, shard_table.c.host, shard_table.c.epoch, shard_table.c.watermark)
        rows = await self._all(sa.select(*columns).order_by(shard_table.c.shard))
        return {row.shard: ShardRecord(*row) for row in rows}

    # --- write-behind ---------------------------------------------------------------------------------------------
    async def drain(self, batch: DrainBatch) -> None:
        """See `Store.drain`. A batch with turns that the store has already is in doubt
        (StoreUnavailable): see `shards`."""
        await self._drainer.drain(batch)

    async def _ensure_months(self, months: set[Month]) -> None:
        async with self._engine.begin() as connection:
            await connection.run_sync(ensure_partitions, months)

    # --- back to memory -------------------------------------------------------------------------------------------
    async def load(self, kind: Kind, entity_ids: Sequence[str]) -> dict[str, Snapshot]:
        """See `Store.load`."""
        asked = {storable_text(entity_id): entity_id for entity_id in entity_ids}
        ids = list(asked)
        found: dict[str, dict[str, list[Any]]] = {}
        for first in range(0, len(ids), LOAD_IDS_MAX):
            for row_type in kind.tables:
                columns = row_columns(row_type)
                keys = [column for column in columns if column.name in row_type.key]  # type: ignore[attr-defined]
                query = sa.select(*columns).where(_in(keys[0], ids[first : first + LOAD_IDS_MAX])).order_by(*keys)
                for row in await self._all(query):
                    tables = found.setdefault(asked[row[0]], {})
                    tables.setdefault(row_type.table, []).append(row_type(*row))  # type: ignore[attr-defined]
                await asyncio.sleep(0)
        return {entity_id: Snapshot(tables) for entity_id, tables in found.items()}

    async def resident(self, kind: Kind) -> list[str]:
        """See `Store.resident`. Jumps from id to id along the key's index, however many rows each has."""
        if not kind.tables:
            return []
        column = row_columns(kind.tables[0])[0]
        following = sa.select(sa.func.min(column).label("id")).cte("ids", recursive=True)
        more = sa.select(sa.func.min(column)).where(column > following.c.id).scalar_subquery()
        following = following.union_all(sa.select(more).where(following.c.id.is_not(None)))
        query = sa.select(following.c.id).where(following.c.id.is_not(None)).order_by(following.c.id)
        return [row.id for row in await self._all(query)]

    async def due(self, shards: Sequence[int], after: Due | None, limit: int) -> Page[Due, Due]:
        """See `Store.due`. No table knows the shard: it is a matter of the id."""
        wanted, found, room = set(shards), list[Due](), limit
        kinds = list(_TIMERS)
        for kind in kinds[kinds.index(after[1]) if after else 0 :]:
            entity_id, due_at = _TIMERS[kind]
            query = sa.select(due_at, entity_id).where(due_at.is_not(None)).order_by(due_at, entity_id).limit(room)
            if after and after[1] == kind:
                query = query.where(sa.tuple_(due_at, entity_id) > _values((after[0], Instant), (after[2], sa.Text)))
            rows = await self._all(query)
            found.extend((ms, kind, name) for ms, name in rows if shard_of(kind, name, self._shards) in wanted)
            room -= len(rows)
            if not room:
                return Page(found, (rows[-1][0], kind, rows[-1][1]))
        return Page(found, None)

    async def outbox(
        self, shards: Sequence[int], after: OutboxMark | None, limit: int
    ) -> Page[OutboxEntry, OutboxMark]:
        """See `Store.outbox`."""
        c = outbox.c
        columns = (c.message_id, c.shard, c.sender_kind, c.sender_id, c.message, c.at, c.attempts, c.parked, c.error)
        query = sa.select(*columns, c.number).where(_in(c.shard, shards)).order_by(c.shard, c.number).limit(limit)
        if after:
            query = query.where(
                sa.tuple_(c.shard, c.number) > _values((after[0], sa.Integer), (after[1], sa.BigInteger))
            )
        rows = await self._all(query)
        last = (rows[-1].shard, rows[-1].number) if len(rows) == limit else None
        return Page([OutboxEntry(*row[:-1]) for row in rows], last)

    # --- the long memory ------------------------------------------------------------------------------------------
    async def remembered(self, kind: str, fingerprints: Sequence[int], since_ms: int) -> dict[int, RememberedCommand]:
        """See `Store.remembered`; of turns with the same fingerprint, the newest."""
        c = history.c
        if not fingerprints:
            return {}
        rows = await self._all(
            sa.select(c.fingerprint, c.entity_id, c.command_id, c.digest, c.status, c.reply, c.provisional)
            .where(_in(c.fingerprint, fingerprints), c.kind == kind, c.at >= since_ms)
            .order_by(c.at, c.position, c.line)
        )
        owing = sorted({row.entity_id for row in rows if row.provisional})
        final = await self._final_answers(kind, owing, since_ms) if owing else {}
        known = {}
        for row in rows:
            answer = final.get((row.entity_id, row.command_id)) if row.provisional else None
            known[row.fingerprint] = RememberedCommand(
                row.entity_id, row.digest, row.status, row.reply if answer is None else answer,
                row.provisional and answer is None,
            )  # fmt: skip
        return known

    async def _final_answers(self, kind: str, entity_ids: list[str], since_ms: int) -> dict[tuple[str, str], bytes]:
        """Final answers, by entity and command id, that later turns of these entities gave."""
        c = history.c
        rows = await self._all(
            sa.select(c.entity_id, c.answers)
            .where(_in(c.entity_id, entity_ids), c.kind == kind, c.answers.is_not(None), c.at >= since_ms)
            .order_by(c.at, c.position, c.line)
        )
        return {
            (row.entity_id, command_id): reply for row in rows for command_id, reply in _decode_answers(row.answers)
        }

    async def history(self, kind: str, entity_id: str, after: int, limit: int) -> list[HistoryTurn]:
        """See `Store.history`; at most HISTORY_LIMIT_MAX."""
        c = history.c
        events = sa.cast(c.events, sa.Text)
        rows = await self._all(
            sa.select(c.version, c.at, c.command_id, c.cause, events.label("text"), c.status)
            .where(c.entity_id == storable_text(entity_id), c.kind == kind, c.version > after, events != "[]")
            .order_by(c.version, c.position, c.line)
            .limit(min(limit, HISTORY_LIMIT_MAX))
        )
        return [HistoryTurn(r.version, r.at, r.command_id, r.cause, r.text.encode(), r.status) for r in rows]


async def _lock(connection: AsyncConnection, shards: list[int]) -> None:
    """Locks rows of `shards` in one order, whoever does it, so that two can't wait for each other."""
    query = sa.select(shard_table.c.shard).where(_in(shard_table.c.shard, shards)).order_by(shard_table.c.shard)
    await connection.execute(query.with_for_update())
