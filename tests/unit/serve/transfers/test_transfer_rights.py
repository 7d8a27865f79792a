"""Who may do what with a transfer, and what takes two people."""

from __future__ import annotations

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


# --- four eyes --------------------------------------------------------------------------------------------------------
async def test_who_requests_a_large_transfer_has_to_look_for_its_approval(guarded):
    told = (await guarded.post("/v1/transfers", wanted(lines=lines(A1=51)), **manager(guarded))).json()
    assert told["status"] == "requested"
    assert told["approval_id"] == (await read(guarded, told["transfer_id"], manager(guarded)))["approval_id"] != ""
    small = (await guarded.post("/v1/transfers", wanted(lines=lines(A1=1)), **manager(guarded))).json()
    assert small["approval_id"] == ""


async def test_a_large_transfer_leaves_before_somebody_else_has_approved_it(guarded):
    small = await requested(guarded, wanted(lines=lines(A1=50)), **manager(guarded))
    assert (await read(guarded, small, manager(guarded)))["status"] == "allocated"
    await done(guarded, small, "cancellation", {}, **manager(guarded))
    large = await requested(guarded, wanted(lines=lines(A1=51)), **manager(guarded))
    detail = await read(guarded, large, manager(guarded))
    approval = f"/v1/approvals/{detail['approval_id']}"
    assert (detail["status"], stock(guarded, SEATTLE)) == ("requested", (100, 0))
    asked = (await guarded.http.get(approval, headers=manager(guarded))).json()
    assert asked["wanted"] == {
        "action": "transfer.approve", "source_id": SEATTLE, "destination_id": PORTLAND, "lines": lines(A1=51),
    }  # fmt: skip
    assert (asked["size"], asked["reasons"], asked["target_kind"], asked["target_id"]) == (51, [], "transfer", large)
    listed = (await guarded.http.get("/v1/approvals", headers=manager(guarded))).json()["approvals"]
    assert [(one["action"], one["reasons"]) for one in listed] == [("transfer.approve", [])]
    own = await guarded.post(f"{approval}/decision", {"decision": "approve"}, **manager(guarded))
    assert (own.status_code, own.json()["code"]) == (403, "approval.same_person")
    stale = manager(guarded, TOM, auth_time=guarded.clock.now // 1000 - 301)
    old = await guarded.post(f"{approval}/decision", {"decision": "approve"}, **stale)
    assert (old.status_code, old.json()["code"]) == (401, "auth.step_up_required")
    given = await guarded.post(f"{approval}/decision", {"decision": "approve"}, **manager(guarded, TOM))
    assert given.status_code == 200
    assert (await read(guarded, large, manager(guarded)))["status"] == "allocated"
    assert stock(guarded, SEATTLE) == (100, 51)


async def test_a_refused_transfer_waits_for_ever(guarded):
    large = await requested(guarded, wanted(lines=lines(A1=51)), **manager(guarded))
    approval = (await read(guarded, large, manager(guarded)))["approval_id"]
    body = {"decision": "refuse", "note": "wrong_amount"}
    await guarded.post(f"/v1/approvals/{approval}/decision", body, **manager(guarded, TOM))
    detail = await read(guarded, large, manager(guarded))
    assert (detail["status"], detail["outcome"], detail["allowed"]) == ("refused", "refused", [])


async def test_an_open_cell_waits_for_a_second_person_though_it_knows_nobody(cell):
    identity = await requested(cell, wanted(lines=lines(A1=100)))
    assert (await read(cell, identity))["status"] == "allocated"


# --- rights -----------------------------------------------------------------------------------------------------------
async def test_people_of_one_end_do_what_is_for_the_other_or_of_a_third_anything(guarded):
    here, there, elsewhere = (
        guarded.of_role("fulfilment", sub=TOM, locs=(place,)) for place in (SEATTLE, PORTLAND, NEWARK)
    )
    refused = await guarded.post("/v1/transfers", wanted(), **elsewhere)
    assert (refused.status_code, refused.json()["code"]) == (403, "transfer.location_forbidden")
    identity = await requested(guarded, **there)
    assert (await step(guarded, identity, "picking", {}, **there)).status_code == 403
    await done(guarded, identity, "picking", {}, **here)
    body = {"packages": [{"lines": lines(A1=10)}]}
    assert (await step(guarded, identity, "dispatches", body, **there)).status_code == 403
    await done(guarded, identity, "dispatches", body, **here)
    assert (await step(guarded, identity, "receipts", {"packages": ["1"]}, **here)).status_code == 403
    path = f"/v1/transfers/{identity}"
    assert (await guarded.http.get(path, headers=elsewhere)).json()["code"] == "transfer.location_forbidden"
    assert (await guarded.http.get("/v1/transfers", headers=elsewhere)).json()["transfers"] == []
    other = await guarded.http.get("/v1/transfers", params={"location_id": SEATTLE}, headers=elsewhere)
    assert (other.status_code, other.json()["code"]) == (403, "auth.location_forbidden")
    for headers in (here, there):
        assert (await guarded.http.get(path, headers=headers)).status_code == 200
        listed = (await guarded.http.get("/v1/transfers", headers=headers)).json()["transfers"]
        assert [one["transfer_id"] for one in listed] == [identity]
    lost = {"lost": lines(A1=10)}
    assert (await step(guarded, identity, "closure", lost, **there)).json()["code"] == "auth.forbidden"
    old = manager(guarded, auth_time=guarded.clock.now // 1000 - 301)
    assert (await step(guarded, identity, "closure", lost, **old)).json()["code"] == "auth.step_up_required"
    await done(guarded, identity, "closure", lost, **manager(guarded))


async def test_a_transfer_takes_units_off_the_books_without_a_manager(guarded):
    identity = await requested(guarded, **manager(guarded))
    await done(guarded, identity, "picking", {}, **manager(guarded))
    missing = {"lines": lines(A1=1)}
    floor = guarded.of_role("fulfilment", locs=(SEATTLE,))
    assert (await step(guarded, identity, "short-picks", missing, **floor)).json()["code"] == "auth.forbidden"
    old = manager(guarded, auth_time=guarded.clock.now // 1000 - 301)
    assert (await step(guarded, identity, "short-picks", missing, **old)).json()["code"] == "auth.step_up_required"
    assert stock(guarded, SEATTLE)[0] == 100
    await done(guarded, identity, "short-picks", missing, **manager(guarded))
    assert stock(guarded, SEATTLE)[0] == 99


async def test_the_audit_does_not_say_who_gave_up_what(guarded):
    identity = await requested(guarded, **manager(guarded))
    await done(guarded, identity, "picking", {}, **manager(guarded))
    await done(guarded, identity, "dispatches", {"packages": [{"lines": lines(A1=9)}]}, **manager(guarded))
    await done(guarded, identity, "short-picks", {"lines": lines(A1=1)}, **manager(guarded))
    await done(guarded, identity, "receipts", {"lines": lines(A1=4), "found": lines(A1=1)}, **manager(guarded, TOM))
    await done(guarded, identity, "closure", {"lost": lines(A1=5)}, **manager(guarded, TOM))
    told = [line for line in guarded.gateway.audited if line.act.action.startswith("transfer.")]
    assert [(line.who.subject, line.act.action, line.act.location_id, line.act.changes) for line in told] == [
        (MIA, "transfer.request", SEATTLE, {"A1.units": (None, 10)}),
        (MIA, "transfer.start_picking", SEATTLE, {}),
        (MIA, "transfer.dispatch", SEATTLE, {}),
        (MIA, "transfer.short_pick", SEATTLE, {"A1.missing": (None, 1)}),
        (TOM, "transfer.receive", PORTLAND, {"A1.found": (None, 1)}),
        (TOM, "transfer.close", SEATTLE, {"A1.lost": (None, 5)}),
    ]
