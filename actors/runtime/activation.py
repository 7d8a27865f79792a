"""How a host gets its shards, gets them back, and gives them up.

take over    lease (epoch + 1, in the store) → open the journal under it → read the tail → serve;
             then fold the tail, load residents, outbox and timers, and learn which commands were
             seen, behind the callers' backs
recover      an append was in doubt: the same, without a lease; a newer owner is noticed by `open`
             `open` finds that what was acknowledged is gone: all shards of the host, until it finds all of it
hand over    stop intake → let what was decided become durable → drain → release
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from actors.domain.times import HOUR_MS
from actors.runtime.codec import Codec
from actors.runtime.drain import Drain
from actors.runtime.errors import Fenced, JournalLost, JournalUnavailable, Outdated, StoreUnavailable
from actors.runtime.limits import Limits
from actors.runtime.loader import Loader
from actors.runtime.memory import NEWEST_MAX, CommandMemory, Remembered, Seen
from actors.runtime.outbox import Outbox
from actors.runtime.pages import page_by_page
from actors.runtime.pauses import Pauses
from actors.runtime.ports import Clock, Due, Journal, Lease, OutboxEntry, Store
from actors.runtime.shard import Shard, TailEntry
from actors.runtime.sharding import shard_of
from actors.runtime.timers import Timers
from actors.runtime.wire import Turn

log = logging.getLogger("ocefs.activation")
# A hand-over that takes longer is given up: less than the supervisor waits for it.
HAND_OVER_S = 10.0
# Tails that are read at once: each needs a connection, and those who have one should not decode all at the same time.
READS_MAX = 4
# Turns of a tail that are taken note of in one run of the loop: 2 us each.
READ_MAX = 1_000
# A journal that lost what was acknowledged is looked at so often, whether somebody has brought it back.
LOST_PAUSE_S = 1.0
# Whoever can't learn what was seen tries again at least so often: each try reads it all, and till then the history
# is asked for every command.
LEARN_AGAIN_MS = 30_000


class Activation:
    """Changes `shards`, the shards that the host serves."""

    def __init__(
        self, host: str, codecs: Mapping[str, Codec], shards: dict[int, Shard], journal: Journal, store: Store,
        clock: Clock, limits: Limits, loader: Loader, drain: Drain, outbox: Outbox, timers: Timers,
        flushed: Callable[[], Awaitable[None]], lost: Callable[[str, Iterable[Shard]], None],
        found: Callable[[], None],
    ) -> None:  # fmt: skip
        self._host = host
        self._codecs = codecs
        self._shards = shards
        self._journal = journal
        self._store = store
        self._clock = clock
        self._limits = limits
        self._loader = loader
        self._drain = drain
        self._outbox = outbox
        self._timers = timers
        self._flushed = flushed
        # Told why, when the journal lacks what was acknowledged, and which shards are to be recovered besides those
        # that are served; and that it has all of it again.
        self._journal_lost = lost
        self._journal_found = found
        # What the journal lacked when it was opened: epochs and positions, as it is asked for them.
        self._refused: dict[int, tuple[int, int]] = {}
        # Shards whose residents, outbox and timers are still to be read.
        self._unsettled: set[int] = set()
        self._pauses = Pauses()
        # Shards that could not learn, by number.
        self._unlearned = Pauses(longest_ms=LEARN_AGAIN_MS)
        # Lost shards that are being built again, with their epochs.
        self.recovering: dict[int, int] = {}

    # --- taking over ------------------------------------------------------------------------------------------------
    async def take_over(self, numbers: Sequence[int], epoch: int) -> list[int]:
        """Owns `numbers` from now on, under `epoch`: the number of the decision that gives them to
        it. Returns those that serve.

        Raises StoreUnavailable: none does. Raises JournalUnavailable, be it for one tail that can't be read: those that
        were read before it serve all the same (`Host.owned` tells of them). Raises JournalLost; they are kept then, and
        serve as soon as the journal is brought back. Raises Outdated when all were given away
        anew meanwhile: a request that comes late (it was on its way for long, or this process stood still) must not
        take them from their newer owner, who would go on answering reads until it notices.

        Shards that it believes to own are leased anew, too: it may have been paused while another host had them.
        """
        leases = await self._store.lease(self._host, numbers, epoch)
        hours = self._limits.remember_hours
        wanted = {lease.shard: (lease, Seen(hours, whole=False)) for lease in leases.values()}
        try:
            await self._serve(wanted, {n: self._shards[n].durable for n in leases if n in self._shards})
        except JournalLost as gone:
            self._journal_lost(str(gone), [self._build(lease, seen) for lease, seen in wanted.values()])
            raise
        taken = {n for n in leases if n in self._shards and self._shards[n].epoch >= epoch}
        left = [n for n in numbers if n not in leases]
        newest = await self._compare(left) if left else 0
        taken.update(n for n in left if n in self._shards)
        if newest and not taken:
            raise Outdated(newest)
        return [n for n in numbers if n in taken]

    async def _compare(self, numbers: Sequence[int]) -> int:
        """Loses those shards of which the store knows a newer owner. Gives the highest epoch of all."""
        records = await self._store.shards()
        for number in numbers:
            held = self._shards.get(number)
            if held is not None and records[number].epoch > held.epoch:
                self.lose(held)
        return max(records[number].epoch for number in numbers)

    async def _serve(self, wanted: Mapping[int, tuple[Lease, Seen]], durable: Mapping[int, int] | None = None) -> None:
        """Serves these shards, by number with what is known of their commands: each from the moment on when
        its tail has been read. durable: positions, of those of which more is known than the watermark."""
        known = durable or {}
        fenced = await self._open(
            {n: (lease.epoch, max(lease.watermark, known.get(n, 0))) for n, (lease, _) in wanted.items()}
        )
        by_shard = {n: one for n, one in wanted.items() if n not in fenced}
        last = await self._journal.last(list(by_shard))
        slots = asyncio.Semaphore(READS_MAX)

        async def begin(lease: Lease, seen: Seen) -> None:
            async with slots:
                shard = self._build(lease, seen)
                await self._read(shard, last[shard.number])
                if self._refused:
                    raise JournalUnavailable("others found meanwhile that it lost what was acknowledged")
                self._install(shard)

        reads = [asyncio.ensure_future(begin(lease, seen)) for lease, seen in by_shard.values()]
        try:
            await asyncio.gather(*reads)
        finally:
            # After the first that failed: whoever tries again must not have to share with what is left of this.
            for read in reads:
                read.cancel()
            await asyncio.gather(*reads, return_exceptions=True)

    async def _open(self, marks: Mapping[int, tuple[int, int]]) -> frozenset[int]:
        """Opens shards; gives those of which there is a newer owner. What was refused before is asked for again along
        with them: a journal that lacks one shard's end may well have another's, and must not be gone on with."""
        asked = dict(marks)
        for number, (epoch, position) in self._refused.items():
            wanted_epoch, wanted_position = marks.get(number, (epoch, position))
            asked[number] = wanted_epoch, max(wanted_position, position)
        fenced: frozenset[int] = frozenset()
        try:
            await self._journal.open(asked)
        except JournalLost:
            self._refused |= asked
            raise
        except Fenced as newer:
            fenced = newer.shards
        if self._refused:
            # Others may have been refused while this was under way.
            self._refused = {n: mark for n, mark in self._refused.items() if n not in asked or asked[n][1] < mark[1]}
            if not self._refused:
                self._journal_found()
        return fenced

    def _install(self, shard: Shard) -> None:
        present = self._shards.get(shard.number)
        if present is not None and present.epoch >= shard.epoch:
            return  # taken over anew while this was read
        if present is not None:
            self.lose(present)
        self._shards[shard.number] = shard
        self._unsettled.add(shard.number)
        for entry in shard.tail:
            self._messages(shard, entry)
        self._loader.want(shard, list(shard.unfolded))

    def _build(self, lease: Lease, seen: Seen) -> Shard:
        memory = CommandMemory(self._limits.recent_commands_max, seen)
        return Shard(lease.shard, lease.epoch, lease.watermark, memory)

    async def _read(self, shard: Shard, last: int) -> None:
        now_ms = self._clock.now_ms()
        noted = 0  # since others last had the loop
        for position, turns in await self._journal.read(shard.number, shard.drained):
            noted += len(turns)
            if noted >= READ_MAX:
                noted = 0
                await asyncio.sleep(0)
            for line, turn in enumerate(turns):
                entry = TailEntry(position, line, turn)
                shard.tail.append(entry)
                shard.unfolded.setdefault((turn.kind, turn.entity_id), []).append(entry)
                self._remember(shard, position, turn, now_ms)
        shard.position = shard.durable = max(shard.drained, last)

    async def learn(self) -> None:
        """Which commands were seen before a shard came here, one shard after the other: after a busy day there are many
        millions, and meanwhile the history is asked for every command. Called by the host again and again: what could
        not be learned is tried anew, after a pause of its own, and the others are learned meanwhile."""
        self._unlearned.keep(self._shards)
        for shard in list(self._shards.values()):
            number, memory = shard.number, shard.memory
            if memory.seen.whole or shard.lost or self._unlearned.until(number) > self._clock.now_ms():
                continue
            try:
                await self._learn(shard)
            except Exception as fault:
                self._learns_later(number, fault)
            else:
                self._unlearned.well(number)
                self._pauses.well(("learning", number))

    def _learns_later(self, number: int, fault: Exception) -> None:
        now_ms = self._clock.now_ms()
        if isinstance(fault, JournalUnavailable):
            if number not in self._unlearned:
                log.warning("what was seen before in shard %d is not told by the journal: %s", number, fault)
        elif self._pauses.renew(("learning", number), now_ms):
            # Not foreseen. The history goes on being asked; were it to end this host, the shard's
            # next owner would meet it too.
            log.error("what was seen before in shard %d can't be learned", number, exc_info=fault)
        self._unlearned.fault(number, now_ms)

    async def _learn(self, shard: Shard) -> None:
        now_ms = self._clock.now_ms()
        since_ms = now_ms - (self._limits.remember_hours + 1) * HOUR_MS
        prints = await self._journal.fingerprints(shard.number, since_ms)
        # By itself: of what fails midway nothing may stay, or each try would add the same once more.
        learned = Seen(self._limits.remember_hours)
        for first in range(0, len(prints), NEWEST_MAX):
            learned.load(prints[first : first + NEWEST_MAX], now_ms)
            await asyncio.sleep(0)  # others want the loop too
        seen = shard.memory.seen
        seen.join(learned)
        seen.whole = True

    def unlearned(self) -> int:
        """Shards of which it is not known yet what was seen before."""
        return sum(not shard.memory.seen.whole for shard in self._shards.values())

    def _remember(self, shard: Shard, position: int, turn: Turn, now_ms: int) -> None:
        if turn.fingerprint:  # a timer's turn has none
            command = Remembered(
                turn.entity_id, turn.command_id, position, turn.digest, turn.status, turn.reply, turn.provisional
            )  # fmt: skip
            shard.memory.put(turn.fingerprint, command, now_ms)
        for command_id, final in turn.answers:
            shard.memory.finish(turn.entity_id, command_id, final, position)

    def _messages(self, shard: Shard, entry: TailEntry) -> None:
        turn = entry.turn
        codec = self._codecs[turn.kind]
        if codec.sends and turn.events != b"[]":
            sender = (turn.kind, turn.entity_id)
            events = codec.events(turn.events)
            self._outbox.add(shard.number, entry.position, sender, turn.version, turn.at_ms, events)

    async def settle(self) -> None:
        """Called by the host's tick until it has worked: residents, outbox and timers of shards that were taken over.
        They need the store, which may be away."""
        mine = {n: self._shards[n] for n in sorted(self._unsettled) if n in self._shards}
        if not mine:
            self._unsettled.clear()
            return
        try:
            for codec in self._codecs.values():
                if codec.kind.resident:
                    ids = await self._store.resident(codec.kind)
                    for entity_id in ids:
                        shard = self._shards.get(shard_of(codec.kind.name, entity_id, self._limits.shards))
                        if shard is not None and shard.number in mine:
                            self._loader.want(shard, [(codec.kind.name, entity_id)])
            await self._stored_messages(mine)
            await self._stored_timers(mine)
        except StoreUnavailable:
            return
        except Exception:
            # Not foreseen. Were it to end this host, the shards' next owner would meet it too,
            # and so on through the cell.
            if self._pauses.renew("settling", self._clock.now_ms()):
                log.exception("what the store has of shards that were taken over could not be read")
            return
        self._pauses.well("settling")
        # One that was lost and built again meanwhile may have missed what was found: it is settled anew.
        self._unsettled -= {n for n, shard in mine.items() if self._shards.get(n) is shard}

    async def _stored_messages(self, mine: Mapping[int, Shard]) -> None:
        numbers, most = list(mine), self._limits.settle_max

        def take(entry: OutboxEntry) -> None:
            if self._shards.get(entry.shard) is mine[entry.shard]:
                self._restore(entry)

        await page_by_page(lambda after: self._store.outbox(numbers, after, most), take)

    async def _stored_timers(self, mine: Mapping[int, Shard]) -> None:
        """Each live cart has one: a cell has hundreds of thousands. One whose row changes between two pages has been in
        memory since, so it is known."""
        numbers, most = list(mine), self._limits.settle_max

        def take(due: Due) -> None:
            due_ms, kind, entity_id = due
            number = shard_of(kind, entity_id, self._limits.shards)
            # None for a shard that was given up meanwhile: nobody would forget it again.
            if self._shards.get(number) is mine[number]:
                self._timers.stored(number, (kind, entity_id), due_ms)

        await page_by_page(lambda after: self._store.due(numbers, after, most), take)

    def _restore(self, entry: OutboxEntry) -> None:
        try:
            self._outbox.restore(entry)
        except Exception:
            # Of another version, say: it stays in the store for whoever can read it.
            log.exception("a stored message could not be read", extra={"message_id": entry.message_id})

    def want_unfolded(self) -> None:
        """Asks again for what the loader could not load because the store was away."""
        for shard in self._shards.values():
            if shard.unfolded:
                self._loader.want(shard, list(shard.unfolded))

    # --- losing and getting back ------------------------------------------------------------------------------------
    def lose(self, shard: Shard) -> None:
        """What is in memory is not what is durable: nothing of it may be used or told any more."""
        shard.lost = True
        if self._shards.get(shard.number) is shard:
            del self._shards[shard.number]
            self._outbox.drop(shard.number)
            self._timers.drop(shard.number)

    async def recover(self, shards: Iterable[Shard]) -> None:
        """Builds lost shards again from what is durable, under their epochs; those of which there is
        a newer owner are gone."""
        lost = {shard.number: shard for shard in shards}
        self.recovering.update((number, shard.epoch) for number, shard in lost.items())
        try:
            while True:
                try:
                    # A drain under way may still move the watermark of the old shard.
                    async with self._drain.lock:
                        left = [shard for number, shard in lost.items() if number not in self._shards]
                        stored = self._drain.watermarks
                        # All that they knew of commands, and perhaps more: of what never was durable
                        # the history knows nothing.
                        await self._serve(
                            {
                                s.number: (
                                    Lease(s.number, s.epoch, max(s.drained, stored.get(s.number, 0))),
                                    s.memory.seen,
                                )
                                for s in left
                            },
                            {s.number: s.durable for s in left},
                        )
                    return
                except JournalLost as gone:
                    # Served from what is left, updates that were acknowledged would be gone, and nobody would know.
                    self._journal_lost(str(gone), ())
                    await self._clock.sleep(LOST_PAUSE_S)
                except JournalUnavailable:
                    await self._clock.sleep(self._limits.retry_pause_s)
        finally:
            for number in lost:
                self.recovering.pop(number, None)

    # --- giving up --------------------------------------------------------------------------------------------------
    async def hand_over(self, numbers: Sequence[int]) -> list[int]:
        """Gives up shards, drained, within HAND_OVER_S. Returns those that were; the others are still served."""
        closing = [self._shards[n] for n in numbers if n in self._shards]
        try:
            await self._store.shards()  # while it does not answer nothing can be drained: no reason to stop serving
            for shard in closing:
                shard.closing = True
            await self._flushed()
            if not await self._drained(closing):
                return []
            await self._drain.trim()  # whoever serves them next would read what has long been in the store
            await self._store.release(self._host, {s.number: s.epoch for s in closing if not s.lost})
            # One that was lost meanwhile has been built again and is still ours.
            given = [shard for shard in closing if not shard.lost]
            for shard in given:
                self.lose(shard)
            return [shard.number for shard in given]
        except StoreUnavailable:
            return []
        finally:
            for shard in closing:
                shard.closing = shard.lost

    async def _drained(self, closing: Sequence[Shard]) -> bool:
        """Drains until nothing of these is left. False when it takes too long: the rows of a turn may be wanting for
        ever, because its entity can't be loaded. Not by a timeout, which would leave a drain half done."""
        until = self._clock.monotonic() + HAND_OVER_S
        while any(shard.tail for shard in closing if not shard.lost):
            if self._clock.monotonic() > until:
                return False
            if not await self._drain.once():
                await self._clock.sleep(0.01)
        await self._drain.once()
        return True
