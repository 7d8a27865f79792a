"""Changes after the placement through the API: too late, somebody else's, or half done and not told."""

import pytest

from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with, order

SEATTLE, NEWARK = "us-wh-seattle", "us-wh-newark"
TO = {"country": "US", "postcode": "98104", "city": "Seattle", "lat": 47.6, "lon": -122.3}


async def change(cell, placed, body, **headers):
    return await cell.post(f"/v1/orders/{placed['order_id']}/changes", body, **headers)


def lines(*wished):
    return {"lines": [{"line": line, "quantity": quantity} for line, quantity in wished]}


async def test_less_of_a_line_stays_allocated_or_is_not_paid_back(cell):
    placed = await cell.placed(("A1", 5), ("B 2", 1))
    told = (await change(cell, placed, lines((1, 2), (2, 0)))).json()
    assert (told["refund"], told["total"]) == (
        {"amount": 4 * 1299, "currency": "USD"},
        {"amount": 2 * 1299, "currency": "USD"},
    )
    assert told["lines"] == [{"line": 1, "was": 5, "quantity": 2}, {"line": 2, "was": 1, "quantity": 0}]
    cell.gateway.run_outbox()
    shown = (await cell.get(f"/v1/orders/{placed['order_id']}")).json()
    assert [one["quantity"] for one in shown["lines"]] == [2, 0]
    assert shown["fulfilments"][0]["lines"] == [{"sku": "A1", "quantity": 2}]
    assert shown["terms"]["refund"] == told["refund"]
    place, _ = cell.gateway.entities["location", SEATTLE]
    assert (place.stock["A1"].allocated, place.stock["B 2"].allocated) == (2, 0)


async def test_more_of_a_line_is_not_asked_for(cell):
    placed = await cell.placed(("A1", 2))
    told = (await change(cell, placed, lines((1, 6)))).json()
    assert told["refund"]["amount"] == -4 * 1299
    cell.gateway.run_outbox()
    shown = (await cell.get(f"/v1/orders/{placed['order_id']}")).json()
    assert sum(line["quantity"] for one in shown["fulfilments"] for line in one["lines"]) == 6
    await cell.post(f"/v1/orders/{placed['order_id']}/updates", {"update": "start_picking"})
    refused = await change(cell, placed, lines((1, 9)))
    assert (refused.status_code, refused.json()["code"]) == (409, "order.too_late_to_change")


async def test_what_is_picked_is_changed_or_what_is_not_can_not_be(cell):
    placed = await cell.placed(("A1", 103))
    first = placed["fulfilments"][0]["fulfilment_id"]
    await cell.post(f"/v1/orders/{placed['order_id']}/updates", {"update": "start_picking", "fulfilment_id": first})
    got = {one["fulfilment_id"]: one["lines"][0]["quantity"] for one in placed["fulfilments"]}
    told = (await change(cell, placed, lines((1, got[first])))).json()
    assert told["lines"][0]["quantity"] == got[first]
    refused = (await change(cell, placed, lines((1, 1)))).json()
    assert refused["code"] == "order.too_late_to_change"
    (why,) = refused["not_changed"]
    assert (why["line"], why["quantity_min"], why["fulfilments"]) == (1, got[first], [first])
    mixed = (await change(cell, placed, lines((1, 1)) | {"service_level": "express"})).json()
    assert mixed["code"] == "order.too_late_to_change"


async def test_the_cut_off_of_a_place_binds_nobody(cell):
    await cell.write("PUT", "/v1/sourcing/policies/all", {"reason": "test", "policy": {}})
    work = {"cut_off": "16:00", "dispatch": "18:00"}
    answer = await cell.write("PUT", f"/v1/locations/{SEATTLE}/profile", {"week": [work] * 7})
    assert answer.status_code == 200, answer.text
    placed = await cell.placed(("A1", 2))
    hour = 3_600_000
    cell.clock.now += (16 * hour - cell.clock.now) % (24 * hour) + hour
    refused = (await change(cell, placed, lines((1, 1)))).json()
    assert refused["code"] == "order.cut_off_passed"
    late = await cell.placed(("A1", 2))
    assert (await change(cell, late, lines((1, 1)))).status_code == 200


async def test_an_address_is_not_changed_or_another_country_s_is_taken(cell):
    placed = await cell.placed()
    told = await change(cell, placed, {"ship_to": TO})
    assert told.json()["readdressed"]
    shown = (await cell.get(f"/v1/orders/{placed['order_id']}")).json()
    assert shown["ship_to"]["postcode"] == "98104"
    abroad = await change(cell, placed, {"ship_to": TO | {"country": "CA"}})
    assert (abroad.status_code, abroad.json()["code"]) == (422, "order.country_fixed")
    names = await change(cell, placed, {"ship_to": TO | {"street": "Pike 1"}})
    assert names.json()["code"] == "person.not_kept"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "order.nothing_to_change"), (lines((7, 1)), "order.line_unknown"), (lines((1, 1), (1, 0)), "order.line_twice"),
        (lines((1, 0)), "order.nothing_left"), (lines((0, 1)), "body.invalid"), (lines((1, -1)), "body.invalid"),
        ({"ship_to": TO | {"lat": None}}, "order.coordinates_incomplete"), ({"service_level": "soon"}, "body.invalid"),
        ({"colour": "red"}, "body.unknown_field"),
    ],
)  # fmt: skip
async def test_a_change_that_makes_no_sense_is_taken(cell, body, code):
    placed = await cell.placed()
    shown = (await cell.get(f"/v1/orders/{placed['order_id']}")).json()
    answer = await change(cell, placed, body)
    assert answer.json()["code"] == code
    assert (await cell.get(f"/v1/orders/{placed['order_id']}")).json() == shown


@pytest.fixture
async def guarded(tmp_path):
    cell = GuardedCell(tmp_path)
    await furnish_with(cell, cell.bearer())
    return cell


async def test_somebody_changes_another_person_s_order(guarded):
    mine = guarded.of_role("customer", sub="us-cust-1")
    sent = order() | {"customer": {"country": "US"}}
    placed = (await guarded.post("/v1/orders", sent, **mine)).json()
    other = await change(guarded, placed, lines((1, 1)), **guarded.of_role("customer", sub="us-cust-2"))
    assert (other.status_code, other.json()["code"]) == (404, "order.unknown")
    assert (await change(guarded, placed, lines((1, 1)), **mine)).status_code == 200
    assert (await change(guarded, placed, lines((1, 2)), **guarded.of_role("support"))).status_code == 200
    assert (await change(guarded, placed, lines((1, 1)), **guarded.of_role("driver"))).status_code == 403


async def test_a_new_address_lies_in_the_clear_or_loses_what_was_there(guarded):
    sent = order() | {"customer": {"country": "US"}}
    sent["ship_to"] |= {"recipient": "Mia Muster", "street": "Pine 9"}
    placed = (await guarded.post("/v1/orders", sent, **guarded.bearer())).json()
    to = TO | {"recipient": "Mia Muster", "street": "1 Larkspur Close"}
    answer = await change(guarded, placed, {"ship_to": to}, **guarded.bearer())
    assert answer.json()["readdressed"], answer.text
    shown = (await guarded.http.get(f"/v1/orders/{placed['order_id']}", headers=guarded.bearer())).json()
    assert (shown["ship_to"]["street"], shown["order_ref"]) == ("1 Larkspur Close", "web-1")
    key = "order", placed["order_id"]
    assert "Larkspur" not in repr((guarded.gateway.events[key], guarded.gateway.entities[key]))
