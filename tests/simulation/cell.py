"""The simulated processes of a cell: hosts and gateways, each with what it needs from outside,
and the clock on its wall."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from actors.domain.audit import Who
from actors.domain.kinds import KINDS
from actors.domain.rows import StockRow
from actors.runtime import wire
from actors.runtime.errors import HostUnreachable
from actors.runtime.feed import row_key
from actors.runtime.gateway import Gateway
from actors.runtime.host import Host
from actors.runtime.ports import ShardMap
from actors.runtime.wire import LiveEvent, Reply
from tests.simulation.loop import Process, SimulatedLoop
from tests.simulation.storage import JournalLine, StoreLine
from tests.simulation.told import Evidence, Told, mark_of

# 2025-12-31T23:59:56Z: lots end while people work.
BEGAN_MS = 1_767_225_596_000
PATIENCE_S = 12.0  # a client gives up on a connection
LISTEN_S = 4.0  # and a gateway on an answer to its poll


class SkewedClock:
    """A `Clock`: virtual time, and a wall clock that goes wrong by `skew_ms`."""

    def __init__(self, loop: SimulatedLoop, skew_ms: int) -> None:
        self._loop, self._skew_ms = loop, skew_ms

    def now_ms(self) -> int:
        """As the port says."""
        return BEGAN_MS + int(self._loop.time() * 1000) + self._skew_ms

    def monotonic(self) -> float:
        """As the port says."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """As the port says."""
        await asyncio.sleep(seconds)


class NetTransport:
    """A `Transport` of one process to the hosts."""

    def __init__(self, world: Any, caller: str) -> None:
        self._world, self._caller = world, caller

    async def call(self, host: str, payload: bytes) -> bytes:
        """As the port says."""
        slot = self._world.hosts[host]
        self._world.detail(self._caller, lambda: f"asks {host}: {describe(payload)}")

        async def there() -> bytes:
            self._world.evidence.came(_CALL(payload).envelopes)
            answer: bytes = await slot.host.call(payload)
            return answer

        return await self._world.net.remote(
            self._caller, f"call {host}", there, server=lambda: slot.process, timeout=2.5
        )

    async def listen(self, host: str, gateway_id: str, cursor: int, live: bool) -> bytes:
        """As the port says."""
        slot = self._world.hosts[host]
        # No real transport sends a poll twice: a host takes the second for one that knows what the first was told.
        answer = await self._world.net.remote(
            self._caller, f"listen {host}", lambda: slot.host.listen(gateway_id, cursor, live), server=lambda: slot.process,
            timeout=LISTEN_S, repeats=False,
        )  # fmt: skip
        if _DOWNLINK(answer).cursor != wire.UNHEARD:
            self._world.evidence.screen(self._caller).heard[host].append(self._world.evidence.tick())
        return answer


_CALL = msgspec.msgpack.Decoder(wire.Call).decode
_DOWNLINK = msgspec.msgpack.Decoder(wire.Downlink).decode


def describe(payload: bytes) -> str:
    """A call's envelopes, short."""
    return ", ".join(f"{e.entity_id[-12:]} {e.command_id or 'read'}" for e in _CALL(payload).envelopes[:12])


class HostSlot:
    """A host by name: its present process, or none."""

    def __init__(self, world: Any, name: str) -> None:
        self.world, self.name = world, name
        self.incarnation = 0
        self.unseen = False  # the supervisor does not reach it
        self.blind = False  # it does not reach who keeps the map
        self.process: Process | None = None
        self.host: Host | None = None

    @property
    def state(self) -> str:
        """running, paused or dead."""
        return self.process.state if self.process is not None else "dead"

    def boot(self) -> None:
        """Starts a new process under the slot's name."""
        world = self.world
        self.incarnation += 1
        who = f"{self.name}#{self.incarnation}"
        self.process = Process(who)
        clock = SkewedClock(world.loop, world.rng.randint(-150, 150))
        journal = JournalLine(world.journal, world.journal_line, who, world.log, world.note)
        store = StoreLine(world.store, world.store_line, who, world.note)

        async def begin() -> None:
            self.host = world.host_class(
                self.name,
                KINDS,
                journal,
                store,
                NetTransport(world, who),
                world.map_source(who, self),
                clock,
                world.limits,
            )
            await self.host.start()

        world.note(who, "starts")
        world.loop.create_task(begin(), context=self.process.context())

    def crash(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.world.note(self.process.name, "is killed")
        self.world.evidence.killed[self.process.name] = self.world.evidence.tick()
        self.world.loop.kill(self.process)

    def pause(self) -> None:
        """SIGSTOP."""
        assert self.process is not None
        self.world.note(self.process.name, "is paused")
        self.world.loop.pause(self.process)

    def wake(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        self.world.note(self.process.name, "wakes up")
        self.world.loop.wake(self.process)

    async def ask(self, what: str, work: Any, timeout: float) -> Any:
        """The supervisor asks the host something: `work(host)` in its process."""

        if self.unseen:
            await asyncio.sleep(0.05)
            raise HostUnreachable(f"{what} {self.name}: not reached")

        async def there() -> Any:
            if self.host is None:
                return None
            outcome = work(self.host)
            return await outcome if asyncio.iscoroutine(outcome) else outcome

        return await self.world.net.remote(
            "supervisor", f"{what} {self.name}", there, server=lambda: self.process, timeout=timeout
        )


class Feeling:
    """A `FeedListener`: what the gateway shows to customers and on screens."""

    def __init__(self, world: Any, name: str) -> None:
        self._world, self._name = world, name

    def reset(self, host: str) -> None:
        """Everything follows: what is known stays until then."""
        evidence: Evidence = self._world.evidence
        evidence.screen(self._name).missed[host].append(evidence.tick())

    def rows(self, rows: list[Any]) -> None:
        """Keeps rows, and writes down stock."""
        evidence: Evidence = self._world.evidence
        evidence.screen(self._name).rows.update((row_key(row), row) for row in rows)
        for row in rows:
            if type(row) is StockRow:
                self._world.stock_seen[row.location_id, row.sku] = row.available
                evidence.shown.append(
                    (self._name, f"{row.location_id} {row.sku}", row.on_hand, row.allocated, evidence.tick())
                )

    def live(self, event: LiveEvent) -> None:
        """Writes down what screens show."""
        self._world.evidence.screen(self._name).live.append(event)


class Door:
    """A gateway in its process, as clients reach it. Every answer is written down as evidence."""

    def __init__(self, world: Any, number: int) -> None:
        self.world, self.number = world, number
        self.incarnation = 0
        self.blind = False  # it does not reach who keeps the map
        self.boot()

    def boot(self) -> None:
        """A new process with a new gateway."""
        self.incarnation += 1
        name = f"gw-{self.number}#{self.incarnation}"
        world = self.world
        self.process = Process(name)
        clock = SkewedClock(world.loop, world.rng.randint(-150, 150))

        async def begin() -> None:
            self.gateway.subscribe(Feeling(world, name))
            self.gateway.want_live(self.number == 0)
            await self.gateway.start()

        self.gateway: Gateway = world.gateway_class(
            name, NetTransport(world, name), world.map_source(name, self), clock, world.limits
        )
        world.note(name, "starts")
        world.loop.create_task(begin(), context=self.process.context())

    def crash(self) -> None:
        """SIGKILL, and a new one in its place."""
        self.world.note(self.process.name, "is killed")
        self.world.loop.kill(self.process)
        self.boot()

    async def ask(self, client: Any, ask: Any, *, wait_ms: int = 0, attempt: int = 1) -> Told | None:
        """One command; None when the connection broke."""
        asked = self.world.evidence.ask([ask])
        reply = await self._run(
            self.gateway.ask(
                ask.kind, ask.entity_id, ask.command, command_id=ask.command_id, digest=ask.digest, creates=ask.creates,
                wait_ms=wait_ms, cause=client.name, who=Who(client.name),
            )
        )  # fmt: skip
        return self._told(client, "command", ask, asked, reply, attempt)

    async def ask_many(self, client: Any, asks: list) -> list[Told | None]:
        """Many commands in one body."""
        asked = self.world.evidence.ask(asks)
        self.world.evidence.bodies.append([mark_of(ask) for ask in asks])
        replies = await self._run(self.gateway.ask_many(asks, cause=client.name, who=Who(client.name)))
        if replies is None:
            return [None] * len(asks)
        return [self._told(client, "command", ask, asked, reply, 1) for ask, reply in zip(asks, replies, strict=True)]

    async def view(self, client: Any, kind: str, entity_id: str, query: Any) -> Told | None:
        """One read."""
        asked = self.world.evidence.tick()
        reply = await self._run(self.gateway.view(kind, entity_id, query))
        return self._told(client, "view", (kind, entity_id), asked, reply, 1)

    async def history(self, client: Any, kind: str, entity_id: str, after: int, limit: int) -> Told | None:
        """One read of events."""
        asked = self.world.evidence.tick()
        reply = await self._run(self.gateway.history(kind, entity_id, after, limit))
        told = self._told(client, "history", (kind, entity_id), asked, reply, 1)
        if told is not None:
            told.page = (after, limit)
        return told

    def _told(self, client: Any, mode: str, ask: Any, asked: int, reply: Reply | None, attempt: int) -> Told | None:
        if reply is None:
            return None
        kind, entity_id, command_id, digest, creates = (*ask, "", 0, False) if isinstance(ask, tuple) else (
            ask.kind, ask.entity_id, ask.command_id, ask.digest, ask.creates
        )  # fmt: skip
        evidence = self.world.evidence
        # A provisional answer is a promise as well.
        status = wire.OK if reply.status == wire.PENDING else reply.status
        told = Told(
            client.name, mode, kind, entity_id, command_id, digest, creates, asked, evidence.tick(), status, reply.body, attempt
        )  # fmt: skip
        evidence.told.append(told)
        self.world.note(
            client.name,
            f"is told by {self.process.name}: {mode} {entity_id} {command_id} → {told.status} {told.body[:90].decode()}",
        )
        return told

    async def _run(self, work: Any) -> Any:
        """`work` in the gateway's process; None when that dies, or does not answer for long."""
        loop, process = self.world.loop, self.process
        answer: asyncio.Future[Any] = loop.create_future()

        def settle(outcome: Any) -> None:
            if not answer.done():
                answer.set_result(outcome)

        async def serve() -> None:
            settle(await work)
            process.on_death.pop(id(answer), None)

        process.on_death[id(answer)] = lambda: settle(None)
        loop.create_task(serve(), context=process.context())
        timer = loop.call_later(PATIENCE_S, settle, None)
        try:
            return await answer
        finally:
            timer.cancel()


NOBODY = ShardMap(0, [])
