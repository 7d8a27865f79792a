"""One transaction of write-behind.

    BEGIN ─ read epochs, watermarks, ends of the audit's chains ─ COPY history, audit, ledger ─┬─ seconds ─ MERGE rows ─ outbox ─ move_watermarks ─ COMMIT
                                                                                               └─ sent together, built beforehand

Rows that another owner could want are locked only in the last part, and its statements are on their way before the
first of them runs: a host that is paused in the middle holds up nobody. `move_watermarks` (see the first migration)
checks the epochs; whatever came before it in the transaction is undone when they are stale.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import psycopg
import sqlalchemy as sa
from psycopg import AsyncConnection

from actors.domain.kind import Row
from actors.domain.times import DAY_MS
from actors.runtime.errors import Fenced, StoreUnavailable
from actors.runtime.ports import DrainBatch, OutboxEntry
from actors.storage import audit_rows
from actors.storage.audit_seconds import SecondsTold, inserted
from actors.storage.binary import (
    COPY_END,
    COPY_HEAD,
    HISTORY_COLUMNS,
    array_of,
    copied_rows,
    copied_turns,
    register,
    type_of,
)
from actors.storage.connections import CONNECT_TIMEOUT_S, bounded, driver_url, session_options
from actors.storage.partitions import Month, month_of
from actors.storage.schema import CHANGE_TYPES, ROW_TYPES, metadata, row_columns
from actors.storage.schema.turns import outbox, shards
from actors.storage.storable import storable

DRAIN_TIMEOUT_S = 15.0
_STALE_EPOCH = "OCF01"
_WATERMARK_MOVED = "OCF02"
_encode_answers = msgspec.msgpack.Encoder().encode
# (statement, parameters)
_Statement = tuple[str, list[Any]]
_Connection = AsyncConnection[Any]
_COPY_AUDIT = f"COPY audit ({', '.join(audit_rows.COLUMNS)}) FROM STDIN (FORMAT binary)"
_COPY_TURNS = f"COPY history ({', '.join(HISTORY_COLUMNS)}) FROM STDIN (FORMAT binary)"


def drain_session(host: str) -> str:
    """The application name of a host's drain: by it the next owner of its shards ends a
    session that was left behind."""
    return f"ocefs drain {host}"


def merge_statement(table: sa.Table, columns: Sequence[sa.Column[Any]], on_insert: str = "") -> str:
    """Inserts or updates rows given as one array a column. `on_insert`: ", column = expression" only for new rows.

    MERGE writes an update once, INSERT … ON CONFLICT locks the row first and writes that down too: a quarter dearer.
    """
    names = [column.name for column in columns]
    extra_name, _, extra_value = on_insert.partition("=")
    return (
        f"{_update_statement(table, columns)} WHEN NOT MATCHED THEN INSERT ({', '.join(names)}{extra_name}) "  # noqa: S608 -- names of our schema; values are parameters
        f"VALUES ({', '.join('new.' + name for name in names)}{', ' + extra_value if extra_value else ''})"
    )


def change_statement(table: sa.Table, columns: Sequence[sa.Column[Any]]) -> str:
    """Changes some columns of rows that are there, given as `merge_statement`'s are. One that is not there fails the
    statement, for want of the other columns: it must not be passed over in silence."""
    keys = [column.name for column in table.primary_key.columns]
    values = ", ".join(f"new.{key}" for key in keys)
    return f"{_update_statement(table, columns)} WHEN NOT MATCHED THEN INSERT ({', '.join(keys)}) VALUES ({values})"  # noqa: S608 -- the same


def _update_statement(table: sa.Table, columns: Sequence[sa.Column[Any]]) -> str:
    names = [column.name for column in columns]
    keys = [column.name for column in table.primary_key.columns]
    arrays = ", ".join(f"%b::{type_of(column).name}[]" for column in columns)
    matches = " AND ".join(f"old.{key} = new.{key}" for key in keys)
    changes = ", ".join(f"{name} = new.{name}" for name in names if name not in keys)
    return (
        f"MERGE INTO {table.name} old USING unnest({arrays}) AS new ({', '.join(names)}) ON {matches} "
        f"WHEN MATCHED THEN UPDATE SET {changes}"
    )


def merge_or_remove_statement(table: sa.Table, columns: Sequence[sa.Column[Any]]) -> str:
    """As `merge_statement`, with one more array at the end: which rows are gone."""
    names = [column.name for column in columns]
    keys = [column.name for column in table.primary_key.columns]
    arrays = ", ".join([*(f"%b::{type_of(column).name}[]" for column in columns), "%b::boolean[]"])
    matches = " AND ".join(f"old.{key} = new.{key}" for key in keys)
    changes = ", ".join(f"{name} = new.{name}" for name in names if name not in keys)
    return (
        f"MERGE INTO {table.name} old USING unnest({arrays}) AS new ({', '.join(names)}, row_is_gone) ON {matches} "  # noqa: S608 -- names of our schema; values are parameters
        f"WHEN MATCHED AND new.row_is_gone THEN DELETE WHEN MATCHED THEN UPDATE SET {changes} "
        f"WHEN NOT MATCHED AND NOT new.row_is_gone THEN INSERT ({', '.join(names)}) "
        f"VALUES ({', '.join('new.' + name for name in names)})"
    )


class _Target:
    """Where the rows of one struct type go."""

    def __init__(self, row_type: type[Row]) -> None:
        self.table = metadata.tables[row_type.table]  # type: ignore[attr-defined]
        self.removable = row_type.__struct_fields__[-1] == "gone"
        self.columns = row_columns(row_type)
        self.append_only: bool = row_type.append_only  # type: ignore[attr-defined]
        names = ", ".join(column.name for column in self.columns)
        self.copy = f"COPY {self.table.name} ({names}) FROM STDIN (FORMAT binary)"
        statement = change_statement if row_type.change else merge_statement  # type: ignore[attr-defined]
        if self.removable:
            statement = merge_or_remove_statement
        self.merge = "" if self.append_only else statement(self.table, self.columns)

    def merged(self, rows: Sequence[Row]) -> _Statement:
        values = list(zip(*map(msgspec.structs.astuple, rows), strict=True))
        gone = [array_of(_GONE, values.pop())] if self.removable else []
        return self.merge, [array_of(column, cells) for column, cells in zip(self.columns, values, strict=True)] + gone


_GONE = sa.Column("gone", sa.Boolean, nullable=False)
_TARGETS = {row_type.table: _Target(row_type) for row_type in ROW_TYPES}  # type: ignore[attr-defined]
_CHANGES = {row_type.table: _Target(row_type) for row_type in CHANGE_TYPES}  # type: ignore[attr-defined]
_OUTBOX_FIELDS = {"at": "at_ms"}  # the others are named as their columns
_OUTBOX_COLUMNS = [column for column in outbox.columns if column.name != "number"]
_MERGE_OUTBOX = merge_statement(outbox, _OUTBOX_COLUMNS, ", number = nextval('outbox_number')")
_REMOVE_OUTBOX = "DELETE FROM outbox WHERE message_id = ANY (%s::text[])"
_READ_SHARDS = (
    "SELECT shard, epoch, watermark, audit_number, audit_chain, audit_at FROM shards WHERE shard = ANY (%s::integer[])"
)
_MOVE_WATERMARKS = "SELECT move_watermarks(%b::integer[], %b::bigint[], %b::bigint[], %b::bigint[])"
_MOVE_WITH_AUDIT = (
    "SELECT move_watermarks(%b::integer[], %b::bigint[], %b::bigint[], %b::bigint[],"
    " %b::integer[], %b::bigint[], %b::bytea[], %b::timestamptz[])"
)


def _merged_outbox(entries: Iterable[OutboxEntry]) -> _Statement:
    last = list({entry.message_id: entry for entry in entries}.values())
    arrays = [
        array_of(column, [getattr(entry, _OUTBOX_FIELDS.get(column.name, column.name)) for entry in last])
        for column in _OUTBOX_COLUMNS
    ]
    return _MERGE_OUTBOX, arrays


def _moved(
    numbers: Sequence[int],
    epochs: Sequence[int],
    befores: Sequence[int],
    afters: Sequence[int],
    ends: Mapping[int, audit_rows.Head],
) -> _Statement:
    """The watermarks of these shards, from which to which, and the new ends of their audit's chains."""
    c = shards.c
    moved = [
        array_of(column, values)
        for column, values in ((c.shard, numbers), (c.epoch, epochs), (c.watermark, befores), (c.watermark, afters))
    ]
    if not ends:
        return _MOVE_WATERMARKS, moved
    counts, chains, ats = zip(*ends.values(), strict=True)
    moved += [
        array_of(c.shard, list(ends)),
        array_of(c.audit_number, counts),
        array_of(c.audit_chain, chains),
        array_of(c.audit_at, ats),
    ]
    return _MOVE_WITH_AUDIT, moved


class Drainer:
    """The drains of one host, one at a time, on a connection of their own. `ensure_months` makes missing partitions."""

    def __init__(
        self, url: str, ensure_months: Callable[[set[Month]], Awaitable[None]], timeout_s: float = DRAIN_TIMEOUT_S
    ) -> None:
        self._url = driver_url(url)
        self._ensure_months = ensure_months
        self._timeout_s = timeout_s
        self._connection: _Connection | None = None
        self._months: set[Month] = set()
        self._seconds = SecondsTold()
        self._one = asyncio.Lock()

    async def close(self) -> None:
        """Ends the session."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def drain(self, batch: DrainBatch) -> None:
        """See `Store.drain`."""
        async with self._one:
            # Taken out, and put back only when all went well: after a fault a session's state is unknown.
            connection, self._connection = self._connection, None
            self._connection = await bounded(self._drain(connection, batch), self._timeout_s)

    async def _drain(self, connection: _Connection | None, batch: DrainBatch) -> _Connection:
        await self._make_months(batch)
        if connection is not None:
            try:
                return await self._attempt(connection, batch)
            except psycopg.OperationalError:
                # The session was ended since the last drain: the server was restarted, or another host took shards
                # over. No COMMIT was sent yet, so nothing is in doubt.
                pass
            except (UnicodeEncodeError, psycopg.errors.CharacterNotInRepertoire):
                batch = storable(batch)
        try:
            return await self._attempt(await self._connected(batch.host), batch)
        except (UnicodeEncodeError, psycopg.errors.CharacterNotInRepertoire):
            return await self._attempt(await self._connected(batch.host), storable(batch))

    async def _attempt(self, connection: _Connection, batch: DrainBatch) -> _Connection:
        """One transaction. Raises psycopg.OperationalError only before its COMMIT; the connection is closed then."""
        try:
            await self._transaction(connection, batch)
        except BaseException:
            # Here and not where the drain is given up: whoever waits for the socket must be done with it first.
            connection.pgconn.finish()
            raise
        return connection

    async def _connected(self, host: str) -> _Connection:
        connection = await AsyncConnection.connect(
            self._url,
            autocommit=True,  # BEGIN and COMMIT are sent where they belong, not by the driver
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name=drain_session(host),
            options=session_options(
                self._timeout_s,
                # A commit must be on disk before the journal's tail is trimmed.
                synchronous_commit="on",
                # However many rows come, they are looked up one by one: never by reading the whole table.
                enable_hashjoin="off",
                enable_mergejoin="off",
                enable_seqscan="off",
                jit="off",
            ),
        )
        register(connection)
        return connection

    async def _transaction(self, connection: _Connection, batch: DrainBatch) -> None:
        await connection.execute("BEGIN")
        befores, heads = await self._befores(connection, batch)
        if batch.turns:
            await _copy(connection, _COPY_TURNS, copied_turns(batch.turns, _encode_answers))
        audited, ends, said = audit_rows.chained(batch.turns, heads)
        seconds = self._seconds.fresh(said)
        if audited:
            await _copy(connection, _COPY_AUDIT, (b"".join([COPY_HEAD, *audited, COPY_END]),))
        statements: list[_Statement] = []
        if seconds:
            statements.append(inserted(seconds))
        for name, rows in batch.rows.items():
            target = _TARGETS[name]
            if rows and target.append_only:
                await _copy(connection, target.copy, copied_rows(target.columns, rows))
            elif rows:
                statements.append(target.merged(rows))
                await asyncio.sleep(0)  # building them takes milliseconds; others want the loop too
        for name, rows in batch.changes.items():
            if rows:
                statements.append(_CHANGES[name].merged(rows))
                await asyncio.sleep(0)
        if batch.outbox_put:
            statements.append(_merged_outbox(batch.outbox_put))
        if batch.outbox_remove:
            statements.append((_REMOVE_OUTBOX, [batch.outbox_remove]))
        numbers = list(batch.marks)
        epochs, afters = [batch.marks[n][0] for n in numbers], [batch.marks[n][1] for n in numbers]
        statements.append(_moved(numbers, epochs, [befores[n] for n in numbers], afters, ends))
        try:
            async with connection.pipeline():
                for statement, parameters in statements:
                    await connection.execute(statement, parameters)
                await connection.execute("COMMIT")
        except psycopg.Error as fault:
            if fault.sqlstate == _STALE_EPOCH:
                detail = fault.diag.message_detail or ""
                raise Fenced(int(number) for number in detail.split(",")) from None
            if fault.sqlstate == _WATERMARK_MOVED:
                raise StoreUnavailable("an earlier drain was committed meanwhile: read the watermarks") from None
            if isinstance(fault, psycopg.OperationalError):
                raise StoreUnavailable(f"PostgreSQL: {fault}") from fault
            raise
        self._seconds.written(seconds)

    async def _befores(
        self, connection: _Connection, batch: DrainBatch
    ) -> tuple[dict[int, int], dict[int, audit_rows.Head]]:
        """The watermarks that the drain begins from, and the ends of the audit's chains, which move with them. Finds
        out cheaply what would be refused at the end."""
        found = await connection.execute(_READ_SHARDS, [list(batch.marks)])
        known, heads = {}, {}
        async for shard, epoch, watermark, number, chain, at in found:
            known[shard] = (epoch, watermark)
            heads[shard] = audit_rows.Head(number, chain, round(at.timestamp() * 1000))
        stale = [shard for shard, (epoch, _) in batch.marks.items() if known.get(shard, (0, 0))[0] != epoch]
        if stale:
            raise Fenced(stale)
        befores = {shard: watermark for shard, (_, watermark) in known.items()}
        if any(drained.position <= befores[drained.shard] for drained in batch.turns):
            raise StoreUnavailable("some turns of this drain are in the store already: read the watermarks")
        return befores, heads

    async def _make_months(self, batch: DrainBatch) -> None:
        days = {drained.turn.at_ms // DAY_MS for drained in batch.turns}
        for name, rows in batch.rows.items():
            if _TARGETS[name].append_only:
                days.update(row.at // DAY_MS for row in rows)  # type: ignore[attr-defined]
        missing = {month_of(day * DAY_MS) for day in days} - self._months
        if missing:
            await self._ensure_months(missing)
            self._months |= missing


async def _copy(connection: _Connection, statement: str, blocks: Iterable[bytes]) -> None:
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for block in blocks:
            await copy.write(block)
