"""Who is bound to a location reads through it whose any order of the region is, or can't work with his own, or the
customer at his counter gets no answer."""

import json

import pytest

import serve.orders.finding
from actors.domain.data_key import DestroyKey, Restrict
from actors.domain.order_terms_commands import HoldOrder
from serve.keys.envelope import key_of
from tests.unit.serve.collections.collection_rig import PICKUP
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.orders.test_order_holds_api import hold, release
from tests.unit.serve.post_office import bearer, joined, without_waiting
from tests.unit.serve.privacy.office import EMAIL, NOTE, PLANTED, REF, TO, body, over, placed
from tests.unit.serve.small_cell import order

SEATTLE, NEWARK, PORTLAND = "us-wh-seattle", "us-wh-newark", "us-st-portland"
# Of the addresses at which one order is read.
ENDINGS = ("", "/events", "/sourcing", "/shipments")


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


def associate(cell, *places):
    return cell.of_role("associate", locs=places)


def device(cell, place):
    return cell.bearer(
        scopes=("orders.read", "orders.update", "floor.work"), locs=(place,), dev="us-dev-1", dev_sid="us-dev-1.1"
    )


def machine(cell, *places):
    return cell.bearer(scopes=("orders.read",), locs=places)


async def got(cell, path, headers, **query):
    answer = await cell.http.get(path, params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def sought(cell, headers, **what):
    answer = await cell.plain("/v1/order-searches", what, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def planted_in(*told):
    text = json.dumps(told).lower()
    return [word for word in PLANTED if word in text]


async def noted(cell, order_id):
    """It is held and released with words about whose it is."""
    for sent in (hold("fraud", "address", note=NOTE), release("fraud", note=f"called: {NOTE}")):
        answer = await cell.post(f"/v1/orders/{order_id}/updates", sent, **cell.of_role("manager"))
        assert answer.status_code == 200, answer.text


async def at_seattle(cell, **more):
    """The id of an order that is served from there alone, by the retailer's shop."""
    order_id = await placed(cell, body(**more))
    told = await got(cell, f"/v1/orders/{order_id}", cell.of_role("support"))
    assert [one["location_id"] for one in told["fulfilments"]] == [SEATTLE]
    return order_id


async def at_newark(cell):
    """The same of one that is served from there: nobody else has the goods."""
    return await placed(cell, body(lines=order(("C3", 1))["lines"]))


# --- one order
@pytest.mark.parametrize("who", [associate, device, machine])
async def test_an_order_elsewhere_tells_a_store_whose_it_is_or_not_how_far_it_is(cell, who):
    order_id = await at_seattle(cell)
    await noted(cell, order_id)
    whole = await got(cell, f"/v1/orders/{order_id}", cell.of_role("support"))
    told = await got(cell, f"/v1/orders/{order_id}", who(cell, PORTLAND))
    assert told["withheld"] == "elsewhere"
    assert (told["order_ref"], told["customer"]) == ("", {"customer_ref": "", "country": "US"})
    assert told["ship_to"] == {name: None if name in ("lat", "lon") else "" for name in TO} | {"country": "US"}
    assert "note" not in told["terms"]["holds"][0]
    assert planted_in(told) == []
    for name in ("status", "lines", "fulfilments", "total", "placed_at", "version"):
        assert told[name] == whole[name]


@pytest.mark.parametrize("who", [associate, device, machine])
async def test_an_order_at_ones_own_place_is_withheld_from_who_works_there(cell, who):
    order_id = await at_seattle(cell)
    await noted(cell, order_id)
    for ending in ENDINGS:
        path = f"/v1/orders/{order_id}{ending}"
        assert await got(cell, path, who(cell, SEATTLE)) == await got(cell, path, cell.of_role("associate"))
    assert planted_in(await got(cell, f"/v1/orders/{order_id}", who(cell, SEATTLE)))


async def test_one_of_several_places_is_not_enough_or_any_place_is(cell):
    order_id = await at_seattle(cell)
    for places, withheld in (((PORTLAND, SEATTLE), False), ((PORTLAND, NEWARK), True)):
        told = await got(cell, f"/v1/orders/{order_id}", associate(cell, *places))
        assert ("withheld" in told) == withheld


async def test_a_place_that_no_longer_serves_it_is_told_nothing_of_its_customer(cell):
    cancelled = await at_seattle(cell)
    await over(cell, cancelled)
    told = await got(cell, f"/v1/orders/{cancelled}", associate(cell, SEATTLE))
    assert [one["status"] for one in told["fulfilments"]] == ["cancelled"]
    assert (told["ship_to"], "withheld" in told) == (TO, False)
    events = (await got(cell, f"/v1/orders/{cancelled}/events", associate(cell, SEATTLE)))["events"]
    assert events[0]["ship_to"] == TO
    listed = (await got(cell, "/v1/orders", associate(cell, SEATTLE)))["orders"]
    assert [one["customer_ref"] for one in listed] == [REF]


async def test_the_store_where_it_is_collected_is_told_nothing_of_its_customer(cell):
    # What the store lacks comes from a warehouse, which needs to know nobody.
    sent = order(("A1", 8), customer={"customer_ref": REF, "country": "US"}, order_ref="web-90210", pickup=PICKUP)
    order_id = await placed(cell, sent)
    for place, known in ((PORTLAND, True), (SEATTLE, False)):
        told = await got(cell, f"/v1/orders/{order_id}", associate(cell, place))
        assert (told["customer"]["customer_ref"], "withheld" in told) == (REF if known else "", not known)
        events = (await got(cell, f"/v1/orders/{order_id}/events", associate(cell, place)))["events"]
        assert events[0]["customer_ref"] == (REF if known else "")
        [listed] = (await got(cell, "/v1/orders", associate(cell, place)))["orders"]
        assert listed["customer_ref"] == (REF if known else "")


async def test_the_collection_place_counts_only_once_something_is_served_there(cell):
    sent = order(("A1", 2), customer={"customer_ref": REF, "country": "US"}, order_ref="web-90210", pickup=PICKUP)
    order_id = await placed(cell, sent)
    state, _ = cell.gateway.entities["order", order_id]
    state.fulfilments = []
    told = await got(cell, f"/v1/orders/{order_id}", associate(cell, PORTLAND))
    assert told["customer"]["customer_ref"] == REF
    events = (await got(cell, f"/v1/orders/{order_id}/events", associate(cell, PORTLAND)))["events"]
    assert events[0]["customer_ref"] == REF


async def test_what_was_placed_before_orders_were_sealed_is_told_everywhere(cell):
    order_id = await at_seattle(cell)
    # As a cell that knew nobody wrote it, and its state.
    event, (state, _) = cell.gateway.events["order", order_id][0], cell.gateway.entities["order", order_id]
    for name in ("sealed", "email_digest", "sourcing"):
        event.pop(name, None)
    event |= {"order_ref": "web-90210", "customer_ref": REF, "ship_to": TO}
    state.order_ref, state.customer_ref, state.sealed = "web-90210", REF, b""
    for number in range(2):
        for ending in ENDINGS:
            assert planted_in(await got(cell, f"/v1/orders/{order_id}{ending}", associate(cell, PORTLAND))) == []
        held = HoldOrder(["fraud"], note=NOTE)
        await cell.gateway.ask("order", order_id, held, command_id=f"old-{number}", digest=0)
    assert planted_in(await got(cell, f"/v1/orders/{order_id}/events", cell.of_role("support")))


@pytest.mark.parametrize("command", [Restrict(True), DestroyKey()])
async def test_a_store_elsewhere_learns_that_somebody_is_restricted_or_erased(cell, command):
    order_id = await at_seattle(cell)
    key_id = key_of(cell.gateway.entities["order", order_id][0].sealed)
    await cell.gateway.ask("data_key", key_id, command, command_id="k", digest=0)
    for ending in ENDINGS:
        told = await got(cell, f"/v1/orders/{order_id}{ending}", associate(cell, PORTLAND))
        assert "restricted" not in json.dumps(told)
        assert "erased" not in json.dumps(told)
    assert (await got(cell, f"/v1/orders/{order_id}", associate(cell, SEATTLE)))["withheld"] in ("restricted", "erased")


async def test_a_right_that_sees_what_is_restricted_opens_what_is_elsewhere(cell):
    order_id = await at_seattle(cell)
    told = await got(cell, f"/v1/orders/{order_id}", cell.of_role("privacy", locs=(PORTLAND,)))
    assert (told["withheld"], planted_in(told)) == ("elsewhere", [])


# --- its history, and why it is served from there
async def test_the_history_tells_a_store_what_the_order_does_not(cell):
    tokens = await joined(cell, EMAIL)
    order_id = await placed(cell, order(order_ref="web-90210", customer={}, ship_to=TO), **bearer(tokens))
    await noted(cell, order_id)
    sent = {"ship_to": TO | {"street": "13 Larkspur Close"}}
    changed = await cell.post(f"/v1/orders/{order_id}/changes", sent, **cell.of_role("support"))
    assert changed.status_code == 200, changed.text
    events = (await got(cell, f"/v1/orders/{order_id}/events", associate(cell, PORTLAND)))["events"]
    whole = (await got(cell, f"/v1/orders/{order_id}/events", cell.of_role("support")))["events"]
    assert planted_in(events) == []
    assert planted_in(whole)
    assert [(one["sequence"], one["type"]) for one in events] == [(one["sequence"], one["type"]) for one in whole]
    ties = {"sealed", "sealed_note", "email_digest", "owner", "sourcing", "command_id"}
    assert [one["type"] for one in events if not ties.isdisjoint(one)] == []
    withheld = [one["type"] for one in events if one.get("withheld") == "elsewhere"]
    assert withheld == ["OrderPlaced", "HoldsPlaced", "HoldsReleased", "OrderRectified"]


async def test_a_later_page_of_the_history_is_judged_by_what_stands_in_it(cell):
    order_id = await at_seattle(cell)
    await noted(cell, order_id)
    for place, known in ((SEATTLE, True), (PORTLAND, False)):
        page = await got(cell, f"/v1/orders/{order_id}/events", associate(cell, place), after=3)
        notes = [one for one in page["events"] if one["type"].startswith("Holds")]
        assert notes
        assert bool(planted_in(notes)) == known


# --- lists and searches
async def test_a_list_tells_whose_orders_elsewhere_are_or_leaves_them_out(cell):
    here, there = await at_newark(cell), await at_seattle(cell)
    for headers, known in (
        (associate(cell, NEWARK), {here}), (device(cell, SEATTLE), {there}), (machine(cell, PORTLAND), set()),
        (associate(cell), {here, there}), (cell.of_role("support"), {here, there}),
    ):  # fmt: skip
        orders = (await got(cell, "/v1/orders", headers))["orders"]
        assert {one["order_id"] for one in orders} == {here, there}
        for one in orders:
            refs = ("web-90210", REF) if one["order_id"] in known else ("", "")
            assert (one["order_ref"], one["customer_ref"]) == refs


async def test_a_number_brought_to_the_counter_finds_nothing(cell):
    order_id = await at_seattle(cell)
    [one] = (await sought(cell, associate(cell, PORTLAND), order_ref="web-90210"))["orders"]
    assert (one["order_id"], one["status"], one["order_ref"], one["customer_ref"]) == (order_id, "allocated", "", "")


@pytest.mark.parametrize("whose", [{"email": EMAIL}, {"customer_ref": REF}])
async def test_a_store_learns_by_looking_for_somebody_whose_an_order_elsewhere_is(cell, whose):
    for _ in range(3):
        await at_seattle(cell)
    nobody = {name: f"x{text}" for name, text in whose.items()}
    for headers in (associate(cell, PORTLAND), device(cell, PORTLAND)):
        for limit in (1, 50):
            found = await sought(cell, headers, **whose, limit=limit)
            assert found == await sought(cell, headers, **nobody, limit=limit), "the answers must not differ"
            assert (found["orders"], found["next_cursor"]) == ([], None)
    if "customer_ref" in whose:
        found = await got(cell, "/v1/orders", associate(cell, PORTLAND), **whose, limit=1)
        assert (found["orders"], found["next_cursor"]) == ([], None)
    assert len((await sought(cell, associate(cell, SEATTLE), **whose))["orders"]) == 3
    assert len((await sought(cell, cell.of_role("support"), **whose))["orders"]) == 3


async def bought_in_turn(cell, *placing):
    """Ids, newest first: each order is a moment younger than the one before."""
    ids = []
    for place in placing:
        cell.clock.now += 1
        ids.append(await place(cell))
    return ids[::-1]


async def test_a_person_who_has_bought_elsewhere_too_is_not_found_or_a_page_tells_of_it(cell, monkeypatch):
    monkeypatch.setattr(serve.orders.finding, "_PAGE", 2)
    ids = await bought_in_turn(cell, at_newark, at_seattle, at_seattle, at_newark, at_seattle, at_seattle, at_seattle)
    mine, more = [ids[3], ids[6]], {}
    for name in mine:
        page = await sought(cell, associate(cell, NEWARK), email=EMAIL, limit=1, **more)
        assert [(one["order_id"], one["order_ref"]) for one in page["orders"]] == [(name, "web-90210")]
        assert (page["next_cursor"] is None) == (name == mine[-1])
        more = {"cursor": page["next_cursor"]}
    whole = await sought(cell, associate(cell, NEWARK), email=EMAIL)
    assert [one["order_id"] for one in whole["orders"]] == mine


async def test_a_search_through_all_that_a_marketplace_has_bought_has_no_end(cell, monkeypatch):
    monkeypatch.setattr(serve.orders.finding, "_PAGE", 2)
    monkeypatch.setattr(serve.orders.finding, "SCANNED_MAX", 4)
    ids = await bought_in_turn(cell, at_newark, at_newark, at_seattle, at_seattle, at_seattle)
    page = await sought(cell, associate(cell, NEWARK), email=EMAIL)
    assert ([one["order_id"] for one in page["orders"]], page["next_cursor"]) == ([ids[3]], None)


# --- who notices nothing
async def test_who_is_bound_to_nothing_is_told_less_or_costs_more(cell):
    order_id = await at_seattle(cell)
    tokens = await joined(cell, EMAIL)
    own = await placed(cell, order(order_ref="web-90210", customer={}, ship_to=TO), **bearer(tokens))
    for name, headers in (
        (order_id, cell.of_role("support")), (order_id, cell.of_role("manager")), (order_id, machine(cell)),
        (own, bearer(tokens)),
    ):  # fmt: skip
        told = await got(cell, f"/v1/orders/{name}", headers)
        assert (told["ship_to"], told["order_ref"], "withheld" in told) == (TO, "web-90210", False)
    [mine] = (await got(cell, "/v1/customers/me/orders", bearer(tokens)))["orders"]
    assert (mine["order_id"], mine["order_ref"]) == (own, "web-90210")


async def test_who_is_bound_reads_an_order_with_a_second_call(cell, monkeypatch):
    order_id, asked, view = await at_seattle(cell), [], cell.gateway.view

    async def counted(kind, entity_id, query, **more):
        asked.append(kind)
        return await view(kind, entity_id, query, **more)

    monkeypatch.setattr(cell.gateway, "view", counted)
    for place in (SEATTLE, PORTLAND):
        asked.clear()
        await got(cell, f"/v1/orders/{order_id}", associate(cell, place))
        assert asked.count("order") == 1
    asked.clear()
    await got(cell, "/v1/orders", associate(cell, PORTLAND))
    assert asked == []


async def test_who_places_an_order_at_a_counter_is_not_shown_what_he_has_sent(cell):
    answer = await cell.post("/v1/orders", body(), **associate(cell, PORTLAND))
    assert answer.status_code == 201, answer.text
    assert answer.json()["ship_to"] == TO
