"""Transfers through the whole API: both ends, large ones, lists, suggestions, and what is refused."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from actors.domain import gs1
from actors.domain.ids import account_id
from actors.domain.location_commands import ReceiptLine, ReceiveStock
from actors.domain.transfer_commands import LookAtTransfer
from actors.runtime.wire import OK
from serve.days import day_of
from serve.transfers import suggestions
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import Cell, furnish, furnish_with

SEATTLE, PORTLAND, NEWARK = "us-wh-seattle", "us-st-portland", "us-wh-newark"
MIA, TOM = account_id("us", b"m" * 16), account_id("us", b"t" * 16)
SSCC = gs1.sscc("9521234", 42)
TOMORROW = "2026-01-02T00:00:00Z"


@pytest.fixture
async def cell():
    made = Cell()
    await furnish(made)
    yield made
    await made.http.aclose()


@pytest.fixture
async def guarded(tmp_path):
    made = GuardedCell(tmp_path, approval_transfer_units=50)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()


def lines(**units):
    return [{"sku": sku, "quantity": n} for sku, n in units.items()]


def wanted(**more):
    body = {"source_id": SEATTLE, "destination_id": PORTLAND, "lines": lines(A1=10), "expected_at": TOMORROW}
    return body | more


async def requested(cell, body=None, key=None, **headers):
    answer = await cell.post("/v1/transfers", body or wanted(), key, **headers)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert answer.headers["location"] == f"/v1/transfers/{told['transfer_id']}"
    return told["transfer_id"]


async def step(cell, identity, path, body, key=None, **headers):
    return await cell.post(f"/v1/transfers/{identity}/{path}", body, key, **headers)


async def done(cell, identity, path, body, **headers):
    answer = await step(cell, identity, path, body, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def read(cell, identity, headers=None):
    return (await cell.http.get(f"/v1/transfers/{identity}", headers=headers)).json()


def stock(cell, place, sku="A1"):
    row = cell.gateway.entities["location", place][0].stock[sku]
    return row.on_hand, row.allocated


async def sent(cell, *packages, **more):
    """A transfer on its way; its id."""
    identity = await requested(cell, wanted(**more))
    await done(cell, identity, "picking", {})
    await done(cell, identity, "dispatches", {"packages": list(packages) or [{"lines": lines(A1=10)}]})
    return identity


async def test_units_get_lost_between_two_places_or_their_story_does(cell):
    identity = await requested(cell, wanted(lines=lines(A1=10, C3=2), reference="refill-7"))
    detail = await read(cell, identity)
    assert (detail["status"], detail["expected_at"], detail["allowed"]) == (
        "allocated", TOMORROW, ["start_picking", "cancel"],
    )  # fmt: skip
    assert [(line["sku"], line["allocated"], line["short"]) for line in detail["lines"]] == [
        ("A1", 10, 0),
        ("C3", 0, 2),
    ]
    assert (await done(cell, identity, "picking", {}))["status"] == "picking"
    await done(cell, identity, "short-picks", {"lines": lines(A1=1)})
    packages = [{"sscc": SSCC, "lines": lines(A1=6)}, {"lines": lines(A1=3)}]
    await done(cell, identity, "dispatches", {"packages": packages, "expected_at": "2026-01-03T02:00:00+02:00"})
    detail = await read(cell, identity)
    assert (detail["status"], detail["expected_at"]) == ("dispatched", "2026-01-03T00:00:00Z")
    assert [(one["number"], one["sscc"], one["status"]) for one in detail["packages"]] == [
        (1, SSCC, "on_the_way"), (2, "", "on_the_way"),
    ]  # fmt: skip
    assert stock(cell, SEATTLE) == (90, 0)
    await done(cell, identity, "receipts", {"packages": [SSCC]})
    assert (await read(cell, identity))["status"] == "receiving"
    damaged = [{"sku": "A1", "quantity": 1, "condition": "damaged"}, {"sku": "A1", "quantity": 1}]
    await done(cell, identity, "receipts", {"lines": damaged, "found": lines(A1=1)})
    closed = await done(cell, identity, "closure", {"lost": lines(A1=1)})
    assert (closed["status"], closed["outcome"]) == ("closed", "with_loss")
    line = (await read(cell, identity))["lines"][0]
    assert {name: line[name] for name in ("dispatched", "received", "damaged", "lost", "found", "missing")} == {
        "dispatched": 9, "received": 8, "damaged": 1, "lost": 1, "found": 1, "missing": 1,
    }  # fmt: skip
    assert stock(cell, PORTLAND) == (3 + 9, 0)


async def lots_come(cell):
    goods = ReceiveStock([ReceiptLine("D4", 5, None, "L1", day_of(date(2026, 2, 1)))])
    reply = await cell.gateway.ask("location", SEATTLE, goods, command_id="lots", digest=0)
    assert reply.status == OK


async def test_found_units_of_what_is_kept_by_lot_have_none(cell):
    tracked = {"skus": [{"sku": "D4", "tracking": "lot"}]}
    assert (await cell.post("/v1/skus", tracked)).status_code == 200
    await lots_come(cell)
    identity = await sent(cell, {"lines": lines(D4=5)}, lines=lines(D4=5))
    for path, body in (("receipts", {"found": lines(D4=1)}), ("closure", {"lost": lines(D4=5), "found": lines(D4=1)})):
        answer = await step(cell, identity, path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "stock.lot_required")


async def test_lots_arrive_without_their_last_day(cell):
    await lots_come(cell)
    identity = await sent(cell, {"lines": lines(D4=5)}, lines=lines(D4=5))
    packed = (await read(cell, identity))["packages"][0]["lines"]
    assert packed == [{"sku": "D4", "quantity": 5, "received": 0, "lot": "L1", "expires_on": "2026-02-01"}]
    unknown = {"sku": "D4", "quantity": 1, "lot": "L9", "expires_on": "2026-03-01"}
    told = await done(cell, identity, "receipts", {"packages": ["1"], "found": [unknown]})
    assert told["status"] in ("dispatched", "closed")
    lots = cell.gateway.entities["location", PORTLAND][0].lots["D4"]
    assert {name: lot.on_hand for name, lot in lots.items()} == {"L1": 5, "L9": 1}


async def test_what_is_not_sent_stays_allocated(cell):
    identity = await sent(cell, {"lines": lines(A1=4)})
    assert (await done(cell, identity, "completion", {}))["status"] == "dispatched"
    assert stock(cell, SEATTLE) == (96, 0)
    await done(cell, identity, "receipts", {"packages": ["1"]})
    assert (await read(cell, identity))["outcome"] == "partial"
    cancelled = await requested(cell)
    assert (await done(cell, cancelled, "cancellation", {}))["status"] == "cancelled"
    assert stock(cell, SEATTLE) == (96, 0)


async def test_a_repeated_call_moves_units_twice(cell):
    identity = await requested(cell, key="k1")
    cell.clock.now += 60_000
    assert await requested(cell, key="k1") == identity
    assert stock(cell, SEATTLE) == (100, 10)
    await done(cell, identity, "picking", {})
    body = {"packages": [{"lines": lines(A1=4)}]}
    first = await step(cell, identity, "dispatches", body, "d1")
    assert (await step(cell, identity, "dispatches", body, "d1")).content == first.content
    assert stock(cell, SEATTLE) == (96, 6)
    # Another step is another request, though it says the same.
    first = await step(cell, identity, "completion", {}, "c1")
    assert first.status_code == 200, first.text
    other = await step(cell, identity, "cancellation", {}, "c1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")
    reused = await cell.post("/v1/transfers", wanted(lines=lines(A1=11)), "k1")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency.key_reused")


# --- four eyes ------------------------------------------------------------------------------------------------------
def manager(cell, sub=MIA, **more):
    return cell.of_role("manager", sub=sub, **more)


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


# --- rights ---------------------------------------------------------------------------------------------------------
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


# --- lists ----------------------------------------------------------------------------------------------------------
async def test_a_page_repeats_a_transfer_or_leaves_one_out(cell):
    made = []
    for number in range(5):
        cell.clock.now += 1
        made.append(
            await requested(cell, wanted(destination_id=NEWARK if number == 2 else PORTLAND, lines=lines(A1=2)))
        )
    listed, query = [], {"limit": 2}
    while True:
        page = (await cell.get("/v1/transfers", **query)).json()
        listed += page["transfers"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert [one["transfer_id"] for one in listed] == made[::-1]
    assert (listed[0]["status"], listed[0]["wanted"], listed[0]["line_count"], listed[0]["late"]) == (
        "allocated", 2, 1, False,
    )  # fmt: skip
    newark = (await cell.get("/v1/transfers", location_id=NEWARK)).json()["transfers"]
    assert [one["transfer_id"] for one in newark] == [made[2]]
    await done(cell, made[0], "cancellation", {})
    gone = (await cell.get("/v1/transfers", status="cancelled", location_id=SEATTLE)).json()["transfers"]
    assert [one["transfer_id"] for one in gone] == [made[0]]
    assert (await cell.get("/v1/transfers", status="gone")).status_code == 422
    other = await cell.get("/v1/transfers", status="closed", cursor=query["cursor"])
    assert (other.status_code, other.json()["code"]) == (400, "cursor.invalid")
    cell.read_model.away = True
    assert (await cell.get("/v1/transfers")).json()["code"] == "cell.store_unavailable"


async def test_nobody_sees_that_a_transfer_is_late(cell):
    identity = await sent(cell)
    cell.clock.now += 86_400_000
    await cell.gateway.ask("transfer", identity, LookAtTransfer(), command_id="wake", digest=0)
    assert (await read(cell, identity))["late"]
    assert (await cell.get("/v1/transfers")).json()["transfers"][0]["late"]


# --- suggestions ----------------------------------------------------------------------------------------------------
async def levels(cell, place, point):
    body = {"levels": [{"sku": "A1", "reorder_point": point}]}
    answer = await cell.write("PUT", f"/v1/locations/{place}/levels", body)
    assert answer.status_code == 200, answer.text


async def test_nobody_says_that_a_store_runs_low_beside_a_full_warehouse(cell):
    assert (await cell.get("/v1/transfer-suggestions", sku="A1")).json()["suggestions"] == []
    await levels(cell, PORTLAND, 20)
    page = (await cell.get("/v1/transfer-suggestions", sku="A1")).json()
    assert page["sku"] == "A1"
    (one,) = page["suggestions"]
    assert one == {
        "source_id": SEATTLE, "destination_id": PORTLAND, "units": 37, "distance_km": one["distance_km"],
        "need": "below_reorder_point", "days_left": None,
    }  # fmt: skip
    assert 200 < one["distance_km"] < 230
    # What is on its way counts.
    await sent(cell, {"lines": lines(A1=37)}, lines=lines(A1=37))
    assert (await cell.get("/v1/transfer-suggestions", sku="A1")).json()["suggestions"] == []


async def test_what_a_place_sells_is_not_looked_at(cell):
    order = await cell.placed(("C3", 4))
    for update in ("start_picking", "pack", "ship"):
        await cell.post(f"/v1/orders/{order['order_id']}/updates", {"update": update})
    receipt = {"lines": [{"sku": "C3", "quantity": 40}]}
    assert (await cell.post(f"/v1/locations/{SEATTLE}/receipts", receipt)).status_code == 200
    (one,) = (await cell.get("/v1/transfer-suggestions", sku="C3")).json()["suggestions"]
    assert (one["source_id"], one["destination_id"], one["units"]) == (SEATTLE, NEWARK, 1)
    assert (one["need"], one["days_left"]) == ("few_days_left", 7)


async def test_what_places_sell_is_read_for_many_at_once_or_of_too_many_places(cell, monkeypatch):
    asking, at_once, most, asked = cell.read_model.demand, 0, 0, 0

    async def demand(*wanted):
        nonlocal at_once, most, asked
        at_once, asked = at_once + 1, asked + 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return await asking(*wanted)

    monkeypatch.setattr(cell.read_model, "demand", demand)
    pages = await asyncio.gather(*(cell.get("/v1/transfer-suggestions", sku="A1") for _ in range(3)))
    assert ({page.status_code for page in pages}, most, asked) == ({200}, 1, 9)
    monkeypatch.setattr(suggestions, "DEMAND_PLACES_MAX", 2)
    assert (await cell.get("/v1/transfer-suggestions", sku="A1")).status_code == 200
    assert asked == 9


async def test_who_waits_for_what_places_sell_waits_forever(cell, monkeypatch):
    monkeypatch.setattr(suggestions, "DEMAND_LIMIT_S", 0.0)

    async def demand(*wanted):
        await asyncio.Event().wait()

    monkeypatch.setattr(cell.read_model, "demand", demand)
    answer = await cell.get("/v1/transfer-suggestions", sku="A1")
    assert (answer.status_code, answer.json()["code"]) == (503, "cell.store_unavailable")


async def test_suggestions_reach_beyond_ones_rights(guarded):
    body = {"levels": [{"sku": "A1", "reorder_point": 20}]}
    await guarded.write("PUT", f"/v1/locations/{PORTLAND}/levels", body, **manager(guarded))
    for locs, count in (((), 1), ((PORTLAND, SEATTLE), 1), ((PORTLAND,), 0)):
        headers = guarded.of_role("fulfilment", locs=locs)
        page = await guarded.http.get("/v1/transfer-suggestions", params={"sku": "A1"}, headers=headers)
        assert len(page.json()["suggestions"]) == count


async def test_a_sku_that_is_not_there_is_suggested(cell):
    unknown = await cell.get("/v1/transfer-suggestions", sku="ZZ")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "sku.unknown")
    for query in ({}, {"sku": ""}, {"sku": "A1", "limit": 0}, {"sku": "A1", "limit": 101}):
        assert (await cell.get("/v1/transfer-suggestions", **query)).status_code == 422
    cell.read_model.away = True
    assert (await cell.get("/v1/transfer-suggestions", sku="A1")).json()["code"] == "cell.store_unavailable"


# --- what makes no sense --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (wanted(destination_id=SEATTLE), 422, "transfer.same_location"),
        (wanted(destination_id="us-st-nowhere"), 404, "location.unknown"),
        (wanted(source_id="eu-wh-berlin"), 421, "region.misdirected"),
        (wanted(lines=lines(ZZ=1)), 422, "sku.unknown"),
        (wanted(lines=lines(A1=1) * 2), 422, "transfer.sku_repeated"),
        (wanted(expected_at="2025-12-31T23:59:59Z"), 422, "transfer.expected_in_past"),
        (wanted(expected_at="2031-01-06T00:00:01Z"), 422, "transfer.expected_too_late"),
        (wanted(expected_at="9999-12-31T23:59:59-14:00"), 422, "body.invalid"),
        (wanted(expected_at="0001-01-01T00:00:00+14:00"), 422, "body.invalid"),
        (wanted(expected_at="2026-01-02T00:00:00"), 422, "body.invalid"),
        (wanted(lines=[]), 422, "body.invalid"),
        (wanted(lines=lines(A1=0)), 422, "body.invalid"),
        (wanted(lines=lines(A1=1) * 1001), 422, "body.invalid"),
        (wanted(asked_by=MIA), 422, "body.unknown_field"),
    ],
)
async def test_a_request_that_makes_no_sense_changes_something(cell, body, status, code):
    before = cell.state()[:3]
    answer = await cell.post("/v1/transfers", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert cell.state()[:3] == before


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("picking", {}, 409, "transfer.illegal_transition"),
        ("cancellation", {}, 409, "transfer.illegal_transition"),
        ("short-picks", {"lines": lines(A1=7)}, 409, "transfer.not_allocated"),
        ("short-picks", {"lines": lines(ZZ=1)}, 422, "transfer.sku_not_in"),
        ("dispatches", {"packages": [{"lines": lines(A1=7)}]}, 409, "transfer.not_allocated"),
        ("dispatches", {"packages": []}, 422, "body.invalid"),
        (
            "dispatches",
            {"packages": [{"lines": lines(A1=1)}], "expected_at": "9999-12-31T23:59:59-14:00"},
            422,
            "body.invalid",
        ),
        ("dispatches", {"packages": [{"lines": lines(A1=1), "sscc": SSCC}]}, 409, "transfer.package_repeated"),
        ("dispatches", {"packages": [{"lines": lines(A1=1), "sscc": SSCC[:-1] + "0"}]}, 422, "barcode.check_digit"),
        ("dispatches", {"packages": [{"lines": lines(A1=1), "sscc": "12"}]}, 422, "body.invalid"),
        ("receipts", {}, 422, "transfer.nothing_named"),
        ("receipts", {"packages": ["9"]}, 404, "transfer.package_unknown"),
        ("receipts", {"packages": ["x"]}, 422, "body.invalid"),
        ("receipts", {"lines": lines(A1=5)}, 409, "transfer.more_than_sent"),
        ("receipts", {"found": [{"sku": "A1", "quantity": 1, "condition": "gone"}]}, 422, "body.invalid"),
        ("closure", {"lost": lines(A1=5)}, 409, "transfer.lost_differs"),
        ("closure", {}, 409, "transfer.lost_differs"),
    ],
)
async def test_a_step_that_makes_no_sense_changes_something(cell, path, body, status, code):
    identity = await sent(cell, {"lines": lines(A1=4), "sscc": SSCC})
    before = cell.state()[:3]
    answer = await step(cell, identity, path, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert cell.state()[:3] == before


@pytest.mark.parametrize("identity", ["us-transfer-x", "us-transfer-01kah2v3nq7h3k2m9qk4t1x0ab", "us-wh-seattle"])
async def test_a_transfer_that_is_not_there_is_found(cell, identity):
    for answer in (await cell.get(f"/v1/transfers/{identity}"), await step(cell, identity, "picking", {})):
        assert (answer.status_code, answer.json()["code"]) == (404, "transfer.unknown")
    elsewhere = await cell.get("/v1/transfers/eu-transfer-01kah2v3nq7h3k2m9qk4t1x0ab")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (421, "region.misdirected")
