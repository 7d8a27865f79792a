"""Orders of many kits where a policy is in use: what they are made of comes to more lines than an order may have."""

import msgspec
import pytest

from actors.domain.sourcing_demand import LINES_MAX
from serve.limits import LINES_MAX as ORDER_LINES_MAX
from tests.unit.serve.small_cell import order

SEATTLE, PORTLAND = "us-wh-seattle", "us-st-portland"
PARTS = 20


async def skus(cell, *defined):
    answer = await cell.post("/v1/skus", {"skus": list(defined)})
    assert answer.status_code == 200, answer.text


async def policy(cell):
    answer = await cell.write("PUT", "/v1/sourcing/policies/all", {"reason": "test", "policy": {}})
    assert answer.status_code == 200, answer.text


async def received(cell, place, **units):
    receipt = {"reference": "more", "lines": [{"sku": sku, "quantity": n} for sku, n in units.items()]}
    assert (await cell.post(f"/v1/locations/{place}/receipts", receipt)).status_code == 200


async def kits_of_different_parts(cell):
    """So many that they come to more SKUs than sourcing looks at; their names."""
    kits = []
    for number in range(LINES_MAX // PARTS + 1):
        parts = [f"P{number}-{part}" for part in range(PARTS)]
        await skus(cell, *({"sku": part} for part in parts))
        kits.append({"sku": f"K{number}", "kit": [{"sku": part, "quantity": 1} for part in parts]})
    await skus(cell, *kits)
    return [kit["sku"] for kit in kits]


async def a_pair(cell):
    await skus(cell, {"sku": "K", "kit": [{"sku": "A1", "quantity": 1}, {"sku": "C3", "quantity": 2}]})


@pytest.mark.parametrize("lines", [LINES_MAX // 2 + 1, ORDER_LINES_MAX])
async def test_an_order_of_a_kit_on_many_lines_is_a_fault(cell, lines):
    await a_pair(cell)
    await received(cell, SEATTLE, A1=ORDER_LINES_MAX, C3=2 * ORDER_LINES_MAX)
    await policy(cell)
    placed = await cell.placed(*[("K", 1)] * lines)
    assert placed["status"] == "allocated"
    (only,) = placed["fulfilments"]
    assert {line["sku"]: line["quantity"] for line in only["lines"]} == {"A1": lines, "C3": 2 * lines}


async def test_an_order_of_a_kit_on_many_lines_is_a_fault_when_it_is_collected(cell):
    await a_pair(cell)
    await received(cell, PORTLAND, A1=ORDER_LINES_MAX, C3=2 * ORDER_LINES_MAX)
    await policy(cell)
    body = order(*[("K", 1)] * ORDER_LINES_MAX, pickup={"location_id": PORTLAND})
    del body["ship_to"]
    answer = await cell.post("/v1/orders", body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "allocated"


async def test_more_different_parts_than_sourcing_looks_at_are_a_fault_or_place_half_an_order(cell):
    kits = await kits_of_different_parts(cell)
    await policy(cell)
    ahead = {"release_at": "2027-01-01T00:00:00Z"}
    before = cell.state()
    for more in ({}, ahead):
        answer = await cell.post("/v1/orders", order(*((kit, 1) for kit in kits), **more))
        assert (answer.status_code, answer.json()["code"]) == (422, "sourcing.lines_too_many"), answer.text
    cart = {"channel": "online", "lines": [{"sku": kit, "quantity": 1} for kit in kits]}
    answer = await cell.post("/v1/reservations", cart)
    assert (answer.status_code, answer.json()["code"]) == (422, "sourcing.lines_too_many"), answer.text
    assert cell.state() == before


async def test_a_large_order_of_before_the_policy_is_a_fault_when_it_asks_again(cell):
    kits = await kits_of_different_parts(cell)
    placed = await cell.placed(*((kit, 1) for kit in kits))
    assert placed["status"] == "backordered"
    await policy(cell)
    path = f"/v1/orders/{placed['order_id']}"
    answer = await cell.post(f"{path}/updates", {"update": "allocate"})
    assert (answer.status_code, answer.json()["code"]) == (422, "sourcing.lines_too_many"), answer.text
    # among others the order asks those that it knows
    both = {"updates": [{"order_id": placed["order_id"], "update": "allocate"}]}
    answer = await cell.post("/v1/order-updates", both)
    assert answer.status_code == 200
    assert msgspec.json.decode(answer.content)["results"][0].get("error") is None
    more = {"lines": [{"line": 1, "quantity": 2}]}
    answer = await cell.post(f"{path}/changes", more)
    assert (answer.status_code, answer.json()["code"]) == (422, "sourcing.lines_too_many"), answer.text


async def test_what_was_taken_before_there_was_a_policy_is_refused_when_it_is_sent_again(cell):
    kits = await kits_of_different_parts(cell)
    lines = [{"sku": kit, "quantity": 1} for kit in kits]
    path = f"/v1/orders/{(await cell.placed(*((kit, 1) for kit in kits)))['order_id']}"
    await received(cell, SEATTLE, **{f"P{number}-{part}": 9 for number in range(20) for part in range(PARTS)})
    calls = [
        ("/v1/orders", order(*((kit, 1) for kit in kits))),
        ("/v1/reservations", {"channel": "online", "lines": lines, "policy": "partial"}),
        (f"{path}/updates", {"update": "allocate"}),
        (f"{path}/changes", {"lines": [{"line": 1, "quantity": 2}]}),
    ]
    first = [await cell.post(*call, f"key-{at}") for at, call in enumerate(calls)]
    assert [answer.status_code for answer in first] == [201, 201, 200, 200]
    await policy(cell)
    for at, (call, answer) in enumerate(zip(calls, first, strict=True)):
        again = await cell.post(*call, f"key-{at}")
        assert again.status_code == answer.status_code, again.text
        assert again.content == answer.content
    for call in calls[:2]:
        assert (await cell.post(*call)).json()["code"] == "sourcing.lines_too_many"
