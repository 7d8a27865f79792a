"""What a transfer takes off the books is said by two people when it is more than one of them may correct."""

from __future__ import annotations

import msgspec
import pytest

from serve.problems import Problem
from serve.transfers import calls
from serve.transfers.calls import TransferCalls
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import SETTINGS, Cell, furnish, furnish_with
from tests.unit.serve.transfers.transfer_rig import (
    MIA,
    NEWARK,
    PORTLAND,
    SEATTLE,
    TOM,
    done,
    lines,
    manager,
    read,
    requested,
    step,
    stock,
    wanted,
)

APPROVE = {"decision": "approve"}
LOST = {"lost": lines(A1=6), "found": lines(A1=2)}
DEVICE = "us-device-01kah2v3nq7h3k2m9qk4t1x0ab"


@pytest.fixture
async def made(tmp_path):
    """Makes cells of which more than so many units wait."""
    cells = []

    async def make(units=5):
        cell = GuardedCell(tmp_path / str(len(cells)), approval_adjustment_units=units, approval_expires_hours=72)
        cells.append(cell)
        await furnish_with(cell, cell.bearer())
        return cell

    yield make
    for cell in cells:
        await cell.http.aclose()


async def picked(cell, headers=None):
    headers = manager(cell) if headers is None else headers
    identity = await requested(cell, wanted(lines=lines(A1=20)), **headers)
    await done(cell, identity, "picking", {}, **headers)
    return identity


async def on_the_road(cell, units=6):
    identity = await picked(cell)
    await done(cell, identity, "dispatches", {"packages": [{"lines": lines(A1=units)}]}, **manager(cell))
    return identity


async def asked(cell, identity, path, body, key=None, **headers):
    answer = await step(cell, identity, path, body, key, **(headers or manager(cell)))
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["status"], told["expires_at"]) == ("pending", "2026-01-04T00:00:00Z")
    assert answer.headers["location"] == f"/v1/approvals/{told['approval_id']}"
    return told["approval_id"]


async def decided(cell, approval_id, headers=None, body=None):
    headers = manager(cell, TOM) if headers is None else headers
    return await cell.post(f"/v1/approvals/{approval_id}/decision", body or APPROVE, **headers)


async def approval(cell, approval_id):
    return (await cell.http.get(f"/v1/approvals/{approval_id}", headers=manager(cell))).json()


def approvals(cell):
    return [identity for kind, identity in cell.gateway.entities if kind == "approval"]


# --- what is missing ------------------------------------------------------------------------------------------------
async def test_one_person_takes_off_the_books_by_a_transfer_what_he_may_not_correct(made):
    cell = await made()
    identity = await picked(cell)
    await done(cell, identity, "short-picks", {"lines": lines(A1=5)}, **manager(cell))
    assert (stock(cell, SEATTLE), approvals(cell)) == ((95, 15), [])
    missing = await asked(cell, identity, "short-picks", {"lines": lines(A1=6)})
    assert stock(cell, SEATTLE) == (95, 15)
    assert (await read(cell, identity, manager(cell)))["status"] == "picking"
    own = await decided(cell, missing, manager(cell))
    assert (own.status_code, own.json()["code"]) == (403, "approval.same_person")
    assert (await decided(cell, missing)).status_code == 200
    assert stock(cell, SEATTLE) == (89, 9)
    detail = await approval(cell, missing)
    assert (detail["status"], detail["asked_by"], detail["decided_by"], detail["size"]) == ("done", MIA, TOM, 6)
    assert (detail["location_id"], detail["target_kind"], detail["target_id"]) == (SEATTLE, "transfer", identity)
    assert detail["wanted"] == {"action": "transfer.short_pick", "lines": lines(A1=6)}
    listed = (await cell.http.get("/v1/approvals", headers=manager(cell))).json()["approvals"]
    assert [(one["action"], one["size"], one["reasons"]) for one in listed] == [("transfer.short_pick", 6, [])]
    gone = [row.reference for row in cell.gateway.ledger if row.reason == "short_pick"]
    assert gone == ["", missing]


async def test_many_lines_of_a_few_units_are_no_large_loss(made):
    cell = await made()
    identity = await requested(cell, wanted(lines=[*lines(A1=4), *lines(**{"B 2": 4})]), **manager(cell))
    await done(cell, identity, "picking", {}, **manager(cell))
    await asked(cell, identity, "short-picks", {"lines": [*lines(A1=3), *lines(**{"B 2": 3})]})
    await asked(cell, identity, "short-picks", {"lines": [*lines(A1=3), *lines(A1=1), *lines(**{"B 2": 2})]})


# --- what is lost ---------------------------------------------------------------------------------------------------
async def test_one_person_gives_up_on_the_road_what_he_may_not_correct(made):
    cell = await made()
    identity = await on_the_road(cell)
    lost = await asked(cell, identity, "closure", LOST)
    assert (await read(cell, identity, manager(cell)))["status"] == "partly_dispatched"
    detail = await approval(cell, lost)
    found = {"sku": "A1", "quantity": 2, "condition": "sellable", "lot": "", "expires_on": None, "bin": ""}
    assert detail["wanted"] == {"action": "transfer.close", "lost": lines(A1=6), "found": [found]}
    assert (detail["size"], detail["location_id"]) == (6, SEATTLE)
    own = await decided(cell, lost, manager(cell))
    assert (own.status_code, own.json()["code"]) == (403, "approval.same_person")
    assert (await decided(cell, lost)).status_code == 200
    closed = await read(cell, identity, manager(cell))
    assert (closed["status"], closed["outcome"]) == ("closed", "with_loss")
    assert (closed["lines"][0]["lost"], closed["lines"][0]["found"], stock(cell, PORTLAND)) == (6, 2, (5, 0))


async def test_a_small_loss_waits(made):
    cell = await made()
    identity = await on_the_road(cell, 5)
    closed = await done(cell, identity, "closure", {"lost": lines(A1=5), "found": lines(A1=9)}, **manager(cell))
    assert (closed["outcome"], approvals(cell)) == ("with_loss", [])


async def test_whoever_reaches_the_destination_alone_decides_over_the_sources_units(made):
    cell = await made()
    identity = await on_the_road(cell)
    # He may close it, so he may ask.
    here = {"locs": (PORTLAND,)}
    lost = await asked(cell, identity, "closure", {"lost": lines(A1=6)}, **manager(cell, **here))
    assert cell.gateway.entities["approval", lost][0].wanted.within == []
    refused = await decided(cell, lost, manager(cell, TOM, **here))
    assert (refused.status_code, refused.json()["code"]) == (403, "approval.location_forbidden")
    assert (await decided(cell, lost, manager(cell, TOM, locs=(SEATTLE,)))).status_code == 200
    assert (await read(cell, identity, manager(cell)))["status"] == "closed"


# --- what is not asked ----------------------------------------------------------------------------------------------
async def test_a_second_person_is_asked_for_what_the_first_may_not_do_or_nobody_could(made):
    cell = await made()
    identity, missing = await picked(cell), {"lines": lines(A1=6)}
    unknown = identity[:-4] + ("aaaa" if identity[-4:] != "aaaa" else "bbbb")
    elsewhere = manager(cell, locs=(NEWARK,))
    there = manager(cell, locs=(PORTLAND,))
    stale = manager(cell, auth_time=cell.clock.now // 1000 - 301)
    device = cell.bearer(sub=DEVICE, scopes=("stock.adjust",))
    for target, path, body, headers, status, code in (
        (unknown, "short-picks", missing, manager(cell), 404, "transfer.unknown"),
        (unknown, "closure", LOST, manager(cell), 404, "transfer.unknown"),
        ("us-x", "short-picks", missing, manager(cell), 404, "transfer.unknown"),
        (identity, "short-picks", missing, elsewhere, 403, "transfer.location_forbidden"),
        (identity, "short-picks", missing, there, 403, "transfer.location_forbidden"),
        (identity, "closure", {"lost": lines(A1=6)}, elsewhere, 403, "transfer.location_forbidden"),
        (identity, "closure", LOST, elsewhere, 403, "transfer.location_forbidden"),
        (identity, "closure", LOST, manager(cell), 409, "transfer.illegal_transition"),
        (identity, "short-picks", {"lines": lines(A1=21)}, manager(cell), 409, "transfer.not_allocated"),
        (identity, "short-picks", missing, stale, 401, "auth.step_up_required"),
        (identity, "short-picks", missing, device, 403, "approval.person_required"),
    ):
        answer = await step(cell, target, path, body, **headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (path, answer.text)
    assert (approvals(cell), stock(cell, SEATTLE)) == ([], (100, 20))
    told = [(line.act.action, line.act.location_id, line.outcome) for line in cell.gateway.audited][-1:]
    assert told == [("transfer.want_short_pick", SEATTLE, "transfer.not_allocated")]


async def test_more_is_given_up_than_is_on_the_road_when_somebody_approves_it(made):
    cell = await made()
    identity = await on_the_road(cell)
    answer = await step(cell, identity, "closure", {"lost": lines(A1=7)}, **manager(cell))
    assert (answer.status_code, answer.json()["code"]) == (409, "transfer.lost_differs")
    kit = {"skus": [{"sku": "KIT", "kit": [{"sku": "A1", "quantity": 1}]}]}
    assert (await cell.post("/v1/skus", kit, **cell.bearer())).status_code == 200
    answer = await step(cell, identity, "closure", LOST | {"found": lines(KIT=1)}, **manager(cell))
    assert (answer.status_code, answer.json()["code"]) == (422, "stock.kit_not_kept")
    assert approvals(cell) == []


# --- once -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("path", "body"), [("short-picks", {"lines": lines(A1=6)}), ("closure", LOST)])
async def test_a_call_that_is_repeated_asks_again_or_is_refused_since_it_was_done(made, path, body):
    cell = await made()
    identity = await (picked(cell) if path == "short-picks" else on_the_road(cell))
    first = await asked(cell, identity, path, body, "k1")
    assert await asked(cell, identity, path, body, "k1") == first
    assert (await decided(cell, first)).status_code == 200
    if path == "short-picks":
        await done(cell, identity, "cancellation", {}, **manager(cell))
    assert (await read(cell, identity, manager(cell)))["status"] in ("closed", "cancelled")
    again = await step(cell, identity, path, body, "k1", **manager(cell))
    assert (again.status_code, again.json()["approval_id"], again.json()["status"]) == (202, first, "pending")
    assert len(approvals(cell)) == 1
    more = {"lines": lines(A1=9)} if path == "short-picks" else {"lost": lines(A1=9)}
    other = await step(cell, identity, path, more, "k1", **manager(cell))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")


async def test_what_is_found_is_forgotten_when_the_call_is_repeated_after_it_became_wrong(made, monkeypatch):
    cell = await made()
    identity = await on_the_road(cell)
    first = await asked(cell, identity, "closure", LOST, "k1")

    async def wrong(*_):
        raise Problem("stock.kit_not_kept", "A kit has no stock.")

    monkeypatch.setattr(TransferCalls, "found", wrong)
    assert await asked(cell, identity, "closure", LOST, "k1") == first
    assert [line["sku"] for line in (await approval(cell, first))["wanted"]["found"]] == ["A1"]
    # The transfer has answered, and the approval was never asked.
    del cell.gateway.entities["approval", first]
    cell.gateway.remembered = {key: said for key, said in cell.gateway.remembered.items() if key[0] != "approval"}
    answer = await step(cell, identity, "closure", LOST, "k1", **manager(cell))
    assert (answer.status_code, answer.json()["code"], approvals(cell)) == (422, "stock.kit_not_kept", [])


async def test_what_was_done_at_once_waits_when_it_is_sent_again_under_another_limit(made, monkeypatch):
    cell = await made(20)
    identity = await picked(cell)
    body = {"lines": lines(A1=6)}
    first = await step(cell, identity, "short-picks", body, "k1", **manager(cell))
    assert first.status_code == 200
    monkeypatch.setattr(calls, "needs_approval", lambda services, wanted: True)
    again = await step(cell, identity, "short-picks", body, "k1", **manager(cell))
    assert (again.status_code, again.json()) == (200, first.json())
    waits = await asked(cell, identity, "short-picks", body, "k2")
    monkeypatch.setattr(calls, "needs_approval", lambda services, wanted: False)
    assert await asked(cell, identity, "short-picks", body, "k2") == waits
    assert stock(cell, SEATTLE) == (94, 14)


async def test_a_transfer_stands_still_while_it_waits_or_nobody_hears_that_it_went_on(made):
    cell = await made()
    identity = await picked(cell)
    missing = await asked(cell, identity, "short-picks", {"lines": lines(A1=20)})
    await done(cell, identity, "dispatches", {"packages": [{"lines": lines(A1=4)}]}, **manager(cell))
    assert (await decided(cell, missing)).json()["status"] == "approved"
    detail = await approval(cell, missing)
    assert (detail["status"], detail["failure"]) == ("failed", "transfer.not_allocated")
    assert stock(cell, SEATTLE) == (96, 16)


async def test_what_is_refused_leaves_the_books_or_stops_the_transfer(made):
    cell = await made()
    identity = await picked(cell)
    missing = await asked(cell, identity, "short-picks", {"lines": lines(A1=6)})
    await decided(cell, missing, body={"decision": "refuse", "note": "count_again"})
    found = await read(cell, identity, manager(cell))
    assert (found["status"], found["outcome"], stock(cell, SEATTLE)) == ("picking", "", (100, 20))


async def test_the_audit_does_not_say_who_gave_up_what_with_whom(made):
    cell = await made()
    identity = await picked(cell)
    before = len(cell.gateway.audited)
    missing = await asked(cell, identity, "short-picks", {"lines": lines(A1=6)})
    await decided(cell, missing)
    gone, people = {"A1.missing": (None, 6)}, {"person": (MIA, TOM)}
    told = cell.gateway.audited[before:]
    assert [(line.who.subject, line.act.action, line.act.location_id, line.act.changes) for line in told] == [
        (MIA, "transfer.want_short_pick", SEATTLE, {}),
        (MIA, "approval.ask", SEATTLE, {"status": (None, "pending"), **gone}),
        (TOM, "approval.approve", SEATTLE, {"status": ("pending", "approved"), **people, **gone}),
        ("", "approval.settle", SEATTLE, {"status": ("approved", "done"), **people}),
    ]


# --- where nothing waits --------------------------------------------------------------------------------------------
async def test_something_waits_where_nothing_shall_or_nobody_is_known(made):
    cell = await made(0)
    identity = await picked(cell)
    await done(cell, identity, "short-picks", {"lines": lines(A1=6)}, **manager(cell))
    open_cell = Cell(msgspec.structs.replace(SETTINGS, approval_adjustment_units=5))
    await furnish(open_cell)
    identity = await picked(open_cell, {})
    await done(open_cell, identity, "short-picks", {"lines": lines(A1=6)})
    await done(open_cell, identity, "dispatches", {"packages": [{"lines": lines(A1=6)}]})
    await done(open_cell, identity, "closure", LOST)
    assert (approvals(cell), approvals(open_cell)) == ([], [])
    await open_cell.http.aclose()
