"""A whole cell but Ray in one process, for profilers: `python -m perf.one_process [--hosts 2] [--port 9201]`.

Real Redis, real PostgreSQL, the real hosts, gateway, app and door, all on one event loop; calls to hosts are calls.
What it serves a second is what one core of Python can do, so its inverse is the Python cost of a request: measure it
with `perf.bench --base`, or attach py-spy. It asks nobody who he is: its key file is its own, so no tool could
sign in. Stops with Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import tempfile
from pathlib import Path

import msgspec
import uvloop

from actors.clock import SystemClock
from actors.domain.kinds import KINDS
from actors.runtime.errors import HostUnreachable
from actors.runtime.gateway import Gateway
from actors.runtime.host import Host
from actors.runtime.ports import ShardMap
from actors.storage.migrate import migrate
from actors.storage.postgres_store import PostgresStore
from actors.storage.reader import PostgresReadModel
from actors.storage.redis_journal import RedisJournal
from cells.config import load_region
from cells.postgres import EmbeddedPostgres
from cells.redis import EmbeddedRedis
from cells.wiring import api_settings, limits_of
from serve.app import build
from serve.door import Door
from serve.gateway import heard
from serve.identity.keyring import create
from serve.services import Services

REGION = "us"


class Here:
    """`Transport` to hosts of this process."""

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}

    async def call(self, host: str, payload: bytes) -> bytes:
        """See Host.call."""
        if host not in self.hosts:
            raise HostUnreachable(host)
        return await self.hosts[host].call(payload)

    async def listen(self, host: str, gateway_id: str, cursor: int, live: bool) -> bytes:
        """See Host.listen."""
        if host not in self.hosts:
            raise HostUnreachable(host)
        return await self.hosts[host].listen(gateway_id, cursor, live)


async def _serve(folder: Path, redis_url: str, postgres_url: str, host_count: int, port: int) -> None:
    config = load_region(REGION)
    config = msgspec.structs.replace(config, identity=msgspec.structs.replace(config.identity, mode="off"))
    limits, clock, here = limits_of(config), SystemClock(), Here()
    names = [f"{REGION}/host-{n}" for n in range(host_count)]
    owners = [names[shard % host_count] for shard in range(limits.shards)]

    async def shard_map() -> ShardMap:
        return ShardMap(1, owners)

    for name in names:
        journal = RedisJournal(redis_url, REGION)
        store = PostgresStore(postgres_url, shards=limits.shards)
        here.hosts[name] = Host(name, KINDS, journal, store, here, shard_map, clock, limits)
    for host in here.hosts.values():
        await host.start()
        await host.take_over([shard for shard, owner in enumerate(owners) if owner == host.name], 1)
    keyring = folder / "keyring.json"
    create(keyring, clock.now_ms())
    gateway = Gateway(f"{REGION}/api", here, shard_map, clock, limits)
    settings = msgspec.structs.replace(api_settings(config, folder / "secret", keyring), port=port)
    services = Services(settings, gateway, PostgresReadModel(postgres_url), clock)
    await gateway.start()
    door = Door(build(services), settings, services.live.close)
    await heard(gateway, clock, 30.0)
    await door.open()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
    print(f"http://{settings.host}:{port}", flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await door.close()
    await gateway.close()
    for host in here.hosts.values():
        await host.close()


def main() -> None:
    """Starts both stores in a temporary folder, serves, and leaves nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--port", type=int, default=9201)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ocefs-1-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL may run as a user of its own
        redis, postgres = EmbeddedRedis(folder / "redis", folder / "rs"), EmbeddedPostgres(folder / "pg", folder / "ps")
        try:
            redis.start()
            postgres.start()
            migrate(postgres.url)
            uvloop.run(_serve(folder, redis.url, postgres.url, arguments.hosts, arguments.port))
        finally:
            postgres.stop()
            redis.stop()


if __name__ == "__main__":
    main()
