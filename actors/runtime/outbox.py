"""Messages to other entities: part of the events, sent once these are durable, until acknowledged.

A message's command id is made from its event (`<entity>/<version>.<n>`), so that the receiver applies it once however
often it comes. The reply to a message that wants one goes back into the sender as a command of its own
(`<message id>:reply`); the message is acknowledged when that command's turn is durable. Nothing of this is journalled:
after a crash the messages of the tail are sent again, and those that were drained before they were acknowledged
are in the store's outbox.

What the receiver refuses without the sender having asked for a reply, and what can never succeed, is parked: it stays
in the outbox, is counted, and waits for an operator (`retry_parked`). What still fails after many tries because
somebody is away is parked as well, so that it is seen, but tried on: when they are back nobody
should have to type anything.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Mapping
from itertools import count

import msgspec

from actors.domain.kind import Message
from actors.domain.times import HOUR_MS
from actors.runtime import wire
from actors.runtime.codec import Codec, from_refusal, to_msgpack
from actors.runtime.limits import Limits
from actors.runtime.ports import Clock, OutboxEntry
from actors.runtime.sharding import digest_of
from actors.runtime.wire import Envelope, Reply

log = logging.getLogger("ocefs.outbox")
Send = Callable[[Envelope, Callable[[Reply], None]], None]
# Faults that pass by themselves. "not_owner": an answer without a body, of a host that has not got the shard.
NOT_OWNER = "not_owner"
PASSING = frozenset({wire.CODE_UNAVAILABLE, wire.CODE_BUSY, wire.CODE_TAIL_FULL, wire.CODE_JOURNAL_FULL, NOT_OWNER})
# Whether anything was done is not known, so it must not be done under another name.
_IN_DOUBT = PASSING | {wire.CODE_FAULT, wire.CODE_KEY_REUSED, ""}
_ENTRY = msgspec.msgpack.Decoder(tuple[str, str, bool, bytes]).decode


def recipient_of(entry: OutboxEntry) -> tuple[str, str]:
    """(kind, id) of the entity that a stored message is for."""
    kind, entity_id, _, _ = _ENTRY(entry.message)
    return kind, entity_id


class Pending(msgspec.Struct, eq=False):
    """A message that is not acknowledged. `stored`: there is a row in the store, `stale`: which no longer tells the
    truth; `again`: how often an operator had it tried again after a refusal."""

    id: str
    shard: int
    position: int
    sender: tuple[str, str]
    message: Message
    at_ms: int
    attempts: int = 0
    error: str = ""
    parked: bool = False
    acknowledged: bool = False
    stored: bool = False
    stale: bool = False
    again: int = 0
    retry: int = 0  # its number among the retries that are to come; 0: none

    @property
    def tried(self) -> bool:
        """It is sent until it is acknowledged, whether it is parked or not."""
        return not self.parked or self.error in PASSING


class Outbox:
    """The unacknowledged messages of a host's shards. `send` is the host's gateway, `tell` its own inbox."""

    def __init__(self, codecs: Mapping[str, Codec], clock: Clock, limits: Limits, send: Send, tell: Send) -> None:
        self._codecs = codecs
        self._clock = clock
        self._limits = limits
        self._send = send
        self._tell = tell
        self._shards: dict[int, dict[str, Pending]] = {}
        self._acknowledged: dict[str, None] = {}
        # What the drain under way writes.
        self._storing: dict[str, Pending] = {}
        self._retries: list[tuple[float, int, Pending]] = []
        self._order = count(1)
        self.sent = 0

    # --- life of a message ------------------------------------------------------------------------------------------
    def add(self, shard: int, position: int, sender: tuple[str, str], version: int, at_ms: int, events: list) -> None:  # type: ignore[type-arg]
        """The messages of a durable turn whose last event has `version`."""
        kind = self._codecs[sender[0]].kind
        first = version - len(events) + 1
        for offset, event in enumerate(events):
            for n, message in enumerate(kind.messages(sender[1], event)):
                name = f"{sender[1]}{kind.sends_as}/{first + offset}.{n}"
                self._put(Pending(name, shard, position, sender, message, at_ms))

    def restore(self, entry: OutboxEntry) -> None:
        """A message that an earlier owner of the shard had drained."""
        known = self._shards.get(entry.shard, {}).get(entry.message_id)
        if known is not None:
            known.stored = True  # from the tail of a shard that was lost while its drain was in doubt
            return
        kind, entity_id, on_reply, command = _ENTRY(entry.message)
        message = Message(kind, entity_id, self._codecs[kind].command(command), on_reply)
        sender = (entry.sender_kind, entry.sender_id)
        pending = Pending(entry.message_id, entry.shard, 0, sender, message, entry.at_ms)
        pending.stored, pending.attempts, pending.parked, pending.error = (
            True,
            entry.attempts,
            entry.parked,
            entry.error,
        )
        self._put(pending)

    def _put(self, pending: Pending) -> None:
        shard = self._shards.setdefault(pending.shard, {})
        if pending.id in shard:
            return
        shard[pending.id] = pending
        if pending.tried:
            self._deliver(pending)

    def _owned(self, pending: Pending) -> bool:
        return self._shards.get(pending.shard, {}).get(pending.id) is pending

    def _deliver(self, pending: Pending) -> None:
        self.sent += 1
        pending.retry = 0
        message = pending.message
        body = to_msgpack(message.command)
        # The receiver remembers what it refused and would say so again. A refusal changed
        # nothing, so it may be asked anew.
        command_id = f"{pending.id}~{pending.again}" if pending.again else pending.id
        envelope = Envelope(
            0, message.kind, message.entity_id, command_id, digest_of(body), body, cause=pending.id, since_ms=self._since_ms(pending)
        )  # fmt: skip
        self._send(envelope, lambda reply: self._replied(pending, reply))

    def _since_ms(self, pending: Pending) -> int:
        """What was parked may be tried again days later, when nobody remembers any more that it was done: the
        history has to be asked."""
        age_ms = self._clock.now_ms() - pending.at_ms
        return pending.at_ms - HOUR_MS if age_ms > (self._limits.remember_hours - 1) * HOUR_MS else 0

    def _replied(self, pending: Pending, reply: Reply) -> None:
        if not self._owned(pending):
            return
        if reply.status not in (wire.OK, wire.REFUSED):
            self._failed(pending, reply)
        elif pending.message.on_reply:
            self._tell_sender(pending, reply)
        elif reply.status == wire.REFUSED:
            self._park(pending, from_refusal(reply.body).code)
        else:
            self._acknowledge(pending)

    def _tell_sender(self, pending: Pending, reply: Reply) -> None:
        kind, entity_id = pending.sender
        try:
            command = self._codecs[kind].kind.on_reply(pending.message, reply.body, reply.status == wire.REFUSED)
        except Exception:
            log.exception("a reply to a message could not be taken", extra={"message_id": pending.id})
            self._park(pending, wire.CODE_FAULT)
            return
        if command is None:
            self._acknowledge(pending)
            return
        body = to_msgpack(command)
        envelope = Envelope(
            0, kind, entity_id, f"{pending.id}:reply", digest_of(body), body, cause=pending.id, since_ms=self._since_ms(pending)
        )  # fmt: skip
        self._tell(envelope, lambda told: self._told(pending, told))

    def _told(self, pending: Pending, reply: Reply) -> None:
        if not self._owned(pending):
            return
        if reply.status in (wire.OK, wire.REFUSED):
            self._acknowledge(pending)
        else:
            self._failed(pending, reply)

    def _failed(self, pending: Pending, reply: Reply) -> None:
        pending.attempts += 1
        code = from_refusal(reply.body).code if reply.body else NOT_OWNER
        if reply.status in (wire.FAULT, wire.KEY_REUSED):
            self._park(pending, code)
            return
        if pending.attempts >= self._limits.outbox_retry_max and not pending.parked:
            self._park(pending, code)
        first, most = self._limits.outbox_retry_first_ms, self._limits.outbox_retry_interval_max_ms
        pause_s = min(most, first << min(pending.attempts - 1, 16)) / 1000
        pending.retry = next(self._order)
        heapq.heappush(self._retries, (self._clock.monotonic() + pause_s, pending.retry, pending))

    def _park(self, pending: Pending, error: str) -> None:
        pending.parked, pending.error, pending.stale = True, error, True

    def _acknowledge(self, pending: Pending) -> None:
        del self._shards[pending.shard][pending.id]
        pending.acknowledged = True
        if pending.stored:
            self._acknowledged[pending.id] = None

    def tick(self) -> None:
        """Sends again what is due."""
        now = self._clock.monotonic()
        while self._retries and self._retries[0][0] <= now:
            _, number, pending = heapq.heappop(self._retries)
            # Not one that was sent meanwhile because an operator wished so.
            if number == pending.retry and self._owned(pending) and pending.tried:
                self._deliver(pending)

    # --- write-behind -----------------------------------------------------------------------------------------------
    def unstored(self, marks: Mapping[int, int]) -> tuple[list[OutboxEntry], list[str]]:
        """What the next drain has to write and to remove: messages of turns up to the marks that are
        still not acknowledged."""
        storing = [
            pending
            for number, shard in self._shards.items()
            for pending in shard.values()
            if pending.stale or (not pending.stored and pending.position <= marks.get(number, -1))
        ]
        self._storing = {pending.id: pending for pending in storing}
        return [self._entry(pending) for pending in storing], list(self._acknowledged)

    def _entry(self, pending: Pending) -> OutboxEntry:
        message = pending.message
        body = to_msgpack((message.kind, message.entity_id, message.on_reply, to_msgpack(message.command)))
        return OutboxEntry(
            pending.id, pending.shard, *pending.sender, body, pending.at_ms, pending.attempts, pending.parked,
            pending.error,
        )  # fmt: skip

    def stored(self, put: list[OutboxEntry], removed: list[str]) -> None:
        """The drain committed."""
        for message_id in removed:
            self._acknowledged.pop(message_id, None)
        for entry in put:
            self._in_store(entry, doubt=False)

    def in_doubt(self, put: list[OutboxEntry]) -> None:
        """The drain may have committed: what it may have put is put again (an upsert), or removed
        once it is acknowledged."""
        for entry in put:
            self._in_store(entry, doubt=True)

    def _in_store(self, entry: OutboxEntry, *, doubt: bool) -> None:
        written = self._storing.pop(entry.message_id, None)
        pending = self._shards.get(entry.shard, {}).get(entry.message_id)
        if pending is not None:
            pending.stored, pending.stale = True, doubt or pending.parked != entry.parked
        elif written is not None and written.acknowledged:
            # While the drain was under way. If its shard was lost meanwhile it is not acknowledged: the
            # row stays for the next owner.
            self._acknowledged[entry.message_id] = None

    # --- shards and operators ---------------------------------------------------------------------------------------
    def drop(self, shard: int) -> None:
        """The shard is not ours any more; its new owner sends what is left."""
        self._shards.pop(shard, None)

    def parked(self) -> list[OutboxEntry]:
        """What waits for an operator."""
        return [self._entry(p) for shard in self._shards.values() for p in shard.values() if p.parked]

    def retry_parked(self) -> int:
        """Tries all parked messages again; returns how many."""
        parked = [p for shard in self._shards.values() for p in shard.values() if p.parked]
        for pending in parked:
            if pending.error not in _IN_DOUBT:
                pending.again += 1
            pending.parked, pending.attempts, pending.stale = False, 0, True
            self._deliver(pending)
        return len(parked)

    def counts(self) -> tuple[int, int]:
        """(unacknowledged, of these parked)."""
        pending = [p for shard in self._shards.values() for p in shard.values()]
        return len(pending), sum(p.parked for p in pending)
