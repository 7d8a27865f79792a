"""What is suggested to be moved, to whom, and how soon."""

from __future__ import annotations

import asyncio

from serve.transfers import suggestions
from tests.unit.serve.transfers.transfer_rig import (
    NEWARK,
    PORTLAND,
    SEATTLE,
    lines,
    manager,
    sent,
)


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


async def test_goods_that_were_moved_are_taken_for_sold_and_go_to_and_fro(cell):
    await levels(cell, PORTLAND, 40)
    identity = await sent(cell, {"lines": lines(A1=84)}, lines=lines(A1=84))
    assert (await cell.post(f"/v1/transfers/{identity}/receipts", {"packages": ["1"]})).status_code == 200
    # No customer has ever bought one.
    assert (await cell.get("/v1/transfer-suggestions", sku="A1")).json()["suggestions"] == []


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
