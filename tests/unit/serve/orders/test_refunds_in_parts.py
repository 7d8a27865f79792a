"""Money back by one person who needs two: in parts of one order, or where nothing waits for anybody."""

from __future__ import annotations

import pytest

from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.orders.test_refunds_api import MIA, SUE, approval, back, decide, give, manager, refunds, support
from tests.unit.serve.small_cell import furnish_with, order


@pytest.fixture
async def made(tmp_path):
    """Makes cells of which more than so many minor units wait."""
    cells = []

    async def make(refund_minor):
        cell = GuardedCell(tmp_path / str(len(cells)), approval_refund_minor=refund_minor, approval_expires_hours=72)
        cells.append(cell)
        await furnish_with(cell, cell.bearer())
        return cell

    yield make
    for cell in cells:
        await cell.http.aclose()


async def placed(cell):
    """Three of 12.99 USD."""
    answer = await cell.post("/v1/orders", order(("A1", 3)), **cell.bearer())
    cell.gateway.run_outbox()
    return answer.json()["order_id"]


@pytest.mark.parametrize("second", [SUE, MIA])
async def test_the_second_half_is_given_by_one_person(made, second):
    cell = await made(1000)
    order_id = await placed(cell)
    assert (await give(cell, order_id, back(600))).status_code == 201
    answer = await give(cell, order_id, back(600), key="k2", **support(cell, second))
    assert answer.status_code == 202, answer.text
    identity = answer.json()["approval_id"]
    assert answer.headers["location"] == f"/v1/approvals/{identity}"
    assert await refunds(cell, order_id) == [600]
    detail = await approval(cell, identity)
    assert (detail["size"], detail["asked_by"], detail["target_id"]) == (600, second, order_id)
    # What fits into the rest still is one person's.
    assert (await give(cell, order_id, back(400))).status_code == 201
    assert (await give(cell, order_id, back(1))).status_code == 202
    assert (await decide(cell, identity, manager(cell))).status_code == 200
    assert await refunds(cell, order_id) == [600, 400, 600]
    again = await give(cell, order_id, back(600), key="k2", **support(cell, second))
    assert (again.status_code, again.json()["approval_id"]) == (202, identity)


async def test_a_second_half_that_waits_is_audited_as_given(made):
    cell = await made(1000)
    order_id = await placed(cell)
    for _ in range(2):
        await give(cell, order_id, back(600))
    lines = [line for line in cell.gateway.audited if line.act.action.startswith(("refund.", "approval."))]
    money = {"amount_minor": (None, 600), "currency": (None, "USD")}
    assert [(line.act.action, line.act.changes) for line in lines] == [
        ("refund.give", money), ("refund.want", {}), ("approval.ask", {"status": (None, "pending"), **money}),
    ]  # fmt: skip


async def test_a_device_that_nobody_works_on_asks_for_the_second_half(made):
    cell = await made(1000)
    order_id = await placed(cell)
    assert (await give(cell, order_id, back(600))).status_code == 201
    device = cell.bearer(sub="us-device-01kah2v3nq7h3k2m9qk4t1x0ab", scopes=("refunds.give",))
    answer = await give(cell, order_id, back(600), **device)
    assert (answer.status_code, answer.json()["code"]) == (403, "approval.person_required")
    assert await refunds(cell, order_id) == [600]
    assert all(kind != "approval" for kind, _ in cell.gateway.entities)


@pytest.mark.parametrize("refund_minor", [0, 1000])
async def test_where_nothing_waits_an_open_screen_gives_money_back(made, refund_minor):
    cell = await made(refund_minor)
    order_id = await placed(cell)
    answer = await give(cell, order_id, back(900), **support(cell, auth_time=cell.clock.now // 1000 - 301))
    if refund_minor:
        # More than that somebody else looks at, who gives his.
        assert answer.status_code == 201
        return
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.step_up_required")
    assert "insufficient_user_authentication" in answer.headers["www-authenticate"]
    assert await refunds(cell, order_id) == []
    assert (await give(cell, order_id, back(3000))).status_code == 201
    # A machine has no second factor.
    assert (await give(cell, order_id, back(9), **cell.bearer(scopes=("refunds.give",)))).status_code == 201
