"""What the catalogue says of goods, when they are ordered: kits are their parts, and lots have some life left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.unit.serve.small_cell import order


async def test_an_order_or_a_cart_of_a_kit_waits_for_stock_that_a_kit_never_has(cell):
    index = cell.services.index
    assert (await cell.post("/v1/skus", {"skus": [{"sku": "SET", "kit": [{"sku": "A1", "quantity": 2}]}]})).is_success
    assert index.kits(["SET", "A1"]) == {"SET": [("A1", 2)]}
    line = {"sku": "SET", "quantity": 2, "unit_price": {"amount": 900, "currency": "USD"}}
    placed = await cell.post("/v1/orders", order(lines=[line]))
    body = placed.json()
    assert (placed.status_code, body["status"]) == (201, "allocated"), placed.text
    assert [one["lines"] for one in body["fulfilments"]] == [[{"sku": "A1", "quantity": 4}]]
    assert [(one["sku"], one["quantity"]) for one in body["lines"]] == [("SET", 2)]
    cart = await cell.post("/v1/reservations", {"channel": "online", "lines": [{"sku": "SET", "quantity": 1}]})
    assert (cart.status_code, cart.json()["lines"]) == (201, [{"sku": "A1", "wanted": 2, "held": 2}]), cart.text


async def test_an_order_gets_a_lot_that_has_too_little_life_left(cell):
    told = {"sku": "D4", "tracking": "lot", "expires": True, "min_life_days": 30}
    assert (await cell.post("/v1/skus", {"skus": [told]})).is_success
    today = datetime.fromtimestamp(cell.services.clock.now_ms() / 1000, UTC).date()
    lots = [
        {"sku": "D4", "quantity": 5, "lot": f"L{days}", "expires_on": (today + timedelta(days=days)).isoformat()}
        for days in (10, 40)
    ]
    assert (await cell.post("/v1/locations/us-wh-seattle/receipts", {"lines": lots})).is_success
    line = {"sku": "D4", "quantity": 8, "unit_price": {"amount": 900, "currency": "USD"}}
    body = (await cell.post("/v1/orders", order(lines=[line]))).json()
    assert body["status"] == "partly_allocated"
    assert body["fulfilments"][0]["lines"] == [{"sku": "D4", "quantity": 5}]
    [claimed] = cell.gateway.entities["location", "us-wh-seattle"][0].claims.values()
    assert claimed == {("D4", "L40"): 5}
