"""Same key and body: the same answer, byte for byte, and once done. Same key, other body: refused, and nothing done."""

import pytest

from serve.openapi import KEY_PARAMETER
from tests.unit.serve.small_cell import order

PLACE = {"type": "store", "name": "New", "country": "US", "lat": 1, "lon": 1}
RECEIPT = {"lines": [{"sku": "A1", "quantity": 5}]}
ADJUSTMENT = {"lines": [{"sku": "A1", "quantity": 5, "reason": "found"}]}
WRITES = [
    ("POST", "/v1/orders", order(), order(("A1", 3))),
    ("POST", "/v1/skus", {"skus": [{"sku": "E5"}]}, {"skus": [{"sku": "F6"}]}),
    ("PUT", "/v1/locations/us-new", PLACE, PLACE | {"name": "Other"}),
    ("POST", "/v1/locations/us-wh-seattle/receipts", RECEIPT, RECEIPT | {"reference": "x"}),
    ("POST", "/v1/locations/us-wh-seattle/adjustments", ADJUSTMENT, ADJUSTMENT | {"reference": "x"}),
]


@pytest.mark.parametrize(("method", "path", "body", "other"), WRITES)
async def test_repeating_a_write_changes_nothing_and_answers_the_same(cell, method, path, body, other):
    first = await cell.write(method, path, body, "the-key")
    assert first.status_code in {200, 201}, first.text
    before = cell.state()
    cell.clock.now += 60_000
    again = await cell.write(method, path, body, "the-key")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers.get("location") == first.headers.get("location")
    assert cell.state() == before
    reused = await cell.write(method, path, other, "the-key")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency.key_reused")
    assert cell.state() == before


async def test_repeating_an_update_or_its_refusal_answers_the_same(cell):
    path = f"/v1/orders/{(await cell.placed())['order_id']}/updates"
    for body, status in (({"update": "start_picking"}, 200), ({"update": "deliver"}, 409)):
        first = await cell.post(path, body, f"key-{status}")
        assert first.status_code == status
        await cell.post(path, {"update": "pause_picking"})
        again = await cell.post(path, body, f"key-{status}")
        problem = {name: value for name, value in again.json().items() if name != "request_id"}
        assert problem == {name: value for name, value in first.json().items() if name != "request_id"}
        reused = await cell.post(path, {"update": "cancel"}, f"key-{status}")
        assert reused.json()["code"] == "idempotency.key_reused"


async def test_repeating_a_body_of_many_does_each_part_once(cell):
    order_id = (await cell.placed())["order_id"]
    body = {"updates": [{"order_id": order_id, "update": "start_picking"}, {"order_id": order_id, "update": "pack"}]}
    first = await cell.post("/v1/order-updates", body, "many")
    before = cell.state()
    again = await cell.post("/v1/order-updates", body, "many")
    assert again.content == first.content
    assert cell.state() == before
    body["updates"].reverse()
    reused = await cell.post("/v1/order-updates", body, "many")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency.key_reused")
    assert cell.state() == before


async def test_a_part_can_not_be_taken_for_a_single_update(cell):
    order_id = (await cell.placed())["order_id"]
    body = {"updates": [{"order_id": order_id, "update": "start_picking"}]}
    assert (await cell.post("/v1/order-updates", body, "many")).status_code == 200
    alone = await cell.post(f"/v1/orders/{order_id}/updates", {"update": "start_picking"}, "many/0")
    assert alone.json()["code"] == "idempotency.key_reused"


async def test_a_late_repetition_of_a_provisional_placement_gets_the_final_answer(cell):
    cell.gateway.deliver = False
    first = await cell.post("/v1/orders", order(), "slow")
    assert first.json()["status"] == "placed"
    cell.gateway.deliver = True
    cell.gateway.run_outbox()
    again = await cell.post("/v1/orders", order(), "slow")
    assert again.json()["status"] == "allocated"
    assert again.json()["order_id"] == first.json()["order_id"]


async def test_a_key_of_one_resource_is_refused_for_another_against_what_callers_are_told(cell):
    first, second = [(await cell.placed())["order_id"] for _ in range(2)]
    for order_id, update in ((first, "start_picking"), (second, "cancel")):
        answer = await cell.post(f"/v1/orders/{order_id}/updates", {"update": update}, "the-key")
        assert answer.status_code == 200, answer.text
    assert "for another resource it is another key" in KEY_PARAMETER["description"]
