"""A gateway on a line to hosts that the test plays."""

import asyncio

import msgspec

from actors.clock import SystemClock
from actors.runtime import wire
from actors.runtime.codec import to_msgpack
from actors.runtime.gateway import Gateway
from actors.runtime.limits import Limits
from actors.runtime.ports import ShardMap
from actors.runtime.wire import Call, Downlink, HostStats, Reply
from tests.unit.runtime.counter import Add

STATS = HostStats("h0", 1, b"\x01", 0, 0.0, 0, 5000, 0, 0, 0, 0.0, "ok", "ok")


class Wire:
    """A transport whose hosts are played by the test: `reply(host, envelope)` gives each answer."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[wire.Envelope]]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.faults: list[Exception] = []
        self.reply = lambda host, envelope: Reply(wire.OK, envelope.entity_id.encode())
        self.map = ShardMap(1, ["h0"])
        self.reads = 0
        self.links: asyncio.Queue[Downlink] = asyncio.Queue()
        self.polls: list[tuple[int, bool]] = []

    async def call(self, host: str, payload: bytes) -> bytes:
        call = msgspec.msgpack.decode(payload, type=Call)
        self.calls.append((host, call.envelopes))
        await self.gate.wait()
        if self.faults:
            raise self.faults.pop(0)
        return to_msgpack([self.reply(host, envelope) for envelope in call.envelopes])

    async def listen(self, host: str, gateway_id: str, cursor: int, live: bool) -> bytes:
        self.polls.append((cursor, live))
        return to_msgpack(await self.links.get())

    async def source(self) -> ShardMap:
        self.reads += 1
        return self.map

    def sizes(self) -> list[int]:
        return [len(envelopes) for _, envelopes in self.calls]


def gateway_on(line: Wire, clock: SystemClock | None = None, **limits) -> Gateway:
    quick = {"retry_pause_s": 0.005, "call_timeout_s": 0.05, "request_timeout_s": 20.0, "listen_max_s": 30.0}
    return Gateway("g", line, line.source, clock or SystemClock(), Limits(**quick | limits))


async def ready(line: Wire, clock: SystemClock | None = None, **limits) -> Gateway:
    """A gateway that has read its map."""
    gateway = gateway_on(line, clock, **limits)
    await add(gateway, "first")
    line.calls.clear()
    return gateway


async def add(gateway: Gateway, entity_id: str, **options) -> Reply:
    return await gateway.ask("counter", entity_id, Add(1), command_id=f"c-{entity_id}", digest=1, **options)
