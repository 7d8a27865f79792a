"""The one way to ask an entity. Concurrent asks are coalesced: one call to a host carries all that gathered while the
last one was under way, for all its shards. The wait is the call in flight, or a few milliseconds when calls would
follow each other faster than that; only one that takes unusually long (something in it has to be loaded, or the
host hangs) is overtaken by further calls.

A host that does not own the shard, does not answer, or is busy activating is asked again with the same command ids, by
a fresh map, until the deadline: a takeover is a delay to callers, not an error. The hosts' memory
of commands makes that safe.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter

import msgspec

from actors.domain.audit import Who
from actors.runtime import wire
from actors.runtime.codec import to_msgpack
from actors.runtime.errors import HostUnreachable
from actors.runtime.host_feeds import FeedListener, HostFeeds
from actors.runtime.limits import Limits
from actors.runtime.mailbox import INBOX_FULL, UNAVAILABLE, Batch
from actors.runtime.ports import Clock, MapSource, ShardMap, Transport
from actors.runtime.sharding import shard_of
from actors.runtime.wire import Call, Envelope, HostStats, Reply

log = logging.getLogger("ocefs.gateway")
_REPLIES = msgspec.msgpack.Decoder(list[Reply]).decode
_NOWHERE = ShardMap(0, [])


class Ask(msgspec.Struct, frozen=True, gc=False):
    """One command of many for `Gateway.ask_many`; `refused` as in `Gateway.ask`."""

    kind: str
    entity_id: str
    command: msgspec.Struct | None
    command_id: str
    digest: int
    creates: bool = False
    refused: bytes = b""


class _Asked(msgspec.Struct, eq=False):
    """An envelope on its way. `number`: in which order they were asked. `done` is called exactly once."""

    envelope: Envelope
    number: int
    deadline: float
    done: Callable[[Reply], None]


class _Lane:
    """What waits for one host. `under_way`: its calls, also those that outlast the driver who began
    them; some may have ended."""

    __slots__ = ("busy", "called_at", "queue", "under_way")

    def __init__(self) -> None:
        self.called_at = -1e9
        self.queue: deque[_Asked] = deque()
        self.under_way: set[asyncio.Task[None]] = set()
        self.busy = False


class Gateway:
    """See the module's docstring. `name` is unique among the gateways of a cell. `listens`: take final answers and
    feeds; one that does not is a host's, whose messages nobody waits for: it calls a host no more
    often than `call_spacing_s`."""

    def __init__(
        self, name: str, transport: Transport, source: MapSource, clock: Clock, limits: Limits, *, listens: bool = True
    ) -> None:  # fmt: skip
        self.name = name
        self._listens = listens
        self._spacing_s = 0.0 if listens else limits.call_spacing_s
        self._transport = transport
        self._source = source
        self._clock = clock
        self._limits = limits
        self._map = _NOWHERE
        self._map_read_at = -1e9
        self._refreshing: asyncio.Task[None] | None = None
        # By host; those who wait for final answers have a lane of their own, because their calls take several rounds.
        self._lanes: dict[tuple[str, bool], _Lane] = {}
        self._homeless: deque[_Asked] = deque()
        self._asked = 0
        self._waiting = 0
        self._ticket = 0
        self._final: dict[int, asyncio.Future[Reply]] = {}
        self._feeds = HostFeeds(name, transport, clock, limits, self._answered)
        self._tasks: set[asyncio.Task[None]] = set()
        self.calls = 0
        self.envelopes = 0

    # --- asking -----------------------------------------------------------------------------------------------------
    async def ask(
        self, kind: str, entity_id: str, command: msgspec.Struct | None, *, command_id: str, digest: int, creates: bool = False,
        wait_ms: int = 0, cause: str = "", who: Who | None = None, refused: bytes = b"",
    ) -> Reply:  # fmt: skip
        """The reply to one command. With `wait_ms` a provisional one waits so long for the final one, and is PENDING
        when that has not come. `refused`: see `Envelope`; there is no command then."""
        self._ticket = ticket = self._ticket + 1
        envelope = Envelope(
            ticket, kind, entity_id, command_id, digest, _body(command), creates, wait_ms > 0, cause, who=who,
            refused=refused,
        )  # fmt: skip
        if not wait_ms:
            return await self._one(envelope)
        final = self._final[ticket] = asyncio.get_running_loop().create_future()
        try:
            reply = await self._one(envelope)
            if reply.status == wire.PENDING:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_ms / 1000):
                        reply = await final
            return reply
        finally:
            del self._final[ticket]

    async def ask_many(self, asks: Sequence[Ask], *, cause: str = "", who: Who | None = None) -> list[Reply]:
        """The replies to many commands, in the same order."""
        envelopes = [
            Envelope(
                0, a.kind, a.entity_id, a.command_id, a.digest, _body(a.command), a.creates, cause=cause, who=who,
                refused=a.refused,
            )
            for a in asks
        ]  # fmt: skip
        batch = Batch(len(envelopes))
        for index, envelope in enumerate(envelopes):
            self.submit(envelope, partial(batch.put, index))
        return await batch.future

    async def view(self, kind: str, entity_id: str, query: msgspec.Struct, *, cause: str = "") -> Reply:
        """The entity's answer to a query of its kind: fresh, and durable."""
        return await self._one(
            Envelope(0, kind, entity_id, "", 0, to_msgpack(query), cause=cause, mode=wire.VIEW)
        )  # fmt: skip

    async def history(self, kind: str, entity_id: str, after: int, limit: int) -> Reply:
        """The entity's events past the version `after`, as JSON."""
        body = to_msgpack((after, limit))
        return await self._one(Envelope(0, kind, entity_id, "", 0, body, mode=wire.HISTORY))

    async def _one(self, envelope: Envelope) -> Reply:
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def done(reply: Reply) -> None:
            if not future.done():
                future.set_result(reply)

        self.submit(envelope, done)
        return await future

    def submit(self, envelope: Envelope, done: Callable[[Reply], None]) -> None:
        """Sends an envelope; `done` is called with its reply, once."""
        if self._waiting >= self._limits.inbox_max:
            done(INBOX_FULL)
            return
        self._waiting += 1
        self._asked += 1
        self._route(_Asked(envelope, self._asked, self._clock.monotonic() + self._limits.request_timeout_s, done))

    def _finish(self, asked: _Asked, reply: Reply) -> None:
        self._waiting -= 1
        asked.done(reply)

    # --- routing ----------------------------------------------------------------------------------------------------
    def _route(self, asked: _Asked) -> None:
        envelope, owners = asked.envelope, self._map.owners
        host = owners[shard_of(envelope.kind, envelope.entity_id, len(owners))] if owners else ""
        if not host:
            self._homeless.append(asked)
            self._refresh()
            return
        lane = self._lanes.get((host, envelope.wait))
        if lane is None:
            lane = self._lanes[host, envelope.wait] = _Lane()
        lane.queue.append(asked)
        if not lane.busy:
            lane.busy = True
            self._spawn(self._drive(host, lane))

    async def _drive(self, host: str, lane: _Lane) -> None:
        # One turn of the loop, so that all that is asked in this turn goes with the first call.
        await asyncio.sleep(0)
        patience_s = self._limits.call_patience_s
        try:
            if lane.under_way:
                # The driver before this one had nothing left to send while they took their time.
                await self._gather(lane, max(0.0, lane.called_at + patience_s - self._clock.monotonic()))
            while lane.queue:
                early = lane.called_at + self._spacing_s - self._clock.monotonic()
                if early > 0 and len(lane.queue) < self._limits.batch_max:
                    await self._clock.sleep(early)
                now = self._clock.monotonic()
                batch = self._in_time(lane.queue, now)
                if batch:
                    lane.called_at = now
                    lane.under_way.add(self._spawn(self._call(host, batch)))
                    await self._gather(lane, patience_s)
        finally:
            lane.busy = False

    def _in_time(self, queue: deque[_Asked], now: float) -> list[_Asked]:
        """What goes with the next call. Whoever waited past the deadline is not sent any more, however long the calls
        before took: no try of a command begins later than `request_timeout_s` after it was asked."""
        batch = []
        for _ in range(min(len(queue), self._limits.batch_max)):
            asked = queue.popleft()
            if now < asked.deadline:
                batch.append(asked)
            else:
                self._finish(asked, UNAVAILABLE)
        return batch

    async def _gather(self, lane: _Lane, patience_s: float) -> None:
        """Until a call under way has ended; no longer than `patience_s` while there may be further ones."""
        patience = patience_s if len(lane.under_way) < self._limits.calls_max else None
        _, lane.under_way = await asyncio.wait(lane.under_way, timeout=patience, return_when=asyncio.FIRST_COMPLETED)

    async def _call(self, host: str, batch: list[_Asked]) -> None:
        self.calls += 1
        self.envelopes += len(batch)
        payload = to_msgpack(Call(self.name, [asked.envelope for asked in batch]))
        try:
            async with asyncio.timeout(self._limits.call_timeout_s):
                replies = _REPLIES(await self._transport.call(host, payload))
            if len(replies) != len(batch):
                raise HostUnreachable(f"{host} gave {len(replies)} replies to {len(batch)} envelopes")
        except asyncio.CancelledError:
            # The gateway is being closed: whether the host does it is in doubt, as at any other end of a call.
            for asked in batch:
                self._finish(asked, UNAVAILABLE)
            raise
        except (HostUnreachable, TimeoutError):
            self._again(batch)
            return
        except Exception:
            log.exception("a call to a host failed", extra={"host": host})
            self._again(batch)
            return
        again = []
        for asked, reply in zip(batch, replies, strict=True):
            if reply.status == wire.NOT_OWNER or reply.status == wire.UNAVAILABLE:
                again.append(asked)
            else:
                self._finish(asked, reply)
        if again:
            self._again(again)

    def _again(self, batch: Sequence[_Asked]) -> None:
        now = self._clock.monotonic()
        for asked in batch:
            if now >= asked.deadline:
                self._finish(asked, UNAVAILABLE)
            else:
                self._homeless.append(asked)
        if self._homeless:
            self._refresh()

    def _refresh(self) -> None:
        if self._refreshing is None:
            self._refreshing = self._spawn(self._read_map())

    async def _read_map(self) -> None:
        """Reads the map (at most once in a pause) and routes again what found no owner."""
        try:
            pause = self._map_read_at + self._limits.retry_pause_s - self._clock.monotonic()
            if pause > 0:
                await self._clock.sleep(pause)
            try:
                async with asyncio.timeout(self._limits.call_timeout_s):
                    latest = await self._source()
                # A restarted supervisor counts anew. Were it one of before after all, the next map
                # is the present one's again.
                if latest.incarnation != self._map.incarnation or latest.version >= self._map.version:
                    self._map = latest
            except (HostUnreachable, TimeoutError):
                pass
            except Exception:
                log.exception("the map could not be read")
            self._map_read_at = self._clock.monotonic()
        finally:
            self._refreshing = None
        if self._listens:
            self._feeds.follow(self._map)
        waiting, self._homeless = self._homeless, deque()
        now = self._clock.monotonic()
        # As they were asked: of two calls that were lost the later one may have come back first, with what stood behind
        # in the same body. What still waited in a lane is not held back for them: if the first of two calls is lost and
        # the second is not, the second comes first.
        for asked in sorted(waiting, key=attrgetter("number")):
            if now >= asked.deadline:
                self._finish(asked, UNAVAILABLE)
            else:
                self._route(asked)

    # --- life, and what hosts tell ----------------------------------------------------------------------------------
    async def start(self) -> None:
        """Reads the map; listens to the hosts from now on."""
        self._refresh()
        self._spawn(self._watch())

    async def close(self) -> None:
        """Stops everything; waiting callers get UNAVAILABLE."""
        self._feeds.close()
        for task in list(self._tasks):
            task.cancel()
        left = [*self._homeless, *(asked for lane in self._lanes.values() for asked in lane.queue)]
        self._homeless.clear()
        for asked in left:
            self._finish(asked, UNAVAILABLE)

    def subscribe(self, listener: FeedListener) -> None:
        """From `start` on the listener is told everything."""
        self._feeds.subscribe(listener)

    def want_live(self, wanted: bool) -> None:
        """See `HostFeeds.want_live`."""
        self._feeds.want_live(wanted)

    def is_told_live(self) -> bool:
        """See `HostFeeds.is_told_live`."""
        return self._feeds.is_told_live()

    def stats(self) -> list[HostStats]:
        """The latest of each host in the map."""
        return self._feeds.stats()

    def fresh_ms(self) -> int | None:
        """See `HostFeeds.fresh_ms`."""
        return self._feeds.fresh_ms()

    def heard_all(self) -> bool:
        """See `HostFeeds.heard_all`."""
        return self._feeds.heard_all()

    def unowned_shards(self) -> int:
        """How many shards nobody owns; all of them while there is no map."""
        return sum(not owner for owner in self._map.owners) if self._map.owners else self._limits.shards

    async def _watch(self) -> None:
        # New hosts are noticed even when nobody asks anything.
        while True:
            await self._clock.sleep(1.0)
            self._refresh()

    def _answered(self, ticket: int, reply: Reply) -> None:
        final = self._final.get(ticket)
        if final is not None and not final.done():
            final.set_result(reply)

    def _spawn(self, work: object) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _body(command: msgspec.Struct | None) -> bytes:
    return b"" if command is None else to_msgpack(command)
