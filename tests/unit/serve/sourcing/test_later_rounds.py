"""What holds for a placement holds for what comes later: an order's lines and timer, and the cart that it was."""

import pytest

from actors.domain.order_commands import RetryAllocation
from tests.unit.serve.sourcing.test_banned_goods import classed
from tests.unit.serve.sourcing.test_sourced_orders import NEWARK, PORTLAND, SEATTLE, policy, profile, served

NEAR_PORTLAND = {"country": "US", "lat": 45.5, "lon": -122.7}


async def received(cell, place, *lines):
    receipt = {"lines": [{"sku": sku, "quantity": units} for sku, units in lines]}
    assert (await cell.post(f"/v1/locations/{place}/receipts", receipt)).is_success


async def timer(cell, placed):
    cell.clock.now += 60_000
    order_id = placed["order_id"]
    await cell.gateway.ask("order", order_id, RetryAllocation(), command_id=f"t{cell.clock.now_ms()}", digest=0)
    return await shown(cell, placed)


async def shown(cell, placed):
    return (await cell.get(f"/v1/orders/{placed['order_id']}")).json()


# --- constraints --------------------------------------------------------------------------------------------------
async def test_goods_come_later_from_where_they_may_not_lie(cell):
    await cell.post("/v1/skus", {"skus": [{"sku": "D4", "hazard_class": "3"}]})
    await policy(cell)
    await profile(cell, SEATTLE, hazard_classes=["8"])
    assert set(served(await cell.placed(("B 2", 60)))) == {SEATTLE, NEWARK}
    lacking = await cell.placed(("B 2", 3), ("D4", 2))
    await received(cell, SEATTLE, ("B 2", 5), ("D4", 5))
    told = await timer(cell, lacking)
    assert served(told) == {SEATTLE: {"B 2": 3}}
    assert [one["sku"] for one in told["backordered"]] == ["D4"]
    await received(cell, NEWARK, ("D4", 6))
    assert served(await shown(cell, lacking)) == {SEATTLE: {"B 2": 3}, NEWARK: {"D4": 2}}


async def test_goods_that_may_go_there_from_nowhere_are_asked_for_again_and_again(cell):
    await classed(cell, "C3", "alcohol")
    await policy(cell, bans=[{"goods": "alcohol", "to": ["US"]}])
    placed = await cell.placed(("A1", 1), ("C3", 1))
    assert served(placed) == {SEATTLE: {"A1": 1}}
    for _ in range(3):
        told = await timer(cell, placed)
        assert (served(told), told["backorder"]["reason"]) == ({SEATTLE: {"A1": 1}}, "nobody_to_ask")
    await received(cell, SEATTLE, ("C3", 5))
    assert served(await shown(cell, placed)) == {SEATTLE: {"A1": 1}}
    assert cell.gateway.entities["order", placed["order_id"]][0].retry_at_ms is None


async def test_what_is_not_out_yet_waits_at_a_store_that_does_not_ship(cell):
    await policy(cell, rules={"ship_from_store": False})
    placed = await cell.placed(("A1", 1), ship_to=NEAR_PORTLAND, release_at="2026-03-01T00:00:00Z")
    assert placed["status"] == "backordered"
    waiting = {
        name for (kind, name), (state, _) in cell.gateway.entities.items() if kind == "location" and state.waiting
    }
    assert waiting == {SEATTLE, NEWARK}


async def test_an_order_that_lacks_nothing_reckons_what_a_backorder_would_take(cell, monkeypatch):
    await cell.post("/v1/skus", {"skus": [{"sku": "A1", "hazard_class": "3"}]})
    await policy(cell)
    await profile(cell, NEWARK, hazard_classes=["8"])
    monkeypatch.setattr("serve.orders.places.leads", lambda *_: pytest.fail("reckoned"))
    placed = await cell.placed(("A1", 1), ("B 2", 1))
    assert placed["status"] == "allocated"
    # What a short pick has to keep to is there.
    terms = cell.gateway.entities["order", placed["order_id"]][0].backorder.terms
    assert (terms.lead_ms, terms.barred[NEWARK]) == ({}, ["A1"])


# --- all or nothing -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("substitutes", [[], ["D4"]])
async def test_a_policy_that_ships_complete_is_forgotten_when_something_may_stand_in(cell, substitutes):
    await policy(cell, limits={"ship_complete": True})
    lines = [
        {"sku": sku, "quantity": n, "unit_price": {"amount": 900, "currency": "USD"}, "substitutes": others}
        for sku, n, others in (("A1", 1, []), ("C3", 9, substitutes))
    ]
    placed = await cell.placed(lines=lines)
    assert placed["status"] == "backordered"
    for _ in range(3):
        assert served(await timer(cell, placed)) == {}
    step = {"update": "allocate"}
    assert (await cell.post(f"/v1/orders/{placed['order_id']}/updates", step)).is_success
    assert served(await shown(cell, placed)) == {}
    if substitutes:
        await received(cell, NEWARK, ("D4", 9))
        await timer(cell, placed)
        await timer(cell, placed)
        told = await shown(cell, placed)
        assert told["status"] == "allocated"
        assert served(told)[NEWARK]["D4"] == 9


# --- carts --------------------------------------------------------------------------------------------------------
async def cart(cell, *lines, status=201, ship_to=NEAR_PORTLAND, **more):
    body = {"channel": "online", "lines": [{"sku": sku, "quantity": n} for sku, n in lines], **more}
    answer = await cell.post("/v1/reservations", body | ({"ship_to": ship_to} if ship_to else {}))
    assert answer.status_code == status, answer.text
    made = answer.json()
    return made, {one["location_id"] for one in made.get("parts", [])}


async def test_a_cart_keeps_units_where_its_order_may_not_be_served_from(cell):
    assert (await cart(cell, ("A1", 1)))[1] == {PORTLAND}
    await policy(cell, rules={"ship_from_store": False})
    made, places = await cart(cell, ("A1", 1))
    assert places == {SEATTLE}
    placed = await cell.placed(("A1", 1), ship_to=NEAR_PORTLAND, reservation_id=made["reservation_id"])
    assert served(placed) == {SEATTLE: {"A1": 1}}
    await profile(cell, SEATTLE, ships=False)
    assert (await cart(cell, ("A1", 1)))[1] == {NEWARK}


async def test_a_cart_keeps_what_may_not_go_there(cell):
    await classed(cell, "A1", "alcohol")
    await policy(cell, bans=[{"goods": "alcohol", "to": ["US"]}])
    refused, _ = await cart(cell, ("A1", 1), status=409)
    assert refused["code"] == "reservation.not_available"
    _, places = await cart(cell, ("A1", 1), ("B 2", 1))
    assert places == {SEATTLE}
    # Nobody knows yet where it goes.
    assert (await cart(cell, ("A1", 1), ship_to=None))[1]


async def test_a_cart_goes_to_a_place_whose_day_is_full(cell):
    await policy(cell)
    await profile(cell, SEATTLE, orders_a_day=1)
    near = {"country": "US", "lat": 47.4, "lon": -122.2}
    assert (await cart(cell, ("B 2", 1), ship_to=near))[1] == {SEATTLE}
    await cell.placed(("B 2", 1), ship_to=near)
    assert (await cart(cell, ("B 2", 1), ship_to=near))[1] == {NEWARK}


async def test_a_cart_without_a_destination_finds_nobody_because_of_borders(cell):
    await policy(cell, rules={"cross_border": False, "distance_max_km": 5})
    await profile(cell, SEATTLE, serves=["CA"])
    assert (await cart(cell, ("B 2", 60), ship_to=None, policy="partial"))[1] == {SEATTLE, NEWARK}


async def test_a_cart_of_a_policy_that_ships_complete_gets_nothing_when_there_is_not_all(cell):
    await policy(cell, limits={"ship_complete": True})
    made, _ = await cart(cell, ("C3", 9))
    assert made["status"] == "partly_held"
