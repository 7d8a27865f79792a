"""One seeded world: hosts, gateways, a supervisor, clients, faults; how it runs, settles and is judged."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from actors.runtime.errors import HostUnreachable, JournalUnavailable, StoreUnavailable
from actors.runtime.gateway import Gateway
from actors.runtime.host import Host
from actors.runtime.limits import Limits
from actors.runtime.outbox import PASSING
from actors.runtime.ports import MapSource, ShardMap
from actors.runtime.wire import Turn
from tests.fakes.journal import JournalDisk, MemoryJournal
from tests.fakes.store import MemoryStore, StoreDisk
from tests.simulation.casts import cast_of
from tests.simulation.cell import BEGAN_MS, LISTEN_S, Door, HostSlot
from tests.simulation.checks import check_all
from tests.simulation.clients import Client, Onlooker, furnish
from tests.simulation.faults import Faults
from tests.simulation.freshness import Freshness
from tests.simulation.loop import SimulatedLoop, Stuck
from tests.simulation.pictures import Step
from tests.simulation.storage import Log
from tests.simulation.supervisor import Supervisor
from tests.simulation.told import Evidence
from tests.simulation.trace import Trace
from tests.simulation.turns import short_waits
from tests.simulation.wire import Line, Odds

SHARDS = 8
SETTLE_S = 90.0
RESTS_MAX = 20


@dataclass(slots=True)
class Parts:
    """What a world is made of. A test plants a fault by putting a worse part in."""

    host: type[Host] = Host
    gateway: type[Gateway] = Gateway
    journal: Callable[[JournalDisk], MemoryJournal] = MemoryJournal
    store: Callable[[StoreDisk, int], MemoryStore] = MemoryStore
    # Does anybody come besides the clients? A fault of the runtime shows as soon without them.
    casts: bool = True
    # What goes wrong, where a fault shows only with something rare; drawn if empty.
    blows: tuple[str, ...] = ()


@dataclass(slots=True)
class Verdict:
    """How a run ended. `digest`: the hash of its trace."""

    seed: int
    digest: str
    wrong: list[str]
    tail: list[str]
    counted: dict[str, int] = field(default_factory=dict)
    steps: set[Step] = field(default_factory=set)


class World:
    """Everything in one place, so that faults and checks can reach it."""

    def __init__(self, seed: int, trace: Trace, parts: Parts, loop: SimulatedLoop) -> None:
        self.seed, self.trace, self.loop = seed, trace, loop
        self.steps: set[Step] = set()
        self.host_class, self.gateway_class = parts.host, parts.gateway
        self.casts, self.blows = parts.casts, parts.blows
        self.rng = random.Random(f"world {seed}")
        self.evidence = Evidence()
        self.log = Log(self.evidence.tick)
        self.complaints: list[str] = []
        self.stock_seen: dict[tuple[str, str], int] = {}
        self.faulty = False
        self.settled_ms = 0
        self.limits = self._limits()
        self.journal_disk, self.store_disk = JournalDisk(), StoreDisk()
        self.journal, self.store = parts.journal(self.journal_disk), parts.store(self.store_disk, SHARDS)
        self.net = self._line("network", HostUnreachable, Odds())
        self.journal_line = self._line("journal", JournalUnavailable, Odds(timeout=0.8))
        # The real one waits as long as in every eighth run; those take three times as long.
        hangs_s = 1.5 if seed % 8 else 10.0
        self.store_line = self._line("store", StoreUnavailable, Odds(delay_min=0.001, delay_max=0.01, timeout=hangs_s))
        self.hosts = {f"us/host-{n}": HostSlot(self, f"us/host-{n}") for n in range(self.rng.choice((2, 2, 3, 4)))}
        self.supervisor = Supervisor(self, SHARDS)
        self.doors: list[Door] = []
        self.freshness = Freshness(self)
        self.stored_turns: list[Turn] = []
        self.stored_rows: dict[str, dict[tuple, msgspec.Struct]] = {}

    def _line(self, name: str, fault: type[Exception], odds: Odds) -> Line:
        return Line(name, self.loop, self.trace, random.Random(f"{name} {self.seed}"), odds, fault)

    def _limits(self) -> Limits:
        rng = self.rng
        return Limits(
            shards=SHARDS, batch_max=rng.choice((3, 64, 1024)), mailbox_max=rng.choice((50, 1000)), inbox_max=20_000,
            tail_max_turns=rng.choice((40, 500_000)), drain_interval_ms=rng.choice((50, 250, 400)),
            drain_max_turns=rng.choice((8, 200, 20_000)), idle_passivate_s=rng.choice((0.3, 2.0, 900.0)),
            recent_commands_max=rng.choice((0, 5, 4096)), load_max=rng.choice((2, 2000)),
            listen_max_s=rng.choice((0.5, 10.0)), feed_rows_max=rng.choice((10, 200_000)),
            feed_piece_max=rng.choice((3, 5_000)), call_timeout_s=rng.choice((0.7, 2.0)),
            request_timeout_s=rng.choice((3.0, 8.0)), outbox_retry_max=rng.choice((3, 20)),
            settle_max=random.Random(f"settle {self.seed}").choice((2, 2_000)),
        )  # fmt: skip

    # --- what the parts of the world ask of it ------------------------------------------------------------------------
    def note(self, who: str, what: str) -> None:
        """A line of the trace."""
        self.trace(self.loop.time(), who, what)

    def detail(self, who: str, what: Callable[[], str]) -> None:
        """A line of the trace that costs something to write."""
        self.trace(self.loop.time(), who, what())

    def complain(self, what: str) -> None:
        """Something that must not be."""
        self.note("world", f"WRONG {what}")
        self.complaints.append(what)

    def now_ms(self) -> int:
        """UTC ms."""
        return BEGAN_MS + int(self.loop.time() * 1000)

    def seen_stock(self) -> dict[tuple[str, str], int]:
        """Units available by (location, sku) as the feed showed them."""
        return self.stock_seen

    def gateway(self, rng: random.Random) -> Door:
        """Some gateway."""
        return rng.choice(self.doors)

    def map_source(self, caller: str, slot: Door | HostSlot) -> MapSource:
        """For the process in `slot`."""

        async def there() -> ShardMap:
            return self.supervisor.map()

        async def source() -> ShardMap:
            if slot.blind:
                await asyncio.sleep(0.05)
                raise HostUnreachable("the map: not reached")
            found: ShardMap = await self.net.remote(caller, "map", there)
            return found

        return source

    # --- the run ------------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """From the first process to the last check's evidence."""
        for slot in self.hosts.values():
            slot.boot()
        self.doors = [Door(self, n) for n in range(2)]
        watch = asyncio.ensure_future(self.supervisor.run())
        await furnish(self)
        self.faulty = True
        faults = Faults(self, random.Random(f"faults {self.seed}"), self.rng.choice((3.0, 6.0)))
        clients = [
            Client(self, f"c{n}", f"client {self.seed} {n}", self.rng.randint(10, 22))
            for n in range(self.rng.randint(3, 5))
        ]
        clients += cast_of(self) if self.casts else []
        clients.append(Onlooker(self, "onlooker", f"onlooker {self.seed}", self.rng.randint(30, 80)))
        await asyncio.gather(faults.run(), *(client.run() for client in clients))
        if self.rng.random() < 0.15:
            await asyncio.sleep(65.0)  # backorders ask again after a minute
        await self._settle()
        self.settled_ms = self.now_ms()
        await self._last_look(clients)
        await self._come_to_rest()
        watch.cancel()
        await self._collect()

    async def _come_to_rest(self) -> None:
        """Settled, and told: what the last poll was not told, the next one is. Timers go off meanwhile, and then
        there is something again."""
        for _ in range(RESTS_MAX):
            await self._settle()
            before = self._appended()
            await asyncio.sleep(LISTEN_S + 1.0)
            if self._appended() == before:
                return
        self.complain(f"{RESTS_MAX} times something was done once everything had settled")

    def _appended(self) -> list[int]:
        """How far each shard's journal is."""
        return [tail.last for _, tail in sorted(self.journal_disk.shards.items())]

    async def _settle(self) -> None:
        deadline = self.loop.time() + SETTLE_S
        while unsettled := self._unsettled():
            if self.loop.time() > deadline:
                self.complain(f"not settled after {SETTLE_S} s: {'; '.join(unsettled)}")
                return
            await asyncio.sleep(0.25)
        self.note("world", "has settled")

    def _unsettled(self) -> list[str]:
        out = []
        # What the map says may be news of a host that is gone: it counts when its owner says the same.
        for shard, owner in enumerate(self.supervisor.known.owners):
            held = self.hosts[owner].host if owner else None
            if held is None or shard not in held.owned():
                out.append(f"shard {shard} is served by nobody")
        for slot in self.hosts.values():
            host = slot.host
            if host is None:
                out.append(f"{slot.name} has not started")
                continue
            ids = [p.id for held in host.outbox._shards.values() for p in held.values() if p.tried]
            if ids:
                out.append(f"{slot.name} has {len(ids)} messages to send: {ids[:3]}")
            # A request to the store that was lost is known to be when its time is over.
            if host.activation._unsettled:
                out.append(f"{slot.name} has not read what the store has of {sorted(host.activation._unsettled)}")
            if host.drain.waiting():
                out.append(f"{slot.name} has {host.drain.waiting()} turns to drain")
        for shard, tail in sorted(self.journal_disk.shards.items()):
            watermark = self.store_disk.record(shard).watermark
            if watermark < tail.last:
                out.append(f"shard {shard} is drained to {watermark} of {tail.last}")
        soon = self.now_ms() + 60_000
        rows = self.store_disk.rows
        timed = [
            item
            for table in ("approvals", "reservations", "transfers", "floors", "collections")
            for item in rows.get(table, {}).items()
        ]
        expiring = [key for key, row in timed if (row.due_at or soon) < soon]
        if expiring:
            out.append(f"{expiring[:3]} have yet to expire")
        lines = [row for row in rows.get("waiters", {}).values() if not row.order_id and row.placed_at < soon]
        if lines:
            out.append(f"{lines[:3]} have yet to be looked at")
        left = [e.message_id for e in self.store_disk.outbox.values() if not e.parked or e.error in PASSING]
        if left:
            out.append(f"the store's outbox still has {left[:3]} of {len(left)}")
        return out

    async def _last_look(self, clients: list[Client]) -> None:
        # Everybody asks for every order once more: it is there, and as the history says.
        for client in clients:
            from actors.domain.order_views import ViewOrder

            for order_id in client.orders:
                told = await self.doors[0].view(client, "order", order_id, ViewOrder(order_id))
                if told is None or told.status != 0:
                    self.complain(f"{order_id} can't be read at the end: {told}")

    async def _collect(self) -> None:
        disk = self.store_disk
        drained = sorted(disk.history, key=lambda one: (one.shard, one.position, one.line))
        self.stored_turns = [one.turn for one in drained]
        self.stored_rows = {name: dict(rows) for name, rows in disk.rows.items()}
        parked = [entry for entry in disk.outbox.values() if entry.parked]
        for entry in parked:
            self.complain(f"message {entry.message_id} is parked: {entry.error}")
        self.trace.tally("turns", len(self.stored_turns))
        self.trace.tally("told", len(self.evidence.told))
        self.trace.tally("freshness checked", self.freshness.checked)
        self.trace.tally("stale appends refused", self.log.refused)


class _Ear(logging.Handler):
    """Errors that the runtime logs are things that must not happen here."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._world.complain(f"{record.getMessage()}: {error!r}")


def run_seed(seed: int, parts: Parts | None = None, *, aloud: bool = False) -> Verdict:
    """Runs one world to its end and judges it."""
    collecting = gc.isenabled()
    gc.disable()  # when finalizers run must not depend on what ran before
    loop, trace = SimulatedLoop(seed), Trace(aloud=aloud)
    asyncio.set_event_loop(loop)
    world = World(seed, trace, parts or Parts(), loop)
    ear, logger = _Ear(world), logging.getLogger("ocefs")
    logger.addHandler(ear)
    propagated, logger.propagate = logger.propagate, False
    try:
        try:
            with short_waits():
                loop.run_until_complete(world.run())
                wrong = check_all(world)
        except Stuck as stuck:
            wrong = [str(stuck), *world.complaints]
        wrong += loop.unhandled()
    finally:
        logger.removeHandler(ear)
        logger.propagate = propagated
        loop.end()
        asyncio.set_event_loop(None)
        if collecting:
            gc.enable()
    for sentence in wrong:
        trace(loop.time(), "judge", sentence)
    return Verdict(seed, trace.digest(), wrong, list(trace.lines), trace.counted, world.steps)
