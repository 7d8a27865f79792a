"""What somebody asked for is taken back by whoever has his session, or tells others that it is there."""

from __future__ import annotations

import pytest

from actors.domain.revocations import Revoke, unproved
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.orders.test_refunds_api import MIA, SUE, TOM, decide, manager, support, waiting
from tests.unit.serve.small_cell import order

NONE_SUCH = "us-approval-01kah2v3nq7h3k2m9qk4t1x0ab"


@pytest.fixture
async def cell(tmp_path):
    """More than 10 USD waits."""
    async with furnished(tmp_path, approval_refund_minor=1000, approval_expires_hours=72) as made:
        yield made


@pytest.fixture
async def pending(cell):
    placed = await cell.post("/v1/orders", order(("A1", 3)), **cell.bearer())
    cell.gateway.run_outbox()
    return await waiting(cell, placed.json()["order_id"])


async def take_back(cell, identity, headers, body=b"{}", key=None):
    return await cell.post(f"/v1/approvals/{identity}/withdrawal", body, key, **headers)


def told(answer):
    """All but what names the call."""
    body = answer.json()
    return answer.status_code, {name: body[name] for name in body.keys() - {"instance", "request_id"}}


async def test_a_session_that_is_doubted_takes_back_what_its_owner_asked_for(cell, pending):
    now = cell.clock.now
    mark = Revoke(unproved("s-sue", now // 1000), now + 3_600_000)
    await cell.gateway.ask("revocations", "us-revocations", mark, command_id="m", digest=0)
    before = cell.state()
    doubted = await take_back(cell, pending, support(cell, sid="s-sue"))
    assert (doubted.status_code, doubted.json()["code"]) == (401, "auth.step_up_required")
    assert cell.state() == before
    proved = support(cell, sid="s-sue", auth_time=now // 1000 + 1)
    assert (await take_back(cell, pending, proved)).json()["status"] == "withdrawn"


async def test_who_may_not_see_an_approval_learns_by_taking_it_back_that_there_is_one(cell, pending):
    machine = cell.bearer(sub="us-client-other", scopes=("refunds.give", "orders.read"))
    for other in (support(cell, MIA), cell.of_role("associate", sub=TOM), machine):
        # A key that was used for another body, too, is known only where something is.
        for body in (b"{}", b"{ }"):
            there, nowhere = [await take_back(cell, one, other, body, "k1") for one in (pending, NONE_SUCH)]
            assert (there.status_code, there.json()["code"]) == (403, "approval.location_forbidden")
            assert told(there) == told(nowhere)
    await cell.services.trail.close()
    refused = [line for line in cell.gateway.audited if line.outcome == "approval.location_forbidden"]
    assert {(line.who.subject, line.entity_id) for line in refused} == {
        (who, one) for who in (MIA, TOM, "us-client-other") for one in (pending, NONE_SUCH)
    }
    elsewhere = manager(cell, locs=("us-wh-newark",))
    assert (await take_back(cell, pending, elsewhere)).json()["code"] == "approval.location_forbidden"
    # Whoever may see them is told what is so.
    assert (await take_back(cell, NONE_SUCH, manager(cell))).json()["code"] == "approval.unknown"
    assert (await take_back(cell, pending, manager(cell))).json()["code"] == "approval.not_yours"


async def test_what_was_decided_is_taken_back_or_who_asked_is_not_told_why_not(cell, pending):
    await decide(cell, pending, manager(cell))
    late = await take_back(cell, pending, support(cell, SUE))
    assert (late.status_code, late.json()["code"]) == (409, "approval.illegal_transition")
