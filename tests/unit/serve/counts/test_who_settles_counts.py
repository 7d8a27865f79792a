"""Who may count, tolerate, decide and correct: four eyes on what is missing, by people and machines."""

from __future__ import annotations

import pytest

from tests.unit.serve.counts.counting import (
    ANN,
    BIN,
    MIA,
    NEW,
    OTHER,
    PORTLAND,
    SEATTLE,
    TOM,
    at,
    begun,
    fill,
    opened,
    submit,
)
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.scanner import Scanner
from tests.unit.serve.small_cell import furnish_with


async def test_a_difference_is_posted_before_somebody_else_has_seen_it_too(guarded):
    mia, tom = guarded.of_role("fulfilment", sub=MIA), guarded.of_role("fulfilment", sub=TOM)
    path = await opened(guarded, **mia)
    await begun(guarded, path, **mia)
    answer = await submit(guarded, path, [("A1", 8)], **mia)
    (spot,) = answer.json()["spots"]
    assert (spot["status"], spot["times"], spot["lines"], spot["counted_by"]) == ("recount", 1, [], "")
    again = await submit(guarded, path, [("A1", 8)], **mia)
    assert (again.status_code, again.json()["code"]) == (403, "count.same_person")
    answer = await submit(guarded, path, [("A1", 8)], **tom)
    (spot,) = answer.json()["spots"]
    assert (spot["status"], spot["counted_by"], spot["lines"][0]["variance"]) == ("correcting", TOM, -2)
    read = (await guarded.http.get(path, headers=mia)).json()
    assert (read["spots"][0]["status"], read["status"], read["opened_by"]) == ("corrected", "closed", MIA)
    (entry,) = [row for row in guarded.gateway.ledger if row.reason == "count"]
    assert (entry.cause, entry.on_hand_delta, entry.bin_id) == (read["count_id"], -2, "A-01")
    said = [line.act.action for line in guarded.gateway.audited]
    assert [action for action in said if action.startswith("count.")] == [
        "count.open", "count.begin", "count.submit", "count.submit", "count.submit",
    ]  # fmt: skip
    # At first nobody was told what should be there; the second counting was of what the books had at the first.
    submits = [line for line in guarded.gateway.audited if line.act.action == "count.submit" and not line.outcome]
    assert [line.act.changes for line in submits] == [{"A-01": (None, 8)}, {"A-01": (10, 8)}]


async def test_fulfilment_decides_between_two_or_large_differences_need_nobody(guarded):
    people = [guarded.of_role("fulfilment", sub=sub) for sub in (MIA, TOM, ANN)]
    path = await opened(guarded, **people[0])
    await begun(guarded, path, **people[0])
    await submit(guarded, path, [("A1", 1)], **people[0])
    await submit(guarded, path, [("A1", 2)], **people[1])
    refused = await submit(guarded, path, [("A1", 2)], **people[2])
    assert (refused.status_code, refused.json()["code"]) == (403, "count.senior_required")
    manager = guarded.of_role("manager", sub=ANN)
    answer = await submit(guarded, path, [("A1", 2)], **manager)
    (spot,) = answer.json()["spots"]
    # Eight units are more than the five that one person may correct.
    assert (spot["status"], answer.json()["status"]) == ("asked", "closed")
    assert [row for row in guarded.gateway.ledger if row.reason == "count"] == []
    approval = f"/v1/approvals/{spot['approval_id']}/decision"
    assert (await guarded.post(approval, {"decision": "approve"}, **manager)).json()["code"] == "approval.same_person"
    given = await guarded.post(approval, {"decision": "approve"}, **guarded.of_role("manager", sub=TOM))
    assert given.status_code == 200, given.text
    (entry,) = [row for row in guarded.gateway.ledger if row.reason == "count"]
    assert (entry.cause, entry.reference, entry.on_hand_delta) == (
        spot["approval_id"], answer.json()["count_id"], -8,
    )  # fmt: skip


@pytest.mark.parametrize("tolerance", [{"units": 3}, {"percent": 3}, {"units": 1, "percent": 100}])
async def test_somebody_who_may_only_receive_writes_stock_off_by_tolerance(guarded, tolerance):
    mia, manager = guarded.of_role("fulfilment", sub=MIA), guarded.of_role("manager", sub=ANN)
    before = guarded.state()
    refused = await guarded.post("/v1/counts", NEW | {"tolerance": tolerance}, **mia)
    told = refused.json()
    assert (refused.status_code, told["code"]) == (403, "count.tolerance_forbidden")
    assert (told["units"], told["percent"]) == (2, 2)
    assert guarded.state() == before
    await opened(guarded, NEW | {"tolerance": {"units": 2, "percent": 2}}, **mia)
    await opened(guarded, NEW | {"tolerance": tolerance}, **manager)


async def test_a_shift_that_was_left_open_tolerates_more_than_others_may(guarded):
    wanted = NEW | {"tolerance": {"units": 3}}
    old = guarded.clock.now // 1000 - 301
    stale = guarded.of_role("manager", sub=ANN, auth_time=old)
    before = guarded.state()
    refused = await guarded.post("/v1/counts", wanted, **stale)
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.step_up_required")
    assert guarded.state() == before
    # What everybody may needs no proof, and a machine has none to give.
    await opened(guarded, NEW | {"tolerance": {"units": 2}}, **stale)
    await opened(guarded, wanted, **guarded.bearer())


async def test_a_shift_that_was_left_open_decides_between_two(guarded):
    mia, tom = guarded.of_role("fulfilment", sub=MIA), guarded.of_role("fulfilment", sub=TOM)
    proved_s = guarded.clock.now // 1000
    stale = guarded.of_role("manager", sub=ANN, auth_time=proved_s - 301)
    path = await opened(guarded, NEW | {"spots": [BIN, OTHER]}, **mia)
    await begun(guarded, path, BIN, OTHER, **mia)
    # Counting first or again is for everybody who may count.
    assert (await submit(guarded, path, [("A1", 10)], OTHER, **stale)).status_code == 200
    await submit(guarded, path, [("A1", 8)], **mia)
    await submit(guarded, path, [("A1", 7)], **tom)
    body = {"spot": BIN, "lines": [{"sku": "A1", "quantity": 6}], "counted_at": at(guarded)}
    before = guarded.state()
    refused = await guarded.post(f"{path}/counted", body, "key-d", **stale)
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.step_up_required")
    assert guarded.state() == before
    # The same call once the proof is given; told again, without one, it is the same answer.
    answer = await guarded.post(f"{path}/counted", body, "key-d", **guarded.of_role("manager", sub=ANN))
    assert answer.json()["spots"][0]["status"] == "correcting"
    again = await guarded.post(f"{path}/counted", body, "key-d", **stale)
    assert (again.status_code, again.json()["spots"][0]["times"]) == (200, 3)


async def test_a_machine_decides_between_two_people_and_whoever_has_it_counted_already(guarded):
    mia, tom = guarded.of_role("fulfilment", sub=MIA), guarded.of_role("fulfilment", sub=TOM)
    path = await opened(guarded, **mia)
    await begun(guarded, path, **mia)
    await submit(guarded, path, [("A1", 8)], **mia)
    await submit(guarded, path, [("A1", 7)], **tom)
    refused = await submit(guarded, path, [("A1", 6)], **guarded.bearer())
    assert (refused.status_code, refused.json()["code"]) == (403, "approval.person_required")
    answer = await submit(guarded, path, [("A1", 6)], **guarded.of_role("manager", sub=ANN))
    assert answer.json()["spots"][0]["status"] == "correcting"


async def test_the_audit_does_not_tell_what_somebody_was_told_before_he_counted(guarded):
    mia = guarded.of_role("fulfilment", sub=MIA)
    path = await opened(guarded, NEW | {"blind": False}, **mia)
    await begun(guarded, path, **mia)
    assert (await submit(guarded, path, [("A1", 7)], **mia)).status_code == 200
    (said,) = [line.act.changes for line in guarded.gateway.audited if line.act.action == "count.submit"]
    assert said == {"A-01": (10, 7)}


async def test_a_cell_that_knows_nobody_refuses_a_tolerance(open_cell):
    await opened(open_cell, NEW | {"tolerance": {"units": 500, "percent": 100}})


async def test_rights_of_another_place_count_here(guarded):
    elsewhere = guarded.of_role("fulfilment", sub=MIA, locs=(PORTLAND,))
    refused = await guarded.post("/v1/counts", NEW, **elsewhere)
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.location_forbidden")
    path = await opened(guarded, **guarded.bearer())
    for answer in (
        await guarded.http.get(path, headers=elsewhere),
        await guarded.post(f"{path}/begun", {"spots": [BIN]}, **elsewhere),
        await submit(guarded, path, [], **elsewhere),
        await guarded.post(f"{path}/closure", {}, **elsewhere),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "count.location_forbidden")
    listed = await guarded.http.get("/v1/counts", headers=elsewhere)
    assert listed.json()["counts"] == []
    listed = await guarded.http.get(f"/v1/counts?location_id={SEATTLE}", headers=elsewhere)
    assert listed.json()["code"] == "auth.location_forbidden"


async def test_what_is_dear_is_tolerated_as_if_it_were_cheap(tmp_path):
    made = GuardedCell(tmp_path, count_tolerance_value=1_000, approval_adjustment_units=50, count_approval_value=2_500)
    await furnish_with(made, made.bearer())
    await fill(made)
    dear = {"skus": [{"sku": "A1", "unit_cost": {"amount": 1_001, "currency": "USD"}}]}
    assert (await made.post("/v1/skus", dear, **made.bearer())).status_code == 200
    mia, tom = made.of_role("manager", sub=MIA), made.of_role("manager", sub=TOM)
    new = NEW | {"tolerance": {"units": 5, "percent": 0}}
    count_id = (await made.post("/v1/counts", new, **mia)).json()["count_id"]
    assert (await made.post(f"/v1/counts/{count_id}/begun", {"spots": [BIN]}, **mia)).status_code == 200
    told = {"spot": BIN, "lines": [{"sku": "A1", "quantity": 7}], "counted_at": at(made)}
    first = (await made.post(f"/v1/counts/{count_id}/counted", told, **mia)).json()
    assert (first["spots"][0]["status"], first["variance_value"]) == ("recount", {"amount": 0, "currency": "USD"})
    second = (await made.post(f"/v1/counts/{count_id}/counted", told, **tom)).json()
    assert (second["spots"][0]["status"], second["variance_value"]["amount"]) == ("asked", 3_003)
    await made.http.aclose()


async def test_a_blind_count_within_tolerance_leaves_no_trace_in_the_audit(tmp_path):
    made = GuardedCell(tmp_path)
    await furnish_with(made, made.bearer())
    await fill(made)
    ann = made.of_role("fulfilment", sub=ANN)
    count_id = (await made.post("/v1/counts", NEW | {"tolerance": {"units": 2, "percent": 0}}, **ann)).json()[
        "count_id"
    ]
    await made.post(f"/v1/counts/{count_id}/begun", {"spots": [BIN]}, **ann)
    told = {"spot": BIN, "lines": [{"sku": "A1", "quantity": 9}], "counted_at": at(made)}
    answer = await made.post(f"/v1/counts/{count_id}/counted", told, **ann)
    assert answer.json()["spots"][0]["status"] in {"correcting", "corrected"}
    (line,) = [line for line in made.gateway.audited if line.act.action == "count.compare"]
    assert (line.who.subject, line.act.location_id, line.act.changes) == (ANN, SEATTLE, {"A1": (10, 9)})
    await made.http.aclose()


async def scanner_of(cell, **person):
    """The bearer of a scanner that the person has enrolled himself and that nobody works on."""
    body = {"name": "mine", "model": "scanner", "location_id": SEATTLE, "scopes": ["stock.read", "stock.receive"]}
    made = await cell.post("/v1/devices", body, **person)
    return await (await Scanner(cell, made.json()).claimed()).bearer()


async def test_somebody_counts_again_with_a_scanner_as_if_it_were_somebody_else(guarded):
    mia = guarded.of_role("manager", sub=MIA, locs=(SEATTLE,))
    scanner = await scanner_of(guarded, **mia)
    path = await opened(guarded, **mia)
    await begun(guarded, path, **mia)
    await submit(guarded, path, [("A1", 1)], **mia)
    before = guarded.gateway.ledger[:]
    refused = await submit(guarded, path, [("A1", 1)], **scanner)
    assert (refused.status_code, refused.json()["code"]) == (403, "approval.person_required")
    (spot,) = (await guarded.http.get(path, headers=mia)).json()["spots"]
    assert (spot["status"], spot["times"], guarded.gateway.ledger) == ("recount", 1, before)


async def test_what_a_scanner_alone_has_counted_is_asked_in_its_name(guarded):
    mia = guarded.of_role("manager", sub=MIA)
    scanner = await scanner_of(guarded, **mia)
    path = await opened(guarded, NEW | {"tolerance": {"units": 20}}, **mia)
    await begun(guarded, path, **mia)
    # It is tolerated, but more than one person may correct.
    (spot,) = (await submit(guarded, path, [("A1", 1)], **scanner)).json()["spots"]
    assert spot["status"] == "recount"
    (spot,) = (await submit(guarded, path, [("A1", 1)], **mia)).json()["spots"]
    assert spot["status"] == "asked"
    approval = f"/v1/approvals/{spot['approval_id']}"
    assert (await guarded.http.get(approval, headers=mia)).json()["asked_by"] == MIA
    answer = await guarded.post(f"{approval}/decision", {"decision": "approve"}, **mia)
    assert answer.json()["code"] == "approval.same_person"


@pytest.mark.parametrize("machine", ["scanner", "client"])
async def test_one_person_counts_with_a_machine_and_then_as_himself_and_that_makes_two(guarded, machine):
    mia, ann = guarded.of_role("fulfilment", sub=MIA), guarded.of_role("manager", sub=ANN)
    client = guarded.bearer(sub="us-client-erp", sid="us-client-erp.1", scopes=("stock.receive",))
    first = client if machine == "client" else await scanner_of(guarded, **ann)
    path = await opened(guarded, **mia)
    await begun(guarded, path, **mia)
    await submit(guarded, path, [("A1", 8)], **first)
    (spot,) = (await submit(guarded, path, [("A1", 8)], **mia)).json()["spots"]
    assert (spot["status"], spot["times"], spot["lines"]) == ("decide", 2, [])
    assert [row for row in guarded.gateway.ledger if row.reason == "count"] == []
    for who, code in ((mia, "count.same_person"), (client, "approval.person_required")):
        assert (await submit(guarded, path, [("A1", 8)], **who)).json()["code"] == code
    (spot,) = (await submit(guarded, path, [("A1", 8)], **ann)).json()["spots"]
    assert (spot["status"], spot["counted_by"], spot["lines"][0]["variance"]) == ("correcting", ANN, -2)
