"""A supervisor asks hosts by Ray although their doors are open, or takes one for dead whose connection broke."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from actors import ray_heartbeat
from actors.ray_gateway import DOOR_PAUSE_S
from actors.ray_heartbeat import Heartbeat
from actors.runtime.errors import HostUnreachable

OWNED = {0: 7, 1: 7}


class PlayedLink:
    """A connection to the host's door. `broken`: what was at its other end is gone."""

    def __init__(self) -> None:
        self.asked = 0
        self.broken = self.abandoned = False

    async def owned(self) -> dict[int, int]:
        self.asked += 1
        if self.broken:
            raise HostUnreachable("reset by peer")
        return OWNED

    def abandon(self) -> None:
        self.abandoned = True


class Played:
    """A host by its Ray handle. `door`: "" when it is on another machine; `opens`: does it let anybody in yet?"""

    def __init__(self) -> None:
        self.now, self.door, self.opens = 100.0, "there", True
        self.pings = self.knocks = 0
        self.links: list[PlayedLink] = []

    async def ping(self) -> dict[int, int]:
        self.pings += 1
        return OWNED

    async def address(self) -> str:
        self.knocks += 1
        return "address"

    async def connected(self, door: str) -> PlayedLink:
        assert door == "there"
        if not self.opens:
            raise HostUnreachable("refused")
        self.links.append(PlayedLink())
        return self.links[-1]

    @property
    def handle(self) -> Any:
        return SimpleNamespace(**{name: SimpleNamespace(remote=getattr(self, name)) for name in ("ping", "address")})


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played()
    monkeypatch.setattr(ray_heartbeat, "connected", played.connected)
    monkeypatch.setattr(ray_heartbeat, "door_beside_us", lambda address: played.door)
    monkeypatch.setattr(ray_heartbeat, "time", SimpleNamespace(monotonic=lambda: played.now))
    return played


async def test_a_host_whose_door_is_open_is_asked_by_ray_all_the_time(host: Played) -> None:
    heartbeat = Heartbeat(host.handle)
    assert [await heartbeat.owned() for _ in range(4)] == [OWNED] * 4
    assert (host.pings, host.links[0].asked) == (1, 3)
    heartbeat.end()
    assert host.links[0].abandoned


async def test_a_host_whose_connection_breaks_is_taken_for_dead_or_never_asked_by_its_door_again(host: Played) -> None:
    heartbeat = Heartbeat(host.handle)
    await heartbeat.owned()
    host.links[0].broken = True
    # Ray knows whether its process is dead.
    assert [await heartbeat.owned() for _ in range(2)] == [OWNED] * 2
    assert (host.pings, host.links[0].asked, host.links[0].abandoned) == (3, 1, True)
    host.now += DOOR_PAUSE_S
    for _ in range(2):
        await heartbeat.owned()
    assert (host.pings, [link.asked for link in host.links]) == (4, [1, 1])


async def test_a_door_that_does_not_open_is_tried_with_each_question(host: Played) -> None:
    heartbeat, host.opens = Heartbeat(host.handle), False
    for _ in range(3):
        assert await heartbeat.owned() == OWNED
    assert (host.pings, host.knocks) == (3, 1)
    host.now += DOOR_PAUSE_S
    host.opens = True
    for _ in range(2):
        await heartbeat.owned()
    assert (host.pings, host.knocks, host.links[0].asked) == (4, 2, 1)


async def test_a_host_on_another_machine_is_asked_for_its_door_for_ever(host: Played) -> None:
    heartbeat, host.door = Heartbeat(host.handle), ""
    for _ in range(3):
        assert await heartbeat.owned() == OWNED
        host.now += 2 * DOOR_PAUSE_S
    assert (host.pings, host.knocks, host.links) == (3, 1, [])
