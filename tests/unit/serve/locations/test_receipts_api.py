"""Goods that come in without having been announced."""

from __future__ import annotations

import pytest

from actors.domain.inbound_receiving import RECEIPT_LINES_MAX
from tests.unit.serve.small_cell import Cell, furnish

SEATTLE = "us-wh-seattle"
PATH = f"/v1/locations/{SEATTLE}/receipts"


@pytest.fixture
async def cell():
    made = Cell()
    await furnish(made)
    told = [
        {"sku": "C3", "units": {"case": 12}}, {"sku": "D4", "tracking": "lot", "expires": True}, {"sku": "E5", "tracking": "serial"},
    ]  # fmt: skip
    assert (await made.post("/v1/skus", {"skus": told})).status_code == 200
    bins = {"bins": [{"bin_id": "A-01", "zone": "A", "aisle": 1, "rack": 1, "level": 1, "units_max": 30}]}
    assert (await made.write("PUT", f"/v1/locations/{SEATTLE}/bins", bins)).status_code == 200
    yield made
    await made.http.aclose()


def place(cell):
    return cell.gateway.entities["location", SEATTLE][0]


async def test_cases_lots_and_serial_numbers_come_as_plain_units(cell):
    lines = [
        {"sku": "C3", "quantity": 2, "unit": "case", "bin": "A-01"},
        {"sku": "D4", "quantity": 5, "lot": "L1", "expires_on": "2026-02-01"},
        {"sku": "D4", "quantity": 1, "lot": "L1", "expires_on": "2026-02-01", "condition": "damaged"},
        {"sku": "E5", "quantity": 2, "serials": ["s1", "s2"]},
    ]
    answer = await cell.post(PATH, {"lines": lines})
    assert answer.status_code == 200, answer.text
    found = place(cell)
    assert (found.stock["C3"].on_hand, found.fill) == (24, {"A-01": 24})
    assert (found.stock["D4"].on_hand, found.stock["D4"].damaged, found.lots["D4"]["L1"].on_hand) == (6, 1, 6)
    assert {name: (lot.on_hand, lot.serial) for name, lot in found.lots["E5"].items()} == {
        "s1": (1, True), "s2": (1, True),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        ({"sku": "D4", "quantity": 1}, 422, "stock.lot_required"),
        ({"sku": "E5", "quantity": 2, "serials": ["s1"]}, 422, "stock.serials_differ"),
        ({"sku": "A1", "quantity": 1, "unit": "case"}, 422, "catalogue.unit_unknown"),
        ({"sku": "D4", "quantity": 1, "lot": "L1", "expires_on": "2025-12-31"}, 422, "stock.lot_expired"),
        ({"sku": "D4", "quantity": 1, "lot": "L1", "expires_on": "soon"}, 422, "body.invalid"),
        ({"sku": "A1", "quantity": 31, "bin": "A-01"}, 409, "bins.too_full"),
        ({"sku": "A1", "quantity": 1, "bin": "A-02"}, 404, "bins.unknown"),
        ({"sku": "A1", "quantity": 1, "bin": "a 1"}, 422, "body.invalid"),
        ({"sku": "A1", "quantity": 1, "lot": "L1"}, 422, "stock.lot_not_kept"),
        ({"sku": "A1", "quantity": 1, "condition": "gone"}, 422, "body.invalid"),
        ({"sku": "A1", "quantity": 1, "serial": True}, 422, "body.unknown_field"),
    ],
)
async def test_goods_come_in_that_do_not_fit(cell, line, status, code):
    before = cell.state()[:3]
    answer = await cell.post(PATH, {"lines": [{"sku": "C3", "quantity": 1}, line]})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert cell.state()[:3] == before


async def test_a_receipt_has_more_serial_numbers_than_a_turn_can_take(cell):
    each = 900
    lines = [
        {"sku": "E5", "quantity": each, "serials": [f"{part}-{n}" for n in range(each)]}
        for part in range(RECEIPT_LINES_MAX // each + 1)
    ]
    answer = await cell.post(PATH, {"lines": lines})
    assert (answer.status_code, answer.json()["code"]) == (422, "stock.too_many_lines")


async def test_what_a_replica_has_not_heard_of_yet_is_refused(cell):
    # Another replica took the change; the feed of this one is a moment behind.
    cell.services.index._details.pop("C3")
    answer = await cell.post(PATH, {"lines": [{"sku": "C3", "quantity": 1, "unit": "case"}]})
    assert answer.status_code == 200, answer.text
    assert place(cell).stock["C3"].on_hand == 12


# --- what is found has its lot as what is received does ---------------------------------------------------------------
CORRECTIONS = f"/v1/locations/{SEATTLE}/adjustments"
LOT = {"sku": "D4", "quantity": 5, "lot": "L1", "expires_on": "2026-02-01"}


def gain(sku, quantity, **more):
    return {"lines": [{"sku": sku, "quantity": quantity, "reason": "found"} | more]}


@pytest.mark.parametrize(
    ("line", "field"), [(gain("D4", 5), "lot"), (gain("E5", 1), "lot"), (gain("E5", 2, lot="s1"), "quantity")]
)
async def test_units_without_a_lot_get_into_the_books_and_bar_it_to_all_receipts(cell, line, field):
    before = cell.state()[:3]
    answer = await cell.post(CORRECTIONS, line)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == f"/lines/0/{field}"
    assert cell.state()[:3] == before
    received = await cell.post(PATH, {"lines": [LOT, {"sku": "E5", "quantity": 1, "serials": ["s1"]}]})
    assert received.status_code == 200, received.text
    more = await cell.post(CORRECTIONS, gain("D4", 2, lot="L1"))
    assert more.status_code == 200, more.text


async def test_what_is_here_without_a_lot_can_not_be_corrected_nor_ever_be_put_into_lots(cell):
    assert (await cell.post("/v1/skus", {"skus": [{"sku": "A1", "tracking": "lot"}]})).status_code == 200
    stock = place(cell).stock["A1"].on_hand
    assert (await cell.post(CORRECTIONS, gain("A1", 2))).status_code == 200
    refused = await cell.post(PATH, {"lines": [{"sku": "A1", "quantity": 10, "lot": "L1"}]})
    assert (refused.json()["code"], refused.json()["on_hand"]) == ("stock.lot_not_kept", stock + 2)
    off = {"lines": [{"sku": "A1", "quantity": -stock - 2, "reason": "count"}]}
    assert (await cell.post(CORRECTIONS, off)).status_code == 200
    lots = {"lines": [{"sku": "A1", "quantity": 60, "lot": "L1"}, {"sku": "A1", "quantity": stock - 58, "lot": "L2"}]}
    assert (await cell.post(PATH, lots)).status_code == 200
    assert place(cell).stock["A1"].on_hand == stock + 2


@pytest.mark.parametrize("path", [PATH, CORRECTIONS])
async def test_a_kit_is_in_the_books_and_nobody_ever_sees_it(cell, path):
    kit = {"sku": "KIT", "kit": [{"sku": "A1", "quantity": 1}, {"sku": "C3", "quantity": 2}]}
    assert (await cell.post("/v1/skus", {"skus": [kit]})).status_code == 200
    line = {"sku": "KIT", "quantity": 4} | ({"reason": "found"} if path == CORRECTIONS else {})
    answer = await cell.post(path, {"lines": [line]})
    assert (answer.status_code, answer.json()["code"]) == (422, "stock.kit_not_kept"), answer.text
    assert answer.json()["parts"] == ["A1", "C3"]
