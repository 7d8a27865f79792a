"""Inbounds through the whole API: announced, changed, received by package and by line, closed,
listed, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from actors.domain import gs1
from actors.domain.ids import account_id
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import Cell, furnish, furnish_with

SEATTLE, PORTLAND, NEWARK = "us-wh-seattle", "us-st-portland", "us-wh-newark"
TOM = account_id("us", b"t" * 16)
ONE, TWO = gs1.sscc("9521234", 1), gs1.sscc("9521234", 2)
TOMORROW = "2026-01-02T00:00:00Z"


@pytest.fixture
async def cell():
    made = Cell()
    await furnish(made)
    tracked = [
        {"sku": "C3", "units": {"case": 12}}, {"sku": "D4", "tracking": "lot", "expires": True}, {"sku": "E5", "tracking": "serial"},
    ]  # fmt: skip
    assert (await made.post("/v1/skus", {"skus": tracked})).status_code == 200
    yield made
    await made.http.aclose()


@pytest.fixture
async def guarded(tmp_path):
    made = GuardedCell(tmp_path)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()


def line(number: int, sku: str, quantity: int, **more: Any) -> dict[str, Any]:
    return {"line": number, "sku": sku, "quantity": quantity, **more}


def goods(sku: str, quantity: int, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "quantity": quantity, **more}


def delivery(**more: Any) -> dict[str, Any]:
    body = {
        "location_id": SEATTLE,
        "expected_at": TOMORROW,
        "lines": [line(10, "A1", 10), line(20, "C3", 2, unit="case")],
    }
    return body | more


async def announced(cell, body=None, key=None, **headers) -> str:
    answer = await cell.post("/v1/inbounds", body or delivery(), key, **headers)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert answer.headers["location"] == f"/v1/inbounds/{told['inbound_id']}"
    identity: str = told["inbound_id"]
    return identity


async def step(cell, identity, path, body, key=None, **headers):
    return await cell.post(f"/v1/inbounds/{identity}/{path}", body, key, **headers)


async def done(cell, identity, path, body, **headers) -> Any:
    answer = await step(cell, identity, path, body, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def read(cell, identity) -> Any:
    return (await cell.get(f"/v1/inbounds/{identity}")).json()


def on_hand(cell, sku, place=SEATTLE) -> int:
    row = cell.gateway.entities["location", place][0].stock.get(sku)
    return row.on_hand if row else 0


async def coming(cell, sku) -> list[int]:
    answer = await cell.get(f"/v1/locations/{SEATTLE}/stock/{sku}")
    # There is nothing to tell of what neither was here nor will be.
    return [] if answer.status_code == 404 else [one["units"] for one in answer.json()["expected"]]


# --- the whole way --------------------------------------------------------------------------------------------------
async def test_a_delivery_does_not_add_up(cell):
    before = on_hand(cell, "A1")
    packages = [{"sscc": ONE, "lines": [goods("C3", 2, unit="case")]}, {"sscc": TWO, "lines": [goods("A1", 4)]}]
    value = {"amount": 450, "currency": "USD"}
    body = delivery(
        packages=packages, purchase_ref="po-1", supplier_ref="sup-8", tolerance_percent=10,
        lines=[line(10, "A1", 10, unit_value=value), line(20, "C3", 2, unit="case")],
    )  # fmt: skip
    identity = await announced(cell, body)
    detail = await read(cell, identity)
    assert (detail["status"], detail["expected_at"], detail["purchase_ref"], detail["tolerance_percent"]) == (
        "announced", TOMORROW, "po-1", 10,
    )  # fmt: skip
    assert [(one["line"], one["announced"], one["unit_value"]) for one in detail["lines"]] == [
        (10, 10, value),
        (20, 24, None),
    ]
    assert (await coming(cell, "C3"), await coming(cell, "A1")) == ([24], [10])
    told = await done(cell, identity, "receipts", {"packages": [{"sscc": ONE}]})
    assert (told["status"], told["receipt"]["receipt"], told["receipt"]["status"]) == ("receiving", 1, "booked")
    assert [(one["sku"], one["quantity"], one["outcome"]) for one in told["receipt"]["lines"]] == [
        ("C3", 24, "expected")
    ]
    lines = [goods("A1", 8), goods("A1", 1, condition="damaged"), goods("B 2", 1)]
    told = await done(cell, identity, "receipts", {"lines": lines, "accept_unexpected": True, "reference": "dn-3"})
    assert [one["outcome"] for one in told["receipt"]["lines"]] == ["expected", "damaged", "unexpected"]
    assert (await coming(cell, "C3"), await coming(cell, "A1")) == ([], [1])
    closed = await done(cell, identity, "closure", {"shortages": [goods("A1", 1)]})
    assert (closed["status"], closed["outcome"]) == ("closed", "with_discrepancies")
    detail = await read(cell, identity)
    assert detail["discrepancies"] == [
        {"line": 10, "sku": "A1", "under": 1, "over": 0, "unexpected": 0, "damaged": 1},
        {"line": 0, "sku": "B 2", "under": 0, "over": 0, "unexpected": 1, "damaged": 0},
    ]
    assert [(one["sscc"], one["status"], one["receipt"]) for one in detail["packages"]] == [
        (ONE, "received", 1), (TWO, "announced", None),
    ]  # fmt: skip
    assert (on_hand(cell, "A1") - before, on_hand(cell, "C3"), await coming(cell, "A1")) == (9, 24, [])
    rows = [row for row in cell.gateway.ledger if row.cause.startswith(identity)]
    assert [(row.cause[-2:], row.reference) for row in rows] == [(".1", "po-1"), *[(".2", "dn-3")] * 3]


async def test_a_location_refuses_and_nobody_hears_of_it(cell):
    identity = await announced(cell)
    before = on_hand(cell, "A1")
    body = {"lines": [goods("A1", 4, bin="Z-9")]}
    answer = await step(cell, identity, "receipts", body, "r-1")
    told = answer.json()
    assert (answer.status_code, told["code"], told["receipt"]) == (404, "bins.unknown", 1)
    assert (await step(cell, identity, "receipts", body, "r-1")).json()["code"] == "bins.unknown"
    detail = await read(cell, identity)
    assert (detail["status"], detail["lines"][0]["remaining"], on_hand(cell, "A1")) == ("announced", 10, before)
    (receipt,) = detail["receipts"]
    assert (receipt["status"], receipt["code"], receipt["lines"]) == ("refused", "bins.unknown", [])
    told = await done(cell, identity, "receipts", {"lines": [goods("A1", 4)]})
    assert (told["receipt"]["receipt"], on_hand(cell, "A1")) == (2, before + 4)


async def test_a_receipt_is_told_as_booked_while_the_location_is_slow(cell):
    identity = await announced(cell)
    cell.gateway.deliver = False
    told = await done(cell, identity, "receipts", {"lines": [goods("A1", 4)]})
    assert (told["receipt"]["status"], told["receipt"]["lines"][0]["outcome"]) == ("booking", "")
    assert (await read(cell, identity))["lines"][0]["arriving"] == 4
    cell.gateway.run_outbox()
    assert (await read(cell, identity))["receipts"][0]["status"] == "booked"


async def test_a_repeated_call_brings_goods_twice(cell):
    identity = await announced(cell, key="k1")
    cell.clock.now += 60_000
    assert await announced(cell, key="k1") == identity
    body, before = {"lines": [goods("A1", 4)]}, on_hand(cell, "A1")
    first = await step(cell, identity, "receipts", body, "r1")
    assert (await step(cell, identity, "receipts", body, "r1")).content == first.content
    assert on_hand(cell, "A1") == before + 4
    # Another step is another request, though it says the same.
    other = await announced(cell)
    assert (await step(cell, other, "cancellation", {}, "c1")).status_code == 200
    crossed = await step(cell, other, "closure", {}, "c1")
    assert (crossed.status_code, crossed.json()["code"]) == (422, "idempotency.key_reused")
    reused = await cell.post("/v1/inbounds", delivery(asn_ref="x"), "k1")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency.key_reused")


async def test_an_inbound_that_is_over_goes_on(cell):
    bodies = [
        ("receipts", {"lines": [goods("A1", 1)]}), ("changes", {"removed_lines": [10]}), ("closure", {}), ("cancellation", {}),
    ]  # fmt: skip
    closed, cancelled = await announced(cell), await announced(cell)
    told = await done(cell, closed, "receipts", {"lines": [goods("A1", 10), goods("C3", 24)]})
    assert told["status"] == "closed"
    await done(cell, cancelled, "cancellation", {})
    for identity, code in ((closed, "inbound.closed"), (cancelled, "inbound.cancelled")):
        for path, body in bodies:
            answer = await step(cell, identity, path, body)
            assert (answer.status_code, answer.json()["code"]) == (409, code)


async def test_a_change_is_not_that_of_the_announcement(cell):
    identity = await announced(cell)
    change = {
        "expected_at": "2026-01-03T02:00:00+02:00", "lines": [line(10, "A1", 3), line(30, "B 2", 6)], "removed_lines": [20],
        "packages": [{"sscc": ONE, "lines": [goods("B 2", 6)]}],
    }  # fmt: skip
    assert (await done(cell, identity, "changes", change))["status"] == "announced"
    detail = await read(cell, identity)
    assert [(one["line"], one["sku"], one["announced"]) for one in detail["lines"]] == [(10, "A1", 3), (30, "B 2", 6)]
    assert (detail["expected_at"], detail["packages"][0]["sscc"]) == ("2026-01-03T00:00:00Z", ONE)
    assert (await coming(cell, "A1"), await coming(cell, "C3"), await coming(cell, "B 2")) == ([3], [], [6])
    assert (await done(cell, identity, "cancellation", {}))["status"] == "cancelled"
    assert await coming(cell, "A1") == []


async def test_lots_and_serial_numbers_of_a_package_are_lost(cell):
    packages = [
        {
            "sscc": ONE,
            "lines": [goods("D4", 3, lot="L1", expires_on="2026-02-01"), goods("E5", 2, serials=["s1", "s2"])],
        }
    ]
    body = delivery(lines=[line(1, "D4", 3), line(2, "E5", 2)], packages=packages)
    identity = await announced(cell, body)
    told = await done(cell, identity, "receipts", {"packages": [{"sscc": ONE}]})
    assert (told["status"], told["receipt"]["lines"][0]["expires_on"]) == ("closed", "2026-02-01")
    assert told["receipt"]["lines"][1]["serials"] == ["s1", "s2"]
    lots = cell.gateway.entities["location", SEATTLE][0].lots
    assert {sku: {name: lot.on_hand for name, lot in lots[sku].items()} for sku in ("D4", "E5")} == {
        "D4": {"L1": 3}, "E5": {"s1": 1, "s2": 1},
    }  # fmt: skip
    assert (await read(cell, identity))["packages"][0]["lines"][0]["expires_on"] == "2026-02-01"


# --- rights ---------------------------------------------------------------------------------------------------------
async def test_people_of_another_place_receive_or_see(guarded):
    here, elsewhere = (guarded.of_role("fulfilment", sub=TOM, locs=(place,)) for place in (SEATTLE, NEWARK))
    body = delivery(lines=[line(10, "A1", 10)])
    refused = await guarded.post("/v1/inbounds", body, **elsewhere)
    assert (refused.status_code, refused.json()["code"]) == (403, "inbound.location_forbidden")
    identity = await announced(guarded, body, **here)
    path = f"/v1/inbounds/{identity}"
    steps = [
        ("changes", {"removed_lines": [10]}), ("receipts", {"lines": [goods("A1", 1)]}), ("closure", {}), ("cancellation", {}),
    ]  # fmt: skip
    for name, sent in steps:
        answer = await step(guarded, identity, name, sent, **elsewhere)
        assert (answer.status_code, answer.json()["code"]) == (403, "inbound.location_forbidden")
    assert (await guarded.http.get(path, headers=elsewhere)).json()["code"] == "inbound.location_forbidden"
    assert (await guarded.http.get("/v1/inbounds", headers=elsewhere)).json()["inbounds"] == []
    other = await guarded.http.get("/v1/inbounds", params={"location_id": SEATTLE}, headers=elsewhere)
    assert (other.status_code, other.json()["code"]) == (403, "auth.location_forbidden")
    assert (await guarded.http.get(path, headers=here)).status_code == 200
    listed = (await guarded.http.get("/v1/inbounds", headers=here)).json()["inbounds"]
    assert [one["inbound_id"] for one in listed] == [identity]
    await done(guarded, identity, "receipts", {"lines": [goods("A1", 4)]}, **here)
    await done(guarded, identity, "closure", {"shortages": [goods("A1", 6)]}, **here)
    told = [one for one in guarded.gateway.audited if one.act.action.startswith("inbound.") and one.who is not None]
    assert [
        (one.who.subject, one.act.action, one.act.location_id, one.act.changes) for one in told if not one.outcome
    ] == [
        (TOM, "inbound.announce", SEATTLE, {"A1.announced": (None, 10)}),
        (TOM, "inbound.receive", SEATTLE, {"A1.received": (None, 4)}),
        (TOM, "inbound.close", SEATTLE, {"A1.short": (None, 6)}),
    ]


# --- lists ----------------------------------------------------------------------------------------------------------
async def test_a_page_repeats_an_inbound_or_leaves_one_out(cell):
    made = []
    for number in range(5):
        cell.clock.now += 1
        made.append(await announced(cell, delivery(location_id=NEWARK if number == 2 else SEATTLE)))
    listed, query = [], {"limit": 2}
    while True:
        page = (await cell.get("/v1/inbounds", **query)).json()
        listed += page["inbounds"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert [one["inbound_id"] for one in listed] == made[::-1]
    assert {name: listed[0][name] for name in ("status", "line_count", "announced", "received", "remaining")} == {
        "status": "announced", "line_count": 2, "announced": 34, "received": 0, "remaining": 34,
    }  # fmt: skip
    newark = (await cell.get("/v1/inbounds", location_id=NEWARK)).json()["inbounds"]
    assert [one["inbound_id"] for one in newark] == [made[2]]
    await done(cell, made[0], "cancellation", {})
    gone = (await cell.get("/v1/inbounds", status="cancelled", location_id=SEATTLE)).json()["inbounds"]
    assert [(one["inbound_id"], one["remaining"]) for one in gone] == [(made[0], 0)]
    assert (await cell.get("/v1/inbounds", status="gone")).status_code == 422
    other = await cell.get("/v1/inbounds", status="closed", cursor=query["cursor"])
    assert (other.status_code, other.json()["code"]) == (400, "cursor.invalid")
    cell.read_model.away = True
    assert (await cell.get("/v1/inbounds")).json()["code"] == "cell.store_unavailable"


# --- what makes no sense --------------------------------------------------------------------------------------------
def in_package(*lines: dict[str, Any], sscc: str = ONE) -> dict[str, Any]:
    return delivery(lines=[line(1, one["sku"], 50) for one in lines], packages=[{"sscc": sscc, "lines": list(lines)}])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (delivery(location_id="us-st-nowhere"), 404, "location.unknown"),
        (delivery(location_id="eu-wh-berlin"), 421, "region.misdirected"),
        (delivery(expected_at="2025-12-31T23:59:59Z"), 422, "inbound.expected_in_past"),
        (delivery(expected_at="2031-01-06T00:00:01Z"), 422, "inbound.expected_too_late"),
        (delivery(expected_at="9999-12-31T23:59:59-14:00"), 422, "body.invalid"),
        (delivery(expected_at="0001-01-01T00:00:00+14:00"), 422, "body.invalid"),
        (delivery(expected_at="2026-01-02T00:00:00"), 422, "body.invalid"),
        (delivery(lines=[]), 422, "body.invalid"),
        (delivery(lines=[line(0, "A1", 1)]), 422, "body.invalid"),
        (delivery(lines=[line(1, "A1", 0)]), 422, "body.invalid"),
        (delivery(lines=[line(1, "ZZ", 1)]), 422, "sku.unknown"),
        (delivery(lines=[line(1, "A1", 1)] * 2), 422, "inbound.line_repeated"),
        (delivery(lines=[line(1, "A1", 1, unit="case")]), 422, "catalogue.unit_unknown"),
        (delivery(lines=[line(1, "C3", 900_000, unit="case")]), 422, "stock.quantity_too_large"),
        (
            delivery(lines=[line(1, "A1", 1, unit_value={"amount": 1, "currency": "JPY"})]),
            422,
            "stock.currency_not_accepted",
        ),
        (delivery(tolerance_percent=101), 422, "body.invalid"),
        (delivery(within=[SEATTLE]), 422, "body.unknown_field"),
        (in_package(goods("A1", 1), sscc=ONE[:-1] + "0"), 422, "barcode.check_digit"),
        (in_package(goods("A1", 1), sscc="12"), 422, "body.invalid"),
        (in_package(goods("A1", 51)), 422, "inbound.package_exceeds"),
        (in_package(goods("D4", 1, expires_on="2026-02-01")), 422, "stock.lot_required"),
        (in_package(goods("D4", 1, lot="L1")), 422, "stock.expiry_required"),
        (in_package(goods("E5", 2, serials=["s1"])), 422, "stock.serials_differ"),
        (delivery(packages=[{"sscc": ONE, "lines": [goods("B 2", 1)]}]), 422, "inbound.sku_not_announced"),
        (delivery(packages=[{"sscc": ONE, "lines": [goods("ZZ", 1)]}]), 422, "sku.unknown"),
        (delivery(packages=[{"sscc": ONE, "lines": []}]), 422, "body.invalid"),
    ],
)
async def test_an_announcement_that_makes_no_sense_changes_something(cell, body, status, code):
    before = cell.state()[:3]
    answer = await cell.post("/v1/inbounds", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert cell.state()[:3] == before


async def test_nobody_says_where_something_is_wrong(cell):
    packages = [
        {"sscc": ONE, "lines": [goods("A1", 1)]},
        {"sscc": TWO, "lines": [goods("A1", 1), goods("D4", 1, lot="L1")]},
    ]
    answer = await cell.post("/v1/inbounds", delivery(lines=[line(1, "A1", 9), line(2, "D4", 9)], packages=packages))
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/packages/1/lines/1/expires_on"]
    identity = await announced(cell, delivery(packages=packages[:1]))
    sent = {
        "packages": [{"sscc": ONE, "lines": [goods("A1", 1), goods("A1", 1, unit="box")]}],
        "lines": [goods("A1", 1)],
    }
    answer = await step(cell, identity, "receipts", sent)
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/packages/0/lines/1/unit"]
    answer = await step(cell, identity, "receipts", {"packages": [{"sscc": ONE}], "lines": [goods("E5", 1)]})
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/lines/0/serials"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("receipts", {}, 422, "inbound.nothing_named"),
        ("receipts", {"packages": [{"sscc": TWO}]}, 404, "inbound.package_unknown"),
        ("receipts", {"packages": [{"sscc": ONE}]}, 409, "inbound.package_received"),
        ("receipts", {"packages": [{"sscc": ONE, "lines": []}]}, 422, "body.invalid"),
        ("receipts", {"lines": [goods("A1", 7)]}, 409, "inbound.over"),
        ("receipts", {"lines": [goods("B 2", 1)]}, 409, "inbound.unexpected"),
        ("receipts", {"lines": [goods("ZZ", 1)]}, 422, "sku.unknown"),
        ("receipts", {"lines": [goods("C3", 1, unit="pallet")]}, 422, "catalogue.unit_unknown"),
        ("receipts", {"lines": [goods("A1", 1, condition="gone")]}, 422, "body.invalid"),
        ("receipts", {"lines": [goods("A1", 1, expires_on="2026-02-01")]}, 422, "stock.expiry_needs_lot"),
        ("receipts", {"lines": [goods("A1", 1, accept_over=True)]}, 422, "body.unknown_field"),
        ("changes", {}, 422, "inbound.nothing_named"),
        ("changes", {"lines": [line(10, "A1", 3)]}, 409, "inbound.line_received"),
        ("changes", {"removed_lines": [99]}, 404, "inbound.line_unknown"),
        ("changes", {"lines": [line(30, "ZZ", 3)]}, 422, "sku.unknown"),
        ("closure", {}, 409, "inbound.shortages_differ"),
        ("closure", {"shortages": [goods("A1", 6)]}, 409, "inbound.shortages_differ"),
        ("cancellation", {}, 409, "inbound.goods_came"),
    ],
)
async def test_a_step_that_makes_no_sense_changes_something(cell, path, body, status, code):
    identity = await announced(cell, delivery(packages=[{"sscc": ONE, "lines": [goods("A1", 4)]}]))
    await done(cell, identity, "receipts", {"packages": [{"sscc": ONE}]})
    before = cell.state()[:3]
    answer = await step(cell, identity, path, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert cell.state()[:3] == before


@pytest.mark.parametrize("identity", ["us-inbound-x", "us-inbound-01kah2v3nq7h3k2m9qk4t1x0ab", "us-wh-seattle"])
async def test_an_inbound_that_is_not_there_is_found(cell, identity):
    for answer in (await cell.get(f"/v1/inbounds/{identity}"), await step(cell, identity, "cancellation", {})):
        assert (answer.status_code, answer.json()["code"]) == (404, "inbound.unknown")
    elsewhere = await cell.get("/v1/inbounds/eu-inbound-01kah2v3nq7h3k2m9qk4t1x0ab")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (421, "region.misdirected")


async def test_a_kit_is_announced_that_can_never_be_received(cell):
    kit = {"sku": "KIT", "kit": [{"sku": "A1", "quantity": 1}]}
    assert (await cell.post("/v1/skus", {"skus": [kit]})).status_code == 200
    answer = await cell.post("/v1/inbounds", delivery(lines=[line(10, "A1", 10), line(20, "KIT", 1)]))
    assert (answer.status_code, answer.json()["code"]) == (422, "stock.kit_not_kept")
    assert answer.json()["errors"][0]["pointer"] == "/lines/1/sku"
