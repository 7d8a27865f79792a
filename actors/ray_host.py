"""A host as a Ray actor: `us/host-0`. Thin: it wires the runtime's `Host` with clock, journal, store
and the gateway over Ray."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import time
from functools import partial
from pathlib import Path

import msgspec
import ray

from actors.clock import SystemClock
from actors.domain.kinds import KINDS
from actors.link import HostDoor
from actors.logs import configure_logs
from actors.ray_gateway import NAMESPACE, ActorHandles, HostAddress, HostTransport, NearTransport, SupervisorMap
from actors.ray_meters import HostMeters
from actors.runtime.host import Host
from actors.runtime.limits import Limits
from actors.runtime.retention import PAPERS_KEPT_DAYS
from actors.storage.continuity import store_id
from actors.storage.postgres_store import PostgresStore
from actors.storage.redis_journal import RedisJournal

log = logging.getLogger("ocefs.host")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class CellSettings(msgspec.Struct, frozen=True):
    """What actors of a cell need to know. Crosses processes as MessagePack; holds addresses, so it is never logged."""

    region: str
    hosts: int
    limits: Limits
    postgres_url: str
    redis_url: str
    log_folder: str = ""
    # Where hosts open the doors for gateways on their machine; "" for none: then all calls go through Ray.
    door_folder: str = ""
    # The Redis is the cell's own, so its settings must be readable and right; a managed one may hide them.
    redis_ours: bool = True
    # How long labels and addresses of shipments that are over stay.
    papers_keep_days: int = PAPERS_KEPT_DAYS
    # The cell's run: to how many hosts it was scaled is remembered until that ends.
    run: str = ""
    # Shards that get hosts of their own.
    pinned: tuple[int, ...] = ()


class ResidentMemory:
    """Resident memory of this process in MB, read at most once a second: figures are told far more often."""

    def __init__(self) -> None:
        self._read_at = -1e9
        self._mb = 0.0

    def __call__(self) -> float:
        """The latest figure."""
        now = time.monotonic()
        if now - self._read_at >= 1:
            self._read_at = now
            self._mb = int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES / 1e6
        return self._mb


class HostActor:
    """Async: Ray runs its calls concurrently; all order comes from the host's inbox."""

    def __init__(self, name: str, settings: bytes) -> None:
        self.name = name
        self._settings = msgspec.msgpack.decode(settings, type=CellSettings)
        self._host: Host | None = None
        self._meters: HostMeters | None = None
        self._starting = asyncio.Lock()
        self._door: HostDoor | None = None
        configure_logs(self._settings.log_folder, name)
        log.info("host %s starts, process %d", name, os.getpid())

    async def start(self) -> int:
        """Connects and starts the loops; returns the process id."""
        async with self._starting:
            if self._host is None:
                await self._start()
        return os.getpid()

    async def _start(self) -> None:
        settings = self._settings
        handles = ActorHandles()
        journal = RedisJournal(
            settings.redis_url, settings.region, remember_hours=settings.limits.remember_hours, ours=settings.redis_ours,
            store_id=partial(store_id, settings.postgres_url),
        )  # fmt: skip
        await journal.verify()
        transport = NearTransport(self.name, HostTransport(handles))
        host = Host(
            self.name, KINDS, journal,
            PostgresStore(settings.postgres_url, shards=settings.limits.shards), transport,
            SupervisorMap(settings.region, handles), SystemClock(), settings.limits, pid=os.getpid(), rss_mb=ResidentMemory(),
        )  # fmt: skip
        transport.own = host
        if settings.door_folder:
            # Before the loops start: if it fails, nothing is left running. Nobody learns of it before `_host` is set.
            await self._open_door(host, Path(settings.door_folder))
        await host.start()
        self._host = host
        self._meters = HostMeters(settings.region, host)
        self._meters.start()
        # What is loaded by now lives for ever; young garbage is rare (structs without cycles are not tracked), and a
        # full collection over a million entities would be a pause of seconds.
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 1000)

    async def _open_door(self, host: Host, folder: Path) -> None:
        name = self.name.replace("/", "-")
        for left in folder.glob(f"{name}.*.sock"):  # of a killed predecessor
            left.unlink(missing_ok=True)
        door = HostDoor(folder / f"{name}.{os.getpid()}.sock", host)
        await door.open()
        self._door = door

    def _ready(self) -> Host:
        if self._host is None:
            raise RuntimeError(f"{self.name} is not started")
        return self._host

    async def ping(self) -> dict[int, int]:
        """The shards that it owns, with their epochs: an answer says that the loop turns."""
        return self._ready().owned()

    async def address(self) -> bytes:
        """Where gateways on the same machine reach it: a `HostAddress` in MessagePack."""
        self._ready()
        path = str(self._door.path) if self._door is not None else ""
        return msgspec.msgpack.encode(HostAddress(ray.get_runtime_context().get_node_id(), path))

    async def call(self, payload: bytes) -> bytes:
        """See Host.call."""
        return await self._ready().call(payload)

    async def listen(self, gateway_id: str, cursor: int, live: bool) -> bytes:
        """See Host.listen."""
        return await self._ready().listen(gateway_id, cursor, live)

    async def take_over(self, shards: list[int], epoch: int) -> list[int]:
        """See Host.take_over."""
        return await self._ready().take_over(shards, epoch)

    async def hand_over(self, shards: list[int]) -> list[int]:
        """See Host.hand_over."""
        return await self._ready().hand_over(shards)

    async def parked(self) -> bytes:
        """Parked messages as JSON, for operators."""
        return msgspec.json.encode(self._ready().outbox.parked())

    async def retry_parked(self) -> int:
        """Tries them again."""
        return self._ready().outbox.retry_parked()


def start_host(name: str, settings: bytes) -> object:
    """Makes the actor `name`, or finds it; it lives until it is killed. Ray never restarts it: the supervisor
    does, with a fresh epoch."""
    return (
        ray.remote(HostActor)
        .options(
            name=name, namespace=NAMESPACE, lifetime="detached", num_cpus=0, max_concurrency=10_000, max_restarts=0,
            max_task_retries=0, enable_task_events=False, get_if_exists=True,
        )
        .remote(name, settings)
    )  # fmt: skip
