"""The simulated loop itself: virtual time, and processes that stop, wake up and die."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from tests.simulation.loop import Process, SimulatedLoop, Stuck


@pytest.fixture
def world():
    loop = SimulatedLoop(1)
    asyncio.set_event_loop(loop)
    yield loop
    loop.end()
    asyncio.set_event_loop(None)


def test_an_hour_takes_an_hour(world):
    began = time.perf_counter()
    world.run_until_complete(asyncio.sleep(3600))
    assert world.time() == 3600
    assert time.perf_counter() - began < 60


def test_a_dead_lock_waits_for_ever(world):
    async def wait_for_nobody():
        await asyncio.Event().wait()

    with pytest.raises(Stuck, match="wait_for_nobody"):
        world.run_until_complete(wait_for_nobody())


def test_a_live_lock_is_never_noticed(world, monkeypatch):
    monkeypatch.setattr("tests.simulation.loop.STEPS_MAX", 1000)

    async def run_in_circles():
        for _ in itertools.count():
            await asyncio.sleep(0)

    with pytest.raises(Stuck, match="in circles"):
        world.run_until_complete(run_in_circles())


def test_a_killed_process_tidies_up(world):
    process, said = Process("host"), []

    async def live():
        try:
            await asyncio.sleep(10)
        finally:
            said.append("finally")

    async def main():
        task = world.create_task(live(), context=process.context())
        await asyncio.sleep(1)
        world.kill(process)
        await asyncio.sleep(100)
        assert not task.done()

    world.run_until_complete(main())
    assert said == []


def test_a_paused_process_goes_on(world):
    process, said = Process("host"), []

    async def live():
        while True:
            await asyncio.sleep(1)
            said.append(world.time())

    async def main():
        world.create_task(live(), context=process.context())
        await asyncio.sleep(2.5)
        world.pause(process)
        await asyncio.sleep(10)
        assert said == [1, 2]
        world.wake(process)
        await asyncio.sleep(2.2)

    world.run_until_complete(main())
    assert said == [1, 2, 12.5, 13.5, 14.5]  # the sleep that fell due at 3 ends when the process wakes up


def test_what_a_process_starts_belongs_to_somebody_else(world):
    process, said = Process("host"), []

    async def child():
        await asyncio.sleep(1)
        said.append("child")

    async def parent():
        asyncio.get_running_loop().create_task(child())
        asyncio.get_running_loop().call_later(1, said.append, "timer")

    async def main():
        world.create_task(parent(), context=process.context())
        await asyncio.sleep(0.5)
        world.kill(process)
        await asyncio.sleep(5)

    world.run_until_complete(main())
    assert said == []


def test_a_thread_gets_in(world):
    async def main():
        await asyncio.to_thread(time.time)

    with pytest.raises(RuntimeError, match="threads"):
        world.run_until_complete(main())
