"""What waits in a host: one item an envelope, answered exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from actors.domain.kind import Row
from actors.runtime import wire
from actors.runtime.codec import refusal
from actors.runtime.memory import Remembered
from actors.runtime.shard import Entity, Shard, TailEntry
from actors.runtime.wire import Envelope, Reply, Turn

NOT_OWNER = Reply(wire.NOT_OWNER)
UNAVAILABLE = Reply(
    wire.UNAVAILABLE, refusal(wire.CODE_UNAVAILABLE, "This part of the cell is not available right now.")
)
INBOX_FULL = Reply(wire.BUSY, refusal(wire.CODE_BUSY, "Too many requests are waiting."))
MAILBOX_FULL = Reply(wire.BUSY, refusal(wire.CODE_BUSY, "Too many requests are waiting for this entity."))
TAIL_FULL = Reply(wire.BUSY, refusal(wire.CODE_TAIL_FULL, "Too much is waiting to be written to the store."))
JOURNAL_FULL = Reply(wire.BUSY, refusal(wire.CODE_JOURNAL_FULL, "The journal has no room left."))
KEY_REUSED = Reply(
    wire.KEY_REUSED, refusal(wire.CODE_KEY_REUSED, "This idempotency key was used before with another request.")
)
FAULT = Reply(wire.FAULT, refusal(wire.CODE_FAULT, "The request could not be processed."))


class Item(Protocol):
    """An envelope in the inbox. `looked_up`: the shard for which the history was asked for its command, `recalled`:
    what it answered; `absent`: the shard for which the store said that there is no such entity. All hold for that
    activation of the shard only."""

    envelope: Envelope
    gateway_id: str
    looked_up: Shard | None
    recalled: Remembered | None
    absent: Shard | None

    def done(self, reply: Reply) -> None:
        """Answers it."""

    def final(self, reply: Reply) -> bool:
        """Its final answer, after a provisional one; False when it can't be handed over here."""


class Called(msgspec.Struct, eq=False):
    """One of the envelopes of a call."""

    envelope: Envelope
    gateway_id: str
    batch: Batch
    index: int
    looked_up: Shard | None = None
    recalled: Remembered | None = None
    absent: Shard | None = None

    def done(self, reply: Reply) -> None:
        """Its place among the replies."""
        if reply.status == wire.PENDING:
            self.batch.hold(self.index, reply)
        else:
            self.batch.put(self.index, reply)

    def final(self, reply: Reply) -> bool:
        """The final answer to what was, or is about to be, answered PENDING; False when its
        call has returned without."""
        return self.batch.final(self.index, reply)


class Told(msgspec.Struct, eq=False):
    """An envelope from within the host; `then` is called with the reply."""

    envelope: Envelope
    then: Callable[[Reply], None]
    gateway_id: str = ""
    looked_up: Shard | None = None
    recalled: Remembered | None = None
    absent: Shard | None = None

    def done(self, reply: Reply) -> None:
        """Tells who sent it."""
        self.then(reply)

    def final(self, reply: Reply) -> bool:
        """Nobody within the host waits for a final answer."""
        return False


class Batch:
    """The envelopes of one call; `future` is done when each has its reply. Provisional ones are held until `release`:
    most of the time the final answers are there before, and go with the call."""

    def __init__(self, size: int) -> None:
        self.replies: list[Reply] = [UNAVAILABLE] * size
        self.future: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        self._missing = size
        self._held: set[int] = set()
        self._early: dict[int, Reply] = {}  # final answers that came before the provisional ones
        self._released = False
        if not size:
            self.future.set_result([])

    def put(self, index: int, reply: Reply) -> None:
        """The reply of the envelope at `index`."""
        self.replies[index] = reply
        self._missing -= 1
        if not self._missing and not self.future.done():
            self.future.set_result(self.replies)

    def hold(self, index: int, reply: Reply) -> None:
        """A provisional reply of the envelope at `index`."""
        final = self._early.pop(index, None)
        if final is not None or self._released:
            self.put(index, final or reply)
        else:
            self.replies[index] = reply
            self._held.add(index)

    def final(self, index: int, reply: Reply) -> bool:
        """The final answer of the envelope at `index`; False when nothing more can go with this call."""
        if self._released:
            return False
        if index in self._held:
            self._held.remove(index)
            self.put(index, reply)
        else:
            self._early[index] = reply
        return True

    def release(self) -> None:
        """Provisional replies are as good as any from now on."""
        self._released = True
        for index in sorted(self._held):
            self.put(index, self.replies[index])
        self._held.clear()


class Part:
    """The turns of one shard in a group, to be appended as its entry at `position`. `events`: of each turn,
    for the messages in them."""

    __slots__ = ("entries", "events", "position", "shard")

    def __init__(self, shard: Shard, position: int) -> None:
        self.shard = shard
        self.position = position
        self.entries: list[TailEntry] = []
        self.events: list[list[Any]] = []

    def add(self, entity: Entity, turn: Turn, rows: list[Row], events: list[Any]) -> None:
        """One more turn."""
        self.entries.append(TailEntry(self.position, len(self.entries), turn, rows, entity))
        self.events.append(events)

    @property
    def turns(self) -> list[Turn]:
        """What goes into the journal."""
        return [entry.turn for entry in self.entries]


class Group:
    """What is decided together and becomes durable together. Replies wait in it, each with its shard: an answer about a
    shard whose append failed must not get out, nor may a read.

    recalled: shards of which something is answered from memory. Their appends prove that they are still ours; where
    nothing is appended, the journal is asked.
    unproven: those of which the journal did not say so.
    """

    __slots__ = ("after", "parts", "recalled", "replies", "size", "unproven")

    def __init__(self) -> None:
        self.size = 0
        self.parts: dict[int, Part] = {}
        self.replies: list[tuple[Shard, Item, Reply]] = []
        # A dict for its order: that of a set of objects differs from process to process, and a seed has to replay.
        self.recalled: dict[Shard, None] = {}
        self.unproven: set[Shard] = set()
        # Called once everything that was decided up to here is durable.
        self.after: list[Callable[[], None]] = []

    def part(self, shard: Shard) -> Part:
        """The shard's part; made, with the next position, when there is none yet."""
        part = self.parts.get(shard.number)
        if part is None or part.shard is not shard:
            shard.position += 1
            part = self.parts[shard.number] = Part(shard, shard.position)
        return part

    def withheld(self, shard: Shard) -> bool:
        """May nothing be told of this shard? Known once everything is durable or not."""
        return shard.lost or shard in self.unproven


class Barrier:
    """Reads something in the inbox's order, with the group that is being decided; `future` has the result once
    everything decided before is durable."""

    __slots__ = ("future", "read")

    def __init__(self, read: Callable[[Group], Any]) -> None:
        self.read = read
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def reached(self, result: Any) -> None:
        """All that `read` can have seen is durable now."""
        if not self.future.done():
            self.future.set_result(result)
