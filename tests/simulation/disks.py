"""Journal and store in memory: what Redis and Postgres do, without them. They outlive every simulated process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from actors.domain.kind import Kind
from actors.runtime.errors import Fenced
from actors.runtime.ports import (
    Append,
    DrainBatch,
    HistoryTurn,
    Lease,
    OutboxEntry,
    RememberedCommand,
    ShardRecord,
    Snapshot,
)
from actors.runtime.sharding import shard_of
from actors.runtime.wire import Turn


class Disk:
    """One shard of the journal."""

    def __init__(self) -> None:
        self.epoch = 0
        self.last = 0
        self.entries: dict[int, list[Turn]] = {}
        self.prints: list[tuple[int, int]] = []


class MemoryJournal:
    """See `ports.Journal`."""

    def __init__(self) -> None:
        self.disks: dict[int, Disk] = defaultdict(Disk)

    async def append(self, appends: Sequence[Append]) -> list[int]:
        return [append.shard for append in appends if not self.write(append)]

    def write(self, append: Append) -> bool:
        disk = self.disks[append.shard]
        if append.epoch != disk.epoch or append.position != disk.last + 1:
            return False
        disk.last = append.position
        disk.entries[append.position] = append.turns
        disk.prints.extend((turn.fingerprint, turn.at_ms) for turn in append.turns)
        return True

    async def open(self, shards: Mapping[int, tuple[int, int]]) -> None:
        refused = []
        for shard, (epoch, watermark) in shards.items():
            disk = self.disks[shard]
            if disk.epoch > epoch:
                refused.append(shard)
                continue
            disk.epoch = epoch
            disk.last = max(disk.last, watermark)
        if refused:
            raise Fenced(refused)

    async def read(self, shard: int, after: int) -> list[tuple[int, list[Turn]]]:
        return [(at, turns) for at, turns in sorted(self.disks[shard].entries.items()) if at > after]

    async def last(self, shards: Sequence[int]) -> dict[int, int]:
        return {shard: self.disks[shard].last for shard in shards}

    async def fingerprints(self, shard: int, since_ms: int) -> Sequence[int]:
        return [mark for mark, at_ms in self.disks[shard].prints if at_ms >= since_ms]

    async def trim(self, marks: Mapping[int, int]) -> None:
        for shard, mark in marks.items():
            entries = self.disks[shard].entries
            for at in [at for at in entries if at <= mark]:
                del entries[at]

    async def ping(self) -> None:
        pass


class MemoryStore:
    """See `ports.Store`."""

    def __init__(self, shards: int) -> None:
        self.count = shards
        self.records: dict[int, ShardRecord] = {}
        self.history_: list[tuple[int, int, int, Turn]] = []  # shard, position, line, turn
        self.tables: dict[str, dict[tuple, Any]] = defaultdict(dict)
        self.outbox_: dict[str, OutboxEntry] = {}

    async def lease(self, host: str, shards: Sequence[int]) -> dict[int, Lease]:
        out = {}
        for shard in shards:
            known = self.records.get(shard)
            epoch, watermark = (known.epoch + 1, known.watermark) if known else (1, 0)
            self.records[shard] = ShardRecord(shard, host, epoch, watermark)
            out[shard] = Lease(shard, epoch, watermark)
        return out

    async def release(self, host: str, shards: Mapping[int, int]) -> None:
        for shard, epoch in shards.items():
            known = self.records[shard]
            if known.epoch == epoch:
                self.records[shard] = ShardRecord(shard, "", epoch, known.watermark)

    async def shards(self) -> dict[int, ShardRecord]:
        return dict(self.records)

    async def drain(self, batch: DrainBatch) -> None:
        self.check(batch)
        self.commit(batch)
        self.mark(batch)

    def check(self, batch: DrainBatch) -> None:
        stale = [shard for shard, (epoch, _) in batch.marks.items() if self.records[shard].epoch != epoch]
        if stale:
            raise Fenced(stale)

    def mark(self, batch: DrainBatch) -> None:
        for shard, (epoch, mark) in batch.marks.items():
            known = self.records[shard]
            self.records[shard] = ShardRecord(shard, known.host, epoch, max(known.watermark, mark))

    def commit(self, batch: DrainBatch) -> None:
        self.history_.extend((d.shard, d.position, d.line, d.turn) for d in batch.turns)
        for table, rows in batch.rows.items():
            for row in rows:
                key = tuple(getattr(row, column) for column in row.key)
                assert not (row.append_only and key in self.tables[table]), f"{table} {key} is there already"
                self.tables[table][key] = row
        for entry in batch.outbox_put:
            self.outbox_[entry.message_id] = entry
        for message_id in batch.outbox_remove:
            self.outbox_.pop(message_id, None)

    async def load(self, kind: Kind, entity_ids: Sequence[str]) -> dict[str, Snapshot]:
        out = {}
        for entity_id in entity_ids:
            rows = {}
            for table in kind.tables:
                found = [row for key, row in self.tables[table.table].items() if key[0] == entity_id]
                if found:
                    rows[table.table] = [msgspec.convert(msgspec.to_builtins(row, builtin_types=(bytes,)), type(row)) for row in found]
            if rows:
                out[entity_id] = Snapshot(rows)
        return out

    async def resident(self, kind: Kind) -> list[str]:
        return sorted({key[0] for key in self.tables[kind.tables[0].table]})

    async def due(self, shards: Sequence[int]) -> list[tuple[int, str, str]]:
        return [
            (row.due_at, "order", row.order_id)
            for row in self.tables["orders"].values()
            if row.due_at is not None and shard_of("order", row.order_id, self.count) in shards
        ]

    async def outbox(self, shards: Sequence[int]) -> list[OutboxEntry]:
        return [entry for entry in self.outbox_.values() if entry.shard in shards]

    async def remembered(self, kind: str, fingerprints: Sequence[int], since_ms: int) -> dict[int, RememberedCommand]:
        wanted, out = set(fingerprints), {}
        for _, _, _, turn in self.history_:
            if turn.fingerprint in wanted and turn.kind == kind:
                finals = [
                    reply for _, _, _, other in self.history_ if other.entity_id == turn.entity_id
                    for command_id, reply in other.answers if command_id == turn.command_id
                ]  # fmt: skip
                reply, provisional = (finals[0], False) if finals else (turn.reply, turn.provisional)
                out[turn.fingerprint] = RememberedCommand(turn.entity_id, turn.digest, turn.status, reply, provisional)
        return out

    async def history(self, kind: str, entity_id: str, after: int, limit: int) -> list[HistoryTurn]:
        found = [
            HistoryTurn(t.version, t.at_ms, t.command_id, t.cause, t.events, t.status)
            for _, _, _, t in self.history_
            if t.kind == kind and t.entity_id == entity_id and t.version > after and t.events != b"[]"
        ]
        return sorted(found, key=lambda turn: turn.version)[:limit]

    async def ping(self) -> None:
        pass
