"""How many waves a replica plans at a time."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest

from actors.domain.location_commands import DefineBins, MoveLine, MoveUnits
from actors.domain.location_events import Bin
from serve.floor import planning, queue
from serve.floor.planning import Planning
from serve.problems import Problem

SEATTLE = "us-wh-seattle"
FLOOR = f"/v1/locations/{SEATTLE}/floor"


class Slow:
    """A plan that is not done until a test says so."""

    def __init__(self, plan=lambda: "planned") -> None:
        self.begun, self.done, self._plan = threading.Event(), threading.Event(), plan

    def __call__(self, *args, **more):
        self.begun.set()
        assert self.done.wait(30)
        return self._plan(*args, **more)


@pytest.fixture
def nobody_waits(monkeypatch):
    monkeypatch.setattr(planning, "WAIT_S", 0)


async def test_two_waves_are_planned_at_once_or_the_second_never_is():
    plans, first, second = Planning(), Slow(), Slow()
    running = asyncio.create_task(plans.run(first))
    await asyncio.to_thread(first.begun.wait, 30)
    waiting = asyncio.create_task(plans.run(second))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not second.begun.is_set()
    first.done.set()
    second.done.set()
    assert [await running, await waiting] == ["planned", "planned"]


@pytest.mark.usefixtures("nobody_waits")
async def test_whoever_goes_away_lets_another_thread_in_beside_his_own():
    plans, left = Planning(), Slow()
    running = asyncio.create_task(plans.run(left))
    await asyncio.to_thread(left.begun.wait, 30)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    with pytest.raises(Problem) as caught:
        await plans.run(lambda: "planned")
    assert caught.value.code == "floor.planning_busy"
    left.done.set()


@pytest.mark.usefixtures("nobody_waits")
async def test_a_plan_that_fails_keeps_its_turn_for_ever():
    plans = Planning()
    with pytest.raises(ZeroDivisionError):
        await plans.run(lambda: 1 // 0)
    assert await plans.run(lambda: "planned") == "planned"


@pytest.mark.usefixtures("nobody_waits")
async def test_a_wave_that_has_to_wait_too_long_is_not_told_when_to_come_back(cell, monkeypatch):
    for command in (DefineBins([Bin("A-01", "A", 1, 1, 0, 10, 30)]), MoveUnits([MoveLine("A1", 40, "", "A-01")])):
        number = cell.gateway.turns
        await cell.gateway.ask("location", SEATTLE, command, command_id=f"direct-{number}", digest=number)
    assert (await cell.write("PUT", FLOOR, {"enabled": True})).status_code == 200
    await cell.placed(("A1", 3))
    slow = Slow(queue.propose)
    monkeypatch.setattr(queue, "propose", slow)
    first = asyncio.create_task(cell.post(f"{FLOOR}/waves", {}))
    await asyncio.to_thread(slow.begun.wait, 30)
    refused = await cell.post(f"{FLOOR}/waves", {}, key="wave-2")
    assert (refused.status_code, refused.json()["code"]) == (503, "floor.planning_busy")
    assert int(refused.headers["retry-after"]) >= 1
    slow.done.set()
    assert len((await first).json()["trips"]) == 1
    # Nothing of it was kept: the same key may try again.
    assert (await cell.post(f"{FLOOR}/waves", {}, key="wave-2")).status_code == 200
