"""A short pick that names a lot, through the API."""

from __future__ import annotations

import pytest

from actors.domain.location_commands import ReceiptLine, ReceiveStock


async def picking(cell) -> str:
    number = cell.gateway.turns
    goods = ReceiveStock([ReceiptLine("D4", 3, lot="soon", expires_on=20_600), ReceiptLine("D4", 4, lot="late")])
    reply = await cell.gateway.ask("location", "us-wh-seattle", goods, command_id=f"d-{number}", digest=number)
    assert reply.status == 0, reply.body
    order_id = (await cell.placed(("D4", 5)))["order_id"]
    assert (await cell.post(f"/v1/orders/{order_id}/updates", {"update": "start_picking"})).status_code == 200
    return order_id


async def test_the_lot_that_is_missing_stays_in_the_books(cell):
    order_id = await picking(cell)
    sent = {"update": "short_pick", "lines": [{"sku": "D4", "quantity": 2, "lot": "late"}]}
    assert (await cell.post(f"/v1/orders/{order_id}/updates", sent)).status_code == 200
    location, _ = cell.gateway.entities["location", "us-wh-seattle"]
    assert {name: lot.on_hand for name, lot in location.lots["D4"].items()} == {"soon": 3, "late": 2}


@pytest.mark.parametrize(
    "line", [{"sku": "D4", "quantity": 1, "lot": "x" * 65}, {"sku": "D4", "quantity": 1, "lot": "a\u0000"}]
)
async def test_a_lot_that_can_not_be_is_refused(cell, line):
    order_id = await picking(cell)
    before = cell.state()
    answer = await cell.post(f"/v1/orders/{order_id}/updates", {"update": "short_pick", "lines": [line]})
    assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")
    assert cell.state() == before
