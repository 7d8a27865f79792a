"""Prepares orders and stock over the API, and reads back what was promised: what the wrk scripts can't do."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from perf.goods import COLD_SKUS, PLACES, SCARCE_SKUS, bench_stock
from perf.http_pool import HttpPool, Reply, post, request
from perf.run_names import new_run

CONNECTIONS = 64
BODY_ITEMS = 500
RECEIPT_LINES_MAX = 1000
SCARCE_ORDERS = 2000
STOCK_PAGE = 500
ORDERS_PAGE = 500
STOCK_PAGES_MAX = 100
SEEN_S = 30.0
POLL_S = 0.1
SETTLE_ROUNDS_MAX = 20


class PreparationFailed(Exception):
    """The system under test refused what the benchmark needs; the message says what it answered."""


def _expect(reply: Reply, *statuses: int) -> Reply:
    if reply.status not in statuses:
        raise PreparationFailed(f"answered {reply.status}: {reply.body[:500].decode(errors='replace')}")
    return reply


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


async def prepare_places(pool: HttpPool, order_count: int, more: int = 0) -> None:
    """Defines the two locations (and as many `more`, spread over the country, each with some of the SKUs) and the SKUs,
    and receives their stock. Only OCEFS needs it; comparisons use SQL.

    Repeating it adds stock, which does no harm, but not twice for one run.
    """
    run = new_run()
    stock = bench_stock()
    skus = [{"sku": sku, "description": "benchmark"} for sku in stock]
    for n, (place, city, lat, lon, timezone) in enumerate(PLACES):
        body = {"type": "warehouse", "name": place, "city": city, "country": "US", "lat": lat, "lon": lon}
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"bench-{run}-place-{n}"}
        content = _json(body | {"timezone": timezone})
        _expect(await pool.ask(request("PUT", pool.host, f"/v1/locations/{place}", content, headers)), 200, 201)
    _expect(await pool.ask(post(pool.host, "/v1/skus", f"bench-{run}-skus", _json({"skus": skus}))), 200, 201)
    lines = [{"sku": sku, "quantity": units} for sku, units in stock.items()]
    assert len(lines) <= RECEIPT_LINES_MAX, "one receipt holds all SKUs"
    assert order_count < stock[COLD_SKUS[0]], "the stock suffices for the orders"
    for place, *_ in PLACES:
        path = f"/v1/locations/{place}/receipts"
        _expect(await pool.ask(post(pool.host, path, f"bench-{run}-{place}", _json({"lines": lines}))), 200, 201)
    for n in range(more):
        await _one_more(pool, run, n, list(stock))
    await _seen(pool, list(stock)[-1])


async def _one_more(pool: HttpPool, run: str, n: int, skus: list[str]) -> None:
    place = f"us-st-bench-{n:03}"
    body = {
        "type": "store",
        "name": place,
        "city": "",
        "country": "US",
        "lat": 30 + n * 7 % 17,
        "lon": -120 + n * 11 % 45,
    }
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"bench-{run}-more-{n}"}
    content = _json(body | {"timezone": "UTC"})
    _expect(await pool.ask(request("PUT", pool.host, f"/v1/locations/{place}", content, headers)), 200, 201)
    lines = [{"sku": sku, "quantity": 20 + n % 7} for at, sku in enumerate(skus) if (at + n) % 3]
    path = f"/v1/locations/{place}/receipts"
    _expect(await pool.ask(post(pool.host, path, f"bench-{run}-{place}", _json({"lines": lines}))), 200, 201)


async def _seen(pool: HttpPool, sku: str) -> None:
    """Until availability tells of a SKU at both places: it is fed in the background, and orders go where it points.
    Each is asked for from where it is: of many places the nearest are told."""
    deadline = time.monotonic() + SEEN_S
    for place, _, lat, lon, _ in PLACES:
        while True:
            reply = await pool.ask(request("GET", pool.host, f"/v1/availability?sku={sku}&lat={lat}&lon={lon}"))
            if reply.status == 200 and place.encode() in reply.body:
                break
            if time.monotonic() > deadline:
                told = reply.body[:300].decode(errors="replace")
                raise PreparationFailed(f"availability of {sku} does not tell of {place} after {SEEN_S:.0f} s: {told}")
            await asyncio.sleep(POLL_S)


def placement(order_ref: str, lines: Iterable[tuple[str, int]], lat: float = 40.71, lon: float = -74.01) -> bytes:
    """Body of `POST /v1/orders`."""
    return _json(
        {
            "order_ref": order_ref,
            "channel": "online",
            "customer": {"customer_ref": f"c-{order_ref[-4:]}", "country": "US"},
            "ship_to": {"country": "US", "postcode": "10001", "city": "New York", "lat": lat, "lon": lon},
            "lines": [
                {"sku": sku, "quantity": quantity, "unit_price": {"amount": 1999, "currency": "USD"}}
                for sku, quantity in lines
            ],
        }
    )


async def place_orders(pool: HttpPool, count: int) -> list[str]:
    """Places orders of one line, waits until each is allocated, and returns their ids in a mixed order."""
    run = new_run()
    requests = []
    for n in range(count):
        body = placement(f"{run}-{n:06d}", [(COLD_SKUS[n % len(COLD_SKUS)], 1)])
        requests.append(post(pool.host, "/v1/orders", f"bench-{run}-{n}", body))
    replies = await pool.ask_all(requests)
    orders = [_expect(reply, 201).json() for reply in replies]
    await _settled(pool, orders)
    lacking = [order for order in orders if order["status"] != "allocated"]
    if lacking:
        raise PreparationFailed(f"{len(lacking)} of {count} orders are not allocated, the first: {lacking[0]}")
    ids = [order["order_id"] for order in orders]
    random.Random(7).shuffle(ids)  # neighbours in time shall not be neighbours in the run
    return ids


async def _settled(pool: HttpPool, orders: list[dict[str, Any]]) -> None:
    """Asks again for the orders whose allocation was not known at the reply, until it is; changes them in place."""
    for _ in range(SETTLE_ROUNDS_MAX):
        open_orders = [order for order in orders if order["status"] == "placed"]
        if not open_orders:
            return
        replies = await pool.ask_all([request("GET", pool.host, f"/v1/orders/{o['order_id']}") for o in open_orders])
        for order, reply in zip(open_orders, replies, strict=True):
            order.update(_expect(reply, 200).json())
    left = sum(order["status"] == "placed" for order in orders)
    raise PreparationFailed(f"{left} orders are still `placed` after {SETTLE_ROUNDS_MAX} rounds of asking")


def write_ids(ids: Sequence[str], path: Path) -> None:
    """One id a line, for the Lua scripts."""
    path.write_text("\n".join(ids) + "\n", encoding="ascii")


async def bring_to_allocated(pool: HttpPool, ids: Sequence[str]) -> None:
    """Pauses the orders that an earlier run left in picking. Only those are asked: refusals are audited, written and
    watched, and would be work in the measured run that nobody asked for.

    Again until none is left: requests of the earlier run may still be under way when its generator has left.
    """
    ours = set(ids)
    for _ in range(SETTLE_ROUNDS_MAX):
        await _listed_until_now(pool)
        picking = [order_id for order_id in await _picking(pool) if order_id in ours]
        if not picking:
            return
        run = new_run()
        requests = []
        for start in range(0, len(picking), BODY_ITEMS):
            items = [{"order_id": one, "update": "pause_picking"} for one in picking[start : start + BODY_ITEMS]]
            requests.append(post(pool.host, "/v1/order-updates", f"bench-{run}-{start}", _json({"updates": items})))
        for reply in await pool.ask_all(requests):
            _expect(reply, 200)
    raise PreparationFailed(f"the orders don't come to rest within {SETTLE_ROUNDS_MAX} rounds")


async def _listed_until_now(pool: HttpPool) -> None:
    """Until lists hold everything that was acknowledged by now."""
    began, deadline = datetime.now(UTC), time.monotonic() + SEEN_S
    while True:
        reply = _expect(await pool.ask(request("GET", pool.host, "/v1/orders?status=picking&limit=1")), 200)
        as_of = reply.json()["as_of"]
        if as_of is not None and datetime.fromisoformat(as_of) >= began:
            return
        if time.monotonic() > deadline:
            raise PreparationFailed(f"lists are of {as_of}, {SEEN_S:.0f} s after {began.isoformat()}")
        await asyncio.sleep(POLL_S)


async def _picking(pool: HttpPool) -> list[str]:
    """Ids of all orders in picking, as lists have them."""
    found: list[str] = []
    path = cursor = f"/v1/orders?status=picking&limit={ORDERS_PAGE}"
    while cursor:
        page = _expect(await pool.ask(request("GET", pool.host, cursor)), 200).json()
        found += [order["order_id"] for order in page["orders"]]
        cursor = f"{path}&cursor={quote(page['next_cursor'])}" if page["next_cursor"] else ""
    return found


async def place_scarce(pool: HttpPool) -> list[dict[str, Any]]:
    """Orders more of the scarce SKUs than there are, from many connections at once; the orders as answered."""
    run, rng = new_run(), random.Random(11)
    requests = []
    for n in range(SCARCE_ORDERS):
        lines = [(sku, rng.randint(1, 3)) for sku in rng.sample(SCARCE_SKUS, rng.randint(1, 3))]
        east = rng.random() < 0.5
        body = placement(f"{run}-{n:06d}", lines, *((40.71, -74.01) if east else (34.05, -118.24)))
        requests.append(post(pool.host, "/v1/orders", f"bench-{run}-{n}", body))
    return [_expect(reply, 201).json() for reply in await pool.ask_all(requests)]


def units_promised(orders: Iterable[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """(location, SKU) → units that the orders hold there, by what their own answers say."""
    promised: Counter[tuple[str, str]] = Counter()
    for order in orders:
        for fulfilment in order["fulfilments"]:
            for line in fulfilment["lines"]:
                promised[fulfilment["location_id"], line["sku"]] += line["quantity"]
    return promised


async def read_stock(pool: HttpPool, place: str) -> dict[str, tuple[int, int]]:
    """SKU → (on hand, allocated) of a location, all pages."""
    stock: dict[str, tuple[int, int]] = {}
    cursor: str | None = None
    for _ in range(STOCK_PAGES_MAX):
        query = f"?limit={STOCK_PAGE}" + ("" if cursor is None else f"&cursor={cursor}")
        page = _expect(await pool.ask(request("GET", pool.host, f"/v1/locations/{place}/stock{query}")), 200).json()
        rows = next((v for v in page.values() if isinstance(v, list)), [])
        stock |= {row["sku"]: (row["on_hand"], row["allocated"]) for row in rows}
        cursor = page.get("next_cursor")
        if not cursor:
            return stock
    raise PreparationFailed(f"the stock of {place} has more than {STOCK_PAGES_MAX} pages")


def wrongly_promised(
    before: dict[tuple[str, str], tuple[int, int]],
    after: dict[tuple[str, str], tuple[int, int]],
    promised: Counter[tuple[str, str]],
) -> list[str]:
    """What is wrong, one sentence each. The maps have (location, SKU) → (on hand, allocated).

    Never more allocated than on hand; and what callers were told is just what was allocated meanwhile.
    """
    wrong = []
    for (place, sku), (on_hand, allocated) in after.items():
        if not 0 <= allocated <= on_hand:
            wrong.append(f"{sku} at {place}: allocated {allocated} of {on_hand} on hand")
    for place, sku in sorted(promised.keys() | {key for key in after if key[1] in SCARCE_SKUS}):
        grown = after.get((place, sku), (0, 0))[1] - before.get((place, sku), (0, 0))[1]
        if grown != promised[place, sku]:
            told = promised[place, sku]
            wrong.append(f"{sku} at {place}: {told} units promised to callers, {grown} allocated")
    return wrong


async def check_promises(pool: HttpPool) -> list[str]:
    """Places scarce orders, then compares what each order says that it holds with the locations' stock."""
    before = await _all_stock(pool)
    orders = await place_scarce(pool)
    await _settled(pool, orders)
    # Asked again: what an order holds at the end counts, should it have got more after its answer.
    replies = await pool.ask_all([request("GET", pool.host, f"/v1/orders/{o['order_id']}") for o in orders])
    promised = units_promised(_expect(reply, 200).json() for reply in replies)
    return wrongly_promised(before, await _all_stock(pool), promised)


async def _all_stock(pool: HttpPool) -> dict[tuple[str, str], tuple[int, int]]:
    return {(place, sku): row for place, *_ in PLACES for sku, row in (await read_stock(pool, place)).items()}
