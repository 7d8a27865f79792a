"""A whole order's life over HTTP, on both doors of a real cell, and what of it can be read back."""

import time
from datetime import datetime

import httpx
import pytest

from perf.chaos import world

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

PLACE = "us-wh-dallas"
LIFE = {"start_picking": "picking", "pack": "packed", "ship": "shipped", "deliver": "delivered"}


def write(client: httpx.Client, method: str, path: str, body: object, key: str) -> httpx.Response:
    return client.request(method, path, json=body, headers={"Idempotency-Key": key})


def order_of(sku: str, quantity: int) -> dict[str, object]:
    return {
        "order_ref": "st-1",
        "channel": "online",
        "customer": {"customer_ref": f"customer-{sku}", "country": "US"},
        "ship_to": {"country": "US", "city": "Dallas", "lat": 32.78, "lon": -96.8},
        "lines": [{"sku": sku, "quantity": quantity, "unit_price": {"amount": 1299, "currency": "USD"}}],
    }


def stock_of(client: httpx.Client, sku: str) -> dict[str, int]:
    stock = client.get(f"/v1/locations/{PLACE}/stock", params={"limit": 100}).json()["stock"]
    return next(one for one in stock if one["sku"] == sku)


def until_available(client: httpx.Client, sku: str, units: int) -> None:
    deadline = time.monotonic() + 60
    while (told := client.get("/v1/availability", params={"sku": sku})).json().get("skus", [{}])[0].get(
        "available"
    ) != units:
        assert time.monotonic() < deadline, told.text
        time.sleep(0.1)


@pytest.mark.parametrize("door", ["own", "ingress"])
def test_an_orders_life_breaks_off_at_a_door(cell, door):
    base = cell.cell.base if door == "own" else cell.cell.ingress
    sku = f"LIFE-{door}"
    with httpx.Client(base_url=base, timeout=20, trust_env=False) as client:
        assert write(client, "POST", "/v1/skus", {"skus": [{"sku": sku, "description": "x"}]}, f"sku-{door}").is_success
        receipt = world.receipt([(sku, 10)])
        assert write(client, "POST", f"/v1/locations/{PLACE}/receipts", receipt, f"in-{door}").is_success
        cell.notebook.received[PLACE, sku] += 10
        until_available(client, sku, 10)

        placed = write(client, "POST", "/v1/orders", order_of(sku, 3), f"place-{door}")
        assert placed.status_code == 201, placed.text
        order = placed.json()
        assert order["status"] == "allocated"
        assert [f["location_id"] for f in order["fulfilments"]] == [PLACE]
        assert stock_of(client, sku)["allocated"] == 3
        again = write(client, "POST", "/v1/orders", order_of(sku, 3), f"place-{door}")
        assert again.json()["order_id"] == order["order_id"], "the same key placed a second order"
        other = write(client, "POST", "/v1/orders", order_of(sku, 4), f"place-{door}")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")

        path = f"/v1/orders/{order['order_id']}"
        for step, status in LIFE.items():
            told = write(client, "POST", f"{path}/updates", {"update": step}, f"{step}-{door}")
            assert (told.status_code, told.json()["status"]) == (200, status), told.text
        late = write(client, "POST", f"{path}/updates", {"update": "cancel"}, f"cancel-{door}")
        assert (late.status_code, late.json()["code"]) == (409, "order.illegal_transition")

        assert client.get(path).json()["status"] == "delivered"
        events = client.get(f"{path}/events").json()["events"]
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
        asked = ["OrderPlaced", "AllocationAsked", "ReservationSettled"]
        assert [event["type"] for event in events] == asked + ["FulfilmentsMoved"] * len(LIFE)
        assert [event["to"] for event in events[len(asked) :]] == list(LIFE.values())
        times = [
            datetime.fromisoformat(event["at"]) for event in events
        ]  # as text 12:00:00Z comes after 12:00:00.005000Z
        assert times == sorted(times)
        assert all(event["cause"] and "command_id" not in event for event in events)
        rest = client.get(f"{path}/events", params={"after": 2, "limit": 3}).json()
        assert (rest["events"], rest["next_after"]) == (events[2:5], 5)
        _in_the_read_models(client, order["order_id"], sku)


def _in_the_read_models(client: httpx.Client, order_id: str, sku: str) -> None:
    """What is written behind follows within moments."""
    deadline = time.monotonic() + 60
    while True:
        found = client.get("/v1/orders", params={"customer_ref": f"customer-{sku}"}).json()["orders"]
        stock = stock_of(client, sku)
        ledger = client.get(f"/v1/locations/{PLACE}/ledger", params={"sku": sku}).json()["entries"]
        if [one["status"] for one in found] == ["delivered"] and stock["on_hand"] == 7 and len(ledger) >= 4:
            break
        assert time.monotonic() < deadline, (found, stock, ledger)
        time.sleep(0.1)
    assert [one["order_id"] for one in found] == [order_id]
    assert (stock["allocated"], stock["available"]) == (0, 7)
    assert {entry["reason"] for entry in ledger} == {"receipt", "allocate", "pick", "ship"}
    assert sum(entry["on_hand_delta"] for entry in ledger) == 7
    assert sum(entry["allocated_delta"] for entry in ledger) == 0
