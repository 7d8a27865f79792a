"""Faults planted on purpose, one for each promise, to see that the checks bite. They replace parts of the world:
nothing in the product knows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec import structs

from actors.domain.kind import Context, Decision, Kind, Row
from actors.domain.location import LOCATION
from actors.domain.location_commands import ReceiveStock, Ship
from actors.domain.location_events import StockChanged
from actors.domain.location_state import Location
from actors.runtime import wire
from actors.runtime.errors import StoreUnavailable
from actors.runtime.feed import Feed, Listener
from actors.runtime.gateway import Ask, Gateway
from actors.runtime.host import Host
from actors.runtime.mailbox import Barrier, Group, Item
from actors.runtime.ports import DrainBatch, ShardRecord
from actors.runtime.shard import Shard
from actors.runtime.wire import LiveEvent, Reply
from tests.fakes.journal import JournalDisk, MemoryJournal
from tests.fakes.store import MemoryStore, StoreDisk
from tests.simulation.world import Parts


class _Mute:
    def durable(self, group: Group) -> None:
        """Everything has been told already."""


class AcknowledgesFirst(Host):
    """Replies, and only then appends."""

    async def _append(self, group: Group) -> None:
        publisher: Any = self._publisher
        publisher.durable(group)
        self._publisher = _Mute()  # type: ignore[assignment]
        try:
            await super()._append(group)
        finally:
            self._publisher = publisher


class ShowsTooEarly(Host):
    """Answers reads from memory at once, though what they show may not be durable yet."""

    def _take(self, item: Item | Barrier, group: Group, now_ms: int, now: float) -> None:
        known = len(group.replies)
        super()._take(item, group, now_ms, now)
        if not isinstance(item, Barrier) and item.envelope.mode == wire.VIEW and len(group.replies) > known:
            _, asked, reply = group.replies.pop()
            asked.done(reply)


class TrustsItself(Host):
    """Answers reads without asking whether its shards are another's by now."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.appender._prove = self._trust  # type: ignore[method-assign]

    async def _trust(self, shards: Sequence[Shard], group: Group) -> None:
        pass


class TellsNoChange(Feed):
    """Gateways are told what there was when they came, and of no change."""

    def publish(self, shard: Shard, rows: Iterable[Row]) -> None:
        """Nothing."""


class TellsChangesOnly(Feed):
    """Gateways are told of changes, and not what there was when they came."""

    def fill(self, listener: Listener, rows: Iterable[tuple[Shard, Row]]) -> None:
        """With nothing."""
        super().fill(listener, ())


class TellsScreensNothing(Feed):
    """No event is told live."""

    def publish_live(self, event: LiveEvent) -> None:
        """Nothing."""


def fed_by(feed: type[Feed]) -> type[Host]:
    """Hosts that tell the gateways by that."""

    class Fed(Host):
        def __init__(self, *parts: Any) -> None:
            super().__init__(*parts)
            self.feed = self._publisher._feed = feed(self.limits)

    return Fed


class TakesTheLastFirst(Host):
    """Whoever came last is served first."""

    def _take_turns(self, group: Group) -> None:
        if not any(isinstance(item, Barrier) for item in self._inbox):
            self._inbox.reverse()
        super()._take_turns(group)


class AsksTheLastFirst(Gateway):
    """Sends what stands in a body from behind."""

    async def ask_many(self, asks: Sequence[Ask], **who: Any) -> list[Reply]:
        return (await super().ask_many(asks[::-1], **who))[::-1]


class TellsWhatIsStored(Host):
    """Leaves out of a history what is not in the store yet."""

    async def _tell_history(self, shard: Shard, item: Item) -> None:
        await super()._tell_history(Shard(shard.number, shard.epoch, shard.position, shard.memory), item)


class CountsFromNow(Gateway):
    """Takes the hosts' lag for that of this moment, however long ago they told it."""

    def fresh_ms(self) -> int | None:
        lags = [host.lag_ms for host in self.stats()]
        return self._clock.now_ms() - max(lags) if lags else None


class ForgetfulJournal(MemoryJournal):
    """Keeps no memory of commands for the next owner."""

    async def fingerprints(self, shard: int, since_ms: int) -> Sequence[int]:
        return []


class LooseJournal(MemoryJournal):
    """Lets anybody write."""

    def __init__(self, disk: JournalDisk) -> None:
        super().__init__(disk, check_epoch=False)

    async def open(self, shards: Mapping[int, tuple[int, int]]) -> None:
        for shard, (epoch, watermark) in shards.items():
            tail = self.disk.tail(shard)
            tail.epoch, tail.last = max(tail.epoch, epoch), max(tail.last, watermark)


class LooseStore(MemoryStore):
    """Lets anybody drain."""

    def __init__(self, disk: StoreDisk, shards: int) -> None:
        super().__init__(disk, shards, check_epoch=False)


class HastyStore(MemoryStore):
    """Moves the watermarks in a transaction of their own, before the one with everything else. Now and then the
    connection breaks in between."""

    drains = 0

    async def drain(self, batch: DrainBatch) -> None:
        self.drains += 1
        before = {shard: self.disk.record(shard) for shard in batch.marks}
        if self.drains % 20 == 0 and all(before[shard].epoch == epoch for shard, (epoch, _) in batch.marks.items()):
            for shard, (epoch, mark) in batch.marks.items():
                self.disk.shards[shard] = ShardRecord(
                    shard, before[shard].host, epoch, max(before[shard].watermark, mark)
                )
            raise StoreUnavailable("the connection broke between the two transactions")
        await super().drain(batch)


class PassesTheLineOver(Host):
    """What comes in is anybody's, though somebody waits for it."""

    def __init__(self, name: str, kinds: Mapping[str, Kind], *rest: Any) -> None:
        location = replace(kinds["location"], decide=_without_line)
        super().__init__(name, {**kinds, "location": location}, *rest)


class ShipsOnPaper(Host):
    """What is shipped stays on hand."""

    def __init__(self, name: str, kinds: Mapping[str, Kind], *rest: Any) -> None:
        location = replace(kinds["location"], decide=_without_leaving)
        super().__init__(name, {**kinds, "location": location}, *rest)


def _without_leaving(state: Location | None, command: Any, context: Context) -> Decision:
    decision = LOCATION.decide(state, command, context)
    if type(command) is Ship:
        for event in decision.events:
            if type(event) is StockChanged:
                event.entries[:] = [structs.replace(entry, on_hand=0) for entry in event.entries]
    return decision


def _without_line(state: Location | None, command: Any, context: Context) -> Decision:
    if state is None or type(command) is not ReceiveStock:
        return LOCATION.decide(state, command, context)
    line, state.waiting = state.waiting, None
    try:
        return LOCATION.decide(state, command, context)
    finally:
        state.waiting = line


PLANTS: dict[str, Callable[[], Parts]] = {
    "ack before append": lambda: Parts(casts=False, host=AcknowledgesFirst),
    "no epoch check": lambda: Parts(casts=False, journal=LooseJournal, store=LooseStore),
    "no dedupe on failover": lambda: Parts(casts=False, journal=ForgetfulJournal),
    "read from a shard that is another's": lambda: Parts(
        casts=False, host=TrustsItself, blows=("unseen", "blind gateway")
    ),
    "lists said to be fresher than they are": lambda: Parts(casts=False, gateway=CountsFromNow),
    "read before durable": lambda: Parts(casts=False, host=ShowsTooEarly),
    "what comes in passes over who waits for it": lambda: Parts(host=PassesTheLineOver),
    "an index that hears of no change": lambda: Parts(casts=False, host=fed_by(TellsNoChange)),
    "an index that hears of changes only": lambda: Parts(casts=False, host=fed_by(TellsChangesOnly)),
    "screens that are told nothing": lambda: Parts(casts=False, host=fed_by(TellsScreensNothing)),
    "the last that came is done first": lambda: Parts(casts=False, host=TakesTheLastFirst),
    "the last of a body is asked first": lambda: Parts(casts=False, gateway=AsksTheLastFirst),
    "a history without what is not stored yet": lambda: Parts(casts=False, host=TellsWhatIsStored),
    "what is shipped stays on hand": lambda: Parts(casts=False, host=ShipsOnPaper),
    "watermark moved before commit": lambda: Parts(casts=False, store=HastyStore),
}
