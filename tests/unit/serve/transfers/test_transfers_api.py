"""Transfers through the whole API: both ends, lists, and what is refused."""

from __future__ import annotations

from datetime import date

import pytest

from actors.domain.location_commands import ReceiptLine, ReceiveStock
from actors.domain.transfer_commands import LookAtTransfer
from actors.runtime.wire import OK
from serve.days import day_of
from tests.unit.serve.transfers.transfer_rig import (
    MIA,
    NEWARK,
    PORTLAND,
    SEATTLE,
    SSCC,
    TOMORROW,
    done,
    lines,
    read,
    requested,
    sent,
    step,
    stock,
    wanted,
)


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


async def test_goods_that_expire_are_found_without_a_last_day_and_never_end(cell):
    assert (
        await cell.post("/v1/skus", {"skus": [{"sku": "D4", "tracking": "lot", "expires": True}]})
    ).status_code == 200
    await lots_come(cell)
    identity = await sent(cell, {"lines": lines(D4=5)}, lines=lines(D4=5))
    for path, body in (("receipts", {"packages": ["1"]}), ("closure", {"lost": lines(D4=5)})):
        answer = await step(cell, identity, path, body | {"found": [{"sku": "D4", "quantity": 1, "lot": "L9"}]})
        assert (answer.status_code, answer.json()["code"]) == (422, "stock.expiry_required")
        assert answer.json()["errors"][0]["pointer"] == "/found/0/expires_on"
    known = {"sku": "D4", "quantity": 1, "lot": "L1"}
    await done(cell, identity, "receipts", {"packages": ["1"], "found": [known]})
    lots = cell.gateway.entities["location", PORTLAND][0].lots["D4"]
    assert {name: (lot.on_hand, lot.expires_on is None) for name, lot in lots.items()} == {"L1": (6, False)}


async def test_one_number_is_found_on_many_units(cell):
    assert (await cell.post("/v1/skus", {"skus": [{"sku": "E5", "tracking": "serial"}]})).status_code == 200
    goods = {"lines": [{"sku": "E5", "quantity": 1, "serials": ["s1"]}]}
    assert (await cell.post(f"/v1/locations/{SEATTLE}/receipts", goods)).status_code == 200
    identity = await sent(cell, {"lines": lines(E5=1)}, lines=lines(E5=1))
    two = [{"sku": "E5", "quantity": 2, "lot": "s2"}]
    answer = await step(cell, identity, "receipts", {"packages": ["1"], "found": two})
    assert (answer.status_code, answer.json()["code"]) == (422, "stock.serials_differ")
    await done(cell, identity, "receipts", {"packages": ["1"], "found": [two[0] | {"quantity": 1}]})
    lots = cell.gateway.entities["location", PORTLAND][0].lots["E5"]
    assert {name: (lot.on_hand, lot.serial) for name, lot in lots.items()} == {"s1": (1, True), "s2": (1, True)}


async def test_a_kit_is_requested_of_which_there_is_never_anything(cell):
    kit = {"sku": "KIT", "kit": [{"sku": "A1", "quantity": 1}]}
    assert (await cell.post("/v1/skus", {"skus": [kit]})).status_code == 200
    answer = await cell.post("/v1/transfers", wanted(lines=lines(A1=1, KIT=5)))
    assert (answer.status_code, answer.json()["code"]) == (422, "stock.kit_not_kept")
    assert answer.json()["errors"][0]["pointer"] == "/lines/1/sku"


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


# --- lists ------------------------------------------------------------------------------------------------------------
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


# --- what makes no sense ----------------------------------------------------------------------------------------------
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
