"""Goods that law keeps from going somewhere: as the catalogue classes them and a policy bans them."""

import pytest

from tests.unit.serve.small_cell import Cell
from tests.unit.serve.sourcing.test_delivery_dates import dates
from tests.unit.serve.sourcing.test_sourced_orders import NEWARK, SEATTLE, policy, served, why


async def classed(cell: Cell, sku, *classes, status=200, code=None):
    answer = await cell.post("/v1/skus", {"skus": [{"sku": sku, "goods_classes": list(classes)}]})
    assert answer.status_code == status, answer.text
    assert answer.json().get("code") == code


@pytest.mark.parametrize(("language", "words"), [("en", "law"), ("es", "ley"), ("pt", "lei")])
async def test_what_may_not_go_there_goes_or_nobody_is_told_why(cell, language, words):
    await classed(cell, "A1", "gifts", "alcohol")
    await policy(cell, bans=[{"goods": "alcohol", "to": ["US"], "source": "the state's liquor law"}])
    placed = await cell.placed(("A1", 1), ("B 2", 1))
    assert served(placed) == {SEATTLE: {"B 2": 1}}
    assert [one["sku"] for one in placed["backordered"]] == ["A1"]
    told = await why(cell, placed, language=language)
    assert {reason for one in told["decision"]["places"] for reason in one["reasons"]} >= {"legal"}
    alone = await why(cell, await cell.placed(("A1", 1)), language=language)
    assert any(words in sentence for sentence in alone["words"]), alone["words"]


async def test_what_may_not_leave_one_country_is_not_sent_from_another_or_a_date_is_told_for_it(cell):
    place = {
        "type": "warehouse",
        "name": "Toronto",
        "city": "",
        "country": "CA",
        "lat": 47.6,
        "lon": -122.3,
        "timezone": "UTC",
    }
    assert (await cell.write("PUT", "/v1/locations/us-wh-toronto", place)).status_code == 200
    receipt = {"lines": [{"sku": "C3", "quantity": 5}]}
    assert (await cell.post("/v1/locations/us-wh-toronto/receipts", receipt)).status_code == 200
    await policy(cell)
    assert served(await cell.placed(("C3", 1))) == {"us-wh-toronto": {"C3": 1}}
    await classed(cell, "C3", "batteries")
    await policy(cell, bans=[{"goods": "batteries", "out_of": ["CA"]}])
    assert served(await cell.placed(("C3", 1))) == {NEWARK: {"C3": 1}}
    assert (await dates(cell, "C3"))["C3"] is not None
    await policy(cell, bans=[{"goods": "batteries", "out_of": ["CA", "US"]}])
    assert (await dates(cell, "C3", "A1"))["C3"] is None
    await policy(cell, bans=[{"goods": "batteries", "out_of": ["CA", "US"]}], rules={"legal": False})
    assert served(await cell.placed(("C3", 1))) == {"us-wh-toronto": {"C3": 1}}


async def test_classes_are_forgotten_or_taken_though_they_are_none(cell):
    await classed(cell, "A1", "weapons", "batteries")
    await cell.post("/v1/skus", {"skus": [{"sku": "A1", "weight_g": 5}]})
    assert (await cell.get("/v1/skus/A1")).json()["goods_classes"] == ["weapons", "batteries"]
    await classed(cell, "A1", "alcohol", "alcohol", status=422, code="catalogue.class_repeated")
    await classed(cell, "A1", "Alcohol", status=422, code="body.invalid")
    await classed(cell, "A1", *(f"c{n}" for n in range(9)), status=422, code="body.invalid")
    await classed(cell, "A1")
    assert (await cell.get("/v1/skus/A1")).json()["goods_classes"] == []
