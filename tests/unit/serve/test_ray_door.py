"""A replica that opens its door before the hosts have told what they have sells nothing, asks nobody, and takes
tokens that have ended."""

import asyncio

import pytest

from serve import ray_door
from serve.door import Door
from serve.gateway import NothingHeard
from serve.services import Services
from tests.unit.serve.small_cell import Cell


class NeverDrained(ray_door.ApiReplica):
    """Serve awaits what drains it; Python's collector would only begin it, and warn."""

    def __del__(self) -> None:
        pass


class Replica:
    """A replica outside Ray, whose hosts tell when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.story: list[str] = []
        self.cell = Cell()
        self.cell.gateway.heard = False
        self.cell.services.close = self._closed
        monkeypatch.setattr(ray_door, "_stay_on_loopback", lambda: None)
        monkeypatch.setattr(Door, "open", self._opened)
        self.serving = NeverDrained(self._services)

    async def _services(self) -> Services:
        return self.cell.services

    async def _opened(self) -> None:
        self.story.append("opened")

    async def _closed(self) -> None:
        self.story.append("closed")


async def test_the_door_opens_before_the_hosts_have_told_what_they_have(monkeypatch):
    replica = Replica(monkeypatch)
    clock, looks = replica.cell.clock, []

    async def sleep(seconds: float) -> None:
        looks.append(list(replica.story))
        replica.cell.gateway.heard = len(looks) == 3

    monkeypatch.setattr(clock, "sleep", sleep)
    await replica.serving.__serve_build_asgi_app__()
    assert looks == [[], [], []]
    assert replica.story == ["opened"]


async def test_a_replica_that_hears_nothing_stays_and_leaves_its_parts_open(monkeypatch):
    replica = Replica(monkeypatch)
    with pytest.raises(NothingHeard, match="0 shards have no owner"):
        async with asyncio.timeout(20):
            await replica.serving.__serve_build_asgi_app__()
    assert replica.story == ["closed"]
