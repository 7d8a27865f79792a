"""Orders that are collected at a store, and the steps that the store takes with them, for
tests through the whole API."""

from __future__ import annotations

from actors.domain.ids import account_id
from tests.unit.serve.post_office import MIA
from tests.unit.serve.small_cell import order

SEATTLE, PORTLAND = "us-wh-seattle", "us-st-portland"
PICKUP = {"location_id": PORTLAND}
NOBODY = "us-collection-01kah2v3nq7h3k2m9qk4t1x0ab"


def associate(cell, place=PORTLAND):
    return cell.of_role("associate", locs=(place,), sub=account_id("us", b"a" * 16))


def manager(cell):
    return cell.of_role("manager", locs=(PORTLAND,), sub=account_id("us", b"m" * 16))


def body(*lines, **more):
    made = order(*lines, pickup=PICKUP) | more
    del made["ship_to"]
    return made


async def placed(cell, *lines, headers=None, **more):
    answer = await cell.post("/v1/orders", body(*lines, **more), **(headers or {}))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def step(cell, collection_id, path, sent, headers=None, key=None):
    return await cell.post(f"/v1/collections/{collection_id}/{path}", sent, key, **(headers or {}))


async def done(cell, collection_id, path, sent, headers=None):
    answer = await step(cell, collection_id, path, sent, headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def only(told):
    [one] = told["pickup"]["collections"]
    return one["collection_id"]


async def made_ready(cell, told, headers=None):
    name = only(told)
    seen = (await cell.http.get(f"/v1/collections/{name}", headers=headers or {})).json()
    found = [{"sku": line["sku"], "quantity": line["to_find"]} for line in seen["lines"]]
    await done(cell, name, "located", {"found": found, "shelf": "shelf 12"}, headers)
    return await done(cell, name, "ready", {}, headers)


async def mias(guarded, *lines):
    return await placed(guarded, *lines, headers=guarded.bearer(), customer={"email": MIA})


def events_in(told):
    """All events, wherever they stand."""
    if isinstance(told, list):
        return [event for one in told for event in events_in(one)]
    if isinstance(told, dict):
        found = [told] if "type" in told else []
        return found + [event for one in told.values() for event in events_in(one)]
    return []
