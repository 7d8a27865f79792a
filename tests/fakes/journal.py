"""The journal in memory: what Redis keeps is a `JournalDisk`, which outlives hosts; each host has
a `MemoryJournal` on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from actors.runtime.errors import Fenced, JournalUnavailable
from actors.runtime.ports import Append
from actors.runtime.wire import Turn
from tests.fakes.latency import Delay, no_delay

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Turn]).decode


class ShardTail:
    """What is kept of one shard. Entries are encoded, so that nobody shares objects with the disk."""

    def __init__(self) -> None:
        self.epoch = 0
        self.last = 0
        self.entries: dict[int, bytes] = {}
        self.marks: list[tuple[int, int]] = []  # (appended at ms, fingerprint)


class JournalDisk:
    """The whole cell's journal. `away`: nobody reaches it."""

    def __init__(self) -> None:
        self.shards: dict[int, ShardTail] = {}
        self.away = False

    def tail(self, shard: int) -> ShardTail:
        """One shard's; made on first use."""
        return self.shards.setdefault(shard, ShardTail())


class MemoryJournal:
    """`Journal` on a `JournalDisk`.

    Args:
        disk: shared by all that write to it.
        delay: awaited before and after every call.
        check_epoch: False plants the fault that stale owners may write.
    """

    def __init__(self, disk: JournalDisk, *, delay: Delay = no_delay, check_epoch: bool = True) -> None:
        self.disk = disk
        self.away = False  # this host doesn't reach it
        self._delay = delay
        self._check_epoch = check_epoch
        self._fail_append: bool | None = None

    def fail_next_append(self, *, after_doing: bool) -> None:
        """The next append raises: after it was done, or without having been done."""
        self._fail_append = after_doing

    async def _arrive(self) -> None:
        await self._delay()
        self._reach()

    async def _return(self) -> None:
        await self._delay()
        self._reach()

    def _reach(self) -> None:
        if self.away or self.disk.away:
            raise JournalUnavailable("the journal is away")

    async def append(self, appends: Sequence[Append]) -> list[int]:
        await self._arrive()
        fail, self._fail_append = self._fail_append, None
        if fail is False:
            raise JournalUnavailable("the append was lost on its way")
        refused = [one.shard for one in appends if not self._append(one)]
        if fail is True:
            raise JournalUnavailable("the answer to the append was lost")
        await self._return()
        return refused

    def _append(self, one: Append) -> bool:
        tail = self.disk.tail(one.shard)
        if self._check_epoch and one.epoch != tail.epoch:
            return False
        if one.position != tail.last + 1:
            return False
        tail.last = one.position
        tail.entries[one.position] = _encode(one.turns)
        at_ms = one.turns[-1].at_ms if one.turns else 0
        tail.marks.extend((at_ms, turn.fingerprint) for turn in one.turns)
        return True

    async def open(self, shards: Mapping[int, tuple[int, int]]) -> None:
        await self._arrive()
        refused = []
        for shard, (epoch, watermark) in shards.items():
            tail = self.disk.tail(shard)
            if tail.epoch > epoch:
                refused.append(shard)
            else:
                tail.epoch, tail.last = epoch, max(tail.last, watermark)
        await self._return()
        if refused:
            raise Fenced(refused)

    async def superseded(self, epochs: Mapping[int, int]) -> list[int]:
        await self._arrive()
        found = [shard for shard, epoch in epochs.items() if self.disk.tail(shard).epoch != epoch]
        await self._return()
        return found

    async def read(self, shard: int, after: int) -> list[tuple[int, list[Turn]]]:
        await self._arrive()
        entries = self.disk.tail(shard).entries
        found = [(position, _decode(entries[position])) for position in sorted(entries) if position > after]
        await self._return()
        return found

    async def last(self, shards: Sequence[int]) -> dict[int, int]:
        await self._arrive()
        found = {shard: self.disk.tail(shard).last for shard in shards}
        await self._return()
        return found

    async def fingerprints(self, shard: int, since_ms: int) -> Sequence[int]:
        await self._arrive()
        found = [mark for at_ms, mark in self.disk.tail(shard).marks if at_ms >= since_ms]
        await self._return()
        return found

    async def trim(self, marks: Mapping[int, int]) -> None:
        await self._arrive()
        for shard, position in marks.items():
            entries = self.disk.tail(shard).entries
            for old in [number for number in entries if number <= position]:
                del entries[old]
        await self._return()

    async def fullness(self) -> float:
        await self._arrive()
        return 0.0

    async def ping(self) -> None:
        await self._arrive()
        await self._return()
