"""A policy that serves orders as a whole or not at all holds as well where nobody had anything, and
where goods are not out yet."""

import pytest

from tests.unit.serve.sourcing.test_later_rounds import received, shown, timer
from tests.unit.serve.sourcing.test_sourced_orders import NEWARK, SEATTLE, policy, profile, served


async def allocated(cell, placed):
    step = {"update": "allocate"}
    assert (await cell.post(f"/v1/orders/{placed['order_id']}/updates", step)).is_success
    return await shown(cell, placed)


@pytest.mark.parametrize("known", [False, True])
async def test_what_nobody_had_comes_in_parts(cell, known):
    await cell.post("/v1/skus", {"skus": [{"sku": "X1"}, {"sku": "Y1"}]})
    await policy(cell, limits={"ship_complete": True})
    if known:
        await received(cell, NEWARK, ("X1", 1))
    placed = await cell.placed(("X1", 2), ("Y1", 1))
    assert placed["status"] == "backordered"
    await received(cell, NEWARK, ("X1", 1))
    await received(cell, SEATTLE, ("Y1", 1))
    assert served(await timer(cell, placed)) == served(await allocated(cell, placed)) == {}
    await received(cell, NEWARK, ("X1", 1), ("Y1", 1))
    assert served(await shown(cell, placed)) == {NEWARK: {"X1": 2, "Y1": 1}}


@pytest.mark.parametrize("substitutes", [[], ["D4"]])
async def test_what_is_out_goes_before_the_rest_of_the_order_is(cell, substitutes):
    await cell.post("/v1/skus", {"skus": [{"sku": "X1", "released_at": "2026-03-01T00:00:00Z"}]})
    await received(cell, SEATTLE, ("X1", 1))
    await policy(cell, limits={"ship_complete": True})
    lines = [
        {"sku": sku, "quantity": 1, "unit_price": {"amount": 900, "currency": "USD"}, "substitutes": others}
        for sku, others in (("X1", []), ("A1", substitutes))
    ]
    placed = await cell.placed(lines=lines)
    told = await timer(cell, placed)
    assert (served(placed), served(told), told["backorder"]["reason"]) == ({}, {}, "not_released")
    cell.clock.now += 60 * 86_400_000
    await received(cell, SEATTLE, ("X1", 1))
    assert served(await timer(cell, placed)) == {SEATTLE: {"X1": 1, "A1": 1}}


async def test_what_only_two_places_have_together_goes_back_as_one_of_them_may_not_serve_all(cell):
    await cell.post("/v1/skus", {"skus": [{"sku": "D4", "hazard_class": "3"}, {"sku": "X1"}]})
    await received(cell, NEWARK, ("D4", 2))
    await received(cell, SEATTLE, ("X1", 1))
    await policy(cell, limits={"ship_complete": True})
    await profile(cell, SEATTLE, hazard_classes=["8"])
    placed = await cell.placed(("D4", 2), ("X1", 1))
    assert (placed["status"], served(placed)) == ("allocated", {NEWARK: {"D4": 2}, SEATTLE: {"X1": 1}})
    # What a short pick has to keep to is there.
    terms = cell.gateway.entities["order", placed["order_id"]][0].backorder.terms
    assert (terms.whole, terms.barred) == (False, {NEWARK: [], SEATTLE: ["D4"]})


async def test_what_a_cart_has_kept_is_given_back_as_it_is_not_all(cell):
    await policy(cell, limits={"ship_complete": True})
    await profile(cell, SEATTLE)
    body = {"channel": "online", "lines": [{"sku": "C3", "quantity": 9}]}
    kept = (await cell.post("/v1/reservations", body)).json()
    assert kept["status"] == "partly_held"
    placed = await cell.placed(("C3", 9), reservation_id=kept["reservation_id"])
    assert placed["status"] == "partly_allocated"
