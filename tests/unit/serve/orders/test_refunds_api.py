"""Money back through the API: by one person what takes two, twice, to the wrong account, or unseen."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.ids import account_id
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import SETTINGS, Cell, furnish, furnish_with, order

SEATTLE, NEWARK, PORTLAND = "us-wh-seattle", "us-wh-newark", "us-st-portland"
MIA, TOM, SUE = (account_id("us", name * 16) for name in (b"m", b"t", b"s"))
HOUR_MS = 3_600_000


@pytest.fixture
async def cell(tmp_path):
    """More than 10 USD waits."""
    made = GuardedCell(tmp_path, approval_refund_minor=1000, approval_expires_hours=72)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()


@pytest.fixture
async def placed(cell):
    """Three of 12.99 USD."""
    answer = await cell.post("/v1/orders", order(("A1", 3)), **cell.bearer())
    assert answer.status_code == 201
    cell.gateway.run_outbox()
    return answer.json()["order_id"]


def support(cell, sub=SUE, **more):
    return cell.of_role("support", sub=sub, **more)


def manager(cell, sub=TOM, **more):
    return cell.of_role("manager", sub=sub, **more)


def back(amount=500, currency="USD", reason="damaged"):
    return {"amount": {"amount": amount, "currency": currency}, "reason": reason}


async def give(cell, order_id, body=None, key=None, **headers):
    return await cell.post(f"/v1/orders/{order_id}/refunds", body or back(), key, **(headers or support(cell)))


async def waiting(cell, order_id, amount=2000, **headers):
    answer = await give(cell, order_id, back(amount), **headers)
    assert answer.status_code == 202, answer.text
    return answer.json()["approval_id"]


async def decide(cell, identity, headers, key=None):
    return await cell.post(f"/v1/approvals/{identity}/decision", {"decision": "approve"}, key, **headers)


async def approval(cell, identity, headers=None):
    return (await cell.http.get(f"/v1/approvals/{identity}", headers=headers or manager(cell))).json()


async def refunds(cell, order_id):
    shown = (await cell.http.get(f"/v1/orders/{order_id}", headers=support(cell))).json()
    return [one["amount"]["amount"] for one in shown.get("refunds", [])]


async def test_what_one_person_gives_back_is_not_seen(cell, placed):
    answer = await give(cell, placed)
    told = answer.json()
    assert answer.status_code == 201, answer.text
    assert (told["refunded"], told["kept"]) == (
        {"amount": 500, "currency": "USD"}, {"amount": 3 * 1299 - 500, "currency": "USD"},
    )  # fmt: skip
    shown = (await cell.http.get(f"/v1/orders/{placed}", headers=support(cell))).json()
    assert shown["refunds"] == [told["refund"]] == [
        {
            "refund_id": f"{placed}.r1", "amount": {"amount": 500, "currency": "USD"}, "reason": "damaged",
            "given_at": "2026-01-01T00:00:00Z",
        }
    ]  # fmt: skip
    history = (await cell.http.get(f"/v1/orders/{placed}/events", headers=support(cell))).json()["events"]
    (event,) = [event for event in history if event["type"] == "RefundGiven"]
    assert (event["amount"], event["currency"], event["reason"]) == (500, "USD", "damaged")
    assert SUE not in str(history)
    (line,) = [line for line in cell.gateway.audited if line.act.action == "refund.give"]
    money = {"amount_minor": (None, 500), "currency": (None, "USD")}
    assert (line.who.subject, line.act.why, line.act.changes) == (SUE, "damaged", money)
    assert line.act.location_id == SEATTLE


@pytest.mark.parametrize("role", ["associate", "fulfilment", "driver", "auditor", "privacy", "ops"])
async def test_who_may_not_gives_money_back(cell, placed, role):
    answer = await give(cell, placed, **cell.of_role(role, sub=MIA))
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")
    assert await refunds(cell, placed) == []


@pytest.mark.parametrize("role", ["customer", "guest"])
async def test_a_customer_pays_himself(cell, placed, role):
    answer = await give(cell, placed, **cell.of_role(role, sub="us-cust-x"))
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")


async def test_a_system_of_the_retailer_s_can_not_give_back_or_needs_no_scope_for_it(cell, placed):
    assert (await give(cell, placed, **cell.bearer(scopes=("refunds.give",)))).status_code == 201
    assert (await give(cell, placed, **cell.bearer(scopes=("orders.change",)))).status_code == 403
    body = {"name": "shop", "scopes": ["refunds.give"]}
    beyond = await cell.post("/v1/clients", body, **cell.bearer(scopes=("clients.write",)))
    assert (beyond.status_code, beyond.json()["code"]) == (403, "client.beyond_rights")
    assert (await cell.post("/v1/clients", body, **cell.bearer())).status_code == 201


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (back(0), 422, "refund.amount_zero"),
        (back(1, "CAD"), 422, "refund.currency_differs"),
        (back(3 * 1299 + 1), 409, "refund.too_much"),
        (back(reason="she asked nicely"), 422, "body.invalid"),
        (back(-1), 422, "body.invalid"),
        (back() | {"note": "x"}, 422, "body.unknown_field"),
    ],
)
async def test_what_makes_no_sense_is_given_back_or_asked_for(cell, placed, body, status, code):
    before = [key for key in cell.gateway.entities if key[0] == "approval"]
    answer = await give(cell, placed, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await refunds(cell, placed) == []
    assert [key for key in cell.gateway.entities if key[0] == "approval"] == before


@pytest.mark.parametrize("amount", [5, 2000])
async def test_an_order_that_there_is_not_is_paid_back_or_asked_for(cell, amount):
    answer = await give(cell, "us-01kah2v3nq7h3k2m9qk4t1x0ab", back(amount))
    assert (answer.status_code, answer.json()["code"]) == (404, "order.unknown")
    assert (await give(cell, "eu-01kah2v3nq7h3k2m9qk4t1x0ab", back(amount))).status_code == 421
    assert all(kind != "approval" for kind, _ in cell.gateway.entities)


async def test_a_repeated_call_gives_back_twice(cell, placed):
    first = await give(cell, placed, key="k1")
    again = await give(cell, placed, key="k1")
    assert (again.status_code, again.content) == (201, first.content)
    other = await give(cell, placed, back(501), key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")
    assert await refunds(cell, placed) == [500]


@pytest.mark.parametrize(("amount", "status"), [(1000, 201), (1001, 202)])
async def test_the_threshold_is_passed_by_one_person_or_waits_at_it(cell, placed, amount, status):
    assert (await give(cell, placed, back(amount))).status_code == status


async def test_what_is_paid_in_a_currency_that_nobody_knows_the_worth_of_is_given_by_one_person(cell):
    sent = order(("A1", 3))
    for line in sent["lines"]:
        line["unit_price"]["currency"] = "CAD"
    made = (await cell.post("/v1/orders", sent, **cell.bearer())).json()["order_id"]
    cell.gateway.run_outbox()
    assert (await give(cell, made, back(1, "CAD"))).status_code == 202


async def test_what_one_person_wants_is_given_or_what_two_want_is_not_or_twice(cell, placed):
    answer = await give(cell, placed, back(2000, reason="not_as_described"), key="k1")
    told = answer.json()
    identity = told["approval_id"]
    assert (answer.status_code, told["status"], told["expires_at"]) == (202, "pending", "2026-01-04T00:00:00Z")
    assert answer.headers["location"] == f"/v1/approvals/{identity}"
    assert await refunds(cell, placed) == []
    detail = await approval(cell, identity)
    assert (detail["location_id"], detail["target_kind"], detail["target_id"]) == (SEATTLE, "order", placed)
    assert (detail["size"], detail["reasons"], detail["asked_by"]) == (2000, ["not_as_described"], SUE)
    assert detail["wanted"] == {
        "action": "refund.give", "amount": {"amount": 2000, "currency": "USD"}, "reason": "not_as_described",
    }  # fmt: skip
    (listed,) = (await cell.http.get("/v1/approvals", headers=manager(cell))).json()["approvals"]
    assert (listed["action"], listed["size"], listed["reasons"]) == ("refund.give", 2000, ["not_as_described"])
    given = await decide(cell, identity, manager(cell), key="d1")
    assert (given.status_code, given.json()["status"]) == (200, "approved")
    assert (await approval(cell, identity))["status"] == "done"
    assert (await decide(cell, identity, manager(cell), key="d1")).content == given.content
    assert (await decide(cell, identity, manager(cell), key="d2")).status_code == 409
    assert await refunds(cell, placed) == [2000]
    state, _ = cell.gateway.entities["order", placed]
    assert [one.cause for one in state.refunds] == [identity]
    # The room that it took does not make another answer of the first call.
    cell.clock.now += 60_000
    again = await give(cell, placed, back(2000, reason="not_as_described"), key="k1")
    assert (again.status_code, again.json()["approval_id"]) == (202, identity)


async def test_a_key_asks_for_another_refund_when_the_order_lies_elsewhere_or_is_over(cell):
    made = (await cell.post("/v1/orders", order(("A1", 103)), **cell.bearer())).json()
    cell.gateway.run_outbox()
    identity = (await give(cell, made["order_id"], back(2000), key="k1")).json()["approval_id"]
    for update in (
        {"update": "cancel", "fulfilment_id": made["fulfilments"][0]["fulfilment_id"]},
        {"update": "cancel"},
    ):
        moved = await cell.post(f"/v1/orders/{made['order_id']}/updates", update, **manager(cell))
        assert moved.status_code == 200, moved.text
        again = await give(cell, made["order_id"], back(2000), key="k1")
        assert (again.status_code, again.json()["approval_id"]) == (202, identity)
    assert (await give(cell, made["order_id"], back(2000))).json()["code"] == "refund.order_cancelled"


async def test_a_key_that_is_used_for_two_orders_asks_for_one_refund(cell, placed):
    other = (await cell.post("/v1/orders", order(("A1", 3)), **cell.bearer())).json()["order_id"]
    cell.gateway.run_outbox()
    asked = [(await give(cell, order_id, back(2000), key="k1")).json()["approval_id"] for order_id in (placed, other)]
    assert [(await approval(cell, identity))["target_id"] for identity in asked] == [placed, other]


@pytest.mark.parametrize(("first", "then"), [(1000, 2000), (2000, 1000)])
async def test_another_threshold_makes_another_answer_of_a_key(cell, placed, first, then):
    def threshold(minor):
        cell.services.settings = msgspec.structs.replace(cell.services.settings, approval_refund_minor=minor)

    threshold(first)
    told = await give(cell, placed, back(1500), key="k1")
    threshold(then)
    again = await give(cell, placed, back(1500), key="k1")
    assert (again.status_code, again.content) == (told.status_code, told.content)
    assert told.status_code == (202 if first == 1000 else 201)
    assert await refunds(cell, placed) == ([] if first == 1000 else [1500])


async def test_who_asks_decides_himself(cell, placed):
    identity = await waiting(cell, placed, **manager(cell, MIA))
    for headers in (manager(cell, MIA), manager(cell, MIA, sid="another")):
        answer = await decide(cell, identity, headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "approval.same_person")
    assert await refunds(cell, placed) == []


async def test_support_or_a_machine_is_the_second_person(cell, placed):
    identity = await waiting(cell, placed)
    assert (await decide(cell, identity, support(cell, MIA))).json()["code"] == "auth.forbidden"
    assert (await decide(cell, identity, cell.bearer())).json()["code"] == "approval.person_required"
    assert await refunds(cell, placed) == []


async def test_it_is_approved_without_a_fresh_second_factor(cell, placed):
    identity = await waiting(cell, placed)
    answer = await decide(cell, identity, manager(cell, auth_time=cell.clock.now // 1000 - 301))
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.step_up_required")
    assert "insufficient_user_authentication" in answer.headers["www-authenticate"]
    assert await refunds(cell, placed) == []
    assert (await decide(cell, identity, manager(cell))).status_code == 200


async def test_a_manager_of_another_place_decides(cell, placed):
    identity = await waiting(cell, placed)
    answer = await decide(cell, identity, manager(cell, locs=(NEWARK,)))
    assert (answer.status_code, answer.json()["code"]) == (403, "approval.location_forbidden")
    assert (await decide(cell, identity, manager(cell, locs=(SEATTLE,)))).status_code == 200
    assert await refunds(cell, placed) == [2000]


async def test_somebody_of_another_place_gives_back_or_asks(cell, placed):
    for amount in (5, 2000):
        answer = await give(cell, placed, back(amount), **support(cell, locs=(NEWARK,)))
        assert (answer.status_code, answer.json()["code"]) == (403, "order.location_forbidden")
    assert (await give(cell, placed, **support(cell, locs=(SEATTLE,)))).status_code == 201


async def test_a_refund_of_what_is_collected_waits_where_it_came_from(cell):
    sent = order(("A1", 2)) | {"pickup": {"location_id": PORTLAND}}
    del sent["ship_to"]
    made = (await cell.post("/v1/orders", sent, **cell.bearer())).json()["order_id"]
    cell.gateway.run_outbox()
    identity = await waiting(cell, made)
    assert (await approval(cell, identity))["location_id"] == PORTLAND


@pytest.mark.parametrize("meanwhile", ["refund", "change", "cancel"])
async def test_what_does_not_fit_any_more_is_given_or_called_done(cell, placed, meanwhile):
    identity = await waiting(cell, placed, 3000)
    if meanwhile == "refund":
        assert (await give(cell, placed, back(900))).status_code == 201
    elif meanwhile == "change":
        body = {"lines": [{"line": 1, "quantity": 2}]}
        assert (await cell.post(f"/v1/orders/{placed}/changes", body, **support(cell))).status_code == 200
    else:
        body = {"update": "cancel"}
        assert (await cell.post(f"/v1/orders/{placed}/updates", body, **support(cell))).status_code == 200
    assert (await decide(cell, identity, manager(cell))).status_code == 200
    detail = await approval(cell, identity)
    code = "refund.order_cancelled" if meanwhile == "cancel" else "refund.too_much"
    assert (detail["status"], detail["failure"]) == ("failed", code)
    # What was approved and not given does not stand there as given.
    line = cell.gateway.audited[-1]
    assert (line.act.action, line.outcome) == ("approval.settle", code)
    assert line.act.changes == {"status": ("approved", "failed"), "person": (SUE, TOM)}
    assert await refunds(cell, placed) == ([900] if meanwhile == "refund" else [])


async def test_of_two_that_fit_alone_both_are_given(cell, placed):
    first, second = await waiting(cell, placed, 2000), await waiting(cell, placed, 2001)
    for identity in (second, first):
        await decide(cell, identity, manager(cell))
    assert [(await approval(cell, one))["status"] for one in (second, first)] == ["done", "failed"]
    assert await refunds(cell, placed) == [2001]


async def test_the_audit_does_not_say_who_wanted_it_and_who_approved(cell, placed):
    identity = await waiting(cell, placed)
    await decide(cell, identity, manager(cell))
    lines = [line for line in cell.gateway.audited if line.act.action.startswith(("refund.", "approval."))]
    assert [(line.who.subject, line.act.action, line.act.location_id, line.act.why) for line in lines] == [
        (SUE, "refund.want", SEATTLE, "damaged"), (SUE, "approval.ask", SEATTLE, "damaged"),
        (TOM, "approval.approve", SEATTLE, "damaged"), ("", "approval.settle", SEATTLE, "damaged"),
    ]  # fmt: skip
    money = {"amount_minor": (None, 2000), "currency": (None, "USD")}
    assert lines[1].act.changes == {"status": (None, "pending"), **money}
    assert lines[2].act.changes == {"status": ("pending", "approved"), "person": (SUE, TOM), **money}
    assert lines[3].act.changes == {"status": ("approved", "done"), "person": (SUE, TOM)}


async def test_a_cell_that_knows_nobody_or_wants_no_approvals_waits_for_a_second_person(tmp_path):
    open_cell = Cell(msgspec.structs.replace(SETTINGS, approval_refund_minor=1))
    await furnish(open_cell)
    made = (await open_cell.placed(("A1", 3)))["order_id"]
    open_cell.gateway.run_outbox()
    assert (await open_cell.post(f"/v1/orders/{made}/refunds", back(3000))).status_code == 201
    await open_cell.http.aclose()
    cell = GuardedCell(tmp_path)
    await furnish_with(cell, cell.bearer())
    made = (await cell.post("/v1/orders", order(("A1", 3)), **cell.bearer())).json()["order_id"]
    cell.gateway.run_outbox()
    assert (await give(cell, made, back(3000))).status_code == 201
    await cell.http.aclose()
