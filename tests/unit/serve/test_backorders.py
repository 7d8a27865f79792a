"""Orders of what nobody has, over the API: why they wait, until when, and what comes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.serve.small_cell import order


def lines(sku: str, quantity: int):
    return [{"sku": sku, "quantity": quantity, "unit_price": {"amount": 900, "currency": "USD"}}]


def in_days(cell, days: float) -> str:
    now = datetime.fromtimestamp(cell.services.clock.now_ms() / 1000, UTC)
    return (now + timedelta(days=days)).isoformat()


async def shown(cell, order_id: str):
    return (await cell.http.get(f"/v1/orders/{order_id}")).json()


async def test_an_order_does_not_say_why_it_waits_or_is_overtaken(cell):
    first = (await cell.post("/v1/orders", order(lines=lines("D4", 2)))).json()
    assert (first["status"], (await shown(cell, first["order_id"]))["backorder"]["reason"]) == (
        "backordered",
        "in_line",
    )
    received = {"lines": [{"sku": "D4", "quantity": 3}]}
    assert (await cell.post("/v1/locations/us-wh-newark/receipts", received)).is_success
    told = await shown(cell, first["order_id"])
    assert told["status"] == "allocated"
    assert "backorder" not in told
    assert [one["lines"] for one in told["fulfilments"]] == [[{"sku": "D4", "quantity": 2}]]
    events = (await cell.http.get(f"/v1/orders/{first['order_id']}/events")).json()["events"]
    assert {"WaitingAsked", "BackorderFilled"} <= {event["type"] for event in events}
    number = told["fulfilments"][0]["fulfilment_id"]
    step = {"update": "start_picking", "fulfilment_id": number}
    assert (await cell.post(f"/v1/orders/{first['order_id']}/updates", step)).is_success


async def test_goods_that_are_not_out_are_taken_or_their_order_refused(cell):
    out = in_days(cell, 30)
    assert (await cell.post("/v1/skus", {"skus": [{"sku": "A1", "released_at": out}]})).is_success
    both = [*lines("A1", 2), *lines("B 2", 1)]
    told = (await cell.post("/v1/orders", order(lines=both))).json()
    assert told["status"] == "partly_allocated"
    assert [one["lines"] for one in told["fulfilments"]] == [[{"sku": "B 2", "quantity": 1}]]
    told = await shown(cell, told["order_id"])
    assert datetime.fromisoformat(told["backorder"]["released_at"]) == datetime.fromisoformat(out)
    assert told["backordered"] == [{"sku": "A1", "quantity": 2}]


async def test_an_order_ahead_is_served_at_once(cell):
    told = (await cell.post("/v1/orders", order(lines=lines("A1", 1), release_at=in_days(cell, 2)))).json()
    assert (told["status"], told["fulfilments"]) == ("backordered", [])
    assert cell.gateway.entities["location", "us-wh-seattle"][0].stock["A1"].allocated == 0


@pytest.mark.parametrize(("days", "more", "code"), [
    (-1, {}, "order.release_in_past"), (0, {}, "order.release_in_past"),
    (1, {"reservation_id": "us-resv-01jd3k8v9r7h3k2m9qk4t1x0ab"}, "order.release_with_cart"), (40_000, {}, "body.invalid"),
])  # fmt: skip
async def test_a_release_that_makes_no_sense_is_taken(cell, days, more, code):
    refused = await cell.post("/v1/orders", order(lines=lines("A1", 1), release_at=in_days(cell, days), **more))
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert not [key for key in cell.gateway.entities if key[0] == "order"]


async def test_a_release_without_an_offset_is_guessed(cell):
    refused = await cell.post("/v1/orders", order(lines=lines("A1", 1), release_at="2030-01-01T00:00:00"))
    assert (refused.status_code, refused.json()["code"]) == (422, "body.invalid")
