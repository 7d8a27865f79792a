"""The supervisor of a cell, a Ray actor: `us/supervisor`. It decides which host owns which shard, and
is the only one that does.

    every PING_S: ping all hosts ──▶ dead, or silent for SILENCE_S ──▶ its shards go to the others at once (new epochs fence the old
    owner, alive or not), a replacement is started, and gets its share back by a live hand-over

All hosts are pinged while shards are on their way, too: one that stops over it (BUSY_SILENCE_S)
is given up like any other.

It keeps no state of its own: after a restart it asks the hosts what they own, and the store to how many hosts the cell
was scaled (`actors/storage/scaling.py`; until it knows, it starts none and moves nothing that has an owner). While it
is away, everything that has an owner goes on. The plan itself (who should own what) is pure:
`actors/runtime/placement.py`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Coroutine, Mapping
from typing import Any

import msgspec
import ray
from ray.exceptions import ActorDiedError, RayError

from actors.logs import configure_logs
from actors.ray_gateway import NAMESPACE, supervisor_name
from actors.ray_heartbeat import Heartbeat
from actors.ray_host import CellSettings, start_host
from actors.runtime.errors import JournalLost, Outdated
from actors.runtime.ownership import Ownership
from actors.runtime.placement import balanced, moves
from actors.storage.scaling import keep_scale, scaled_to

log = logging.getLogger("ocefs.supervisor")
PING_S = 0.2
SILENCE_S = 1.2
# Of one that takes shards over, or hands them over: it reads long tails then, and may be late with its answers.
BUSY_SILENCE_S = 5.0
START_DEADLINE_S = 60.0
TAKE_OVER_DEADLINE_S = 20.0
# Shards that move in one step of a live hand-over: few, so that their callers wait only for a moment.
MOVE_CHUNK = 8


def _reason(fault: BaseException) -> str:
    """What went wrong, in one line: what the actor raised, not how Ray carried it here."""
    cause = getattr(fault, "cause", None) or fault
    return f"{type(cause).__name__}: {str(cause).strip().splitlines()[-1] if str(cause).strip() else ''}"[:500]


class HostRecord:
    """A host as the supervisor sees it."""

    def __init__(self, name: str, handle: Any) -> None:
        self.name = name
        self.handle = handle
        self.heartbeat = Heartbeat(handle)
        self.heard_at = time.monotonic()
        self.changed_at = self.heard_at
        self.ping: asyncio.Task[Any] | None = None
        self.dead = False


class Supervisor:
    """See the module's docstring."""

    def __init__(self, settings: bytes) -> None:
        self._packed = settings
        self._settings = msgspec.msgpack.decode(settings, type=CellSettings)
        # 0 until it is known: see _recall.
        self._wanted = 0
        self._scaling = asyncio.Lock()
        self._known = Ownership(self._settings.limits.shards, secrets.token_hex(8))
        # Were hosts asked what they own?
        self._found = asyncio.Event()
        self._epoch = 0
        self._hosts: dict[str, HostRecord] = {}
        self._starting: dict[str, asyncio.Task[None]] = {}
        # What hosts are doing with shards that are on their way; a move has two of them.
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None
        self._watched_at = 0.0
        # What `status` tells, and what failed since the last round ended.
        self._error = self._failed = ""
        self._retired = False
        configure_logs(self._settings.log_folder, supervisor_name(self._settings.region))
        log.info("the supervisor starts, process %d", os.getpid())

    # --- what others ask --------------------------------------------------------------------------------------------
    async def shard_map(self) -> bytes:
        """The present map. Also what wakes the supervisor after a restart: gateways ask all the time. Until it knows
        what the hosts own it tells none: they go by the one that they have. Raises TimeoutError when that takes long,
        so that those who ask don't pile up here."""
        self._ensure_running()
        async with asyncio.timeout(SILENCE_S):
            await self._found.wait()
        return msgspec.msgpack.encode(self._known.map())

    async def scale(self, hosts: int) -> None:
        """From now on the cell has so many hosts; shards move live. Returns as soon as that is kept:
        `status` tells how far it is.

        Raises StoreUnavailable; whether it is kept is in doubt then, and nothing moves before
        the supervisor is restarted.
        """
        if not 1 <= hosts <= self._settings.limits.shards:
            raise ValueError(f"hosts must be between 1 and {self._settings.limits.shards}")
        async with self._scaling:
            await keep_scale(self._settings.postgres_url, self._settings.run, hosts)
            self._wanted = hosts
        self._ensure_running()

    async def status(self) -> dict[str, Any]:
        """Hosts, shards, and what is still to be done."""
        self._ensure_running()
        owners = self._known.owners
        counts = {name: owners.count(name) for name in self._hosts}
        settled = (
            not self._starting and len(self._hosts) == self._wanted
            and not moves(owners, sorted(self._hosts), self._settings.pinned)
        )  # fmt: skip
        return {
            "hosts": counts, "wanted": self._wanted, "unowned": owners.count(""), "settled": settled,
            "version": self._known.version, "error": self._error,
        }  # fmt: skip

    async def retire(self) -> None:
        """The end of the cell: every host hands its shards over to nobody, drained, and is stopped."""
        self._retired = True
        if self._loop is not None:
            self._loop.cancel()
        held = {name: self._known.of(name) for name in self._hosts}
        self._known.freed(range(self._settings.limits.shards))
        ends = (self._hosts[name].handle.hand_over.remote(shards) for name, shards in held.items())
        for ended in await asyncio.gather(*ends, return_exceptions=True):
            if isinstance(ended, BaseException):
                log.warning("a host did not end in order: %s", ended)
        for host in self._hosts.values():
            ray.kill(host.handle, no_restart=True)
        self._hosts.clear()

    async def parked(self) -> list[bytes]:
        """Parked messages of all hosts, JSON arrays."""
        return list(await asyncio.gather(*(host.handle.parked.remote() for host in self._hosts.values())))

    async def retry_parked(self) -> int:
        """Tries all parked messages again; how many."""
        return sum(await asyncio.gather(*(host.handle.retry_parked.remote() for host in self._hosts.values())))

    def _ensure_running(self) -> None:
        if self._retired:
            return
        if self._loop is None or self._loop.done():
            self._loop = asyncio.get_running_loop().create_task(self._run())

    # --- the loop ---------------------------------------------------------------------------------------------------
    async def _run(self) -> None:
        while not self._found.is_set():
            try:
                await self._find()
                self._found.set()
            except Exception as fault:
                self._error = f"{type(fault).__name__}: {fault}"
                log.exception("which hosts there are could not be found out")
                await asyncio.sleep(PING_S)
        while True:
            try:
                self._watch()
                await self._assign()
                if not self._wanted:
                    await self._watching({(): self._recall()})
                self._start_missing()
                await self._rebalance()
                self._error, self._failed = self._failed, ""
            except Exception as fault:
                # The supervisor goes on whatever happens: the next round sees the world as it is then.
                self._error = f"{type(fault).__name__}: {fault}"
                log.exception("a round of the supervisor failed")
            await asyncio.sleep(PING_S)

    async def _find(self) -> None:
        """After a (re)start: which hosts live, and what do they own?"""
        prefix = f"{self._settings.region}/host-"
        named = await asyncio.to_thread(ray.util.list_named_actors, True)
        for actor in named:
            if actor["namespace"] == NAMESPACE and actor["name"].startswith(prefix):
                try:
                    handle = await asyncio.to_thread(ray.get_actor, actor["name"], NAMESPACE)
                    async with asyncio.timeout(SILENCE_S):
                        owned = await handle.ping.remote()
                except (RayError, ValueError, TimeoutError):
                    continue
                self._hosts[actor["name"]] = HostRecord(actor["name"], handle)
                self._known.claimed(actor["name"], owned)

    async def _recall(self) -> None:
        """How many hosts there shall be: what the cell was scaled to in this run, or the number of its file.
        Raises StoreUnavailable."""
        async with self._scaling:
            if not self._wanted:
                kept = await scaled_to(self._settings.postgres_url, self._settings.run)
                self._wanted = kept or self._settings.hosts

    def _watch(self) -> None:
        now = time.monotonic()
        if now - self._watched_at > SILENCE_S / 2:
            # It was this process that paused: nobody listened, so nobody was silent.
            for host in self._hosts.values():
                host.heard_at = now
        self._watched_at = now
        for host in list(self._hosts.values()):
            if host.ping is None or host.ping.done():
                host.ping = asyncio.get_running_loop().create_task(self._ping(host))
            patience_s = BUSY_SILENCE_S if host.name in self._busy else SILENCE_S
            if host.dead or now - host.heard_at > patience_s:
                log.warning("host %s is %s", host.name, "dead" if host.dead else "silent")
                self._bury(host)

    async def _ping(self, host: HostRecord) -> None:
        asked_at = time.monotonic()
        try:
            owned = await host.heartbeat.owned()
            host.heard_at = time.monotonic()
            # An answer that comes when its host has been given up already counts for nothing, and one while its
            # shards change is old at once.
            if asked_at > host.changed_at and self._hosts.get(host.name) is host and host.name not in self._busy:
                self._compare(host, owned)
        except ActorDiedError:
            host.dead = True
        except RayError as fault:
            log.warning("ping of %s: %s", host.name, type(fault).__name__)

    def _compare(self, host: HostRecord, owned: Mapping[int, int]) -> None:
        """A host that gave a shard up, or lost it to a newer epoch, is not its owner whatever the map says; one that
        took it over is, even if its answer never came."""
        news = self._known.claimed(host.name, owned)
        if news:
            log.warning("%s owns %s, too", host.name, news)
        gone = self._known.missing(host.name, owned)
        if gone:
            log.warning("%s does not own %s any more", host.name, gone)
            self._known.freed(gone)

    def _bury(self, host: HostRecord) -> None:
        del self._hosts[host.name]
        host.heartbeat.end()
        # A silent one may still run: its epochs are fenced by the new owners, the process is only tidied away.
        ray.kill(host.handle, no_restart=True)
        self._known.freed(self._known.of(host.name))
        if host.name in self._busy:
            self._busy[host.name].cancel()

    async def _assign(self) -> None:
        """Gives shards without an owner to the hosts that have least."""
        if "" not in self._known.owners or not self._hosts:
            return
        plan = balanced(self._known.owners, sorted(self._hosts), self._settings.pinned)
        epoch = self._next_epoch()
        await self._watching({(name,): self._take_over(name, shards, epoch) for name, shards in plan.items()})

    async def _watching(self, works: Mapping[tuple[str, ...], Coroutine[Any, Any, None]]) -> None:
        """Does all of it, by the hosts that are busy with it, and goes on looking after all hosts meanwhile. What one
        that was given up was busy with is cancelled: its shards have no owner then, and the next round sees that."""
        tasks = {asyncio.get_running_loop().create_task(work): names for names, work in works.items()}
        self._busy = {name: task for task, names in tasks.items() for name in names}
        try:
            left = set(tasks)
            while left:
                _, left = await asyncio.wait(left, timeout=PING_S)
                self._watch()
        finally:
            self._busy = {}
            for task in tasks:
                task.cancel()
        for task in tasks:
            if not task.cancelled():
                task.result()

    def _next_epoch(self) -> int:
        """The number of a decision: higher than that of any before, those of earlier supervisors too."""
        self._epoch = max(self._epoch + 1, time.time_ns() // 1_000_000)
        return self._epoch

    async def _take_over(self, name: str, shards: list[int], epoch: int) -> None:
        host = self._hosts.get(name)
        if host is None:
            return  # given up while the shards were on their way to it
        began = time.monotonic()
        try:
            async with asyncio.timeout(TAKE_OVER_DEADLINE_S):
                served = await host.handle.take_over.remote(shards, epoch)
        except (RayError, TimeoutError) as fault:
            cause = getattr(fault, "cause", None)
            if isinstance(cause, Outdated):
                self._epoch = cause.newest  # the clock went back since they were last given away
            self._failed = f"{name} could not take over {len(shards)} shards: {_reason(fault)}"
            log.warning("%s", self._failed)
            if isinstance(cause, JournalLost):
                # It has leased them, and looks by itself whether the journal is brought back: any other would find
                # the same, each time with another lease. Callers hear from it what they wait for.
                host.heard_at = host.changed_at = time.monotonic()
                self._known.given(name, shards, epoch)
            return
        host.heard_at = host.changed_at = time.monotonic()
        self._known.given(name, served, epoch)
        log.info("%s took over %d shards in %.0f ms", name, len(served), (time.monotonic() - began) * 1000)

    def _start_missing(self) -> None:
        for number in range(self._wanted):
            name = f"{self._settings.region}/host-{number}"
            if name not in self._hosts and name not in self._starting:
                self._starting[name] = asyncio.get_running_loop().create_task(self._start(name))

    async def _start(self, name: str) -> None:
        try:
            handle: Any = await asyncio.to_thread(start_host, name, self._packed)
            async with asyncio.timeout(START_DEADLINE_S):
                await handle.start.remote()
            self._hosts[name] = HostRecord(name, handle)
            log.info("%s started", name)
        except (RayError, ValueError, TimeoutError) as fault:
            self._failed = f"{name} could not be started: {_reason(fault)}"
            log.warning("%s", self._failed)
            await asyncio.sleep(1.0)
        finally:
            del self._starting[name]

    async def _rebalance(self) -> None:
        """Moves a few shards towards the wanted distribution; a host that is too many is emptied, then stopped."""
        staying = sorted(name for name in self._hosts if int(name.rsplit("-", 1)[1]) < self._wanted)
        if self._starting or "" in self._known.owners or len(staying) < self._wanted:
            return
        plan = moves(self._known.owners, staying, self._settings.pinned)
        for (source, target), shards in plan.items():
            if "" in self._known.owners:
                return  # somebody died meanwhile: those who have no owner come first
            if {source, target} <= self._hosts.keys():
                await self._watching({(source, target): self._move(source, target, shards[:MOVE_CHUNK])})
        if not plan:
            for name in sorted(set(self._hosts) - set(staying)):
                ray.kill(self._hosts.pop(name).handle, no_restart=True)
                self._known.version += 1

    async def _move(self, source: str, target: str, shards: list[int]) -> None:
        async with asyncio.timeout(TAKE_OVER_DEADLINE_S):
            given = await self._hosts[source].handle.hand_over.remote(shards)
        self._known.freed(given)
        await self._take_over(target, given, self._next_epoch())


def start_supervisor(settings: CellSettings) -> Any:
    """Makes the cell's supervisor (or finds it); Ray restarts it for ever."""
    return (
        ray.remote(Supervisor)
        .options(
            name=supervisor_name(settings.region), namespace=NAMESPACE, lifetime="detached", num_cpus=0,
            max_concurrency=1000, max_restarts=-1, max_task_retries=-1, get_if_exists=True,
        )
        .remote(msgspec.msgpack.encode(settings))
    )  # fmt: skip
