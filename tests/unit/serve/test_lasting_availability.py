"""Goods that must be good for some time yet are told as available, or as collectable, though nobody would get them."""

from __future__ import annotations

import json

import pytest

from actors.domain import outlook
from actors.domain.article import Details, encoded
from actors.domain.location_commands import ReceiptLine, ReceiveStock
from actors.domain.rows import LocationRow, SkuRow, StockRow
from serve.availability.index import CANDIDATES_MAX, AvailabilityIndex
from tests.unit.serve.post_office import coded
from tests.unit.serve.small_cell import order

PORTLAND, SEATTLE = "us-st-portland", "us-wh-seattle"
DAY = 86_400_000
AT = {"lat": 45.5, "lon": -122.7}


async def received(cell, place, sku, units, days):
    """A lot that is good for so many days yet."""
    number = cell.gateway.turns
    goods = ReceiveStock([ReceiptLine(sku, units, lot=f"l{number}", expires_on=cell.clock.now // DAY + days)])
    reply = await cell.gateway.ask("location", place, goods, command_id=f"r{number}", digest=number)
    assert reply.status == 0, reply.body


async def milk(cell, life=5, **more):
    skus = [{"sku": "MILK", "tracking": "lot", "expires": True, "min_life_days": life} | more]
    answer = await cell.post("/v1/skus", {"skus": skus})
    assert answer.status_code == 200, answer.text


async def sourced(cell):
    """By a policy: from Seattle to Portland it takes two days."""
    answer = await cell.write("PUT", "/v1/sourcing/policies/all", {"reason": "test", "policy": {}})
    assert answer.status_code == 200, answer.text


def collected(units=1):
    body = order(("MILK", units), pickup={"location_id": PORTLAND})
    del body["ship_to"]
    return body


async def told(cell, sku="MILK", **more):
    answer = await cell.get("/v1/availability", sku=sku, **(AT | more))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    [one] = body["skus"]
    return one["available"], {at["location_id"]: at["available"] for at in one["locations"]}, body.get("pickup")


async def test_what_is_too_old_is_told_as_available(cell):
    await milk(cell)
    await received(cell, SEATTLE, "MILK", 10, 2)
    assert (await told(cell))[:2] == (0, {})
    await received(cell, SEATTLE, "MILK", 3, 5)
    assert (await told(cell))[:2] == (3, {SEATTLE: 3})
    await received(cell, PORTLAND, "MILK", 1, 60)
    assert (await told(cell))[:2] == (4, {SEATTLE: 3, PORTLAND: 1})


async def test_an_answer_of_yesterday_is_told_when_nothing_has_changed_but_the_day(cell):
    await milk(cell)
    await received(cell, SEATTLE, "MILK", 10, 5)
    assert (await told(cell))[0] == 10
    cell.clock.now += DAY
    assert (await told(cell))[0] == 0


async def test_an_answer_of_before_is_told_when_the_catalogue_asks_for_more_or_less(cell):
    await milk(cell)
    await received(cell, SEATTLE, "MILK", 10, 5)
    assert (await told(cell))[0] == 10
    await milk(cell, life=6)
    assert (await told(cell))[0] == 0
    await milk(cell, life=0)
    assert (await told(cell))[0] == 10


def test_what_came_instead_of_what_is_too_old_is_not_seen_since_there_are_as_many():
    index = AvailabilityIndex("us", 0, 0)
    index.rows([LocationRow("us-a", 1, "warehouse", "a", "", "US", 0, 0, "UTC")])
    details = encoded(Details(tracking="lot", expires=True, min_life_days=5))
    index.rows([SkuRow("us-catalogue", "MILK", "", 1, details)])
    for days, available in ((2, 0), (30, 4), (2, 0)):
        ends = outlook.encoded(outlook.Outlook(None, ((100 + days, 4),)))
        index.rows([StockRow("us-a", "MILK", 4, 0, 0, outlook=ends)])
        told = json.loads(index.encoded("MILK", index.places.seen_from(0, 0), 10, now_ms=100 * DAY))
        assert told["available"] == available


async def test_a_kit_of_what_is_too_old_is_told_as_available(cell):
    await milk(cell)
    kit = [{"sku": "MILK", "quantity": 2}, {"sku": "A1", "quantity": 1}]
    assert (await cell.post("/v1/skus", {"skus": [{"sku": "BOX", "kit": kit}]})).status_code == 200
    await received(cell, SEATTLE, "MILK", 10, 2)
    assert (await told(cell, "BOX"))[0] == 0
    await received(cell, SEATTLE, "MILK", 5, 9)
    assert (await told(cell, "BOX"))[0] == 2
    cell.clock.now += 5 * DAY
    assert (await told(cell, "BOX"))[0] == 0


@pytest.mark.parametrize("with_policy", [False, True])
async def test_what_is_too_old_is_told_as_collectable(cell, with_policy):
    if with_policy:
        await sourced(cell)
    await milk(cell)
    await received(cell, SEATTLE, "MILK", 10, 2)
    body = collected()
    [store] = (await told(cell, pickup="true", channel="online"))[2]
    assert (store["collectable"], store["short"]) == (False, ["MILK"])
    assert coded(await cell.post("/v1/orders", body))[1] == "pickup.unavailable"
    await received(cell, SEATTLE, "MILK", 1, 20)
    [store] = (await told(cell, pickup="true", channel="online"))[2]
    assert (store["collectable"], store["here"]) == (True, [])
    assert (await cell.post("/v1/orders", body)).status_code == 201


@pytest.mark.parametrize("days", [5, 6])
async def test_what_is_too_old_once_it_is_at_the_store_is_told_as_collectable(cell, days):
    await sourced(cell)
    await milk(cell)
    await received(cell, SEATTLE, "MILK", 10, days)
    [store] = (await told(cell, pickup="true", channel="online"))[2]
    assert (store["collectable"], store["short"]) == (False, ["MILK"])
    # Others get it, or it is collected where it lies.
    assert (await told(cell))[:2] == (10, {SEATTLE: 10})
    assert coded(await cell.post("/v1/orders", collected()))[1] == "pickup.unavailable"


async def test_what_still_lasts_for_long_enough_after_the_road_is_not_sent_to_the_store(cell):
    await sourced(cell)
    await milk(cell)
    await received(cell, SEATTLE, "MILK", 10, 6)
    await received(cell, SEATTLE, "MILK", 1, 7)
    [store] = (await told(cell, pickup="true", channel="online"))[2]
    assert store["collectable"]
    # Of the one place only what is sent is seen.
    assert coded(await cell.post("/v1/orders", collected(2)))[1] == "pickup.unavailable"
    answer = await cell.post("/v1/orders", collected(1))
    assert answer.status_code == 201, answer.text
    told_of = (await cell.get(f"/v1/orders/{answer.json()['order_id']}")).json()
    assert (told_of["pickup"]["status"], told_of["backordered"]) == ("coming", [])


async def test_the_road_counts_for_what_lies_at_the_store(cell):
    await sourced(cell)
    await milk(cell)
    await received(cell, PORTLAND, "MILK", 1, 5)
    await received(cell, SEATTLE, "MILK", 1, 7)
    [store] = (await told(cell, pickup="true", channel="online"))[2]
    assert (store["collectable"], store["here"]) == (True, ["MILK"])
    assert (await cell.post("/v1/orders", collected(2))).status_code == 201


async def test_places_with_only_what_is_too_old_crowd_out_the_one_that_has_what_is_told_as_available(cell):
    await milk(cell)
    place = {"type": "warehouse", "name": "near", "city": "", "country": "US", "lat": 47.6, "timezone": "UTC"}
    for number in range(CANDIDATES_MAX + 1):
        near = f"us-wh-near{number}"
        told_of = await cell.write("PUT", f"/v1/locations/{near}", place | {"lon": -122.3 + number / 100})
        assert told_of.status_code == 200, told_of.text
        await received(cell, near, "MILK", 4, 2)
    await received(cell, "us-wh-newark", "MILK", 4, 30)
    assert (await told(cell))[:2] == (4, {"us-wh-newark": 4})
    placed = await cell.placed(("MILK", 1))
    served = (await cell.get(f"/v1/orders/{placed['order_id']}")).json()["fulfilments"]
    assert [one["location_id"] for one in served] == ["us-wh-newark"]
