"""Who may do some step of an order's life does any: a driver cancels, and support takes stock off the books."""

import pytest

from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.post_office import bearer, joined, without_waiting
from tests.unit.serve.small_cell import order

MISSING = [{"sku": "A1", "quantity": 1}]
# Each that is legal after the one before.
STEPS = ("start_picking", "pause_picking", "start_picking", "short_pick", "pack", "ship", "deliver")


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def placed(cell, units=2):
    answer = await cell.post("/v1/orders", order(("A1", units)), **cell.bearer())
    assert answer.status_code == 201, answer.text
    return answer.json()["order_id"]


def asked(step):
    return {"update": step} | ({"lines": MISSING} if step == "short_pick" else {})


async def done(cell, order_id, steps, who):
    """Of each step what came of it; those that `who` may not do, somebody else does."""
    told = []
    for step in steps:
        told.append(await cell.post(f"/v1/orders/{order_id}/updates", asked(step), **who))
        if told[-1].status_code == 403:
            after = await cell.post(f"/v1/orders/{order_id}/updates", asked(step), **cell.bearer())
            assert after.status_code == 200, (step, after.text)
    return [(step, one.status_code) for step, one in zip(steps, told, strict=True)]


@pytest.mark.parametrize(
    ("role", "forbidden"),
    [
        ("fulfilment", set()),
        ("manager", set()),
        ("driver", {"start_picking", "pause_picking", "short_pick", "pack", "allocate", "cancel"}),
        ("support", {"start_picking", "pause_picking", "short_pick", "pack"}),
    ],
)
async def test_a_role_does_a_step_that_is_not_its_work(cell, role, forbidden):
    who, order_id, other = cell.of_role(role), await placed(cell), await placed(cell, units=100_000)
    # Nobody has so many.
    last = ("allocate", "cancel")
    told = await done(cell, order_id, STEPS, who) + await done(cell, other, last, who)
    assert told == [(step, 403 if step in forbidden else 200) for step in (*STEPS, *last)]


async def test_what_one_step_alone_may_not_many_at_once_may(cell):
    one, other = await placed(cell), await placed(cell)
    updates = [{"order_id": one, "update": "cancel"}, {"order_id": other, "update": "start_picking"}]
    answer = await cell.post("/v1/order-updates", {"updates": updates}, **cell.of_role("driver"))
    errors = [result["error"] for result in answer.json()["results"]]
    assert [(error["code"], error["permission"]) for error in errors] == [
        ("auth.forbidden", "orders.cancel"),
        ("auth.forbidden", "floor.work"),
    ]
    assert [cell.gateway.entities["order", name][0].fulfilments[0].status for name in (one, other)] == ["allocated"] * 2
    told = await cell.post("/v1/order-updates", {"updates": updates}, **cell.of_role("fulfilment"))
    assert [result["status"] for result in told.json()["results"]] == ["cancelled", "picking"]


async def test_a_filter_cancels_for_who_may_hold_alone(cell):
    await placed(cell)
    asked_for = {"filter": {"status": "allocated"}, "update": "cancel"}
    holds = cell.bearer(scopes=("orders.read", "orders.hold", "orders.update"))
    answer = await cell.post("/v1/order-actions", asked_for, **holds)
    assert (answer.status_code, answer.json()["permission"]) == (403, "orders.cancel")


async def test_a_customer_can_no_longer_cancel_his_own(cell):
    mine = bearer(await joined(cell))
    placed_by_me = (await cell.post("/v1/orders", order(customer={}), **mine)).json()["order_id"]
    picked = await cell.post(f"/v1/orders/{placed_by_me}/updates", {"update": "start_picking"}, **mine)
    assert picked.status_code == 403
    assert (await cell.post(f"/v1/orders/{placed_by_me}/updates", {"update": "cancel"}, **mine)).status_code == 200


async def test_the_audit_does_not_tell_what_was_told_missing(cell):
    order_id = await placed(cell)
    worker = cell.of_role("fulfilment")
    for step in ("start_picking", "short_pick"):
        assert (await cell.post(f"/v1/orders/{order_id}/updates", asked(step), **worker)).status_code == 200
    (said,) = [line.act for line in cell.gateway.audited if line.act.action == "order.short_pick"]
    assert (said.location_id, said.changes) == ("us-wh-seattle", {"A1.missing": (None, 1)})
