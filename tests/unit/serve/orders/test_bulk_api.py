"""Many orders at once by a filter: too many, the wrong ones, or half of them silently."""

import pytest

from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.orders.test_order_holds_api import hold, release, update
from tests.unit.serve.small_cell import furnish_with, order

SEATTLE, PORTLAND, NEWARK = "us-wh-seattle", "us-st-portland", "us-wh-newark"


async def bulk(cell, body, key=None, **headers):
    return await cell.post("/v1/order-actions", body, key, **headers)


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [one["order_id"] for one in answer.json()["results"]]


async def some(cell, count=3):
    made = []
    for _ in range(count):
        cell.clock.now += 1_000
        made.append((await cell.placed())["order_id"])
    return made


async def test_held_orders_are_not_found_or_others_are(cell):
    one, other, third = await some(cell)
    await update(cell, {"order_id": one}, hold("fraud", "address"))
    await update(cell, {"order_id": third}, hold("payment"))

    async def listed(held):
        return [found["order_id"] for found in (await cell.get("/v1/orders", held=held)).json()["orders"]]

    assert await listed("any") == [third, one]
    assert await listed("fraud") == [one]
    await update(cell, {"order_id": one}, release("fraud"))
    assert (await listed("fraud"), await listed("address")) == ([], [one])
    await cell.post(f"/v1/orders/{one}/updates", {"update": "cancel"})
    assert await listed("any") == [third]
    wrong = await cell.get("/v1/orders", held="weather")
    assert wrong.status_code == 422
    assert other


async def test_a_dry_run_does_it(cell):
    made = await some(cell)
    before = cell.state()
    answer = await bulk(cell, {"filter": {"status": "allocated"}, **hold("customer"), "dry_run": True})
    assert ids(answer) == made[::-1]
    assert (answer.json()["matched"], answer.json()["more"]) == (3, False)
    assert cell.state() == before


async def test_what_a_filter_finds_is_not_done_or_others_are_hit(cell):
    made = await some(cell)
    await update(cell, {"order_id": made[0]}, hold("fraud"))
    answer = await bulk(cell, {"filter": {"held": "fraud"}, **release("fraud", note="fine")})
    assert ids(answer) == [made[0]]
    assert answer.json()["results"][0]["status"] == "allocated"
    answer = await bulk(cell, {"filter": {"placed_before": "2000-01-01T00:00:00Z"}, "update": "cancel"})
    assert ids(answer) == []
    answer = await bulk(cell, {"filter": {"status": "allocated"}, "update": "prioritise", "priority": 5, "limit": 2})
    assert (ids(answer), answer.json()["more"]) == (made[:0:-1], True)
    await cell.post(f"/v1/orders/{made[2]}/updates", {"update": "start_picking"})
    answer = await bulk(cell, {"filter": {"status": "allocated"}, "update": "cancel"})
    assert ids(answer) == [made[1], made[0]]


async def test_orders_of_another_place_are_hit(cell):
    (one,) = await some(cell, 1)
    far = (await cell.placed(("C3", 1)))["order_id"]
    assert ids(await bulk(cell, {"filter": {"location_id": NEWARK}, **hold("customer"), "dry_run": True})) == [far]
    assert ids(await bulk(cell, {"filter": {"location_id": SEATTLE}, **hold("customer"), "dry_run": True})) == [one]


async def test_one_order_that_refuses_harms_the_others(cell):
    made = await some(cell)
    await update(cell, {"order_id": made[1]}, hold("fraud"))
    results = (await bulk(cell, {"filter": {"status": "allocated"}, **release("fraud")})).json()["results"]
    assert [one.get("status") or one["error"]["code"] for one in results] == [
        "order.not_held",
        "allocated",
        "order.not_held",
    ]


async def test_a_repeated_call_hits_what_it_would_find_now(cell):
    made = await some(cell, 2)
    body = {"filter": {"status": "allocated"}, "update": "cancel"}
    first = await bulk(cell, body, "k")
    late = await some(cell, 1)
    again = await bulk(cell, body, "k")
    assert (ids(first), again.json()) == (made[::-1], first.json())
    shown = await cell.get(f"/v1/orders/{late[0]}")
    assert shown.json()["status"] == "allocated"
    other = await bulk(cell, {"filter": {"status": "picking"}, "update": "cancel"}, "k")
    assert other.json()["code"] == "idempotency.key_reused"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"filter": {}, "update": "cancel"}, "bulk.filter_required"),
        ({"filter": {"status": "shipped"}, "update": "cancel"}, "bulk.filter_over"),
        ({"filter": {"status": "lost"}, "update": "cancel"}, "body.invalid"),
        ({"filter": {"status": "placed"}, "update": "ship"}, "body.invalid"),
        ({"filter": {"status": "placed"}, "update": "hold"}, "update.details_required"),
        ({"filter": {"status": "placed"}, "update": "cancel", "priority": 3}, "update.details_not_allowed"),
        ({"filter": {"status": "placed"}, "update": "cancel", "limit": 1_001}, "body.invalid"),
        ({"filter": {"location_id": "eu-wh-paris"}, "update": "cancel"}, "region.misdirected"),
        ({"update": "cancel"}, "body.missing_field"),
    ],
)
async def test_nonsense_is_done_to_many(cell, body, code):
    await some(cell, 1)
    before = cell.state()
    answer = await bulk(cell, body)
    if code == "body.missing_field":
        assert answer.status_code == 422
    else:
        assert answer.json()["code"] == code
    assert cell.state() == before


async def test_somebody_does_to_many_what_he_may_not_do_to_one(tmp_path):
    cell = GuardedCell(tmp_path)
    await furnish_with(cell, cell.bearer())
    sent = order() | {"customer": {"country": "US"}}
    await cell.post("/v1/orders", sent, **cell.bearer())
    support = cell.of_role("support")
    body = {"filter": {"status": "allocated"}}
    assert (await bulk(cell, body | hold("fraud"), **support)).status_code == 403
    bound = cell.of_role("manager", locs=(PORTLAND,))
    assert (await bulk(cell, body | hold("fraud"), **bound)).json()["code"] == "bulk.location_required"
    there = {"filter": {"location_id": SEATTLE}}
    assert (await bulk(cell, there | hold("fraud"), **bound)).status_code == 403
    assert len(ids(await bulk(cell, body | hold("address"), **support))) == 1
    only = cell.bearer(scopes=("orders.hold",))
    assert (await bulk(cell, body | {"update": "cancel"}, **only)).json()["code"] == "auth.forbidden"
