"""What became of what somebody asked for: who asked is not told, or anybody else is."""

from __future__ import annotations

import pytest

from actors.domain.approval import ViewApproval
from actors.domain.revocations import Revoke, unproved
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.orders.test_refunds_api import MIA, SUE, TOM, back, decide, give, manager, support, waiting
from tests.unit.serve.small_cell import furnish_with, order

NEWARK = "us-wh-newark"
NONE_SUCH = "us-approval-01kah2v3nq7h3k2m9qk4t1x0ab"


@pytest.fixture
async def cell(tmp_path):
    """More than 10 USD waits."""
    made = GuardedCell(tmp_path, approval_refund_minor=1000, approval_expires_hours=72)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()


@pytest.fixture
async def placed(cell):
    answer = await cell.post("/v1/orders", order(("A1", 3)), **cell.bearer())
    cell.gateway.run_outbox()
    return answer.json()["order_id"]


async def look(cell, identity, headers):
    return await cell.http.get(f"/v1/approvals/{identity}", headers=headers)


def told(answer):
    """All but what names the call."""
    body = answer.json()
    return answer.status_code, {name: body[name] for name in body.keys() - {"instance", "request_id"}}


async def test_who_asked_and_may_not_read_approvals_never_hears_what_became_of_it(cell, placed):
    asked = await give(cell, placed, back(2000))
    path = asked.headers["location"]
    assert (await cell.http.get(path, headers=support(cell))).json()["status"] == "pending"
    await decide(cell, asked.json()["approval_id"], manager(cell))
    answer = await cell.http.get(path, headers=support(cell, sid="another"))
    assert (answer.status_code, answer.json()["status"]) == (200, "done")
    assert (await cell.http.get("/v1/approvals", headers=support(cell))).json()["code"] == "auth.forbidden"


async def test_who_did_not_ask_sees_it_or_learns_that_there_is_one(cell, placed):
    identity = await waiting(cell, placed)
    machine = cell.bearer(sub="us-client-other", scopes=("refunds.give", "orders.read"))
    for other in (support(cell, MIA), cell.of_role("associate", sub=TOM), machine):
        there, nowhere = await look(cell, identity, other), await look(cell, NONE_SUCH, other)
        assert (there.status_code, there.json()["code"]) == (403, "approval.location_forbidden")
        assert told(there) == told(nowhere)


async def test_a_machine_that_asked_never_hears_what_became_of_it(cell, placed):
    shop = cell.bearer(sub="us-client-shop", scopes=("refunds.give",))
    identity = await waiting(cell, placed, **shop)
    answer = await look(cell, identity, shop)
    assert (answer.status_code, answer.json()["asked_by"]) == (200, "us-client-shop")


async def test_a_manager_who_asked_is_told_nothing_once_he_works_elsewhere_or_others_there_are(cell, placed):
    identity = await waiting(cell, placed, **manager(cell, MIA))
    assert (await look(cell, identity, manager(cell, MIA, locs=(NEWARK,)))).status_code == 200
    elsewhere = await look(cell, identity, manager(cell, TOM, locs=(NEWARK,)))
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "approval.location_forbidden")
    for others in (manager(cell, TOM), cell.of_role("auditor", sub=TOM)):
        assert (await look(cell, identity, others)).status_code == 200
        assert (await look(cell, NONE_SUCH, others)).json()["code"] == "approval.unknown"


@pytest.mark.parametrize("role", ["customer", "guest"])
async def test_a_customer_reads_approvals(cell, placed, role):
    identity = await waiting(cell, placed)
    answer = await look(cell, identity, cell.of_role(role, sub=SUE))
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")


async def test_a_session_that_is_doubted_reads_approvals(cell, placed):
    identity, now = await waiting(cell, placed), cell.clock.now
    mark = Revoke(unproved("s-tom", now // 1000), now + 3_600_000)
    await cell.gateway.ask("revocations", "us-revocations", mark, command_id="m", digest=0)
    for headers in (manager(cell, sid="s-tom"), support(cell, sid="s-tom")):
        answer = await look(cell, identity, headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.step_up_required")
    assert (await look(cell, identity, manager(cell))).status_code == 200


async def test_a_host_that_shows_everything_shows_strangers_an_approval(cell, placed, monkeypatch):
    identity = await waiting(cell, placed)
    view = cell.gateway.view

    async def showing(kind, entity_id, query, **named):
        # As one of the release before does.
        return await view(kind, entity_id, ViewApproval(query.approval_id, [], "", True), **named)

    monkeypatch.setattr(cell.gateway, "view", showing)
    stranger, asker = await look(cell, identity, support(cell, MIA)), await look(cell, identity, support(cell))
    assert (stranger.status_code, stranger.json()["code"], asker.status_code) == (
        403,
        "approval.location_forbidden",
        200,
    )
