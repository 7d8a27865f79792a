"""What the tests of the runtime share: a clock that stands still, a host over stores in memory, and shorthands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from actors.clock import SystemClock
from actors.domain.kind import Kind
from actors.domain.kinds import KINDS
from actors.runtime import wire
from actors.runtime.codec import codecs, to_msgpack
from actors.runtime.errors import HostUnreachable, JournalLost, JournalUnavailable
from actors.runtime.host import Host
from actors.runtime.limits import Limits
from actors.runtime.mailbox import Called, Group
from actors.runtime.memory import CommandMemory, Seen
from actors.runtime.ports import Append, DrainBatch, RememberedCommand, ShardMap, Snapshot
from actors.runtime.shard import Shard
from actors.runtime.sharding import digest_of
from actors.runtime.wire import Call, Downlink, Envelope, Reply, Turn
from tests.fakes.journal import JournalDisk, MemoryJournal
from tests.fakes.store import MemoryStore, StoreDisk
from tests.unit.runtime.counter import COUNTER, Total

CODECS = codecs({**KINDS, "counter": COUNTER})
# Short intervals: the tests wait for conditions on the real loop. Long patience: nobody is sent away, or forgotten,
# because the machine stood still for a moment. Tests of patience have their own.
QUICK = Limits(
    shards=4, drain_interval_ms=5, outbox_retry_first_ms=5, outbox_retry_max=3, call_timeout_s=0.2, request_timeout_s=20.0,
    retry_pause_s=0.005, load_patience_s=60.0, listen_max_s=20.0,
)  # fmt: skip


class StoppedClock:
    """A clock that the test moves. `sleep` gives the loop one turn."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return (self.ms - 1_700_000_000_000) / 1000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class LaterClock(SystemClock):
    """The machine's, with the wall clock `later_ms` ahead: what hours do to the memory of commands, in no time."""

    later_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.later_ms


class StillClock(SystemClock):
    """The machine's, whose wall clock stands: a pause after a fault is not over before a test has looked, nor is the
    day."""

    def __init__(self) -> None:
        self.ms = super().now_ms()

    def now_ms(self) -> int:
        return self.ms


async def until(condition: Callable[[], Any], within_s: float = 30.0) -> None:
    """Waits for a condition; fails at the deadline."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - a condition of the code under test, which has no event to wait for
            await asyncio.sleep(0.001)


def envelope(entity_id: str, command: msgspec.Struct, command_id: str = "c1", **options) -> Envelope:
    body = to_msgpack(command)
    return Envelope(
        options.pop("ticket", 0),
        options.pop("kind", "counter"),
        entity_id,
        command_id,
        digest_of(body),
        body,
        **options,
    )


def query(entity_id: str) -> Envelope:
    return Envelope(0, "counter", entity_id, "", 0, to_msgpack(Total()), mode=wire.VIEW)


def called(one: Envelope, replies: list[Reply], gateway_id: str = "g") -> Called:
    """An item whose replies are collected; provisional ones are not held."""

    class Collector:
        def put(self, index: int, reply: Reply) -> None:
            replies.append(reply)

        hold = put

        def final(self, index: int, reply: Reply) -> bool:
            return False

    return Called(one, gateway_id, Collector(), 0)


def shard(number: int = 0, *, recent: int = 100, epoch: int = 1, watermark: int = 0) -> Shard:
    return Shard(number, epoch, watermark, CommandMemory(recent, Seen(24)))


def turn(entity_id: str, version: int, events: bytes = b'[{"type":"Added","number":1}]', **options) -> Turn:
    return Turn(
        options.pop("kind", "counter"), entity_id, version, options.pop("at_ms", 0), f"c{version}", version, 0, "", events, wire.OK,
        b"{}", **options,
    )  # fmt: skip


def code_of(reply: Reply) -> str:
    return msgspec.json.decode(reply.body)["code"]


def total_of(reply: Reply) -> int:
    assert reply.status in (wire.OK, wire.PENDING), reply
    return msgspec.json.decode(reply.body)["total"]


def group() -> Group:
    return Group()


class GatedJournal(MemoryJournal):
    """Appends wait until `gate` is open, and what was seen before until `prints_gate` is. `appended`: what was asked
    for; `prints_read`: how often what was seen; `prints_away`: so often it is not to be had; `unreadable`:
    shards whose tails are not; `lacking`: shards that it lost the ends of."""

    def __init__(self, disk: JournalDisk) -> None:
        super().__init__(disk)
        self.gate, self.prints_gate = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.prints_gate.set()
        self.appended: list[list[Append]] = []
        self.prints_read = self.prints_away = 0
        self.unreadable: set[int] = set()
        self.lacking: set[int] = set()

    async def append(self, appends: Sequence[Append]) -> list[int]:
        self.appended.append(list(appends))
        await self.gate.wait()
        return await super().append(appends)

    async def open(self, shards: Mapping[int, tuple[int, int]]) -> None:
        if self.lacking & shards.keys():
            raise JournalLost("it was emptied")
        await super().open(shards)

    async def fingerprints(self, shard: int, since_ms: int) -> Sequence[int]:
        self.prints_read += 1
        await self.prints_gate.wait()
        if self.prints_away:
            self.prints_away -= 1
            raise JournalUnavailable("away")
        return await super().fingerprints(shard, since_ms)

    async def read(self, shard: int, after: int) -> list[tuple[int, list[Turn]]]:
        if shard in self.unreadable:
            raise JournalUnavailable("away")
        return await super().read(shard, after)


class GatedStore(MemoryStore):
    """Drains and loads wait until their gates are open. `batches`: drains that were asked for."""

    def __init__(self, disk: StoreDisk, shards: int) -> None:
        super().__init__(disk, shards)
        self.gate, self.load_gate = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.load_gate.set()
        self.loads = self.recalls = 0
        self.batches: list[DrainBatch] = []

    async def drain(self, batch: DrainBatch) -> None:
        self.batches.append(batch)
        await self.gate.wait()
        await super().drain(batch)

    async def remembered(self, kind: str, fingerprints: Sequence[int], since_ms: int) -> dict[int, RememberedCommand]:
        self.recalls += 1
        return await super().remembered(kind, fingerprints, since_ms)

    async def load(self, kind: Kind, entity_ids: Sequence[str]) -> dict[str, Snapshot]:
        self.loads += 1
        found = await super().load(kind, entity_ids)
        await self.load_gate.wait()
        return found


class Cell:
    """Hosts by name over one journal and one store; the transport is a method call."""

    def __init__(self, limits: Limits = QUICK) -> None:
        self.limits = limits
        self.journal = GatedJournal(JournalDisk())
        self.store = GatedStore(StoreDisk(), limits.shards)
        self.hosts: dict[str, Host] = {}
        self.clock = SystemClock()
        self.version = 1
        self.epoch = 0

    async def call(self, host: str, payload: bytes) -> bytes:
        if host not in self.hosts:
            raise HostUnreachable(host)
        return await self.hosts[host].call(payload)

    async def listen(self, host: str, gateway_id: str, cursor: int, live: bool) -> bytes:
        if host not in self.hosts:
            raise HostUnreachable(host)
        return await self.hosts[host].listen(gateway_id, cursor, live)

    async def map(self) -> ShardMap:
        owners = [""] * self.limits.shards
        for name, host in self.hosts.items():
            for number in host.owned():
                owners[number] = name
        self.version += 1
        return ShardMap(self.version, owners)

    async def host(self, name: str = "h0", shards: list[int] | None = None, *, learned: bool = True) -> Host:
        """A host with these shards, or all. `learned`: it knows which commands were seen before; one that does not
        asks the store about each."""
        host = Host(
            name, {**KINDS, "counter": COUNTER}, self.journal, self.store, self, self.map, self.clock,
            self.limits,
        )  # fmt: skip
        self.hosts[name] = host
        await host.start()
        self.epoch += 1
        await host.take_over(list(range(self.limits.shards)) if shards is None else shards, self.epoch)
        if learned:
            await host.activation.learn()
        return host

    async def close(self) -> None:
        for host in self.hosts.values():
            await host.close()


async def at_rest(host: Host) -> None:
    """Until all that there is to be sent and written behind is: also what its shards' last owner had not sent, which a
    host finds only some time after it took them over."""
    await until(lambda: not host.activation._unsettled and not host.drain.waiting() and host.outbox.counts() == (0, 0))


async def ask(host: Host, *envelopes: Envelope, gateway_id: str = "g") -> list[Reply]:
    """The replies of one call."""
    return msgspec.msgpack.decode(await host.call(to_msgpack(Call(gateway_id, list(envelopes)))), type=list[Reply])


async def listen(host: Host, cursor: int = -1, *, live: bool = False, gateway_id: str = "g") -> Downlink:
    return msgspec.msgpack.decode(await host.listen(gateway_id, cursor, live), type=Downlink)
