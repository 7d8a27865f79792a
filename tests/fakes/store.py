"""The store in memory: what PostgreSQL keeps is a `StoreDisk`, which outlives hosts; each host
has a `MemoryStore` on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from actors.domain.kind import Kind
from actors.domain.kinds import KINDS
from actors.domain.rows import (
    changed,
)
from actors.runtime.errors import Fenced, StoreUnavailable
from actors.runtime.pages import Page
from actors.runtime.ports import (
    DrainBatch,
    DrainedTurn,
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
from tests.fakes.latency import Delay, no_delay


class StoreDisk:
    """The whole cell's store. `away`: nobody reaches it; `numbers`: in which order the entries of the outbox came."""

    def __init__(self) -> None:
        self.shards: dict[int, ShardRecord] = {}
        self.history: list[DrainedTurn] = []
        self.rows: dict[str, dict[tuple[Any, ...], Any]] = {}
        self.outbox: dict[str, OutboxEntry] = {}
        self.number = 0  # of the last entry of the outbox
        self.numbers: dict[str, int] = {}
        self.away = False

    def record(self, shard: int) -> ShardRecord:
        """One shard's; unowned when it never was leased."""
        return self.shards.get(shard, ShardRecord(shard, "", 0, 0))


def _key_of(row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in row.key)


def _copied(row: Any) -> Any:
    """Nobody shares objects with the disk."""
    return msgspec.structs.replace(row)


class MemoryStore:
    """`Store` on a `StoreDisk`.

    Args:
        disk: shared by all that write to it.
        shards: number of shards of the cell.
        delay: awaited before and after every call.
        check_epoch: False plants the fault that stale owners may drain.
    """

    def __init__(self, disk: StoreDisk, shards: int = 64, *, delay: Delay = no_delay, check_epoch: bool = True) -> None:
        self.disk = disk
        self.away = False  # this host doesn't reach it
        self._shards = shards
        self._delay = delay
        self._check_epoch = check_epoch
        self._fail_drain: bool | None = None

    def fail_next_drain(self, *, after_doing: bool) -> None:
        """The next drain raises: after it was committed, or without having been done."""
        self._fail_drain = after_doing

    def _reach(self) -> None:
        if self.away or self.disk.away:
            raise StoreUnavailable("the store is away")

    async def _arrive(self) -> None:
        await self._delay()
        self._reach()

    async def _return(self) -> None:
        await self._delay()
        self._reach()

    # --- ownership ------------------------------------------------------------------------------------------------
    async def lease(self, host: str, shards: Sequence[int], epoch: int) -> dict[int, Lease]:
        await self._arrive()
        leases = {}
        for shard in sorted(set(shards)):
            known = self.disk.record(shard)
            if known.epoch < epoch:
                self.disk.shards[shard] = ShardRecord(shard, host, epoch, known.watermark)
                leases[shard] = Lease(shard, epoch, known.watermark)
        await self._return()
        return leases

    async def release(self, host: str, shards: Mapping[int, int]) -> None:
        await self._arrive()
        for shard, epoch in shards.items():
            known = self.disk.record(shard)
            if known.epoch == epoch and known.host == host:
                self.disk.shards[shard] = ShardRecord(shard, "", epoch, known.watermark)
        await self._return()

    async def shards(self) -> dict[int, ShardRecord]:
        await self._arrive()
        found = {shard: self.disk.shards[shard] for shard in sorted(self.disk.shards)}
        await self._return()
        return found

    # --- write-behind ---------------------------------------------------------------------------------------------
    async def drain(self, batch: DrainBatch) -> None:
        await self._arrive()
        fail, self._fail_drain = self._fail_drain, None
        if fail is False:
            raise StoreUnavailable("the drain was lost on its way")
        self._drain(batch)
        if fail is True:
            raise StoreUnavailable("the answer to the drain was lost")
        await self._return()

    def _drain(self, batch: DrainBatch) -> None:
        disk = self.disk
        stale = [shard for shard, (epoch, _) in batch.marks.items() if disk.record(shard).epoch != epoch]
        if stale and self._check_epoch:
            raise Fenced(stale)
        if any(one.position <= disk.record(one.shard).watermark for one in batch.turns) and self._check_epoch:
            raise StoreUnavailable("some turns of this drain are in the store already: read the watermarks")
        for table, changes in batch.changes.items():
            there = disk.rows.get(table, {}).keys() | {_key_of(row) for row in batch.rows.get(table, ())}
            if not there.issuperset(map(_key_of, changes)):
                raise LookupError(f"a change of a row of {table} that is not there")
        disk.history.extend(batch.turns)
        for table, rows in batch.rows.items():
            kept = disk.rows.setdefault(table, {})
            for row in rows:
                if getattr(row, "gone", False):
                    kept.pop(_key_of(row), None)
                else:
                    kept[_key_of(row)] = _copied(row)
        for table, changes in batch.changes.items():
            for change in changes:
                key = _key_of(change)
                disk.rows[table][key] = changed(disk.rows[table][key], change)
        for entry in batch.outbox_put:
            if entry.message_id not in disk.outbox:
                disk.numbers[entry.message_id] = disk.number = disk.number + 1
            disk.outbox[entry.message_id] = entry
        for message_id in batch.outbox_remove:
            disk.outbox.pop(message_id, None)
        for shard, (_, mark) in batch.marks.items():
            known = disk.record(shard)
            disk.shards[shard] = ShardRecord(shard, known.host, known.epoch, max(known.watermark, mark))

    # --- back to memory -------------------------------------------------------------------------------------------
    def _rows(self, table: str) -> dict[tuple[Any, ...], Any]:
        return self.disk.rows.get(table, {})

    async def load(self, kind: Kind, entity_ids: Sequence[str]) -> dict[str, Snapshot]:
        await self._arrive()
        wanted = set(entity_ids)
        found: dict[str, dict[str, list[Any]]] = {}
        for row_type in kind.tables:
            table: str = row_type.table  # type: ignore[attr-defined]
            for key in sorted(key for key in self._rows(table) if key[0] in wanted):
                found.setdefault(key[0], {}).setdefault(table, []).append(_copied(self._rows(table)[key]))
        await self._return()
        return {entity_id: Snapshot(rows) for entity_id, rows in found.items()}

    async def resident(self, kind: Kind) -> list[str]:
        await self._arrive()
        tables = [row_type.table for row_type in kind.tables[:1]]  # type: ignore[attr-defined]
        found = sorted({key[0] for table in tables for key in self._rows(table)})
        await self._return()
        return found

    async def due(self, shards: Sequence[int], after: Due | None, limit: int) -> Page[Due, Due]:
        await self._arrive()
        places = list(KINDS)
        all_due = sorted(
            (places.index(kind.name), row.due_at, key[0])
            for kind in KINDS.values()
            for row_type in kind.tables[:1]
            if "due_at" in row_type.__struct_fields__
            for key, row in self._rows(row_type.table).items()  # type: ignore[attr-defined]
            if row.due_at is not None
        )
        mark = (places.index(after[1]), after[0], after[2]) if after else (-1, 0, "")
        looked = [(due_at, places[place], name) for place, due_at, name in all_due if (place, due_at, name) > mark][
            :limit
        ]
        await self._return()
        found = [one for one in looked if shard_of(one[1], one[2], self._shards) in shards]
        return Page(found, looked[-1] if len(looked) == limit else None)

    async def outbox(
        self, shards: Sequence[int], after: OutboxMark | None, limit: int
    ) -> Page[OutboxEntry, OutboxMark]:
        await self._arrive()
        disk = self.disk
        marks = sorted(
            (one.shard, disk.numbers.get(name, 0), name) for name, one in disk.outbox.items() if one.shard in shards
        )
        looked = [mark for mark in marks if after is None or mark[:2] > after][:limit]
        found = [disk.outbox[name] for _, _, name in looked]
        await self._return()
        return Page(found, looked[-1][:2] if len(looked) == limit else None)

    # --- the long memory ------------------------------------------------------------------------------------------
    def _turns(self, kind: str) -> list[DrainedTurn]:
        turns = [one for one in self.disk.history if one.turn.kind == kind]
        return sorted(turns, key=lambda one: (one.turn.at_ms, one.position, one.line))

    async def remembered(self, kind: str, fingerprints: Sequence[int], since_ms: int) -> dict[int, RememberedCommand]:
        await self._arrive()
        wanted = set(fingerprints)
        turns = [one.turn for one in self._turns(kind) if one.turn.at_ms >= since_ms]
        final = {(turn.entity_id, command_id): reply for turn in turns for command_id, reply in turn.answers}
        found = {}
        for turn in turns:
            if turn.fingerprint in wanted:
                answer = final.get((turn.entity_id, turn.command_id)) if turn.provisional else None
                found[turn.fingerprint] = RememberedCommand(
                    turn.entity_id, turn.digest, turn.status, turn.reply if answer is None else answer,
                    turn.provisional and answer is None,
                )  # fmt: skip
        await self._return()
        return found

    async def history(self, kind: str, entity_id: str, after: int, limit: int) -> list[HistoryTurn]:
        await self._arrive()
        chosen = [
            one for one in self._turns(kind)
            if one.turn.entity_id == entity_id and one.turn.version > after and one.turn.events != b"[]"
        ]  # fmt: skip
        chosen.sort(key=lambda one: (one.turn.version, one.position, one.line))
        await self._return()
        return [
            HistoryTurn(t.version, t.at_ms, t.command_id, t.cause, t.events, t.status)
            for t in (one.turn for one in chosen[:limit])
        ]

    async def ping(self) -> None:
        await self._arrive()
        await self._return()
