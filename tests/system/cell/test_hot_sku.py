"""Promise 5 where it hurts: far more buyers than units, over HTTP, while hosts are killed."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter

import httpx
import pytest

from cells.processes import send
from perf.chaos import faults, found, world
from tests.system.cell.test_cell_orders import order_of, until_available, write

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

SKU = "LAST-500"
UNITS = {"us-wh-dallas": 300, "us-wh-reno": 200}
BUYERS = 2_000
AT_ONCE = 100
# Answers after which a host is killed.
KILLS = (250, 900)
PATIENCE_S = 120.0
# An order that got nothing asks again after a minute: nothing has come by then, and nothing must be promised to it.
DONE = frozenset({"allocated", "backordered"})


async def _buy(client: httpx.AsyncClient, number: int) -> tuple[str, str]:
    """Places one order, with the same key until there is a clear answer; gives its id and status."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            headers = {"Idempotency-Key": f"hot-{number}"}
            answer = await client.post("/v1/orders", json=order_of(SKU, 1), headers=headers)
            if answer.status_code == 201:
                return str(answer.json()["order_id"]), str(answer.json()["status"])
            assert answer.status_code in (429, 503), answer.text
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, f"buyer {number} got no answer"
        await asyncio.sleep(0.05)


async def _settled(client: httpx.AsyncClient, order_id: str) -> str:
    """The order's status once nobody is being asked any more."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer = await client.get(f"/v1/orders/{order_id}")
            if answer.status_code == 200 and (status := answer.json()["status"]) in DONE:
                return str(status)
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, f"{order_id} does not settle"
        await asyncio.sleep(0.1)


async def _rush(cell) -> tuple[Counter[str], list[str]]:
    hosts = faults.find(cell.cell, "host")
    kills = list(zip(KILLS, hosts, strict=False))
    bought: dict[str, str] = {}
    gate = asyncio.Semaphore(AT_ONCE)
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)

    async with httpx.AsyncClient(base_url=cell.cell.base, timeout=20, trust_env=False, limits=limits) as client:

        async def buyer(number: int) -> None:
            async with gate:
                order_id, status = await _buy(client, number)
                bought[order_id] = status
                if kills and len(bought) >= kills[0][0]:
                    _, mark = kills.pop(0)
                    assert send(mark, signal.SIGKILL)

        await asyncio.gather(*(buyer(number) for number in range(BUYERS)))
        # Whoever was answered before the locations had: the order goes on by itself.
        waiting = [order_id for order_id, status in bought.items() if status not in DONE]
        bought |= zip(waiting, await asyncio.gather(*(_settled(client, one) for one in waiting)), strict=True)
        statuses = Counter(bought.values())
    assert not kills, "no host was killed"
    return statuses, list(bought)


def test_a_unit_is_promised_to_two_buyers_or_to_nobody(cell, api):
    assert write(
        api, "POST", "/v1/skus", {"skus": [{"sku": SKU, "description": "the last ones"}]}, "hot-sku"
    ).is_success
    for place, units in UNITS.items():
        receipt = world.receipt([(SKU, units)])
        assert write(api, "POST", f"/v1/locations/{place}/receipts", receipt, f"hot-in-{place}").is_success
        cell.notebook.received[place, SKU] += units
    until_available(api, SKU, sum(UNITS.values()))
    statuses, order_ids = asyncio.run(_rush(cell))
    print(f"{BUYERS} buyers, {sum(UNITS.values())} units, {len(KILLS)} hosts killed: {dict(statuses)}")
    assert len(set(order_ids)) == BUYERS
    assert statuses == {"allocated": 500, "backordered": 1_500}
    cell.wait_whole()
    assert not found.wait_settled(cell.cell)
    for place, units in UNITS.items():
        mine = api.get(f"/v1/locations/{place}/stock/{SKU}").json()["stock"]
        assert (mine["on_hand"], mine["allocated"], mine["available"]) == (units, units, 0)
