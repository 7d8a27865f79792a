"""Somebody whose data is restricted is found all the same by whoever looks for his orders, or the
officer can't find them."""

import pytest

import serve.orders.finding
from actors.domain.data_key import TOLD_MS, DestroyKey, Restrict
from serve.keys.envelope import key_of
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.post_office import without_waiting
from tests.unit.serve.privacy.office import EMAIL, REF, body, placed, proved, stepped

SEATTLE = "us-wh-seattle"
WHOSE = ({"email": EMAIL}, {"customer_ref": REF})


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def sought(cell, headers, **what):
    answer = await cell.plain("/v1/order-searches", what, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(cell, headers, **query):
    answer = await cell.http.get("/v1/orders", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(page):
    return [one["order_id"] for one in page["orders"]]


async def bought(cell, *customers):
    """Ids, newest first, of orders by one person: under its reference, or by its address alone, each a
    moment after the one before."""
    made = []
    for customer in customers:
        cell.clock.now += 1
        made.append(await placed(cell, body(customer=customer)))
    return made[::-1]


BY_REF, BY_EMAIL = {"customer_ref": REF, "country": "US", "email": EMAIL}, {"country": "US", "email": EMAIL}


async def change_key(cell, order_id, command):
    key_id = key_of(cell.gateway.entities["order", order_id][0].sealed)
    await cell.gateway.ask("data_key", key_id, command, command_id="k", digest=0)
    cell.services.data_keys._opened.clear()


@pytest.mark.parametrize("whose", WHOSE)
async def test_whoever_reads_orders_finds_whom_nobody_shall_know_of(cell, whose):
    orders = await bought(cell, BY_REF, BY_REF, BY_REF)
    nobody = {name: f"x{text}" for name, text in whose.items()}
    readers = [cell.of_role("support"), cell.of_role("manager"), cell.of_role("associate", locs=(SEATTLE,))]
    for headers in readers:
        assert ids(await sought(cell, headers, **whose)) == orders
    request_id = await proved(cell, "gdpr", "restriction")
    await stepped(cell, request_id, "restrict")
    for headers in readers:
        for limit in (1, 50):
            found = await sought(cell, headers, **whose, limit=limit)
            assert found == await sought(cell, headers, **nobody, limit=limit), "the answers must not differ"
            assert (ids(found), found["next_cursor"]) == ([], None)
        if "customer_ref" in whose:
            assert ids(await listed(cell, headers, **whose)) == []
    assert ids(await sought(cell, cell.of_role("privacy"), **whose)) == orders
    # How many orders somebody looked at is counted by what he was told.
    counted = [line.act.changes["orders"] for line in cell.gateway.audited if line.act.action == "order.search"]
    assert counted[-2:] == [(None, 0), (None, 3)]
    cell.clock.now += TOLD_MS
    await stepped(cell, request_id, "lift_restriction")
    cell.clock.now += TOLD_MS
    assert ids(await sought(cell, cell.of_role("support"), **whose)) == orders


async def test_an_order_is_lost_from_lists_by_its_persons_restriction(cell):
    """Neither a list of all nor an order's own reference says whose it is."""
    [order_id] = await bought(cell, BY_REF)
    await change_key(cell, order_id, Restrict(True))
    for page in (
        await listed(cell, cell.of_role("support")),
        await listed(cell, cell.of_role("support"), status="allocated"),
        await sought(cell, cell.of_role("support"), order_ref="web-90210"),
    ):
        [one] = page["orders"]
        assert (one["order_id"], one["order_ref"], one["customer_ref"]) == (order_id, "", "")


async def test_a_page_has_gaps_where_restricted_orders_were_or_ends_there(cell, monkeypatch):
    monkeypatch.setattr(serve.orders.finding, "_PAGE", 2)
    orders = await bought(cell, BY_EMAIL, BY_REF, BY_REF, BY_EMAIL, BY_REF, BY_REF, BY_REF)
    mine, more = [orders[3], orders[6]], {}
    await change_key(cell, orders[0], Restrict(True))
    for name in mine:
        page = await sought(cell, cell.of_role("support"), email=EMAIL, limit=1, **more)
        assert ids(page) == [name]
        assert (page["next_cursor"] is None) == (name == mine[-1])
        more = {"cursor": page["next_cursor"]}
    assert ids(await sought(cell, cell.of_role("support"), email=EMAIL)) == mine
    assert ids(await sought(cell, cell.of_role("privacy"), email=EMAIL)) == orders


async def test_a_search_through_all_that_somebody_restricted_has_bought_has_no_end(cell, monkeypatch):
    monkeypatch.setattr(serve.orders.finding, "_PAGE", 2)
    monkeypatch.setattr(serve.orders.finding, "SCANNED_MAX", 4)
    orders = await bought(cell, BY_EMAIL, BY_REF, BY_REF, BY_REF, BY_REF, BY_REF, BY_REF)
    await change_key(cell, orders[0], Restrict(True))
    page = await sought(cell, cell.of_role("support"), email=EMAIL, limit=1)
    assert (ids(page), page["next_cursor"]) == ([], None)


async def test_who_looks_for_somebody_nobody_restricted_costs_a_second_look(cell, monkeypatch):
    await bought(cell, BY_REF, BY_REF, BY_REF)
    looks, orders = [], cell.services.read_model.orders

    async def counted(**query):
        looks.append(query["limit"])
        return await orders(**query)

    monkeypatch.setattr(cell.services.read_model, "orders", counted)
    assert len(ids(await sought(cell, cell.of_role("support"), email=EMAIL, limit=2))) == 2
    assert looks == [3], "one more than is told"


async def test_orders_of_somebody_whose_erasure_was_cut_short_are_found(cell):
    orders = await bought(cell, BY_REF)
    await change_key(cell, orders[0], DestroyKey())
    assert ids(await sought(cell, cell.of_role("support"), customer_ref=REF)) == []
    assert ids(await sought(cell, cell.of_role("privacy"), customer_ref=REF)) == orders
