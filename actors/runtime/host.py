"""A host: the process that keeps some shards' entities alive. One loop decides, one append is in
flight, one drain writes behind.

    call ──▶ inbox ──▶ take turns (decide → evolve) ──▶ append, one group at a time ──▶ publish: replies, rows, messages
               ▲            │ not in memory                      │ in doubt
               └── loader ◀─┘                                    └──▶ lose the shards, recover them from the journal

While an append is under way the next group is decided on top of it; it is appended only after the first has succeeded,
so nothing ever leaves (no reply, no read, no message) that rests on what is not durable. All order comes from the
inbox: one item after the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from actors.domain.kind import Kind
from actors.runtime import history, wire
from actors.runtime.activation import Activation
from actors.runtime.appender import Appender
from actors.runtime.codec import codecs, to_msgpack
from actors.runtime.downlinks import Downlinks
from actors.runtime.drain import Drain
from actors.runtime.errors import RuntimeFault
from actors.runtime.feed import Feed
from actors.runtime.gateway import Gateway
from actors.runtime.limits import Limits
from actors.runtime.loader import Loader
from actors.runtime.mailbox import (
    FAULT,
    INBOX_FULL,
    JOURNAL_FULL,
    NOT_OWNER,
    TAIL_FULL,
    UNAVAILABLE,
    Barrier,
    Batch,
    Called,
    Group,
    Item,
    Told,
)  # fmt: skip
from actors.runtime.outbox import Outbox
from actors.runtime.passivation import passivate
from actors.runtime.ports import Clock, Journal, MapSource, Store, Transport
from actors.runtime.publish import Publisher
from actors.runtime.shard import Entity, Key, Shard
from actors.runtime.sharding import mask_of, shard_of
from actors.runtime.timers import Timers
from actors.runtime.turns import EvolveFault, NeedsStore, TurnTaker
from actors.runtime.waking import Waking
from actors.runtime.wire import Call, Envelope, HostStats, Reply

log = logging.getLogger("ocefs.host")
_CALL = msgspec.msgpack.Decoder(Call).decode
TICK_S = 0.05
SETTLE_S = 0.25


class Host:
    """See the module's docstring. Everything from outside is a parameter, so that the
    simulation runs this very code."""

    def __init__(
        self, name: str, kinds: Mapping[str, Kind], journal: Journal, store: Store, transport: Transport,
        source: MapSource, clock: Clock, limits: Limits, *, pid: int = 0, rss_mb: Callable[[], float] = lambda: 0.0,
    ) -> None:  # fmt: skip
        self.name = name
        self.limits = limits
        self.shards: dict[int, Shard] = {}
        self._codecs = codecs(kinds)
        self._store = store
        self._clock = clock
        self._pid, self._rss_mb = pid, rss_mb
        self._inbox: deque[Item | Barrier] = deque()
        self._wake = asyncio.Event()
        self._appending: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.turns = TurnTaker(self._codecs)
        self.appender = Appender(name, journal, clock, self._lose)
        self.gateway = Gateway(f"{name}/outbox", transport, source, clock, limits, listens=False)
        self.outbox = Outbox(self._codecs, clock, limits, self.gateway.submit, self._tell)
        self.timers = Timers()
        self._waking = Waking(self._codecs, self.shards, self.timers, clock, limits, self._tell)
        self.feed = Feed(limits)
        self._downlinks = Downlinks(
            self._codecs, self.shards, self.feed, clock, limits, self._at_next_group, self.stats
        )  # fmt: skip
        self.loader = Loader(
            self._codecs, store, clock, limits, self.turns, self._put_back, self._unloadable, self._installed
        )  # fmt: skip
        self.drain = Drain(
            name, self._codecs, self.shards, journal, store, clock, limits, self.outbox, self._fenced
        )  # fmt: skip
        self.activation = Activation(
            name, self._codecs, self.shards, journal, store, clock, limits, self.loader, self.drain, self.outbox,
            self.timers, self._flushed, self._journal_lost, self.appender.health.found,
        )  # fmt: skip
        self._publisher = Publisher(self._codecs, self.feed, self.outbox, self.timers)
        self._asking: asyncio.Task[None] | None = None
        self.groups = 0
        self._loops: list[asyncio.Task[Any]] = []
        self.broken = False
        self._rate_mark = (0.0, 0)
        self._rate = 0.0

    # --- life -------------------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Starts the loops; shards come by `take_over`."""
        await self.gateway.start()
        for loop in (self._run(), self.loader.run(), self.drain.run(), self._settle(), self._learn(), self._tick()):
            self._loops.append(self._spawn(loop))

    async def close(self) -> None:
        """Stops at once. What was acknowledged is in the journal; `hand_over` first for a clean end."""
        await self.gateway.close()
        for task in list(self._tasks):
            task.cancel()

    async def take_over(self, shards: Sequence[int], epoch: int) -> list[int]:
        """See Activation.take_over."""
        taken = await self.activation.take_over(shards, epoch)
        # The last turns of their last owner may be durable, and told to no screen: he was killed before, or
        # while they were on their way.
        self.feed.missed()
        return taken

    async def hand_over(self, shards: Sequence[int]) -> list[int]:
        """See Activation.hand_over."""
        return await self.activation.hand_over(shards)

    def owned(self) -> dict[int, int]:
        """The shards that it serves, or will serve again as soon as the journal answers, with their epochs. Raises
        RuntimeFault when one of its loops has ended by a fault: whoever supervises it gives its shards to another."""
        if self.broken:
            raise RuntimeFault(f"a loop of {self.name} has ended; see its log")
        return self.activation.recovering | {number: shard.epoch for number, shard in self.shards.items()}

    # --- calls ------------------------------------------------------------------------------------------------------
    async def call(self, payload: bytes) -> bytes:
        """`Call` → list of `Reply`, in MessagePack; one for each envelope, in order."""
        call = _CALL(payload)
        batch = Batch(len(call.envelopes))
        room = self.limits.inbox_max - len(self._inbox)
        full = self._full()
        for index, envelope in enumerate(call.envelopes):
            item = Called(envelope, call.gateway_id, batch, index)
            if index >= room:
                item.done(INBOX_FULL)
            elif full is not None and envelope.mode == wire.COMMAND:
                item.done(full)
            else:
                self._inbox.append(item)
        self._wake.set()
        if any(envelope.wait for envelope in call.envelopes):
            # Final answers go with the call if they come soon; else by the downlink.
            try:
                await asyncio.wait((batch.future,), timeout=self.limits.answer_hold_s)
            finally:
                batch.release()
        return to_msgpack(await batch.future)

    def _full(self) -> Reply | None:
        """What commands are told that find no room; None while there is some."""
        if self.appender.is_full():
            return JOURNAL_FULL
        return TAIL_FULL if self.drain.waiting() >= self.limits.tail_max_turns else None

    async def listen(self, gateway_id: str, cursor: int, live: bool) -> bytes:
        """See Downlinks.next."""
        return await self._downlinks.next(gateway_id, cursor, live)

    def waiting(self) -> int:
        """Envelopes in the inbox."""
        return len(self._inbox)

    def stats(self) -> HostStats:
        """How the host is now."""
        unacknowledged, parked = self.outbox.counts()
        now_ms = self._clock.now_ms()
        lag_ms = self.drain.lag_ms(now_ms)
        return HostStats(
            self.name, self._pid, mask_of(self.shards), sum(len(s.entities) for s in self.shards.values()),
            round(self._rate, 1), lag_ms, now_ms - lag_ms, self.drain.waiting(), unacknowledged, parked,
            round(self._rss_mb(), 1), self.appender.health.state, self.drain.store_state(),
        )  # fmt: skip

    # --- the loop ---------------------------------------------------------------------------------------------------
    async def _run(self) -> None:
        group = Group()
        while True:
            self._take_turns(group)
            if group.size and (self._appending is None or self._appending.done()):
                self._appending = self._spawn(self._append(group))
                group = Group()
                # Callers who were answered may ask again before the next group is decided.
                await asyncio.sleep(0)
            elif not self._inbox or group.size >= self.limits.batch_max:
                await self._wake.wait()
                self._wake.clear()

    def _take_turns(self, group: Group) -> None:
        """Decides what is in the inbox, on top of what is being appended; what arrives
        meanwhile joins the same group."""
        inbox = self._inbox
        now_ms, now = self._clock.now_ms(), self._clock.monotonic()
        for _ in range(min(len(inbox), self.limits.batch_max - group.size)):
            group.size += 1
            self._take(inbox.popleft(), group, now_ms, now)

    def _take(self, item: Item | Barrier, group: Group, now_ms: int, now: float) -> None:
        if isinstance(item, Barrier):
            # Read now, with all that was decided before; told when that is durable.
            group.after.append(partial(item.reached, item.read(group)))
            return
        envelope = item.envelope
        shard = self.shards.get(shard_of(envelope.kind, envelope.entity_id, self.limits.shards))
        if shard is None or shard.closing:
            item.done(NOT_OWNER)
            return
        if envelope.mode == wire.HISTORY:
            group.recalled[shard] = None
            group.after.append(lambda: self._read_history(shard, item, group))
            return
        key = (envelope.kind, envelope.entity_id)
        if item.absent is not shard and self.loader.waits(key):
            self.loader.put(shard, item, None)
            return
        try:
            if envelope.mode == wire.WAKE and not self._waking.is_due(shard, key, now_ms, item):
                item.done(Reply(wire.OK))
                return
            self.turns.take(shard, item, group, now_ms, now)
        except NeedsStore as needs:
            self.loader.put(shard, item, needs.fingerprint)
        except EvolveFault as fault:
            self._lose([shard])  # it is half changed
            self._spawn(self._faulty(shard, item, "an event could not be applied; the shard is built again", fault))
        except Exception as fault:
            group.recalled[shard] = None
            group.after.append(partial(self._undecided, shard, item, group, fault))

    # A fault is an answer from memory as any other: a message that is told of one is sent no more. A host that was
    # succeeded meets faults that are none, for it knows only half of what happened.
    def _undecided(self, shard: Shard, item: Item, group: Group, fault: Exception) -> None:
        self._at_fault(item, "a command could not be decided", fault, sure=not group.withheld(shard))

    async def _faulty(self, shard: Shard, item: Item, what: str, fault: Exception) -> None:
        self._at_fault(item, what, fault, sure=await self.appender.superseded([shard]) == [])

    def _at_fault(self, item: Item, what: str, fault: Exception, *, sure: bool) -> None:
        envelope = item.envelope
        # By its request id, which the caller was told, a fault is found; of a message's it is the event it came from.
        about = {"entity_id": envelope.entity_id, "kind": envelope.kind, "request_id": envelope.cause}
        if sure:
            self.turns.faults += 1
            log.error(what, exc_info=fault, extra=about)
        else:
            log.warning("%s: perhaps for want of what happened last", what, exc_info=fault, extra=about)
        item.done(FAULT if sure else UNAVAILABLE)

    async def _append(self, group: Group) -> None:
        self.groups += 1
        await self.appender.append(group)
        self._publisher.durable(group)
        self._wake.set()

    def _lose(self, shards: Iterable[Shard]) -> None:
        lost = [shard for shard in shards if not shard.lost]
        for shard in lost:
            self.activation.lose(shard)
        if lost:
            self._spawn(self._recover(lost))

    def _journal_lost(self, why: str, refused: Iterable[Shard]) -> None:
        # All shards, for what the others acknowledge now would not be in the journal that is brought back.
        self.appender.health.lost(why)
        self._lose([*self.shards.values(), *refused])

    async def _recover(self, lost: Iterable[Shard]) -> None:
        await self.activation.recover(lost)
        # Turns of the append in doubt may be durable: screens were not told of them.
        self.feed.missed()

    def _fenced(self, shards: Iterable[Shard]) -> None:
        # The store knows of a newer lease: these are not ours any more, even if their new owner never
        # got as far as the journal.
        for shard in shards:
            self.activation.lose(shard)

    # --- what comes back into the inbox -----------------------------------------------------------------------------
    def _put_back(self, items: list[Item]) -> None:
        self._inbox.extendleft(reversed(items))
        self._wake.set()

    def _unloadable(self, shard: Shard, item: Item, fault: Exception) -> None:
        self._spawn(self._faulty(shard, item, "an entity could not be loaded", fault))

    def _tell(self, envelope: Envelope, done: Callable[[Reply], None]) -> None:
        if self.appender.is_full():
            # As callers are: what the host asks of itself would cost the shards their memory as well. A tail that is
            # too long is another matter: what brings things to their end must not wait for it.
            done(JOURNAL_FULL)
            return
        self._inbox.append(Told(envelope, done))
        self._wake.set()

    def _at_next_group(self, read: Callable[[Group], Any]) -> asyncio.Future[Any]:
        """The result of `read`, which is called with the group that is being decided, when all that it
        can have seen is durable."""
        barrier = Barrier(read)
        self._inbox.append(barrier)
        self._wake.set()
        return barrier.future

    async def _flushed(self) -> None:
        """Returns when everything that was decided before is durable (or lost)."""
        await self._at_next_group(lambda group: None)

    def _installed(self, shard: Shard, key: Key, entity: Entity) -> None:
        codec = self._codecs[key[0]]
        if codec.kind.resident:
            self.feed.add(shard, key)
        if codec.has_due:
            self.timers.set(shard.number, key, codec.kind.due(entity.state))

    def _read_history(self, shard: Shard, item: Item, group: Group) -> None:
        if group.withheld(shard):
            item.done(UNAVAILABLE)
            return
        self._spawn(self._tell_history(shard, item))

    async def _tell_history(self, shard: Shard, item: Item) -> None:
        try:
            async with asyncio.timeout(self.limits.history_patience_s):
                await history.answer(self._store, self._codecs, shard, item)
        except TimeoutError:
            item.done(UNAVAILABLE)
        except Exception as fault:
            self._at_fault(item, "a history could not be told", fault, sure=True)

    # --- the tick ---------------------------------------------------------------------------------------------------
    # By itself: it waits for the store, and timers and retries must not.
    async def _settle(self) -> None:
        while True:
            await self._clock.sleep(SETTLE_S)
            await self.activation.settle()
            self.activation.want_unfolded()

    async def _learn(self) -> None:
        while True:
            await self._clock.sleep(SETTLE_S)
            await self.activation.learn()

    async def _tick(self) -> None:
        ticks = 0
        while True:
            await self._clock.sleep(TICK_S)
            ticks += 1
            self.outbox.tick()
            self.loader.tick()
            self._waking.fire()
            if ticks % 20 == 0:
                self._housekeeping()

    def _housekeeping(self) -> None:
        now = self._clock.monotonic()
        self.feed.prune(now)
        passivate(self._codecs, self.shards, self.limits, now)
        asking = self._asking is not None and not self._asking.done()
        if self.appender.health.state != "ok" and not self.activation.recovering and not asking:
            self._asking = self._spawn(self._ask_journal())
        at, turns = self._rate_mark
        if now > at:
            self._rate = (self.turns.turns - turns) / (now - at)
        self._rate_mark = (now, self.turns.turns)

    async def _ask_journal(self) -> None:
        """Nobody is sent to a cell that says that its journal is away, so nothing else would
        find out that it is back."""
        self._lose(await self.appender.superseded(list(self.shards.values())) or ())

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task of host %s failed", self.name, exc_info=task.exception())
            self.broken = self.broken or task in self._loops
