"""Counts of what is kept by lot or serial number, or was not before."""

from __future__ import annotations

from tests.unit.serve.counts.counting import (
    NEW,
    SEATTLE,
    at,
    begun,
    opened,
    submit,
)


async def test_what_is_kept_by_number_is_counted_without_and_can_never_be_received(open_cell):
    told = [{"sku": "PHONE", "tracking": "serial"}, {"sku": "CREAM", "tracking": "lot", "expires": True}]
    assert (await open_cell.post("/v1/skus", {"skus": told})).status_code == 200
    path = await opened(open_cell, NEW | {"tolerance": {"units": 5}})
    await begun(open_cell, path)
    for lines, field in (([("A1", 10), ("PHONE", 2)], "lot"), ([("A1", 10), ("CREAM", 1)], "lot")):
        answer = await submit(open_cell, path, lines)
        assert (answer.status_code, answer.json()["code"]) == (422, "stock.lot_required"), answer.text
        assert answer.json()["errors"][0]["pointer"] == f"/lines/1/{field}"
    answer = await submit(open_cell, path, [("A1", 10), ("PHONE", 0)])
    assert answer.status_code == 200, answer.text


async def test_what_is_there_without_a_lot_from_before_can_not_be_counted(open_cell):
    assert (await open_cell.post("/v1/skus", {"skus": [{"sku": "A1", "tracking": "lot"}]})).status_code == 200
    before = open_cell.gateway.entities["location", SEATTLE][0].stock["A1"].on_hand
    path = await opened(open_cell, NEW | {"tolerance": {"units": 5}})
    await begun(open_cell, path)
    answer = await submit(open_cell, path, [("A1", 11)])
    assert answer.status_code == 200, answer.text
    stock = open_cell.gateway.entities["location", SEATTLE][0].stock["A1"].on_hand
    assert (answer.json()["spots"][0]["status"], stock) == ("correcting", before + 1)


async def test_what_was_counted_is_refused_when_it_is_sent_again_and_the_catalogue_keeps_it_otherwise_by_now(open_cell):
    path = await opened(open_cell)
    await begun(open_cell, path)
    first = await submit(open_cell, path, [("A1", 10), ("D4", 2)], when=at(open_cell), Idempotency_Key="the-key")
    assert first.status_code == 200, first.text
    assert (await open_cell.post("/v1/skus", {"skus": [{"sku": "D4", "tracking": "lot"}]})).status_code == 200
    again = await submit(open_cell, path, [("A1", 10), ("D4", 2)], when=at(open_cell), Idempotency_Key="the-key")
    assert (again.status_code, again.content) == (200, first.content)
    late = await submit(open_cell, path, [("A1", 10), ("D4", 2)])
    assert (late.status_code, late.json()["code"]) == (422, "stock.lot_required")
