"""Holds through the API: who may, and what is refused."""

import pytest

from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with, order


def hold(*reasons, **more):
    return {"update": "hold", "hold": {"reasons": list(reasons), **more}}


def release(*reasons, **more):
    return {"update": "release", "hold": {"reasons": list(reasons), **more}}


async def update(cell, placed, body, **headers):
    return await cell.post(f"/v1/orders/{placed['order_id']}/updates", body, **headers)


async def test_a_held_order_is_shipped_or_does_not_say_why_not(cell):
    placed = await cell.placed()
    answer = await update(cell, placed, hold("address", "fraud", note="flat?", release_within_hours=4))
    assert (answer.status_code, answer.json()["status"]) == (200, "allocated")
    refused = await update(cell, placed, {"update": "start_picking"})
    assert (refused.status_code, refused.json()["code"], refused.json()["holds"]) == (
        409,
        "order.held",
        ["address", "fraud"],
    )
    shown = (await cell.get(f"/v1/orders/{placed['order_id']}")).json()["terms"]["holds"]
    assert [(one["kind"], one["note"]) for one in shown] == [("address", "flat?"), ("fraud", "flat?")]
    assert shown[0]["release_by"] > shown[0]["since"]
    assert (await update(cell, placed, release("address", "fraud", note="called"))).status_code == 200
    assert (await update(cell, placed, {"update": "start_picking"})).status_code == 200
    events = (await cell.get(f"/v1/orders/{placed['order_id']}/events")).json()["events"]
    told = [(one["type"], one.get("note")) for one in events if one["type"].startswith("Holds")]
    assert told == [("HoldsPlaced", None), ("HoldsReleased", "called")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"update": "hold"}, "update.details_required"),
        ({"update": "hold", "hold": {"reasons": []}}, "body.invalid"),
        ({"update": "hold", "hold": {"reasons": ["weather"]}}, "body.invalid"),
        ({"update": "hold", "hold": {"reasons": ["fraud"], "note": "x" * 201}}, "body.invalid"),
        ({"update": "hold", "hold": {"reasons": ["fraud"]}, "priority": 3}, "update.details_required"),
        ({"update": "hold", "hold": {"reasons": ["fraud"]}, "lines": []}, "update.details_not_allowed"),
        (
            {"update": "release", "hold": {"reasons": ["fraud"], "release_within_hours": 2}},
            "update.details_not_allowed",
        ),
        ({"update": "pack", "hold": {"reasons": ["fraud"]}}, "update.details_not_allowed"),
        ({"update": "start_picking", "priority": 1}, "update.details_not_allowed"),
        ({"update": "prioritise"}, "update.details_required"),
        ({"update": "prioritise", "priority": 100_000}, "body.invalid"),
        ({"update": "release", "hold": {"reasons": ["fraud"]}}, "order.not_held"),
    ],
)
async def test_nonsense_about_holds_is_taken(cell, body, code):
    placed = await cell.placed()
    before = cell.state()
    answer = await update(cell, placed, body)
    assert answer.json()["code"] == code
    if code != "order.not_held":
        assert cell.state() == before


async def test_one_of_many_holds_harms_the_others(cell):
    one, other = await cell.placed(), await cell.placed()
    items = [
        {"order_id": one["order_id"], **hold("payment")},
        {"order_id": other["order_id"], "update": "hold"},
        {"order_id": other["order_id"], "update": "prioritise", "priority": 9},
        {"order_id": one["order_id"], "update": "cancel"},
    ]
    results = (await cell.post("/v1/order-updates", {"updates": items})).json()["results"]
    assert [one.get("status") or one["error"]["code"] for one in results] == [
        "allocated", "update.details_required", "allocated", "cancelled",
    ]  # fmt: skip


async def test_a_repeated_hold_is_another_hold(cell):
    placed = await cell.placed()
    first = await cell.post(f"/v1/orders/{placed['order_id']}/updates", hold("fraud"), "k")
    again = await cell.post(f"/v1/orders/{placed['order_id']}/updates", hold("fraud"), "k")
    assert first.json() == again.json()
    reused = await cell.post(f"/v1/orders/{placed['order_id']}/updates", hold("payment"), "k")
    assert reused.json()["code"] == "idempotency.key_reused"


@pytest.fixture
async def guarded(tmp_path):
    cell = GuardedCell(tmp_path)
    await furnish_with(cell, cell.bearer())
    return cell


async def placed_in(cell, **more):
    sent = order(**more)
    if more.pop("plain", True):
        sent["customer"] = {"country": "US"}
    answer = await cell.post("/v1/orders", sent, **cell.bearer())
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("role", "reason", "status"),
    [
        ("support", "customer", 200), ("support", "address", 200), ("support", "fraud", 403), ("support", "payment", 403),
        ("manager", "fraud", 200), ("manager", "customer", 200), ("fulfilment", "customer", 403), ("driver", "fraud", 403),
        ("guest", "customer", 403),
    ],
)  # fmt: skip
async def test_somebody_holds_or_releases_what_is_not_his_to_judge(guarded, role, reason, status):
    placed = await placed_in(guarded)
    answer = await update(guarded, placed, hold(reason), **guarded.of_role(role))
    assert answer.status_code == status, answer.text
    held = await update(guarded, placed, hold(reason), **guarded.bearer())
    assert held.status_code == 200
    answer = await update(guarded, placed, release(reason), **guarded.of_role(role))
    assert answer.status_code == status
    many = {"updates": [{"order_id": placed["order_id"], **hold(reason)}]}
    answer = await guarded.post("/v1/order-updates", many, **guarded.of_role(role))
    assert ("error" in answer.json().get("results", [{"error": 1}])[0]) == (status == 403)


async def test_who_held_an_order_is_not_known(guarded):
    placed = await placed_in(guarded)
    await update(guarded, placed, hold("fraud"), **guarded.of_role("manager"))
    state, _ = guarded.gateway.entities["order", placed["order_id"]]
    assert [one.by for one in state.terms.holds] == ["us-acct-x"]


async def test_a_customer_places_an_order_held_or_learns_of_a_suspicion(guarded):
    sent = order(terms={"holds": ["fraud"]}) | {"customer": {"country": "US"}}
    answer = await guarded.post("/v1/orders", sent, **guarded.of_role("customer", sub="us-cust-1"))
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")
    mine = order() | {"customer": {"country": "US"}}
    headers = guarded.of_role("customer", sub="us-cust-1")
    placed = (await guarded.post("/v1/orders", mine, **headers)).json()
    await update(guarded, placed, hold("fraud", "address", note="odd"), **guarded.bearer())
    shown = await guarded.http.get(f"/v1/orders/{placed['order_id']}", headers=headers)
    assert [one["kind"] for one in shown.json()["terms"]["holds"]] == ["address"]
    assert "odd" not in shown.text
