"""What is refused of orders that are collected at a store, through the whole API: pickups that can not be, wrong
bodies, and steps of orders that are cancelled or held."""

from __future__ import annotations

import pytest

from actors.domain.order_commands import UpdateOrder
from tests.unit.serve.collections.collection_rig import (
    NOBODY,
    PORTLAND,
    SEATTLE,
    body,
    done,
    made_ready,
    only,
    placed,
    step,
)
from tests.unit.serve.post_office import coded
from tests.unit.serve.small_cell import order


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"pickup": {"location_id": SEATTLE}}, (422, "pickup.not_a_store")),
        ({"pickup": {"location_id": "us-st-nowhere"}}, (422, "pickup.location_unknown")),
        ({"pickup": {"location_id": "eu-st-berlin"}}, (421, "region.misdirected")),
        ({"pickup": {"location_id": PORTLAND, "when": "now"}}, (422, "body.unknown_field")),
        ({"lines": order(("C3", 6))["lines"]}, (409, "pickup.unavailable")),
        ({"pickup": None}, (422, "body.missing_field")),
        ({"terms": {"ship_complete": True}}, (422, "pickup.with_terms")),
        ({"release_at": "2026-02-01T00:00:00Z"}, (422, "pickup.not_released")),
    ],
)
async def test_a_pickup_that_can_not_be_is_placed(cell, more, expected):
    before = cell.state()[:3]
    answer = await cell.post("/v1/orders", body(("A1", 1)) | more)
    assert coded(answer) == expected
    assert cell.state()[:3] == before


async def test_a_cart_is_collected(cell):
    cart = {"channel": "online", "ship_to": {"country": "US"}, "lines": [{"sku": "A1", "quantity": 1}], "ttl_s": 600}
    made = await cell.post("/v1/reservations", cart)
    assert made.status_code == 201, made.text
    answer = await cell.post("/v1/orders", body(("A1", 1), reservation_id=made.json()["reservation_id"]))
    assert coded(answer) == (422, "pickup.with_reservation")


async def test_a_wrong_body_is_taken(cell):
    name = only(await placed(cell, ("A1", 1)))
    for path, sent in (
        ("located", {"found": [{"sku": "A1", "quantity": 0}]}),
        ("located", {"shelf": "x" * 33}),
        ("ready", {"now": True}),
        ("verification", {"code": "123"}),
        ("hand-over", {"left": "all"}),
        ("extension", {"days": 0}),
        ("end", {"why": "because"}),
    ):
        answer = await step(cell, name, path, sent)
        assert answer.status_code == 422, (path, answer.text)
    assert coded(await step(cell, NOBODY, "ready", {})) == (404, "collection.unknown")
    assert coded(await step(cell, "us-collection-x", "ready", {})) == (404, "collection.unknown")
    assert coded(await cell.get("/v1/collections", status="odd")) == (422, "request.parameter_invalid")
    long = await cell.post(f"/v1/orders/{NOBODY}/here", {"spot": "x" * 41})
    assert long.status_code == 422


async def test_the_order_is_cancelled_and_handed_over(cell):
    told = await placed(cell, ("A1", 1))
    ready = await made_ready(cell, told)
    name = only(told)
    await done(cell, name, "verification", {"code": ready["code"]})
    # The cancellation is decided, and the collection has not heard of it.
    cell.gateway.deliver = False
    await cell.gateway.ask("order", told["order_id"], UpdateOrder("cancel"), command_id="c", digest=1)
    stop = cell.gateway.outbox.copy()
    cell.gateway.outbox.clear()
    cell.gateway.deliver = True
    answer = await step(cell, name, "hand-over", {})
    assert coded(answer) == (409, "collection.cancelled")
    cell.gateway.outbox.extend(stop)
    cell.gateway.run_outbox()
    stock = (await cell.get(f"/v1/locations/{PORTLAND}/stock/A1")).json()["stock"]
    assert (stock["on_hand"], stock["allocated"]) == (3, 0)


async def test_an_answer_that_is_not_certain_is_told_as_one(cell):
    told = await placed(cell, ("A1", 1))
    ready = await made_ready(cell, told)
    name = only(told)
    await done(cell, name, "verification", {"code": ready["code"]})
    cell.gateway.deliver = False
    answer = await step(cell, name, "hand-over", {})
    assert (answer.json()["status"], answer.json()["asking"]) == ("ready", "collected")
    assert coded(await step(cell, name, "hand-over", {})) == (409, "collection.busy")


async def test_orders_of_a_store_are_shipped_by_others(cell):
    told = await placed(cell, ("A1", 1))
    path = f"/v1/orders/{told['order_id']}/updates"
    assert coded(await cell.post(path, {"update": "start_picking"})) == (409, "order.store_hands_over")
    assert (await cell.post(path, {"update": "cancel"})).json()["status"] == "cancelled"
    assert (await cell.get(f"/v1/collections/{only(told)}")).json()["status"] == "cancelled"


async def test_a_held_order_is_handed_over_or_its_lines_are_changed_behind_the_store_s_back(cell):
    told = await placed(cell, ("A1", 2))
    path, name = f"/v1/orders/{told['order_id']}", only(told)
    fewer = {"lines": [{"line": 1, "quantity": 1}]}
    assert coded(await cell.post(f"{path}/changes", fewer)) == (409, "order.store_hands_over")
    held = await cell.post(f"{path}/updates", {"update": "hold", "hold": {"reasons": ["fraud"]}})
    assert held.status_code == 200, held.text
    await done(cell, name, "located", {"found": [{"sku": "A1", "quantity": 2}], "shelf": "shelf 12"})
    assert (await step(cell, name, "ready", {})).json()["code"] == "order.held"
    assert (await cell.get(f"/v1/collections/{name}")).json()["status"] == "located"
    free = await cell.post(f"{path}/updates", {"update": "release", "hold": {"reasons": ["fraud"]}})
    assert free.status_code == 200, free.text
    assert (await done(cell, name, "ready", {}))["status"] == "ready"


async def test_what_is_done_after_a_refusal_is_answered_with_that_refusal(cell):
    told = await placed(cell, ("A1", 2))
    path, name = f"/v1/orders/{told['order_id']}", only(told)
    code = (await made_ready(cell, told))["code"]
    await done(cell, name, "verification", {"code": code})
    held = await cell.post(f"{path}/updates", {"update": "hold", "hold": {"reasons": ["fraud"]}})
    assert held.status_code == 200, held.text
    assert coded(await step(cell, name, "hand-over", {})) == (409, "order.held")
    free = await cell.post(f"{path}/updates", {"update": "release", "hold": {"reasons": ["fraud"]}})
    assert free.status_code == 200, free.text
    here = await cell.post(f"{path}/here", {"spot": "bay 3"})
    assert here.status_code == 200, here.text
    assert (await done(cell, name, "verification", {"code": code}))["verified"] == "code"
    assert (await done(cell, name, "identity-check", {}))["verified"] == "identity"
    fresh = (await done(cell, name, "code", {}))["code"]
    assert fresh != code
    await done(cell, name, "verification", {"code": fresh})
    assert (await done(cell, name, "hand-over", {}))["status"] == "collected"
