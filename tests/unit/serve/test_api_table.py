"""Every row of the API's table, end to end through the app with the real domain behind it."""

import asyncio

import msgspec

from serve.settings import ApiSettings
from tests.unit.runtime.rig import until
from tests.unit.serve.small_cell import STOCK, Cell, order


async def test_placing_reserves_at_the_nearest_place_and_says_where_it_is(cell):
    answer = await cell.post("/v1/orders", order(("A1", 2), ("B 2", 3)))
    assert answer.status_code == 201
    body = answer.json()
    assert body["order_id"].startswith("us-")
    assert len(body["order_id"]) == 29
    assert answer.headers["location"] == f"/v1/orders/{body['order_id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert (body["version"], body["status"]) == (3, "allocated")
    assert body["fulfilments"] == [
        {
            "fulfilment_id": f"{body['order_id']}.1", "location_id": "us-wh-seattle", "status": "allocated",
            "lines": [{"sku": "A1", "quantity": 2}, {"sku": "B 2", "quantity": 3}],
        }
    ]  # fmt: skip
    assert body["total"] == {"amount": 5 * 1299, "currency": "USD"}
    assert (await cell.get(f"/v1/orders/{body['order_id']}")).json() == body


async def test_placing_splits_and_backorders_what_is_missing(cell):
    body = await cell.placed(("A1", 120), ("C3", 9))
    assert body["status"] == "partly_allocated"
    assert {f["location_id"] for f in body["fulfilments"]} == {"us-wh-seattle", "us-wh-newark"}
    assert body["backordered"] == [{"sku": "C3", "quantity": 4}]


async def test_placing_without_coordinates_or_customer_works(cell):
    sent = order()
    sent["ship_to"] = {"country": "CA"}
    del sent["customer"], sent["order_ref"]
    body = (await cell.post("/v1/orders", sent)).json()
    assert body["status"] == "allocated"
    assert body["customer"] == {"customer_ref": "", "country": "CA"}


async def test_placing_answers_placed_when_the_locations_are_late(cell):
    cell.gateway.deliver = False
    body = await cell.placed()
    assert body["status"] == "placed"
    # Whole all the same: what it keeps for who asks again is short.
    assert body == (await cell.get(f"/v1/orders/{body['order_id']}")).json()
    assert [line["sku"] for line in body["lines"]] == ["A1"]
    cell.gateway.run_outbox()
    assert (await cell.get(f"/v1/orders/{body['order_id']}")).json()["status"] == "allocated"


async def test_an_order_goes_through_its_life(cell):
    order_id = (await cell.placed())["order_id"]
    path = f"/v1/orders/{order_id}/updates"
    seen = []
    for update in ("start_picking", "pause_picking", "start_picking", "pack", "ship", "deliver"):
        answer = await cell.post(path, {"update": update, "occurred_at": "2025-12-31T22:00:00+01:00"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["order_id"] == order_id
        seen.append(answer.json()["status"])
    assert seen == ["picking", "allocated", "picking", "packed", "shipped", "delivered"]
    refused = await cell.post(path, {"update": "cancel"})
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert problem["code"] == "order.illegal_transition"
    assert (problem["order_status"], problem["allowed"]) == ("delivered", [])


async def test_one_fulfilment_moves_alone(cell):
    body = await cell.placed(("A1", 120))
    second = body["fulfilments"][1]["fulfilment_id"]
    answer = await cell.post(
        f"/v1/orders/{body['order_id']}/updates", {"update": "start_picking", "fulfilment_id": second}
    )
    assert answer.status_code == 200
    read = (await cell.get(f"/v1/orders/{body['order_id']}")).json()
    assert [f["status"] for f in read["fulfilments"]] == ["allocated", "picking"]


async def test_short_pick_asks_elsewhere_and_allocate_finds_new_stock(cell):
    body = await cell.placed(("C3", 5))
    path = f"/v1/orders/{body['order_id']}/updates"
    assert (await cell.post(path, {"update": "start_picking"})).status_code == 200
    answer = await cell.post(path, {"update": "short_pick", "lines": [{"sku": "C3", "quantity": 2}]})
    assert answer.status_code == 200, answer.text
    read = (await cell.get(f"/v1/orders/{body['order_id']}")).json()
    assert read["backordered"] == [{"sku": "C3", "quantity": 2}]
    # The line in which it waits gets what comes; of what is missing then somebody has to be asked yet.
    receipt = {"lines": [{"sku": "C3", "quantity": 3}]}
    assert (await cell.post("/v1/locations/us-wh-seattle/receipts", receipt)).status_code == 200
    assert (await cell.post(path, {"update": "allocate"})).status_code == 200
    read = (await cell.get(f"/v1/orders/{body['order_id']}")).json()
    assert read["backordered"] == []
    assert {f["location_id"] for f in read["fulfilments"]} == {"us-wh-newark", "us-wh-seattle"}


async def test_cancelling_gives_stock_back(cell):
    body = await cell.placed(("A1", 2))
    path = "/v1/locations/us-wh-seattle/stock"
    assert (await cell.get(path)).json()["stock"][0]["allocated"] == 2
    assert (await cell.post(f"/v1/orders/{body['order_id']}/updates", {"update": "cancel"})).json()[
        "status"
    ] == "cancelled"
    assert (await cell.get(path)).json()["stock"][0]["allocated"] == 0


async def test_many_updates_are_answered_in_their_order_whatever_is_wrong_with_some(cell):
    first, second = (await cell.placed())["order_id"], (await cell.placed())["order_id"]
    items = [
        {"order_id": first, "update": "start_picking"},
        {"order_id": second, "update": "ship"},
        {"order_id": "eu-" + first[3:], "update": "ship"},
        {"order_id": "us-" + "0" * 26, "update": "ship"},
        {"order_id": first, "update": "pack"},
        {"order_id": second, "update": "short_pick"},
    ]
    answer = await cell.post("/v1/order-updates", {"updates": items})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [r["order_id"] for r in results] == [item["order_id"] for item in items]
    assert [r.get("status") for r in results] == ["picking", None, None, None, "packed", None]
    errors = [r["error"] for r in results if "error" in r]
    assert [e["code"] for e in errors] == [
        "order.illegal_transition", "region.misdirected", "order.unknown", "update.lines_required",
    ]  # fmt: skip
    assert errors[1]["region"] == "eu"
    assert errors[3]["errors"][0]["pointer"] == "/updates/5/lines"
    assert {e["request_id"] for e in errors} == {answer.headers["x-request-id"]}


async def test_many_updates_with_unreadable_items_do_the_others(cell):
    order_id = (await cell.placed())["order_id"]
    good = msgspec.json.encode({"order_id": order_id, "update": "start_picking"})
    bad = [
        b"17",
        b'{"order_id":"x","update":"fly"}',
        b'{"order_id":"' + order_id.encode() + b'","update":"ship","a/b~":1}',
    ]
    answer = await cell.post("/v1/order-updates", b'{"updates":[' + b",".join([*bad, good]) + b"]}")
    results = answer.json()["results"]
    assert [r["error"]["code"] for r in results[:3]] == ["body.invalid", "body.invalid", "body.unknown_field"]
    pointers = [r["error"]["errors"][0]["pointer"] for r in results[:3]]
    assert pointers == ["/updates/0", "/updates/1/update", "/updates/2/a~1b~0"]
    assert [r["order_id"] for r in results[:3]] == ["", "x", order_id]
    assert results[3]["status"] == "picking"


async def test_allocate_in_a_body_of_many_is_given_places(cell):
    body = await cell.placed(("C3", 9))
    # The line in which it waits gets what comes; of what is missing then somebody has to be asked yet.
    receipt = {"lines": [{"sku": "C3", "quantity": 3}]}
    assert (await cell.post("/v1/locations/us-wh-seattle/receipts", receipt)).status_code == 200
    items = [{"order_id": body["order_id"], "update": "allocate"}, {"order_id": "us-" + "0" * 26, "update": "allocate"}]
    results = (await cell.post("/v1/order-updates", {"updates": items})).json()["results"]
    assert "status" in results[0]
    assert results[1]["error"]["code"] == "order.unknown"
    assert (await cell.get(f"/v1/orders/{body['order_id']}")).json()["backordered"] == [{"sku": "C3", "quantity": 1}]


async def test_history_has_sequence_time_and_cause(cell):
    answer = await cell.post("/v1/orders", order(), X_Request_Id="9b7a2c1e-3f40-4c0e-8a55-1f9d0c2ab7e4")
    order_id = answer.json()["order_id"]
    page = (await cell.get(f"/v1/orders/{order_id}/events", limit=2)).json()
    assert [e["sequence"] for e in page["events"]] == [1, 2]
    assert page["events"][0]["type"] == "OrderPlaced"
    assert page["events"][0]["cause"] == "9b7a2c1e-3f40-4c0e-8a55-1f9d0c2ab7e4"
    assert page["next_after"] == 2
    rest = (await cell.get(f"/v1/orders/{order_id}/events", after=2)).json()
    assert [e["sequence"] for e in rest["events"]] == [3]
    assert rest["next_after"] is None


async def test_lists_of_orders_page_through_all_and_say_how_fresh_they_are(cell):
    ids = []
    for _ in range(5):
        cell.clock.now += 1000
        ids.append((await cell.placed())["order_id"])
    seen, cursor = [], None
    while True:
        query = {"customer_ref": "c-17", "status": "allocated", "limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = await cell.get("/v1/orders", **query)
        assert answer.status_code == 200, answer.text
        seen += [listed["order_id"] for listed in answer.json()["orders"]]
        assert answer.json()["as_of"] == "2026-01-01T00:00:04.750000Z"
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(ids, reverse=True)
    assert (await cell.get("/v1/orders", customer_ref="nobody")).json()["orders"] == []


async def test_availability_is_from_memory_nearest_first(cell):
    calls = len(cell.gateway.calls)
    answer = await cell.http.get("/v1/availability?sku=A1&sku=B+2&lat=45.5&lon=-122.7&limit=2")
    assert answer.status_code == 200
    skus = answer.json()["skus"]
    assert [(s["sku"], s["available"]) for s in skus] == [("A1", 153), ("B 2", 60)]
    assert [at["location_id"] for at in skus[0]["locations"]] == ["us-st-portland", "us-wh-seattle"]
    assert skus[0]["locations"][0]["distance_km"] < 20
    assert len(cell.gateway.calls) == calls
    await cell.placed(("A1", 3))
    answer = await cell.http.get("/v1/availability?sku=A1&sku=D4")
    assert [s["available"] for s in answer.json()["skus"]] == [150, 0]


async def test_catalogue_and_places_page(cell):
    first = (await cell.get("/v1/skus", limit=3)).json()
    assert [s["sku"] for s in first["skus"]] == ["A1", "B 2", "C3"]
    rest = (await cell.get("/v1/skus", cursor=first["next_cursor"])).json()
    assert rest == {"skus": [{"sku": "D4", "description": ""}], "next_cursor": None}
    places = (await cell.get("/v1/locations", limit=2)).json()
    assert [p["location_id"] for p in places["locations"]] == ["us-st-portland", "us-wh-newark"]
    rest = (await cell.get("/v1/locations", cursor=places["next_cursor"])).json()
    assert [p["location_id"] for p in rest["locations"]] == ["us-wh-seattle"]


async def test_receipts_and_adjustments_show_in_stock_and_ledger(cell):
    path = "/v1/locations/us-wh-newark"
    receipt = {
        "reference": "asn-2",
        "lines": [{"sku": "C3", "quantity": 4, "unit_value": {"amount": 250, "currency": "USD"}}],
    }
    answer = await cell.post(f"{path}/receipts", receipt)
    assert answer.json() == {"location_id": "us-wh-newark", "version": 3}
    received = answer.headers["x-request-id"]
    lines = [
        {"sku": "C3", "quantity": -2, "reason": "damage"},
        {"sku": "C3", "quantity": 0, "reason": "other", "safety_stock": 1},
    ]
    adjustment = {"lines": lines, "reference": "shelf-4"}
    asked = "0f8b3c52-9a1e-4a58-b0c1-7d5e2f3a4b6c"
    answer = await cell.post(f"{path}/adjustments", adjustment, "key-of-two", x_request_id=asked)
    assert answer.status_code == 200
    # The same again is the request of then, whatever its id.
    assert (await cell.post(f"{path}/adjustments", adjustment, "key-of-two")).json() == answer.json()
    stock = (await cell.get(f"{path}/stock", limit=2)).json()
    assert len(stock["stock"]) == 2
    rest = (await cell.get(f"{path}/stock", cursor=stock["next_cursor"])).json()
    stock = {
        "sku": "C3",
        "on_hand": 7,
        "available": 6,
        "reserved": 0,
        "allocated": 0,
        "damaged": 0,
        "quality_hold": 0,
        "safety_stock": 1,
        "reorder_point": 0,
    }
    assert rest["stock"] == [stock]
    assert rest["next_cursor"] is None
    ledger = (await cell.get(f"{path}/ledger", sku="C3", limit=3)).json()
    told = ("reason", "on_hand_delta", "on_hand", "cause", "reference")
    assert [tuple(e[name] for name in told) for e in ledger["entries"]] == [
        ("other", 0, 7, asked, "shelf-4"),
        ("damage", -2, 7, asked, "shelf-4"),
        ("receipt", 4, 9, received, "asn-2"),
    ]
    level = ledger["entries"][0]
    assert [level[name] for name in ("aside", "aside_delta", "aside_balance", "quantity")] == ["safety_stock", 1, 1, 0]
    assert ledger["entries"][2]["value_minor"] == 1000
    rest = (await cell.get(f"{path}/ledger", sku="C3", limit=3, cursor=ledger["next_cursor"])).json()
    assert [e["on_hand"] for e in rest["entries"]] == [STOCK["us-wh-newark"]["C3"]]


async def test_the_ledger_is_silent_about_a_safety_stock_that_was_set(cell):
    path, asked = "/v1/locations/us-wh-newark", "0f8b3c52-9a1e-4a58-b0c1-7d5e2f3a4b6c"
    levels = {"levels": [{"sku": "C3", "safety_stock": 2, "reorder_point": 5}]}
    assert (await cell.write("PUT", f"{path}/levels", levels, "key", x_request_id=asked)).status_code == 200
    [entry, *_] = (await cell.get(f"{path}/ledger", sku="C3")).json()["entries"]
    told = ("reason", "cause", "quantity", "aside", "aside_delta", "aside_balance")
    assert [entry[name] for name in told] == ["levels", asked, 0, "safety_stock", 2, 2]


async def test_a_new_sku_can_be_ordered_before_this_replica_heard_of_it(cell):
    cell.gateway.feeding = False
    assert (await cell.post("/v1/skus", {"skus": [{"sku": "new"}]})).status_code == 200
    assert (await cell.placed(("new", 1)))["status"] == "backordered"


async def test_live_tells_of_orders_and_stock(cell):
    quick = Cell()
    quick.clock, quick.gateway.clock = cell.clock, cell.clock
    quick.gateway.entities = cell.gateway.entities
    quick.services.index.places = cell.services.index.places
    quick.services.index._stock = cell.services.index._stock
    quick.services.index._skus = cell.services.index._skus
    following = asyncio.ensure_future(quick.get("/v1/live", kinds="order,location"))
    async with asyncio.timeout(30):
        await quick.gateway.live_changed.wait()
    await quick.placed()
    [stream] = quick.services.live._clients
    await until(lambda: not stream._pending)
    quick.services.live.close()
    answer = await following
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "event: order\n" in answer.text
    assert "event: location\n" in answer.text
    assert answer.text.endswith("event: reconnect\ndata: {}\n\n")
    assert "c-17" not in answer.text
    assert not quick.gateway.live_wanted


async def test_readiness_follows_shards_and_stores(cell):
    assert (await cell.get("/healthz")).json() == {"status": "ok"}
    ready = await cell.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ok")
    assert ready.json()["hosts"][0]["name"] == "us/host-0"
    replace = msgspec.structs.replace
    cell.gateway.hosts = [cell.gateway.host, replace(cell.gateway.host, name="us/host-1", store="connection refused")]
    ready = await cell.get("/readyz")
    assert (ready.status_code, ready.json()["status"], ready.json()["store"]) == (200, "degraded", "connection refused")
    cell.gateway.hosts = [replace(cell.gateway.host, journal="away")]
    ready = await cell.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "down")
    assert ready.headers["content-type"] == "application/json"
    cell.gateway.hosts, cell.gateway.unowned = [], 0
    assert (await cell.get("/readyz")).json()["status"] == "down"


async def test_a_hosts_end_takes_the_whole_region_off_the_router(cell):
    replace = msgspec.structs.replace
    # Nobody is sent to a replica that has not seen all of it yet.
    cell.gateway.unowned = 3
    assert (await cell.get("/readyz")).status_code == 503
    cell.gateway.unowned = 0
    assert (await cell.get("/readyz")).json()["status"] == "ok"
    cell.gateway.unowned = 3
    ready = await cell.get("/readyz")
    assert (ready.status_code, ready.json()["status"], ready.json()["unowned_shards"]) == (200, "degraded", 3)
    assert ready.json()["replicas"] == 1
    cell.services.metrics.others = lambda: [cell.services.metrics.figures()]
    assert (await cell.get("/readyz")).json()["replicas"] == 2
    cell.gateway.hosts, cell.gateway.unowned = [replace(cell.gateway.host, journal="away"), cell.gateway.host], 0
    ready = await cell.get("/readyz")
    assert (ready.status_code, ready.json()["status"], ready.json()["journal"]) == (200, "degraded", "away")
    cell.gateway.hosts, cell.gateway.unowned = [], 3
    assert (await cell.get("/readyz")).status_code == 503


async def test_figures_are_by_route_and_carry_no_ids(cell):
    order_id = (await cell.placed())["order_id"]
    await cell.get(f"/v1/orders/{order_id}")
    await cell.get("/v1/locations/us-wh-seattle/stock")
    text = (await cell.get("/metrics")).text
    assert 'method="GET",region="us"' in text
    assert 'route="/v1/orders/{order_id}",status="200"} 1.0' in text
    assert 'route="/v1/locations/{location_id}/stock"' in text
    assert 'ocefs_http_request_seconds_bucket{le="+Inf",method="POST"' in text
    assert order_id not in text
    assert "us-wh-seattle" not in text


async def test_the_documentation_needs_no_internet(cell):
    page = (await cell.get("/docs")).text
    assert "://" not in page.replace("http://www.w3.org", "")
    assert (await cell.get("/static-offline-docs/swagger-ui-bundle.js")).status_code == 200


def test_settings_have_defaults_for_all_limits():
    made = ApiSettings(region="us", countries=frozenset(), currencies=frozenset(), cursor_key=b"x" * 16)
    assert made.max_body_bytes == 1_048_576
