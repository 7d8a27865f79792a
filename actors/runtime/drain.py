"""Write-behind: what is durable in the journal goes to the store, once, in order, some hundred milliseconds later.

One transaction carries history, rows, outbox and watermarks; only then is the tail trimmed. When its outcome is in
doubt the watermarks in the store tell whether it happened, and nothing more is drained before they have been read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any

import msgspec

from actors.domain.kind import Row
from actors.domain.rows import changed
from actors.runtime.codec import Codec
from actors.runtime.errors import Fenced, JournalUnavailable, StoreUnavailable
from actors.runtime.limits import Limits
from actors.runtime.outbox import Outbox
from actors.runtime.pauses import Pauses
from actors.runtime.ports import Clock, DrainBatch, DrainedTurn, Journal, Store
from actors.runtime.shard import Shard, TailEntry
from actors.runtime.store_health import StoreHealth

log = logging.getLogger("ocefs.drain")
_KEY_OF: dict[type, Callable[[Any], Any]] = {}


def _key_of(row: Row) -> Any:
    getter = _KEY_OF.get(type(row))
    if getter is None:
        getter = _KEY_OF[type(row)] = attrgetter(*row.key)  # type: ignore[attr-defined]
    return getter(row)


def _put_latest(by_key: dict[Any, Row], row: Row) -> None:
    key = _key_of(row)
    if row.change:  # type: ignore[attr-defined]
        whole = by_key.get(key)
        if whole is not None and not whole.change:  # type: ignore[attr-defined]
            # The store does not have it yet: it goes there as it is by now. A copy, because the drain
            # may have to be done again.
            row = changed(whole, row)
    by_key[key] = row


TRIM_INTERVAL_S = 1.0
# A drain takes some hundredths of a second, and where much is behind a few tenths.
HANGS_S = 3.0
NO_EVENTS = b"[]"


class Drain:
    """The write-behind of a host."""

    def __init__(
        self, host: str, codecs: Mapping[str, Codec], shards: Mapping[int, Shard], journal: Journal, store: Store,
        clock: Clock, limits: Limits, outbox: Outbox, fenced: Callable[[Iterable[Shard]], None],
    ) -> None:  # fmt: skip
        self._host = host
        self._codecs = codecs
        self._shards = shards
        self._journal = journal
        self._store = store
        self._clock = clock
        self._limits = limits
        self._outbox = outbox
        self._fenced = fenced
        self._pauses = Pauses()
        self._in_doubt = False
        # shard → position up to which the journal may forget.
        self._untrimmed: dict[int, int] = {}
        self._trimmed_at = -TRIM_INTERVAL_S
        self._more = False  # the last choice left some out for the limit
        # Watermarks of the store as the last reconciliation found them: shards that were lost just then
        # are built again from these.
        self.watermarks: dict[int, int] = {}
        self.lock = asyncio.Lock()
        self._health = StoreHealth("the store", host, clock)
        # Since when it has not answered a drain (monotonic); None while none is under way.
        self._asked_at: float | None = None
        self.drained_turns = 0
        self.last_drain_s = 0.0

    def store_state(self) -> str:
        """Is the store "ok", or why does it not take what there is? Also of one that hangs, before its time is over."""
        waits_s = 0.0 if self._asked_at is None else self._clock.monotonic() - self._asked_at
        if waits_s > HANGS_S and self._health.state == "ok":
            return f"has not answered for {waits_s:.0f} s"
        return self._health.state

    def waiting(self) -> int:
        """Turns that are not in the store."""
        return sum(len(shard.tail) for shard in self._shards.values())

    def lag_ms(self, now_ms: int) -> int:
        """Age of the oldest turn that is not in the store; 0 when there is none."""
        oldest = min((shard.tail[0].turn.at_ms for shard in self._shards.values() if shard.tail), default=now_ms)
        return max(0, now_ms - oldest)

    async def run(self) -> None:
        """For ever."""
        while True:
            began = self._clock.monotonic()
            try:
                drained = await self.once()
                self._pauses.well("draining")
            except StoreUnavailable as away:
                self._health.away(str(away))
                drained = 0
            except Exception as fault:
                # Not foreseen, but without write-behind the cell stops when the tail is full: it is tried
                # again, and told ever less often.
                if self._pauses.renew("draining", self._clock.now_ms()):
                    log.exception("a drain failed")
                self._health.fault(fault)
                drained = 0
            took = self._clock.monotonic() - began
            if not drained or not self._more:
                await self._clock.sleep(max(0.01, self._limits.drain_interval_ms / 1000 - took))

    async def once(self) -> int:
        """One transaction. Returns the number of turns in it; raises StoreUnavailable."""
        async with self.lock:
            if self._in_doubt:
                await self._reconcile()
            chosen = self._choose()
            batch = self._batch(chosen)
            if not batch.marks and not batch.outbox_put and not batch.outbox_remove:
                self._health.well()
                await self._trim_at_times()
                return 0
            began = self._asked_at = self._clock.monotonic()
            try:
                await self._store.drain(batch)
            except Fenced as fenced:
                held = (self._shards.get(number) for number in fenced.shards)
                self._fenced(
                    shard for shard in held if shard is not None and shard.epoch == batch.marks[shard.number][0]
                )
                return 0
            except Exception:
                self._in_doubt = True
                self._outbox.in_doubt(batch.outbox_put)
                raise
            finally:
                self._asked_at = None
            self._health.well()
            self.last_drain_s = self._clock.monotonic() - began
            self._outbox.stored(batch.outbox_put, batch.outbox_remove)
            for shard, entries in chosen:
                self._advance(shard, len(entries), entries[-1].position)
            self.drained_turns += len(batch.turns)
            self._untrimmed.update({shard.number: shard.drained for shard, _ in chosen if not shard.lost})
            await self._trim_at_times()
            return len(batch.turns)

    async def trim(self) -> None:
        """Forgets in the journal what is in the store, now. What could not be trimmed is trimmed later: positions past
        the mark are all that counts."""
        async with self.lock:
            await self._trim(self._clock.monotonic())

    async def _trim_at_times(self) -> None:
        """For many drains together, since a round trip for every shard costs as much as a small drain."""
        now = self._clock.monotonic()
        if now - self._trimmed_at >= TRIM_INTERVAL_S:
            await self._trim(now)

    async def _trim(self, now: float) -> None:
        if not self._untrimmed:
            return
        marks, self._untrimmed, self._trimmed_at = self._untrimmed, {}, now
        try:
            await self._journal.trim(marks)
        except JournalUnavailable:
            self._untrimmed = marks | self._untrimmed

    def _choose(self) -> list[tuple[Shard, list[TailEntry]]]:
        """The oldest entries of each shard that have their rows, whole positions only."""
        self._more = False
        busy = [shard for shard in self._shards.values() if shard.tail and not shard.lost]
        if not busy:
            return []
        share = max(1, self._limits.drain_max_turns // len(busy))
        chosen = []
        for shard in busy:
            entries: list[TailEntry] = []
            for entry in shard.tail:
                if entry.rows is None:
                    entries = [e for e in entries if e.position != entry.position]
                    break
                if len(entries) >= share and entry.position != entries[-1].position:
                    self._more = True
                    break
                entries.append(entry)
            if entries:
                chosen.append((shard, entries))
        return chosen

    def _batch(self, chosen: list[tuple[Shard, list[TailEntry]]]) -> DrainBatch:
        marks, turns = {}, []
        latest: dict[str, dict[Any, Row]] = {}
        added: dict[str, list[Row]] = {}
        for shard, entries in chosen:
            marks[shard.number] = (shard.epoch, entries[-1].position)
            for entry in entries:
                turn = entry.turn
                codec = self._codecs[turn.kind]
                if codec.kind.unwritten:
                    turn = msgspec.structs.replace(turn, events=NO_EVENTS)
                elif codec.kind.written is not None:
                    turn = msgspec.structs.replace(turn, events=codec.written(turn.events))
                turns.append(DrainedTurn(shard.number, entry.position, entry.line, turn))
                for row in entry.rows or ():
                    if row.append_only:  # type: ignore[attr-defined]
                        added.setdefault(row.table, []).append(row)  # type: ignore[attr-defined]
                    else:
                        _put_latest(latest.setdefault(row.table, {}), row)  # type: ignore[attr-defined]
        rows, changes = dict[str, list[Row]](added), dict[str, list[Row]]()
        for table, by_key in latest.items():
            rows[table] = [row for row in by_key.values() if not row.change]  # type: ignore[attr-defined]
            changes[table] = [row for row in by_key.values() if row.change]  # type: ignore[attr-defined]
        put, remove = self._outbox.unstored({n: mark for n, (_, mark) in marks.items()})
        # Outbox entries of shards that have nothing to drain need their epochs checked as well.
        for message in put:
            owned = self._shards.get(message.shard)
            if owned is not None:
                marks.setdefault(message.shard, (owned.epoch, owned.drained))
        return DrainBatch(self._host, marks, turns, rows, put, remove, changes)

    def _advance(self, shard: Shard, count: int, mark: int) -> None:
        for _ in range(count):
            entry = shard.tail.popleft()
            entity = entry.entity
            if entity is not None:
                entity.dirty -= 1
                if not entity.dirty and not self._codecs[entry.turn.kind].kind.tables:
                    # Not there when the turn had no events and its entity was gone before a takeover.
                    shard.entities.pop((entry.turn.kind, entry.turn.entity_id), None)
        shard.drained = mark
        shard.memory.forget(mark)

    async def _reconcile(self) -> None:
        """After a drain in doubt: what the watermarks in the store cover is drained."""
        for record in (await self._store.shards()).values():
            self.watermarks[record.shard] = record.watermark
            shard = self._shards.get(record.shard)
            if shard is None or record.watermark <= shard.drained:
                continue
            covered = sum(1 for entry in shard.tail if entry.position <= record.watermark)
            fold_away(shard, [entry for entry in islice(shard.tail, covered) if entry.rows is None])
            self._advance(shard, covered, record.watermark)
        self._in_doubt = False


def fold_away(shard: Shard, entries: Sequence[TailEntry]) -> None:
    """Turns of the tail that turn out to be in the store need no folding. One pass over what is left of an entity: a
    busy location may have tens of thousands."""
    gone = set(entries)
    for key in {(entry.turn.kind, entry.turn.entity_id) for entry in entries}:
        left = [entry for entry in shard.unfolded.pop(key, ()) if entry not in gone]
        if left:
            shard.unfolded[key] = left
