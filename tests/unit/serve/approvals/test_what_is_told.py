"""Whoever looks at an approval afterwards is not told when it was decided, or nobody is told who looked in vain."""

from __future__ import annotations

from datetime import date

import pytest

from actors.domain.transfer_commands import CloseTransfer, FoundLine
from serve.approvals.endpoints import _wanted
from serve.approvals.schemas import WantedClosure
from serve.transfers.schemas import FoundUnits, TransferLine
from tests.unit.serve.approvals.test_approvals_api import (
    ADJUSTMENTS,
    MIA,
    PORTLAND,
    SEATTLE,
    TOM,
    asked,
    decide,
    found,
    manager,
    read,
)
from tests.unit.serve.guarded_cell import furnished

HOUR_MS = 3_600_000


@pytest.fixture
async def cell(tmp_path):
    async with furnished(
        tmp_path, approval_adjustment_units=500, approval_transfer_units=5, approval_expires_hours=72
    ) as made:
        yield made


async def test_when_it_was_decided_is_not_told_or_told_before_it_is(cell):
    identity = await asked(cell)
    assert (await read(cell, identity))["decided_at"] is None
    cell.clock.now += HOUR_MS
    await decide(cell, identity, manager(cell, TOM))
    told = await read(cell, identity)
    assert (told["asked_at"], told["decided_at"]) == ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z")


async def test_at_which_approval_somebody_was_refused_is_not_known(cell):
    identity = await asked(cell)
    elsewhere = manager(cell, TOM, locs=(PORTLAND,))
    cell.gateway.audited.clear()
    for answer in (
        await cell.http.get(f"/v1/approvals/{identity}", headers=elsewhere),
        await cell.post(f"/v1/approvals/{identity}/decision", {"decision": "approve"}, **elsewhere),
        await cell.http.get("/v1/approvals/eu-approval-01kah2v3nq7h3k2m9qk4t1x0ab", headers=elsewhere),
    ):
        assert answer.status_code in {403, 404}
    await cell.services.trail.close()
    # What the approval refused in its turn, the turn says.
    lines = [line for line in cell.gateway.audited if line.act.action == "request.refused"]
    assert [(line.who.subject, line.outcome, line.entity_id) for line in lines] == [
        (TOM, "approval.location_forbidden", identity),
        (TOM, "approval.unknown", "eu-"),
    ]


async def test_what_has_no_reason_has_an_empty_one(cell):
    wanted = {"source_id": SEATTLE, "destination_id": PORTLAND, "lines": [{"sku": "A1", "quantity": 6}]}
    made = await cell.post("/v1/transfers", wanted, **manager(cell))
    assert made.status_code == 201, made.text
    listed = (await cell.http.get("/v1/approvals", headers=manager(cell))).json()["approvals"]
    assert [(one["action"], one["asked_by"], one["reasons"]) for one in listed] == [("transfer.approve", MIA, [])]


def test_who_decides_is_not_shown_what_is_lost_or_of_which_lot_something_is_found():
    wanted = CloseTransfer([("A1", 6)], [FoundLine("D4", 2, "damaged", "L9", 20_513, "A-1")])
    told = FoundUnits("D4", 2, "damaged", "L9", date(2026, 3, 1), "A-1")
    assert _wanted(wanted) == WantedClosure([TransferLine("A1", 6)], [told])


async def test_what_was_asked_is_refused_when_it_is_sent_again_or_what_can_not_be_done_is_asked(cell):
    identity = await asked(cell, found(600, "D4"), "k1")
    kept = {"skus": [{"sku": "D4", "tracking": "lot"}]}
    assert (await cell.post("/v1/skus", kept, **cell.bearer())).status_code == 200
    assert await asked(cell, found(600, "D4"), "k1") == identity
    before = cell.state()
    anew = await cell.post(ADJUSTMENTS, found(600, "D4"), "k2", **manager(cell))
    assert (anew.status_code, anew.json()["code"]) == (422, "stock.lot_required")
    assert cell.state() == before
