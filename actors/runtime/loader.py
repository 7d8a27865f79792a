"""Brings entities into memory, and old answers back, in batches. Items that need them wait here, in order,
and go back to the inbox."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence

from actors.domain.times import HOUR_MS
from actors.runtime import wire
from actors.runtime.codec import Codec
from actors.runtime.errors import StoreUnavailable
from actors.runtime.limits import Limits
from actors.runtime.mailbox import MAILBOX_FULL, UNAVAILABLE, Item
from actors.runtime.memory import Remembered
from actors.runtime.pauses import Pauses
from actors.runtime.ports import Clock, Snapshot, Store
from actors.runtime.shard import Entity, Key, Shard
from actors.runtime.turns import TurnTaker, encoded, mark_of, only_history_knows
from actors.runtime.wire import Envelope

log = logging.getLogger("ocefs.loader")
# Turns of a tail that are folded in one run of the loop: 8 us each at least, and a host that says nothing for a second
# is given up, as would be the next.
FOLD_MAX = 250


class Waiting:
    """What waits for one entity. `wanted`: it is to be loaded though nobody asks for it; `fingerprints`: commands (with
    their ids) for which the history has to be asked, from `since_ms` on (0: from where the memory of commands ends);
    `found`: what it said; `absent`: the store has no such entity; `fault`: why it can't be loaded, be it never."""

    __slots__ = ("absent", "fault", "fingerprints", "found", "items", "shard", "since_ms", "wanted")

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.wanted = False
        self.items: list[tuple[Item, int | None]] = []
        self.fingerprints: dict[int, str] = {}
        self.since_ms = 0
        self.found: dict[int, Remembered] = {}
        self.absent = False
        self.fault: Exception | None = None

    def ask(self, fingerprint: int, envelope: Envelope) -> None:
        """The history has to be asked for this command, too."""
        self.fingerprints[fingerprint] = envelope.command_id
        if since_ms := envelope.since_ms:
            self.since_ms = min(since_ms, self.since_ms or since_ms)


class Loader:
    """One round of queries at a time; what comes meanwhile goes into the next."""

    def __init__(
        self, codecs: Mapping[str, Codec], store: Store, clock: Clock, limits: Limits, turns: TurnTaker,
        back: Callable[[list[Item]], None], faulty: Callable[[Shard, Item, Exception], None], installed: Callable[[Shard, Key, Entity], None],
    ) -> None:  # fmt: skip
        self._codecs = codecs
        self._store = store
        self._clock = clock
        self._limits = limits
        self._turns = turns
        self._back = back
        self._faulty = faulty
        self._installed = installed
        self._waiting: dict[Key, Waiting] = {}
        self._round: dict[Key, Waiting] = {}
        self._wake = asyncio.Event()
        self._pauses = Pauses()
        self._began = 0.0  # of the round under way
        self._folded = 0  # since others last had the loop
        self.activations = 0

    def waits(self, key: Key) -> bool:
        """Must an item for this entity queue up behind others?"""
        return key in self._waiting or key in self._round

    def put(self, shard: Shard, item: Item, fingerprint: int | None) -> None:
        """The item waits for its entity (or its command's old answer)."""
        key = (item.envelope.kind, item.envelope.entity_id)
        waiting = self._round.get(key) or self._waiting.get(key)
        if waiting is None or (fingerprint is not None and key in self._round):
            waiting = self._waiting.setdefault(key, Waiting(shard))
        if len(waiting.items) >= self._limits.mailbox_max:
            item.done(MAILBOX_FULL)
            return
        waiting.items.append((item, fingerprint))
        if fingerprint is not None:
            waiting.ask(fingerprint, item.envelope)
        self._wake.set()

    def want(self, shard: Shard, keys: Sequence[Key]) -> None:
        """Load these although nobody asks; not those that could not be loaded a moment ago."""
        now_ms = self._clock.now_ms()
        for key in keys:
            if key in shard.entities or self._pauses.until(key) > now_ms:
                continue
            waiting = self._waiting.get(key) or self._round.get(key)
            if waiting is None or waiting.shard is not shard:
                # What is under way for an activation that is lost by now is of no use to this one.
                waiting = self._waiting.setdefault(key, Waiting(shard))
                waiting.shard = shard
            # Callers who wait for it may give up.
            waiting.wanted = True
        self._wake.set()

    def tick(self) -> None:
        """Whoever has waited for the store too long is told to come again: a call is answered as a whole, so those who
        need no store would wait with him."""
        if not self._round or self._clock.monotonic() - self._began <= self._limits.load_patience_s:
            return
        for waiting in (*self._round.values(), *self._waiting.values()):
            items, waiting.items = waiting.items, []
            for item, _ in items:
                item.done(UNAVAILABLE)
        self._waiting = {key: waiting for key, waiting in self._waiting.items() if waiting.wanted}

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                self._round = dict(list(self._waiting.items())[: self._limits.load_max])
                for key in self._round:
                    del self._waiting[key]
                self._began = self._clock.monotonic()
                self._ask_along()
                failed = await self._load(self._round)
                done, self._round = self._round, {}
                self._give_back(done, failed)
                if failed:
                    self._keep_wanted(done, failed)
                    await self._clock.sleep(self._limits.retry_pause_s)

    def _ask_along(self) -> None:
        """Those who queued up behind others are asked for in the same round. Each would else have one of its own as
        long as a shard has not learned what was seen: a hundred commands to one entity, a hundred round trips. Of
        commands that are there twice only the first: the second finds its answer in memory, or has to ask by itself
        when that is gone again."""
        room = self._limits.load_max
        for waiting in self._round.values():
            shard = waiting.shard
            for place, (item, asked) in enumerate(waiting.items):
                envelope = item.envelope
                if asked is not None or envelope.mode != wire.COMMAND or item.looked_up is shard:
                    continue
                if not room:
                    return
                room -= 1
                mark = mark_of(envelope)
                if mark in waiting.fingerprints or shard.memory.recall(mark) is not None:
                    continue
                if only_history_knows(shard, envelope, mark):
                    waiting.items[place] = (item, mark)
                    waiting.ask(mark, envelope)

    def _keep_wanted(self, done: Mapping[Key, Waiting], failed: Collection[str]) -> None:
        """Callers ask again by themselves; what is wanted though nobody asks (residents) is not forgotten."""
        for key, waiting in done.items():
            if waiting.wanted and key[0] in failed and not waiting.shard.lost:
                self._waiting.setdefault(key, Waiting(waiting.shard)).wanted = True

    def _give_back(self, done: Mapping[Key, Waiting], failed: Collection[str]) -> None:
        for (kind, _), waiting in done.items():
            if waiting.fault is not None:
                for item, _ in waiting.items:
                    self._faulty(waiting.shard, item, waiting.fault)
            elif kind not in failed:
                shard = waiting.shard
                for item, fingerprint in waiting.items:
                    # Only who asked for it has been looked up: an item that queued up behind others still has to ask.
                    if fingerprint is not None:
                        item.looked_up, item.recalled = shard, waiting.found.get(fingerprint)
                    # One that is merely not in memory may have been passivated while the history was asked.
                    item.absent = shard if waiting.absent else None
                self._back([item for item, _ in waiting.items])
            else:
                for item, _ in waiting.items:
                    item.done(UNAVAILABLE)

    async def _load(self, round_: Mapping[Key, Waiting]) -> Collection[str]:
        """Gives the kinds that could not be loaded."""
        by_kind: dict[str, list[str]] = {}
        # A creation that is repeated comes under another id each time, so several entities may
        # wait for the same command.
        asked: dict[str, dict[int, list[Waiting]]] = {}
        for (kind, entity_id), waiting in round_.items():
            if (kind, entity_id) not in waiting.shard.entities:
                by_kind.setdefault(kind, []).append(entity_id)
            for fingerprint in waiting.fingerprints:
                asked.setdefault(kind, {}).setdefault(fingerprint, []).append(waiting)
        failed = set()
        for kind in dict.fromkeys((*asked, *by_kind)):
            try:
                await self._recall(kind, asked.get(kind, {}))
                await self._install(kind, by_kind.get(kind, []), round_)
                self._pauses.well(kind)
            except StoreUnavailable:
                return {kind for kind, _ in round_}
            except Exception:
                # Not foreseen: it says nothing of other kinds, and would be told twenty times a second.
                failed.add(kind)
                if self._pauses.renew(kind, self._clock.now_ms()):
                    log.exception("entities of a kind could not be loaded", extra={"kind": kind})
        return failed

    async def _recall(self, kind: str, wanted: Mapping[int, Sequence[Waiting]]) -> None:
        if not wanted:
            return
        now_ms = self._clock.now_ms()
        remembered_ms = now_ms - (self._limits.remember_hours + 1) * HOUR_MS
        since_ms = min(
            [remembered_ms, *(one.since_ms for waiting in wanted.values() for one in waiting if one.since_ms)]
        )
        again: dict[int, list[Waiting]] = {}
        drained = {one.shard: one.shard.drained for waiting in wanted.values() for one in waiting}
        for fingerprint, found in (await self._store.remembered(kind, list(wanted), since_ms)).items():
            for waiting in wanted[fingerprint]:
                shard = waiting.shard
                command = shard.memory.recall(fingerprint)
                if command is None and found.provisional and shard.drained != drained[shard]:
                    again.setdefault(fingerprint, []).append(waiting)  # its final answer may have been drained just now
                    continue
                if command is None:
                    command = Remembered(
                        found.entity_id, waiting.fingerprints[fingerprint], shard.drained, found.digest, found.status,
                        found.reply, found.provisional,
                    )  # fmt: skip
                    shard.memory.put(fingerprint, command, now_ms)
                waiting.found[fingerprint] = command
        if again:
            await self._recall(kind, again)

    async def _install(self, kind: str, ids: list[str], round_: Mapping[Key, Waiting]) -> None:
        if not ids:
            return
        codec = self._codecs[kind]
        keys = [(kind, entity_id) for entity_id in ids]
        before = {key: len(round_[key].shard.unfolded.get(key, ())) for key in keys}
        snapshots = await self._store.load(codec.kind, ids) if codec.kind.tables else {}
        outdated = []
        for key in keys:
            waiting = round_[key]
            shard = waiting.shard
            if shard.lost or key in shard.entities:
                continue
            try:
                if not await self._enter(codec, shard, key, snapshots.get(key[1]), before[key]):
                    outdated.append(key[1])
                    continue
                waiting.absent = key not in shard.entities
                self._pauses.well(key)
            except Exception as fault:
                waiting.fault = fault
                if not waiting.items:  # nobody will hear of it
                    self._pauses.fault(key, self._clock.now_ms())
                    log.exception("an entity could not be loaded", extra={"kind": key[0], "entity_id": key[1]})
        if outdated:
            await self._install(kind, outdated, round_)

    async def _pace(self) -> None:
        """Lets others have the loop after every FOLD_MAX turns. What comes meanwhile for entities of this round queues
        up, in order: `waits` holds for all of them until the round is over."""
        self._folded += 1
        if self._folded >= FOLD_MAX:
            self._folded = 0
            await asyncio.sleep(0)

    async def _enter(self, codec: Codec, shard: Shard, key: Key, snapshot: Snapshot | None, turns: int) -> bool:
        """Folds the entity's `turns` of the tail into what the store had, and takes it into memory when that is done.
        False when there are fewer by now: a drain in doubt turned out to have happened meanwhile, and what was
        read may be from before it."""
        unfolded = list(shard.unfolded.get(key, ()))
        if len(unfolded) < turns:
            return False
        now = self._clock.monotonic()
        restored = codec.kind.restore(key[1], snapshot.rows) if snapshot is not None else None
        entity = Entity(*restored, now) if restored is not None else Entity(None, 0, now)
        if snapshot is not None:
            # What is only read counts for the memory cap as well.
            entity.weight = max((encoded(rows) for rows in snapshot.rows.values()), default=0)
        rows = []
        for entry in unfolded:
            rows.append(self._turns.fold(codec, entity, entry.turn))
            await self._pace()
            if shard.lost:
                return True  # nobody waits for it any more: its successor folds anew
        if key in shard.entities:
            return True
        if len(shard.unfolded.get(key, ())) < turns:
            return False
        for entry, folded in zip(unfolded, rows, strict=True):
            entry.rows, entry.entity = folded, entity
            entity.dirty += 1
        shard.unfolded.pop(key, None)
        if entity.version:
            self.activations += 1
            shard.entities[key] = entity
            self._installed(shard, key, entity)
        return True
