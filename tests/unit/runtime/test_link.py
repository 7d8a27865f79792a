"""Calls over a unix socket between gateways and the hosts beside them."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.link import HostDoor, HostLink, connected
from actors.runtime.errors import HostUnreachable, RuntimeFault
from tests.unit.runtime.rig import until


class Echo:
    """A callee that answers what it is asked, when `gate` is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.calls: list[bytes] = []
        self.broken = False

    async def call(self, payload: bytes) -> bytes:
        self.calls.append(payload)
        if payload == b"slow":
            await self.gate.wait()
        if payload == b"fault":
            raise RuntimeError("something of ours")
        return payload * 2

    async def listen(self, gateway_id: str, cursor: int, live: bool) -> bytes:
        return f"{gateway_id} {cursor} {live}".encode()

    def owned(self) -> dict[int, int]:
        if self.broken:
            raise RuntimeFault("a loop has ended")
        return {3: 1_790_000_000_000, 40: 1}


@pytest.fixture
async def echo() -> Echo:
    return Echo()


@pytest.fixture
async def door(echo: Echo, short_tmp: Path) -> AsyncIterator[HostDoor]:
    door = HostDoor(short_tmp / f"doors-{os.getpid()}" / "h.sock", echo)
    await door.open()
    yield door
    await door.close()


@pytest.fixture
async def link(door: HostDoor) -> AsyncIterator[HostLink]:
    link = await connected(str(door.path))
    yield link
    link.end()


async def test_replies_find_their_calls_in_any_order(echo: Echo, link: HostLink):
    echo.gate.clear()
    slow = asyncio.create_task(link.call(b"slow"))
    assert await link.call(b"quick") == b"quickquick"
    assert await link.listen("us/api", -1, live=True) == b"us/api -1 True"
    echo.gate.set()
    assert await slow == b"slowslow"


async def test_a_frame_larger_than_any_buffer_arrives_whole(link: HostLink):
    payload = os.urandom(5_000_000)
    assert await link.call(payload) == payload * 2
    assert await asyncio.gather(*(link.call(payload[:n]) for n in range(2000))) == [
        payload[:n] * 2 for n in range(2000)
    ]


async def test_a_fault_behind_the_door_is_told_without_its_details(link: HostLink):
    with pytest.raises(HostUnreachable) as told:
        await link.call(b"fault")
    assert "something of ours" not in str(told.value)
    assert await link.call(b"well") == b"wellwell"


async def test_a_host_whose_loop_has_ended_counts_as_well(echo: Echo, link: HostLink):
    assert await link.owned() == {3: 1_790_000_000_000, 40: 1}
    echo.broken = True
    with pytest.raises(HostUnreachable):
        await link.owned()


async def test_a_host_that_dies_leaves_no_caller_hanging(echo: Echo, door: HostDoor, link: HostLink):
    echo.gate.clear()
    slow = asyncio.create_task(link.call(b"slow"))
    await until(lambda: echo.calls)
    await door.close()
    with pytest.raises(HostUnreachable):
        await asyncio.wait_for(slow, 30)
    assert link.lost
    with pytest.raises(HostUnreachable):
        await link.call(b"again")
    with pytest.raises(HostUnreachable):
        await connected(str(door.path))


async def test_a_host_that_stands_still_is_looked_for_anew(echo: Echo, link: HostLink):
    echo.gate.clear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(link.call(b"slow"), 0.05)
    assert link.lost


async def test_a_process_that_stands_still_keeps_nobody_waiting_however_much_is_on_its_way(short_tmp: Path):
    path = short_tmp / "deaf.sock"
    deaf = socket.socket(socket.AF_UNIX)
    deaf.bind(str(path))
    deaf.listen()
    link = await connected(str(path))
    listening = asyncio.create_task(link.listen("us/api", -1, live=False))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(link.call(b"x" * 5_000_000), 0.05)
    with pytest.raises(HostUnreachable):
        await asyncio.wait_for(listening, 30)
    deaf.close()


async def test_one_slow_call_does_not_end_a_link_that_others_hear_from(echo: Echo, link: HostLink):
    echo.gate.clear()
    slow = asyncio.create_task(link.call(b"slow"))
    assert await link.call(b"quick") == b"quickquick"
    slow.cancel()
    await asyncio.wait({slow})
    assert not link.lost
    assert await link.call(b"still there") == b"still there" * 2


async def test_nobody_else_may_enter_the_folder_of_doors(door: HostDoor):
    assert stat.S_IMODE(door.path.parent.stat().st_mode) == 0o700
