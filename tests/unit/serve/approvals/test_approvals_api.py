"""Two people and one large adjustment, through the whole API."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.approval import ExpireApproval
from actors.domain.ids import account_id
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.scanner import Scanner
from tests.unit.serve.small_cell import SETTINGS, Cell, furnish, furnish_with, order

SEATTLE, PORTLAND = "us-wh-seattle", "us-st-portland"
ADJUSTMENTS = f"/v1/locations/{SEATTLE}/adjustments"
MIA = account_id("us", b"m" * 16)
TOM = account_id("us", b"t" * 16)
APPROVE = {"decision": "approve"}
HOUR_MS = 3_600_000


@pytest.fixture
async def cell(tmp_path):
    made = GuardedCell(tmp_path, approval_adjustment_units=500, approval_expires_hours=72)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()


def manager(cell, sub=MIA, **more):
    return cell.of_role("manager", sub=sub, **more)


def found(units, sku="A1", **more):
    return {"reference": "count-12", "lines": [{"sku": sku, "quantity": units, "reason": "found", **more}]}


async def asked(cell, body=None, key=None, **headers):
    answer = await cell.post(ADJUSTMENTS, body or found(600), key, **(headers or manager(cell)))
    assert answer.status_code == 202, answer.text
    return answer.json()["approval_id"]


async def decide(cell, identity, headers, body=None, key=None):
    return await cell.post(f"/v1/approvals/{identity}/decision", body or APPROVE, key, **headers)


async def read(cell, identity, headers=None):
    return (await cell.http.get(f"/v1/approvals/{identity}", headers=headers or manager(cell))).json()


async def on_hand(cell, sku="A1"):
    page = await cell.http.get(f"/v1/locations/{SEATTLE}/stock", headers=manager(cell))
    return {line["sku"]: line["on_hand"] for line in page.json()["stock"]}[sku]


async def test_what_one_person_wants_is_done_or_what_two_want_is_not(cell):
    answer = await cell.post(ADJUSTMENTS, found(600, unit_value={"amount": 450, "currency": "USD"}), **manager(cell))
    told = answer.json()
    identity = told["approval_id"]
    assert (answer.status_code, told["status"], answer.headers["location"]) == (
        202,
        "pending",
        f"/v1/approvals/{identity}",
    )
    assert told["expires_at"] == "2026-01-04T00:00:00Z"
    assert await on_hand(cell) == 100
    given = await decide(cell, identity, manager(cell, TOM))
    assert (given.status_code, given.json()["status"]) == (200, "approved")
    assert await on_hand(cell) == 700
    detail = await read(cell, identity)
    assert (detail["status"], detail["asked_by"], detail["decided_by"], detail["size"]) == ("done", MIA, TOM, 600)
    assert detail["wanted"] == {
        "action": "stock.adjust",
        "reference": "count-12",
        "lines": [
            {
                "sku": "A1", "quantity": 600, "reason": "found", "safety_stock": None,
                "unit_value": {"amount": 450, "currency": "USD"}, "lot": "", "bin": "", "condition": "sellable",
            }
        ],
    }  # fmt: skip
    # The books say by which approval.
    (entry,) = [row for row in cell.gateway.ledger if row.reason == "found"]
    assert (entry.cause, entry.reference, entry.on_hand) == (identity, "count-12", 700)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (found(500), 200),
        (found(501), 202),
        ({"lines": [{"sku": "A1", "quantity": n, "reason": "count"} for n in (260, -250)]}, 202),
        ({"lines": [{"sku": "A1", "quantity": 0, "reason": "count", "safety_stock": 9000}]}, 200),
    ],
)
async def test_small_things_and_thresholds_wait_or_large_ones_in_two_directions_do_not(cell, body, status):
    answer = await cell.post(ADJUSTMENTS, body, **manager(cell))
    assert answer.status_code == status, answer.text


async def test_a_cell_that_wants_no_approvals_asks_for_some(tmp_path):
    cell = GuardedCell(tmp_path)
    await furnish_with(cell, cell.bearer())
    assert (await cell.post(ADJUSTMENTS, found(100_000), **manager(cell))).status_code == 200
    assert await on_hand(cell) == 100_100
    await cell.http.aclose()


async def test_an_open_cell_waits_for_a_second_person_though_it_knows_nobody():
    cell = Cell(msgspec.structs.replace(SETTINGS, approval_adjustment_units=500))
    await furnish(cell)
    assert (await cell.post(ADJUSTMENTS, found(600))).status_code == 200
    assert (await cell.get("/v1/approvals")).status_code == 404
    await cell.http.aclose()


async def test_the_same_person_approves_in_another_session(cell):
    identity = await asked(cell)
    for headers in (manager(cell), manager(cell, sid="another"), cell.bearer(sub=MIA)):
        for body in (APPROVE, {"decision": "refuse", "note": "other"}):
            answer = await decide(cell, identity, headers, body)
            assert (answer.status_code, answer.json()["code"]) == (403, "approval.same_person")
    assert (await on_hand(cell), (await read(cell, identity))["status"]) == (100, "pending")


async def test_a_machine_approves(cell):
    identity = await asked(cell)
    answer = await decide(cell, identity, cell.bearer())
    assert (answer.status_code, answer.json()["code"]) == (403, "approval.person_required")
    scopes = {"name": "second-person", "scopes": ["approvals.decide"]}
    registered = await cell.post("/v1/clients", scopes, **cell.bearer())
    assert (registered.status_code, registered.json()["code"]) == (422, "client.scope_forbidden")
    assert await on_hand(cell) == 100


async def test_a_machine_can_not_ask_or_take_it_back(cell):
    identity = await asked(cell, **cell.bearer(scopes=("stock.adjust",)))
    path = f"/v1/approvals/{identity}/withdrawal"
    assert (await cell.post(path, {}, **cell.bearer(scopes=("stock.adjust",)))).json()["status"] == "withdrawn"


async def test_it_is_approved_without_a_fresh_second_factor(cell):
    identity = await asked(cell)
    answer = await decide(cell, identity, manager(cell, TOM, auth_time=cell.clock.now // 1000 - 301))
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.step_up_required")
    assert (await read(cell, identity))["status"] == "pending"


async def test_a_manager_of_another_place_reads_lists_or_approves(cell):
    identity = await asked(cell)
    elsewhere, there = manager(cell, TOM, locs=(PORTLAND,)), manager(cell, TOM, locs=(PORTLAND, SEATTLE))
    for answer in (
        await decide(cell, identity, elsewhere),
        await cell.http.get(f"/v1/approvals/{identity}", headers=elsewhere),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "approval.location_forbidden")
    assert (await cell.http.get("/v1/approvals", headers=elsewhere)).json()["approvals"] == []
    answer = await cell.http.get("/v1/approvals", params={"location_id": SEATTLE}, headers=elsewhere)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.location_forbidden")
    assert [
        one["approval_id"] for one in (await cell.http.get("/v1/approvals", headers=there)).json()["approvals"]
    ] == [identity]
    assert (await decide(cell, identity, there)).status_code == 200


async def test_what_is_refused_is_done_or_says_no_reason(cell):
    identity = await asked(cell)
    answer = await decide(cell, identity, manager(cell, TOM), {"decision": "refuse", "note": "count_again"})
    assert (answer.json()["status"], answer.json()["note"]) == ("refused", "count_again")
    again = await decide(cell, identity, manager(cell, TOM))
    assert (again.status_code, again.json()["code"], again.json()["approval_status"]) == (
        409,
        "approval.illegal_transition",
        "refused",
    )
    assert await on_hand(cell) == 100


async def test_what_was_withdrawn_is_approved_or_anybody_withdraws(cell):
    identity = await asked(cell)
    path = f"/v1/approvals/{identity}/withdrawal"
    theirs = await cell.post(path, {}, **manager(cell, TOM))
    assert (theirs.status_code, theirs.json()["code"]) == (403, "approval.not_yours")
    assert (await cell.post(path, {}, **manager(cell))).json()["status"] == "withdrawn"
    answer = await decide(cell, identity, manager(cell, TOM))
    assert (answer.status_code, answer.json()["code"]) == (409, "approval.illegal_transition")
    assert await on_hand(cell) == 100


async def test_what_has_expired_is_approved(cell):
    identity = await asked(cell)
    cell.clock.now += 72 * HOUR_MS
    late = await decide(cell, identity, manager(cell, TOM))
    assert (late.status_code, late.json()["code"]) == (409, "approval.expired")
    await cell.gateway.ask("approval", identity, ExpireApproval(), command_id="wake", digest=0)
    assert (await read(cell, identity))["status"] == "expired"
    (line,) = [line for line in cell.gateway.audited if line.act.action == "approval.settle"]
    assert (line.who.subject, line.outcome, line.act.location_id) == ("", "approval.expired", SEATTLE)
    assert line.act.changes == {"status": ("pending", "expired"), "person": (MIA, "")}
    assert (await decide(cell, identity, manager(cell, TOM))).json()["code"] == "approval.expired"
    assert await on_hand(cell) == 100


async def test_what_can_not_be_done_any_more_is_called_done(cell):
    loss = {"lines": [{"sku": "A1", "quantity": -501, "reason": "loss"}]}
    identity = await asked(cell, loss)
    await decide(cell, identity, manager(cell, TOM))
    detail = await read(cell, identity)
    assert (detail["status"], detail["failure"]) == ("failed", "stock.insufficient")
    assert await on_hand(cell) == 100


async def test_a_repeated_call_asks_or_adjusts_twice(cell):
    identity = await asked(cell, key="k1")
    cell.clock.now += 60_000
    assert await asked(cell, key="k1") == identity
    # The same key is another one at another place, and for another person.
    other = await cell.post(f"/v1/locations/{PORTLAND}/adjustments", found(600), "k1", **manager(cell))
    assert other.json()["approval_id"] != identity
    assert await asked(cell, key="k1", **manager(cell, TOM)) != identity
    reused = await cell.post(ADJUSTMENTS, found(700), "k1", **manager(cell))
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency.key_reused")
    first = await decide(cell, identity, manager(cell, TOM), key="d1")
    assert (await decide(cell, identity, manager(cell, TOM), key="d1")).content == first.content
    refused = await decide(cell, identity, manager(cell, TOM), {"decision": "refuse", "note": "other"}, key="d1")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency.key_reused")
    assert (await decide(cell, identity, manager(cell, TOM), key="d2")).status_code == 409
    assert await asked(cell, key="k1") == identity
    assert await on_hand(cell) == 700


async def test_what_makes_no_sense_is_asked_for(cell):
    before = cell.state()
    unknown = await cell.post("/v1/locations/us-wh-nowhere/adjustments", found(600), **manager(cell))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "location.unknown")
    assert (await cell.post(ADJUSTMENTS, found(600, "zz"), **manager(cell))).json()["code"] == "sku.unknown"
    assert cell.state() == before


@pytest.mark.parametrize(
    ("step", "body", "code"),
    [
        ("decision", {"decision": "refuse"}, "body.missing_field"),
        ("decision", {"decision": "refuse", "note": "I don't like it"}, "body.invalid"),
        ("decision", {"decision": "approve", "note": "other"}, "body.invalid"),
        ("decision", {"decision": "maybe"}, "body.invalid"),
        ("decision", {"decision": "approve", "by": MIA}, "body.unknown_field"),
        ("withdrawal", {"by": MIA}, "body.unknown_field"),
    ],
)
async def test_a_step_that_makes_no_sense_changes_something(cell, step, body, code):
    identity = await asked(cell)
    before = cell.state()
    answer = await cell.post(f"/v1/approvals/{identity}/{step}", body, **manager(cell, TOM))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert cell.state() == before


@pytest.mark.parametrize(
    "identity", ["us-approval-x", "eu-approval-01kah2v3nq7h3k2m9qk4t1x0ab", "us-approval-01kah2v3nq7h3k2m9qk4t1x0ab"]
)
async def test_an_approval_that_is_not_there_is_found(cell, identity):
    path = f"/v1/approvals/{identity}"
    for answer in (
        await cell.http.get(path, headers=manager(cell)),
        await decide(cell, identity, manager(cell)),
        await cell.post(f"{path}/withdrawal", {}, **manager(cell)),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "approval.unknown")


async def test_a_page_repeats_an_approval_or_leaves_one_out(cell):
    made = []
    for _ in range(5):
        cell.clock.now += 1
        made.append(await asked(cell))
    await decide(cell, made[0], manager(cell, TOM))
    headers, listed, query = manager(cell), [], {"limit": 2}
    while True:
        page = (await cell.http.get("/v1/approvals", params=query, headers=headers)).json()
        listed += page["approvals"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert [one["approval_id"] for one in listed] == made[::-1]
    first = listed[-1]
    assert (first["status"], first["asked_by"], first["decided_by"], first["size"], first["reasons"]) == (
        "done", MIA, TOM, 600, ["found"],
    )  # fmt: skip
    other = await cell.http.get("/v1/approvals", params={"status": "done", "cursor": query["cursor"]}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (400, "cursor.invalid")
    waiting = (await cell.http.get("/v1/approvals", params={"status": "pending"}, headers=headers)).json()
    assert [one["approval_id"] for one in waiting["approvals"]] == made[:0:-1]
    there = (await cell.http.get("/v1/approvals", params={"location_id": PORTLAND}, headers=headers)).json()
    assert there["approvals"] == []
    assert (await cell.http.get("/v1/approvals", params={"status": "new"}, headers=headers)).status_code == 422
    cell.read_model.away = True
    assert (await cell.http.get("/v1/approvals", headers=headers)).json()["code"] == "cell.store_unavailable"


async def test_the_audit_does_not_say_who_asked_and_who_approved(cell):
    identity = await asked(cell, {"lines": [{"sku": "A1", "quantity": 300, "reason": "found"}] * 2})
    await decide(cell, identity, manager(cell))
    await decide(cell, identity, manager(cell, TOM))
    withdrawn = await asked(cell)
    await cell.post(f"/v1/approvals/{withdrawn}/withdrawal", {}, **manager(cell))
    lines = [line for line in cell.gateway.audited if line.act.action.startswith("approval.")]
    assert [(line.who.subject, line.act.action, line.outcome) for line in lines] == [
        (MIA, "approval.ask", ""),
        (MIA, "approval.approve", "approval.same_person"),
        (TOM, "approval.approve", ""),
        ("", "approval.settle", ""),
        (MIA, "approval.ask", ""),
        (MIA, "approval.withdraw", ""),
    ]
    assert {line.act.location_id for line in lines} == {SEATTLE}
    given = lines[2].act
    assert given.why == "found"
    assert given.changes == {
        "status": ("pending", "approved"), "person": (MIA, TOM), "A1.on_hand_delta": (None, 600),
        "lines": (None, 1), "units_down": (None, 0), "units_up": (None, 600),
    }  # fmt: skip
    assert lines[1].act.changes == {}


@pytest.fixture
async def with_transfers(tmp_path):
    """Transfers of more than five units wait."""
    made = GuardedCell(tmp_path, approval_transfer_units=5, approval_expires_hours=72)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()


async def test_somebody_asks_with_a_scanner_for_what_he_then_approves(with_transfers):
    cell = with_transfers
    body = {"name": "mine", "model": "scanner", "location_id": SEATTLE, "scopes": ["stock.read", "stock.receive"]}
    enrolled = await cell.post("/v1/devices", body, **manager(cell))
    scanner = await (await Scanner(cell, enrolled.json()).claimed()).bearer()
    wanted = {"source_id": SEATTLE, "destination_id": PORTLAND, "lines": [{"sku": "A1", "quantity": 40}]}
    before = cell.state()
    refused = await cell.post("/v1/transfers", wanted, **scanner)
    assert (refused.status_code, refused.json()["code"]) == (403, "approval.person_required")
    assert cell.state() == before
    small = await cell.post("/v1/transfers", wanted | {"lines": [{"sku": "A1", "quantity": 5}]}, **scanner)
    assert small.status_code == 201, small.text


async def test_who_places_a_large_order_for_collection_approves_its_transfer(with_transfers):
    cell = with_transfers
    sent = order(("A1", 60)) | {"pickup": {"location_id": PORTLAND}}
    del sent["ship_to"]
    placed = await cell.post("/v1/orders", sent, **manager(cell))
    assert placed.status_code == 201, placed.text
    order_id = placed.json()["order_id"]
    (identity,) = [identity for kind, identity in cell.gateway.entities if kind == "approval"]
    assert (await read(cell, identity))["asked_by"] == MIA
    own = await decide(cell, identity, manager(cell))
    assert (own.status_code, own.json()["code"]) == (403, "approval.same_person")
    # Who it was is for whoever decides, not for all who read orders.
    for path in (f"/v1/orders/{order_id}", f"/v1/orders/{order_id}/events"):
        assert MIA not in (await cell.http.get(path, headers=manager(cell, TOM))).text
    assert (await decide(cell, identity, manager(cell, TOM))).status_code == 200


async def test_an_order_for_collection_of_a_machine_has_nobody_to_approve_it(with_transfers):
    cell = with_transfers
    sent = order(("A1", 60)) | {"pickup": {"location_id": PORTLAND}}
    del sent["ship_to"]
    placed = await cell.post("/v1/orders", sent, **cell.bearer())
    (identity,) = [identity for kind, identity in cell.gateway.entities if kind == "approval"]
    assert (await read(cell, identity))["asked_by"] == placed.json()["order_id"]
    assert (await decide(cell, identity, manager(cell))).status_code == 200
