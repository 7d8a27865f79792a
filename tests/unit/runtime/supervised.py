"""A supervisor over hosts that are played, and what PostgreSQL keeps for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from actors import ray_supervisor
from actors.ray_host import CellSettings
from actors.ray_supervisor import HostRecord, Supervisor
from actors.runtime.errors import StoreUnavailable
from actors.runtime.limits import Limits
from tests.unit.runtime.rig import until

SHARDS = 4
RUN = "a-run"


class PlayedHost:
    """A host behind its Ray handle. `stopped`: it answers nothing any more, as one that is paused. `took`: shards and
    epoch of each take-over, which is done when `may_take` is set; `gave`: shards of each hand-over, and `may_give`;
    `late_s`: how long its heartbeat takes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stopped = False
        self.took: list[tuple[list[int], int]] = []
        self.gave: list[list[int]] = []
        self.serves: dict[int, int] = {}
        self.may_take, self.may_give = asyncio.Event(), asyncio.Event()
        self.may_take.set()
        self.may_give.set()
        self.late_s = 0.0
        self.killed = False

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.stopped:
            await asyncio.Event().wait()

    async def take_over(self, shards: list[int], epoch: int) -> list[int]:
        self.took.append((shards, epoch))
        await self.may_take.wait()
        await self._answer()
        self.serves |= dict.fromkeys(shards, epoch)
        return shards

    async def hand_over(self, shards: list[int]) -> list[int]:
        self.gave.append(shards)
        await self.may_give.wait()
        await self._answer()
        for shard in shards:
            del self.serves[shard]
        return shards

    async def owned(self) -> dict[int, int]:
        told = dict(self.serves)
        await asyncio.sleep(self.late_s)
        await self._answer()
        return told

    @property
    def handle(self) -> Any:
        methods = {name: SimpleNamespace(remote=getattr(self, name)) for name in ("take_over", "hand_over")}
        return SimpleNamespace(host=self, **methods)

    def end(self) -> None:
        """Of the heartbeat."""


class KeptScale:
    """What PostgreSQL keeps of one run. `away`: it does not answer."""

    def __init__(self) -> None:
        self.hosts: int | None = None
        self.away = False

    async def scaled_to(self, url: str, run: str) -> int | None:
        self._reach(run)
        return self.hosts

    async def keep_scale(self, url: str, run: str, hosts: int) -> None:
        self._reach(run)
        self.hosts = hosts

    def _reach(self, run: str) -> None:
        assert run == RUN
        if self.away:
            raise StoreUnavailable("PostgreSQL: away")


@contextmanager
def supervised(
    *hosts: PlayedHost, wanted: int = 0, pinned: tuple[int, ...] = (), shards: int = SHARDS
) -> Iterator[Supervisor]:
    """A supervisor that has found these hosts; it can start no other."""
    settings = CellSettings("us", wanted or len(hosts), Limits(shards=shards), "", "", run=RUN, pinned=pinned)
    supervisor = Supervisor(msgspec.msgpack.encode(settings))

    async def found() -> None:
        know(supervisor, *hosts)

    supervisor._find = found  # type: ignore[method-assign]
    supervisor._start_missing = lambda: None  # type: ignore[method-assign]
    supervisor._ensure_running()
    try:
        yield supervisor
    finally:
        assert supervisor._loop is not None
        supervisor._loop.cancel()


def know(supervisor: Supervisor, *hosts: PlayedHost) -> list[HostRecord]:
    """It has found these."""
    for host in hosts:
        record = supervisor._hosts[host.name] = HostRecord(host.name, host.handle)
        record.heartbeat = host  # type: ignore[assignment]
        supervisor._known.claimed(host.name, host.serves)
    return [supervisor._hosts[host.name] for host in hosts]


def at_rest() -> Supervisor:
    """A supervisor that does nothing by itself."""
    settings = CellSettings("us", 2, Limits(shards=SHARDS), "", "", run=RUN)
    return Supervisor(msgspec.msgpack.encode(settings))


def owners_of(supervisor: Supervisor) -> list[str]:
    return supervisor._known.owners


def two_hosts() -> tuple[PlayedHost, PlayedHost]:
    """Each with half of the shards."""
    first, second = PlayedHost("us/host-0"), PlayedHost("us/host-1")
    first.serves, second.serves = {0: 1, 1: 1}, {2: 1, 3: 1}
    return first, second


async def wanted(supervisor: Supervisor) -> int:
    """How many hosts there shall be, once the supervisor knows it."""
    await until(lambda: supervisor._wanted)
    return int((await supervisor.status())["wanted"])


def keep_scale(monkeypatch: pytest.MonkeyPatch) -> KeptScale:
    """From now on supervisors ask this."""
    kept = KeptScale()
    monkeypatch.setattr(ray_supervisor, "scaled_to", kept.scaled_to)
    monkeypatch.setattr(ray_supervisor, "keep_scale", kept.keep_scale)
    return kept


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything a twentieth as long, and nothing of Ray."""
    for name, seconds in (
        ("PING_S", 0.01),
        ("SILENCE_S", 0.3),
        ("BUSY_SILENCE_S", 0.6),
        ("TAKE_OVER_DEADLINE_S", 90.0),
    ):
        monkeypatch.setattr(ray_supervisor, name, seconds)
    monkeypatch.setattr(ray_supervisor, "configure_logs", lambda *_: None)

    def kill(handle: Any, *, no_restart: bool) -> None:
        handle.host.killed = no_restart  # else Ray starts it again

    monkeypatch.setattr("actors.ray_supervisor.ray.kill", kill)
