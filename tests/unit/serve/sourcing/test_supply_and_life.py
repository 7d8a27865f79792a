"""Weeks of supply, the risk of markdowns and shelf life decide where an order is served from, when the policy says so:
through the API, from rates and lots to the answer to why."""

import pytest

from actors.domain.location_commands import ReceiptLine, ReceiveStock
from serve.days import date_of
from tests.unit.serve.sourcing.test_delivery_dates import dates
from tests.unit.serve.sourcing.test_sourced_orders import NEWARK, PORTLAND, SEATTLE, policy, served, why

DAY = 86_400_000
PERIOD = {"from": "2025-10-01", "until": "2025-12-31"}


async def wanted(cell, place, status=200, **rates):
    body = {"rates": [{"sku": sku, "units_per_day": rate} | PERIOD for sku, rate in rates.items()]}
    answer = await cell.write("PUT", f"/v1/locations/{place}/demand-rates", body)
    assert answer.status_code == status, answer.text


async def received(cell, place, sku, units, days=None):
    """A lot that is good for so many days yet; None: for ever."""
    number = cell.gateway.turns
    ends = None if days is None else cell.clock.now // DAY + days
    goods = ReceiveStock([ReceiptLine(sku, units, lot=f"l{number}", expires_on=ends)])
    reply = await cell.gateway.ask("location", place, goods, command_id=f"r{number}", digest=number)
    assert reply.status == 0, reply.body


async def milk(cell, life=10):
    skus = [{"sku": "MILK", "tracking": "lot", "expires": True, "min_life_days": life}]
    assert (await cell.post("/v1/skus", {"skus": skus})).status_code == 200


def asked(told):
    return [step["location_id"] for step in told["happened"] if step["what"] == "asked"]


# --- weeks of supply -------------------------------------------------------------------------------------------------
async def overstocked(cell):
    """Seattle, which is nearer, has what it sells in a week; Portland's store what it sells in half a year."""
    assert (
        await cell.post(f"/v1/locations/{PORTLAND}/receipts", {"lines": [{"sku": "A1", "quantity": 197}]})
    ).is_success
    await wanted(cell, SEATTLE, A1=100 / 7)
    await wanted(cell, PORTLAND, A1=1)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", [f"{PORTLAND} has A1 for 28.6 weeks.", f"{SEATTLE} has A1 for 1.0 weeks.", "weeks of supply -"]),
        ("es", [f"{PORTLAND} tiene A1 para 28,6 semanas.", f"{SEATTLE} tiene A1 para 1,0 semanas.", "semanas de existencias -"]),
        ("pt", [f"{PORTLAND} tem A1 para 28,6 semanas.", f"{SEATTLE} tem A1 para 1,0 semanas.", "semanas de estoque -"]),
    ],
)  # fmt: skip
async def test_the_overstocked_store_keeps_its_units_though_the_policy_says_so(cell, language, words):
    await overstocked(cell)
    await policy(cell, costs={"supply_minor": 100})
    placed = await cell.placed(("A1", 2))
    assert served(placed) == {PORTLAND: {"A1": 2}}
    told = await why(cell, placed, language=language)
    # Four weeks above the four that there should be, and no more than these count: 2 units · 4 weeks · 1.00.
    assert told["decision"]["costs_milli"]["supply"] == -800_000
    assert told["decision"]["prospects"] == [
        {"location_id": PORTLAND, "sku": "A1", "weeks_of_supply": 28.6, "markdown_risk": 0.0},
        {"location_id": SEATTLE, "sku": "A1", "weeks_of_supply": 1.0, "markdown_risk": 0.0},
    ]
    for sentence in words:
        assert any(sentence in said for said in told["words"]), told["words"]


async def test_a_store_is_preferred_though_the_policy_says_nothing_of_it_or_nobody_knows_demand(cell):
    await policy(cell, costs={"supply_minor": 100})
    await cell.post(f"/v1/locations/{PORTLAND}/receipts", {"lines": [{"sku": "A1", "quantity": 197}]})
    placed = await cell.placed(("A1", 2))
    assert served(placed) == {SEATTLE: {"A1": 2}}
    assert (await why(cell, placed))["decision"]["prospects"] == []
    await wanted(cell, SEATTLE, A1=100 / 7)
    await wanted(cell, PORTLAND, A1=1)
    await policy(cell, costs={"supply_minor": 0, "markdown_percent": 0})
    placed = await cell.placed(("A1", 2))
    assert served(placed) == {SEATTLE: {"A1": 2}}
    assert (await why(cell, placed))["decision"]["prospects"] == []
    await policy(cell, costs={"supply_minor": 100})
    await wanted(cell, PORTLAND, A1=0)
    await wanted(cell, SEATTLE, A1=0)
    assert served(await cell.placed(("A1", 2))) == {SEATTLE: {"A1": 2}}


# --- markdowns -------------------------------------------------------------------------------------------------------
async def test_what_ends_before_it_is_sold_stays_though_markdowns_cost(cell):
    await received(cell, SEATTLE, "D4", 30)
    await received(cell, PORTLAND, "D4", 30, days=10)
    for place in (SEATTLE, PORTLAND):
        await wanted(cell, place, D4=1)
    await policy(cell, costs={"markdown_percent": 0})
    assert served(await cell.placed(("D4", 1))) == {SEATTLE: {"D4": 1}}
    await policy(cell, costs={"markdown_percent": 50, "supply_minor": 0})
    placed = await cell.placed(("D4", 1))
    assert served(placed) == {PORTLAND: {"D4": 1}}
    told = await why(cell, placed)
    # 20 of 30 are left after ten days of one a day; half of 12.99 is lost of each.
    assert told["decision"]["costs_milli"]["markdown"] == -round(2 / 3 * 50 * 1299 * 10)
    assert f"{PORTLAND} has D4 for 4.3 weeks, and 67 % of it would not be sold before it ends." in told["words"]
    # Time goes on, and nothing is told by the place: two days later fewer of them can be sold.
    cell.clock.now += 2 * DAY
    told = await why(cell, await cell.placed(("D4", 1)))
    assert [one["markdown_risk"] for one in told["decision"]["prospects"] if one["location_id"] == PORTLAND] == [0.72]


# --- shelf life ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("language", "words"), [("en", "shelf life too short"), ("es", "vida útil"), ("pt", "validade")]
)
async def test_a_place_with_short_lots_is_asked_in_vain(cell, language, words):
    await milk(cell)
    await received(cell, SEATTLE, "MILK", 20, days=9)
    await received(cell, NEWARK, "MILK", 20, days=10)
    await policy(cell)
    placed = await cell.placed(("MILK", 3))
    assert served(placed) == {NEWARK: {"MILK": 3}}
    told = await why(cell, placed, language=language)
    assert asked(told) == [NEWARK]
    (seattle,) = [one for one in told["decision"]["places"] if one["location_id"] == SEATTLE]
    assert seattle["reasons"] == ["shelf_life"]
    assert any(words in said for said in told["words"]), told["words"]
    # A day later it is Newark's that are too short.
    cell.clock.now += DAY
    placed = await cell.placed(("MILK", 3))
    assert (served(placed), placed["status"]) == ({}, "backordered")


async def test_more_is_asked_of_a_place_than_is_good_there(cell):
    await milk(cell)
    await received(cell, SEATTLE, "MILK", 2, days=30)
    await received(cell, SEATTLE, "MILK", 20, days=3)
    await received(cell, NEWARK, "MILK", 20)
    await policy(cell)
    placed = await cell.placed(("MILK", 5))
    told = await why(cell, placed)
    assert told["decision"]["parts"][0]["lines"] == [{"sku": "MILK", "quantity": 5}]
    assert (served(placed), asked(told)) == ({NEWARK: {"MILK": 5}}, [NEWARK])
    assert served(await cell.placed(("MILK", 2))) == {SEATTLE: {"MILK": 2}}


async def test_who_has_short_lots_alone_is_forgotten_by_those_that_wait(cell):
    await milk(cell)
    await received(cell, SEATTLE, "MILK", 20, days=3)
    await policy(cell)
    placed = await cell.placed(("MILK", 2))
    assert placed["status"] == "backordered"
    await received(cell, SEATTLE, "MILK", 20, days=30)
    told = (await cell.get(f"/v1/orders/{placed['order_id']}")).json()
    assert served(told) == {SEATTLE: {"MILK": 2}}


async def test_goods_without_lots_are_taken_to_end(cell):
    await milk(cell)
    receipt = {"lines": [{"sku": "A1", "quantity": 5}]}
    assert (await cell.post(f"/v1/locations/{SEATTLE}/receipts", receipt)).is_success
    await cell.post("/v1/skus", {"skus": [{"sku": "A1", "expires": True, "tracking": "lot", "min_life_days": 30}]})
    await policy(cell)
    # As the location has it: what is not kept by lot is good for ever.
    assert served(await cell.placed(("A1", 2))) == {SEATTLE: {"A1": 2}}
    assert await dates(cell, "A1") == {"A1": "2026-01-02T00:00:00Z"}


async def test_a_date_is_told_for_what_is_too_short_lived(cell):
    await milk(cell)
    await received(cell, SEATTLE, "MILK", 20, days=9)
    await policy(cell)
    assert await dates(cell, "MILK") == {"MILK": None}
    await received(cell, SEATTLE, "MILK", 1, days=30)
    assert await dates(cell, "MILK") == {"MILK": "2026-01-02T00:00:00Z"}


async def test_a_store_keeps_short_lots_for_whoever_collects_there(cell):
    await milk(cell)
    await received(cell, PORTLAND, "MILK", 4, days=3)
    await received(cell, SEATTLE, "MILK", 9, days=30)
    await policy(cell)
    placed = await cell.placed(("MILK", 2), pickup={"location_id": PORTLAND})
    # Seattle sends some there.
    assert placed["pickup"]["status"] == "coming"
    assert cell.gateway.entities["location", PORTLAND][0].stock["MILK"].allocated == 0
    await received(cell, PORTLAND, "MILK", 4, days=30)
    placed = await cell.placed(("MILK", 2), pickup={"location_id": PORTLAND})
    assert (served(placed), placed["status"]) == ({PORTLAND: {"MILK": 2}}, "allocated")


async def test_the_dates_of_lots_are_not_those_that_people_read(cell):
    await milk(cell)
    await received(cell, SEATTLE, "MILK", 20, days=9)
    await wanted(cell, SEATTLE, MILK=1)
    told = (await cell.get(f"/v1/locations/{SEATTLE}/stock/MILK")).json()
    assert told["lots"][0]["expires_on"] == date_of(cell.clock.now // DAY + 9).isoformat()
    # By its last good day nine are sold, of twenty.
    assert told["lasting"]["markdown_risk"] == 0.55
