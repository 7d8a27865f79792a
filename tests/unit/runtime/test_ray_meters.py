"""A host's figures stand still, and look like those of one that is well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from actors import ray_meters
from actors.runtime.appender import Appender
from actors.runtime.host import Host
from tests.unit.runtime.rig import StillClock, until


class Metric:
    """Counter, Gauge and Histogram of Ray: keeps what it is told."""

    told: dict[str, list[float]]

    def __init__(self, name: str, **options: Any) -> None:
        self._told = self.told.setdefault(name, [])

    def set_default_tags(self, tags: dict[str, str]) -> None:
        pass

    def note(self, value: float) -> None:
        self._told.append(value)

    set = inc = observe = note


@pytest.fixture
def told(monkeypatch) -> dict[str, list[float]]:
    """What was told of each metric."""
    monkeypatch.setattr(Metric, "told", {}, raising=False)
    for kind in ("Counter", "Gauge", "Histogram"):
        monkeypatch.setattr(ray_meters, kind, Metric)
    monkeypatch.setattr(ray_meters, "INTERVAL_S", 0.001)
    # A pause after which a fault is told again does not end while the machine stands still.
    monkeypatch.setattr(ray_meters, "SystemClock", StillClock)
    return Metric.told


@pytest.fixture
async def meters(cell, told) -> AsyncIterator[ray_meters.HostMeters]:
    one = ray_meters.HostMeters("us", await cell.host(learned=False))
    yield one
    for task in one._tasks:
        task.cancel()


async def test_a_journal_that_hangs_holds_up_all_other_figures(cell, meters, told, monkeypatch):
    async def hangs():
        await asyncio.Event().wait()

    monkeypatch.setattr(cell.journal, "fullness", hangs)
    cell.journal.prints_gate.clear()
    meters.start()
    await until(lambda: len(told["ocefs_shards"]) > 3)
    assert not told["ocefs_journal_fullness"]
    assert told["ocefs_shards"][-1] == told["ocefs_shards_unlearned"][-1] == cell.limits.shards


@pytest.mark.parametrize(
    ("where", "what", "figure"),
    [(Host, "stats", "ocefs_shards"), (Appender, "fullness", "ocefs_journal_fullness")],
)
async def test_what_nobody_foresaw_ends_a_figure_for_ever_or_fills_the_log(
    meters, told, monkeypatch, caplog, where, what, figure
):
    failed = []

    def odd(one):
        failed.append(one)
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(where, what, odd)
        meters.start()
        await until(lambda: len(failed) > 3)
        assert [record.getMessage() for record in caplog.records] == ["figures of h0 could not be exported"]
        before = len(told[figure])
    await until(lambda: len(told[figure]) > before)
