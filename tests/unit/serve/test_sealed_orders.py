"""Personal data of orders at rest, as callers see it and as it is kept. What is kept in Redis and
PostgreSQL: tests/system/."""

import json

import msgspec
import pytest

from actors.domain import location_waiting
from actors.domain.data_key import DestroyKey, Restrict
from actors.domain.order_backorder import BackorderTerms, DateMoved
from actors.domain.order_commands import RetryAllocation
from actors.domain.order_dates import TELL_AFTER_MS
from actors.domain.times import DAY_MS, moment
from serve.identity.keyring import rotate_wrapping
from serve.keys.data_keys import KEEP_S
from serve.keys.envelope import key_of
from serve.keys.port import KeyUnavailable
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.post_office import MIA, bearer, coded, joined, without_waiting
from tests.unit.serve.small_cell import Cell, furnish, order

TO = {
    "country": "US", "postcode": "98109-4411", "city": "Ballardtown", "lat": 47.628117, "lon": -122.341903,
    "recipient": "Mia Quillfeather", "street": "12 Larkspur Close", "phone": "+1 206 555 0188",
}  # fmt: skip
CUSTOMER = {"customer_ref": "loyal-7781", "country": "US", "email": "mia.quill@example.org"}
PLANTED = (
    "quillfeather", "mia.quill", "ballardtown", "98109-4411", "larkspur", "555 0188", "47.628117", "122.341903", "loyal-7781",
    "web-90210", "example.org",
)  # fmt: skip


def bought(*lines, **more):
    return order(*lines, order_ref="web-90210", customer=CUSTOMER, ship_to=TO) | more


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


def kept(cell):
    """Everything that lies anywhere of the cell, in small letters."""
    gateway = cell.gateway
    everything = (
        gateway.entities, gateway.remembered, gateway.events, gateway.orders, gateway.ledger, gateway.audited, gateway.calls,
    )  # fmt: skip
    return repr(everything).lower()


async def placed(cell, body=None, key=None, **headers):
    answer = await cell.post("/v1/orders", body or bought(), key, **(headers or cell.bearer()))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def read(cell, order_id, **headers):
    answer = await cell.http.get(f"/v1/orders/{order_id}", headers=headers or cell.of_role("manager"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def change(cell, order_id, command):
    """Does something with the key of an order."""
    key_id = key_of(cell.gateway.entities["order", order_id][0].sealed)
    await cell.gateway.ask("data_key", key_id, command, command_id=f"{command}", digest=0)


async def test_what_tells_who_ordered_lies_somewhere_in_the_clear(cell):
    found = await placed(cell, key="web-90210")
    await cell.post(f"/v1/orders/{found['order_id']}/updates", {"update": "start_picking"}, **cell.bearer())
    everything = kept(cell)
    assert [word for word in PLANTED if word in everything] == []


async def test_the_search_for_it_finds_nothing_in_a_cell_that_seals_nothing():
    """So that the test above can fail."""
    open_cell = Cell()
    await furnish(open_cell)
    place = {name: TO[name] for name in ("country", "postcode", "city", "lat", "lon")}
    body = bought(ship_to=place, customer={"customer_ref": "loyal-7781"})
    assert (await open_cell.post("/v1/orders", body, "web-90210")).status_code == 201
    everything = kept(open_cell)
    assert [word for word in PLANTED if word in everything] == ["ballardtown", "98109-4411", "47.628117", "122.341903", "loyal-7781", "web-90210"]  # fmt: skip
    await open_cell.http.aclose()


@pytest.mark.parametrize("field", ["recipient", "street", "phone"])
async def test_a_cell_without_keys_keeps_a_name_a_street_or_a_phone_in_the_clear(field):
    open_cell = Cell()
    await furnish(open_cell)
    before = open_cell.state()
    answer = await open_cell.post("/v1/orders", order(ship_to={"country": "US", field: TO[field]}))
    assert coded(answer) == (422, "person.not_kept")
    assert answer.json()["errors"][0]["pointer"] == f"/ship_to/{field}"
    assert open_cell.state() == before
    await open_cell.http.aclose()


async def test_those_who_may_read_an_order_do_not_see_whose_it_is(cell):
    answered = await placed(cell)
    order_id = answered["order_id"]
    shown = await read(cell, order_id)
    for view in (answered, shown):
        assert view["ship_to"] == TO
        assert (view["order_ref"], view["customer"]) == ("web-90210", {"customer_ref": "loyal-7781", "country": "US"})
        assert "sealed" not in view
        assert "withheld" not in view
    history = (await cell.http.get(f"/v1/orders/{order_id}/events", headers=cell.of_role("manager"))).json()
    first = history["events"][0]
    assert (first["order_ref"], first["customer_ref"], first["ship_to"]) == ("web-90210", "loyal-7781", TO)
    assert not {"sealed", "email_digest"} & set(first)
    listed = (await cell.http.get("/v1/orders", headers=cell.of_role("manager"))).json()["orders"]
    assert [(one["order_ref"], one["customer_ref"]) for one in listed] == [("web-90210", "loyal-7781")]


async def test_orders_are_not_found_by_the_customers_reference(cell):
    await placed(cell)
    await placed(cell, bought(customer={"customer_ref": "another-1"}))
    for wanted, count in (("loyal-7781", 1), ("another-1", 1), ("nobody", 0)):
        found = await cell.http.get("/v1/orders", params={"customer_ref": wanted}, headers=cell.of_role("manager"))
        assert [one["customer_ref"] for one in found.json()["orders"]] == [wanted] * count


@pytest.mark.parametrize(
    ("sought", "count"),
    [
        ({"email": "MIA.quill@EXAMPLE.org"}, 2), ({"order_ref": "web-90210"}, 2), ({"customer_ref": "loyal-7781"}, 2),
        ({"email": "somebody@example.org"}, 0), ({"order_ref": "web-9"}, 0), ({"customer_ref": "loyal-778"}, 0),
    ],
)  # fmt: skip
async def test_support_does_not_find_somebodys_orders_or_leaves_no_trace_of_looking(cell, sought, count):
    for _ in range(2):
        await placed(cell)
    answer = await cell.plain("/v1/order-searches", sought, **cell.of_role("support"))
    assert answer.status_code == 200, answer.text
    assert [one["order_ref"] for one in answer.json()["orders"]] == ["web-90210"] * count
    line = cell.gateway.audited[-1]
    assert (line.act.action, line.act.changes) == ("order.search", {"orders": (None, count)})
    assert line.who.behalf[1] == "-", "nobody learns whose orders were looked for"
    assert [word for word in PLANTED if word in repr(cell.gateway.audited).lower()] == []
    if count:
        first = await cell.plain("/v1/order-searches", sought | {"limit": 1}, **cell.of_role("support"))
        cursor = first.json()["next_cursor"]
        second = await cell.plain("/v1/order-searches", sought | {"cursor": cursor}, **cell.of_role("support"))
        assert [*first.json()["orders"], *second.json()["orders"]] == answer.json()["orders"]
        others = await cell.plain("/v1/order-searches", {"order_ref": "w", "cursor": cursor}, **cell.of_role("support"))
        assert coded(others) == (400, "cursor.invalid")


@pytest.mark.parametrize(
    "sought", [{}, {"email": "a@b.example", "order_ref": "w"}, {"order_ref": ""}, {"email": "nobody"}]
)
async def test_a_search_for_nothing_lists_everything(cell, sought):
    await placed(cell)
    answer = await cell.plain("/v1/order-searches", sought, **cell.of_role("support"))
    assert answer.status_code == 422


async def test_customers_share_a_key_or_one_has_many(cell):
    for ref in ("one", "one", "other", "one"):
        await placed(cell, bought(customer={"customer_ref": ref}))
    keys = [key_of(row.sealed) for _, row in sorted(cell.gateway.orders.items())]
    assert len(set(keys)) == 2
    assert sum(kind == "data_key" for kind, _ in cell.gateway.entities) == 2


async def test_an_account_and_an_order_with_its_address_have_two_keys(cell):
    tokens = await joined(cell)
    mine = await placed(cell, order(customer={}), **bearer(tokens))
    guests = await placed(cell, bought(customer={"email": MIA.upper()}))
    sealed = [cell.gateway.entities["order", one["order_id"]][0].sealed for one in (mine, guests)]
    assert key_of(sealed[0]) == key_of(sealed[1])


async def test_an_order_that_names_nobody_makes_a_key(cell):
    found = await placed(cell, order(order_ref="", customer={}, ship_to={"country": "US"}))
    assert cell.gateway.entities["order", found["order_id"]][0].sealed == b""
    assert found["ship_to"]["country"] == "US"
    assert not any(kind == "data_key" for kind, _ in cell.gateway.entities)


async def test_a_repeated_placement_is_told_less_or_another_body_passes_for_the_same(cell):
    first = await placed(cell, key="k")
    cell.clock.now += int(KEEP_S * 1000)
    assert await placed(cell, key="k") == first
    other = await cell.post("/v1/orders", bought(ship_to=TO | {"street": "13 Larkspur Close"}), "k", **cell.bearer())
    assert coded(other) == (422, "idempotency.key_reused")
    assert sum(kind == "order" for kind, _ in cell.gateway.entities) == 1


async def test_what_a_destroyed_key_sealed_is_shown_somewhere(cell):
    order_id = (await placed(cell))["order_id"]
    tokens = await joined(cell)
    await change(cell, order_id, DestroyKey())
    shown = await read(cell, order_id)
    assert shown["withheld"] == "erased"
    assert shown["lines"][0]["unit_price"]["amount"] == 1299, "what the books need is gone"
    pages = [
        await cell.http.get(f"/v1/orders/{order_id}/events", headers=cell.of_role("privacy")),
        await cell.http.get("/v1/orders", headers=cell.of_role("manager")),
        await cell.http.get(f"/v1/orders/{order_id}", headers=cell.of_role("privacy")),
    ]
    assert {page.status_code for page in pages} == {200}
    text = (json.dumps(shown) + "".join(page.text for page in pages)).lower()
    assert [word for word in PLANTED if word in text] == []
    assert bearer(tokens)
    later = await cell.post(f"/v1/orders/{order_id}/updates", {"update": "start_picking"}, **cell.bearer())
    assert later.status_code == 200, "an order can't go on without the customer's key"
    assert (await placed(cell))["order_id"] != order_id


async def test_what_is_restricted_is_shown_to_those_who_work_with_orders(cell):
    tokens = await joined(cell)
    body = order(customer={}, order_ref="web-90210", ship_to=TO)
    order_id = (await placed(cell, body, **bearer(tokens)))["order_id"]
    await change(cell, order_id, Restrict(True))
    assert (await read(cell, order_id))["withheld"] == "restricted"
    assert "quillfeather" not in json.dumps(await read(cell, order_id)).lower()
    for headers in (cell.of_role("privacy"), bearer(tokens)):
        assert (await read(cell, order_id, **headers))["ship_to"] == TO
    listed = (await cell.http.get("/v1/orders", headers=cell.of_role("manager"))).json()["orders"]
    assert [one["order_ref"] for one in listed] == [""]
    await change(cell, order_id, Restrict(False))
    assert (await read(cell, order_id))["ship_to"] == TO


async def test_a_sealed_part_that_was_moved_to_another_order_is_shown_there(cell, caplog):
    mine, other = await placed(cell), await placed(cell)
    moved = cell.gateway.entities["order", mine["order_id"]][0].sealed
    cell.gateway.entities["order", other["order_id"]][0].sealed = moved
    answer = await cell.http.get(f"/v1/orders/{other['order_id']}", headers=cell.of_role("manager"))
    assert coded(answer) == (500, "keys.unreadable")
    shown = (answer.text + caplog.text).lower()
    assert [word for word in ("quillfeather", "mia.quill") if word in shown] == []


class Away:
    def wrapping(self):
        return "away"

    async def wrap(self, key, place):
        raise KeyUnavailable("the region's key is away")

    unwrap = wrap

    async def learn(self):
        raise KeyUnavailable("the region's key is away")


async def rewrapped(cell, body):
    """What a page of them is answered with, without its moment."""
    answer = await cell.post("/v1/data-keys/rewraps", body, **cell.bearer())
    assert answer.status_code == 200, answer.text
    told = answer.json()
    del told["as_of"]
    return told


async def test_keys_are_wrapped_anew_by_somebody_who_may_not_or_in_one_endless_call(cell):
    for ref in ("one", "two", "three"):
        await placed(cell, bought(customer={"customer_ref": ref}))
    path, body = "/v1/data-keys/rewraps", {"limit": 2}
    assert coded(await cell.post(path, body, **cell.of_role("manager"))) == (403, "auth.forbidden")
    nothing = {"next_after": None, "unreadable": 0, "unreadable_ids": []}
    assert await rewrapped(cell, body) == {"wrapping": "file:1", "rewrapped": 0, "found": 0, **nothing}
    rotate_wrapping(cell.keyring_path)
    first = await rewrapped(cell, body)
    assert (first["wrapping"], first["rewrapped"], first["found"]) == ("file:2", 2, 2)
    second = await rewrapped(cell, body | {"after": first["next_after"]})
    assert second == {"wrapping": "file:2", "rewrapped": 1, "found": 1, **nothing}
    acts = [line.act.action for line in cell.gateway.audited]
    assert acts.count("data_key.rewrap_key") == 3
    cell.services.data_keys.region_key = Away()
    assert coded(await cell.post(path, body, **cell.bearer())) == (503, "keys.unavailable")


async def test_a_rewrap_calls_a_list_fresh_that_is_behind(cell, monkeypatch):
    """Whoever drops the old key needs to know that no key wrapped by it is still on its way to the store."""
    path, hosts, listing = "/v1/data-keys/rewraps", cell.gateway.hosts, cell.read_model.wrapped_otherwise
    cell.gateway.hosts = [msgspec.structs.replace(cell.gateway.host, lag_ms=90_000)]
    fresh_ms = cell.gateway.fresh_ms()

    async def caught_up_while_it_reads(*asked):
        cell.gateway.hosts = hosts
        return await listing(*asked)

    monkeypatch.setattr(cell.read_model, "wrapped_otherwise", caught_up_while_it_reads)
    told = (await cell.post(path, {}, **cell.bearer())).json()
    assert told["as_of"] == moment(fresh_ms).isoformat().replace("+00:00", "Z")
    cell.gateway.hosts = []
    monkeypatch.setattr(cell.read_model, "wrapped_otherwise", listing)
    assert (await cell.post(path, {}, **cell.bearer())).json()["as_of"] is None


async def test_one_key_that_can_not_be_opened_holds_up_all_others(cell):
    for ref in ("one", "two", "three"):
        await placed(cell, bought(customer={"customer_ref": ref}))
    ids = sorted(identity for kind, identity in cell.gateway.entities if kind == "data_key")
    cell.gateway.entities["data_key", ids[0]][0].wrapped = b"x" * 60
    rotate_wrapping(cell.keyring_path)
    told = await rewrapped(cell, {"limit": 3})
    assert told == {
        "wrapping": "file:2", "rewrapped": 2, "found": 3, "next_after": ids[2], "unreadable": 1, "unreadable_ids": [ids[0]],
    }  # fmt: skip
    assert [cell.gateway.entities["data_key", one][0].wrapping for one in ids] == ["file:1", "file:2", "file:2"]


async def test_without_the_regions_key_an_order_is_kept_in_the_clear_or_partly(cell):
    cell.services.data_keys.region_key = Away()
    before = cell.state()
    answer = await cell.post("/v1/orders", bought(), **cell.bearer())
    assert coded(answer) == (503, "keys.unavailable")
    assert "retry-after" in answer.headers
    assert cell.state() == before


async def test_a_backorder_is_served_from_the_other_end_of_the_country(cell, monkeypatch):
    """Where it goes is sealed, and decides who is asked."""
    # In line it would have what comes in first, wherever.
    monkeypatch.setattr(location_waiting, "SKU_LINE_MAX", 0)
    found = await placed(cell, bought(("D4", 2)))
    assert found["status"] == "backordered"
    for place in ("us-wh-newark", "us-wh-seattle"):
        receipt = {"reference": "asn-9", "lines": [{"sku": "D4", "quantity": 5}]}
        assert (await cell.post(f"/v1/locations/{place}/receipts", receipt, **cell.bearer())).status_code == 200
    answer = await cell.post(f"/v1/orders/{found['order_id']}/updates", {"update": "allocate"}, **cell.bearer())
    assert answer.status_code == 200, answer.text
    assert [f["location_id"] for f in (await read(cell, found["order_id"]))["fulfilments"]] == ["us-wh-seattle"]


async def test_a_new_date_is_told_to_nobody_or_its_address_to_a_reader(cell):
    """The customer's address goes along sealed, and the history shows none of it."""
    found = await placed(cell, bought(("D4", 2)))
    order, _ = cell.gateway.entities["order", found["order_id"]]
    order.backorder.terms = BackorderTerms({}, {"us-wh-newark": 86_400_000})
    receipt = {"reference": "asn-9", "lines": [{"sku": "D4", "quantity": 5}]}
    assert (await cell.post("/v1/locations/us-wh-newark/receipts", receipt, **cell.bearer())).status_code == 200
    (notice,) = [one for (kind, _), (one, _) in cell.gateway.entities.items() if kind == "notice"]
    assert (notice.template, notice.about, notice.sealed_address) == ("order.new_date", found["order_id"], order.sealed)
    told = (await cell.http.get(f"/v1/orders/{found['order_id']}/events", headers=cell.bearer())).json()["events"]
    (dated,) = [event for event in told if event["type"] == "CustomerTold"]
    assert "sealed" not in dated
    assert "ship_to" not in dated


async def test_that_a_date_has_moved_is_told_to_nobody_or_its_address_to_a_reader(cell):
    found = await placed(cell, bought(("D4", 2)))
    order_id, clock = found["order_id"], cell.clock
    order, _ = cell.gateway.entities["order", order_id]
    read_by, moved = cell.bearer(), DateMoved("us-wh-newark", clock.now + 5 * DAY_MS, clock.now + 1)
    await cell.gateway.ask("order", order_id, moved, command_id="moved", digest=0)
    clock.now += TELL_AFTER_MS
    await cell.gateway.ask("order", order_id, RetryAllocation(), command_id="timer", digest=0)
    clock.now -= TELL_AFTER_MS
    (notice,) = [one for (kind, _), (one, _) in cell.gateway.entities.items() if kind == "notice"]
    assert (notice.template, notice.about, notice.sealed_address) == ("order.date_moved", order_id, order.sealed)
    told = (await cell.http.get(f"/v1/orders/{order_id}/events", headers=read_by)).json()["events"]
    (dated,) = [event for event in told if event["type"] == "DateTold"]
    assert not {"sealed", "ship_to", "customer_ref"} & set(dated)


async def test_a_cell_with_identity_begins_without_its_key_file(cell):
    settings = msgspec.structs.replace(cell.services.settings, keyring="")
    with pytest.raises(RuntimeError, match="key file"):
        Cell(settings)
