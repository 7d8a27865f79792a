"""Reads that add up much leave connections to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from actors.runtime.errors import StoreUnavailable
from actors.storage.reader import HEAVY_AT_ONCE, POOL_SIZE, PostgresReadModel

URL = "postgresql://nobody@localhost:1/nothing"


class SlowEngine:
    """Whoever has a connection keeps it until `go`."""

    def __init__(self) -> None:
        self.at_once = 0
        self.go = asyncio.Event()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Any]:
        self.at_once += 1
        yield self
        self.at_once -= 1

    async def execute(self, query: Any) -> list[Any]:
        if "orders" not in str(query):
            await self.go.wait()
        return []


def slow(limit_s: float = 60.0) -> tuple[PostgresReadModel, SlowEngine]:
    model, engine = PostgresReadModel(URL), SlowEngine()
    model._engine, model._limit_s = engine, limit_s  # type: ignore[assignment]
    return model, engine


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_lists_wait_for_what_adds_up_much():
    model, engine = slow()
    reads = [
        asyncio.ensure_future(read)
        for _ in range(POOL_SIZE)
        for read in (
            model.movements("us-wh", 0, 10), model.demand("us-wh", ["A"], 0), model.lots_of("A", locations=None, limit=9),
            model.recent_shipments("us-wh"),
        )
    ]  # fmt: skip
    await settled()
    assert engine.at_once == HEAVY_AT_ONCE < POOL_SIZE
    assert await model.orders(customer_ref=None, status=None, before=None, limit=1) == []
    engine.go.set()
    assert not any(await asyncio.gather(*reads)), "what a query told is mixed up with another's"
    assert engine.at_once == 0


async def test_who_waits_for_a_turn_waits_forever():
    model, engine = slow()
    before = [asyncio.ensure_future(model.movements("us-wh", 0, 10)) for _ in range(HEAVY_AT_ONCE)]
    await settled()
    model._limit_s = 0.0
    with pytest.raises(StoreUnavailable):
        await model.demand("us-wh", ["A"], 0)
    engine.go.set()
    await asyncio.gather(*before)
