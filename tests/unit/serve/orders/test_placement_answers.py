"""What a placement is answered with when nobody waits for its places, and when the order can't be shown."""

from __future__ import annotations

import msgspec
import pytest

from actors.runtime.wire import BUSY, CODE_BUSY, CODE_UNAVAILABLE, UNAVAILABLE, Reply
from tests.unit.serve.fake_gateway import refusal
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.post_office import bearer, joined
from tests.unit.serve.small_cell import SETTINGS, Cell, furnish, order


@pytest.fixture
async def hasty():
    """A cell where no placement waits."""
    made = Cell(msgspec.structs.replace(SETTINGS, placement_wait_ms=0))
    await furnish(made)
    yield made
    await made.http.aclose()


async def test_a_placement_that_waits_for_nobody_is_answered_with_a_part_of_an_order(hasty):
    hasty.gateway.deliver = False
    first = await hasty.post("/v1/orders", order(), "k")
    assert (first.status_code, first.json()["status"]) == (201, "placed")
    assert [line["sku"] for line in first.json()["lines"]] == ["A1"]
    assert first.json()["customer"]["customer_ref"] == "c-17"
    hasty.gateway.run_outbox()
    again = await hasty.post("/v1/orders", order(), "k")
    assert (again.status_code, again.json()["status"]) == (201, "allocated")
    assert again.json()["order_id"] == first.json()["order_id"]
    assert again.json()["lines"] == first.json()["lines"]


@pytest.mark.parametrize(("status", "code"), [(UNAVAILABLE, CODE_UNAVAILABLE), (BUSY, CODE_BUSY)])
async def test_an_order_that_is_placed_is_told_not_to_be_when_it_can_not_be_looked_at(cell, monkeypatch, status, code):
    cell.gateway.deliver = False
    view = cell.gateway.view

    async def away(kind: str, *asked: object, **more: object) -> Reply:
        return Reply(status, refusal(code)) if kind == "order" else await view(kind, *asked, **more)

    monkeypatch.setattr(cell.gateway, "view", away)
    answers = [await cell.post("/v1/orders", order(), "k") for _ in range(2)]
    told = answers[0].json()
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(503, "order.not_shown")] * 2
    assert answers[1].json()["order_id"] == told["order_id"]
    assert answers[0].headers["location"] == f"/v1/orders/{told['order_id']}"
    assert int(answers[0].headers["retry-after"]) >= 1
    assert list(cell.gateway.orders) == [told["order_id"]], "placed once"
    monkeypatch.undo()
    shown = await cell.post("/v1/orders", order(), "k")
    assert (shown.status_code, shown.json()["order_id"]) == (201, told["order_id"])
    assert len(shown.json()["lines"]) == 1


@pytest.mark.parametrize("wait_ms", [0, 1_000])
async def test_a_customer_reads_in_the_answer_to_a_placement_why_staff_stopped_it(tmp_path, wait_ms):
    async with furnished(tmp_path, placement_wait_ms=wait_ms) as made:
        mine = bearer(await joined(made))
        sent = order() | {"customer": {}}
        made.gateway.deliver = False
        first = await made.post("/v1/orders", sent, "k", **mine)
        assert first.status_code == 201, first.text
        hold = {"update": "hold", "hold": {"reasons": ["address", "fraud", "payment"], "note": "card was stolen"}}
        path = f"/v1/orders/{first.json()['order_id']}"
        held = await made.post(f"{path}/updates", hold, **made.of_role("manager"))
        assert held.status_code == 200, held.text
        made.gateway.deliver = True
        made.gateway.run_outbox()
        # With and without waiting: the answer that came late, and the order as it is now.
        again = await made.post("/v1/orders", sent, "k", **mine)
        assert (again.status_code, again.json()["status"]) == (201, "allocated")
        told = again.json()["terms"]["holds"]
        assert [(one["kind"], one.get("by"), one.get("note")) for one in told] == [("address", None, None)]
        assert told == (await made.http.get(path, headers=mine)).json()["terms"]["holds"]


async def test_a_refusal_is_told_as_an_order_that_is_placed(cell):
    refused = await cell.post("/v1/orders", order(("NONE", 1)))
    assert (refused.status_code, refused.json()["code"]) == (422, "sku.unknown")
    cell.gateway.fault = Reply(UNAVAILABLE, refusal(CODE_UNAVAILABLE))
    away = await cell.post("/v1/orders", order())
    assert (away.status_code, away.json()["code"]) == (503, "cell.unavailable")
