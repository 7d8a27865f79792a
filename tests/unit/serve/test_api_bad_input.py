"""The issue's list of bad input: each is a 4xx problem with a stable code and the field's place,
and nothing is changed."""

import asyncio
import copy
import re

import pytest

from tests.unit.serve.small_cell import Cell, furnish, order

UNKNOWN = "us-" + "0" * 26
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def cell():
    """One for all: no test here may change anything that another sees."""
    made = Cell()
    asyncio.run(furnish(made))
    return made


def changed(path: str, value: object) -> dict:
    """A placement with one value replaced ("…/name" → value; ... removes it)."""
    body = copy.deepcopy(order(("A1", 2), ("B 2", 1)))
    *above, last = path.split("/")
    at = body
    for step in above:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return body


PLACEMENTS = [
    ("lines/0/quantity", 0, 422, "body.invalid", "/lines/0/quantity"),
    ("lines/1/quantity", -3, 422, "body.invalid", "/lines/1/quantity"),
    ("lines/0/quantity", 1_000_001, 422, "body.invalid", "/lines/0/quantity"),
    ("lines/0/quantity", 1.5, 422, "body.invalid", "/lines/0/quantity"),
    ("lines/0/quantity", "2", 422, "body.invalid", "/lines/0/quantity"),
    ("lines/0/quantity", True, 422, "body.invalid", "/lines/0/quantity"),
    ("lines/0/quantity", ..., 422, "body.missing_field", "/lines/0/quantity"),
    ("lines/0/sku", "nope", 422, "sku.unknown", "/lines/0/sku"),
    ("lines/1/sku", "a1", 422, "sku.unknown", "/lines/1/sku"),
    ("lines/0/sku", "", 422, "body.invalid", "/lines/0/sku"),
    ("lines/0/sku", "x" * 65, 422, "body.invalid", "/lines/0/sku"),
    ("lines/0/sku", "A1\x00", 422, "body.invalid", "/lines/0/sku"),
    ("lines/0/sku", "A1\n", 422, "body.invalid", "/lines/0/sku"),
    ("lines/0/unit_price/currency", "EUR", 422, "order.currency_not_accepted", "/lines/0/unit_price/currency"),
    ("lines/1/unit_price/currency", "CAD", 422, "order.mixed_currencies", "/lines/1/unit_price/currency"),
    ("lines/0/unit_price/currency", "usd", 422, "body.invalid", "/lines/0/unit_price/currency"),
    ("lines/0/unit_price/amount", -1, 422, "body.invalid", "/lines/0/unit_price/amount"),
    ("lines/0/unit_price/vat", 1, 422, "body.unknown_field", "/lines/0/unit_price/vat"),
    ("lines", [], 422, "body.invalid", "/lines"),
    ("lines", "A1", 422, "body.invalid", "/lines"),
    ("channel", "carrier pigeon", 422, "body.invalid", "/channel"),
    ("channel", ..., 422, "body.missing_field", "/channel"),
    ("coupon", "FREE", 422, "body.unknown_field", "/coupon"),
    ("order_ref", "x" * 65, 422, "body.invalid", "/order_ref"),
    ("customer/customer_ref", "\u0000", 422, "body.invalid", "/customer/customer_ref"),
    ("customer/email", "a@b", 422, "email.not_kept", "/customer/email"),
    ("ship_to/country", "DE", 421, "region.misdirected", "/ship_to/country"),
    ("ship_to/country", "ZZ", 422, "country.not_served", "/ship_to/country"),
    ("ship_to/country", "us", 422, "body.invalid", "/ship_to/country"),
    ("ship_to/country", ..., 422, "body.missing_field", "/ship_to/country"),
    ("ship_to/lat", 90.1, 422, "body.invalid", "/ship_to/lat"),
    ("ship_to/lon", ..., 422, "order.coordinates_incomplete", "/ship_to/lon"),
]


def told(answer, status: int, code: str, pointer: str | None) -> dict:
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:ocefs:problem:{code}"
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    if pointer is not None:
        assert problem["errors"][0]["pointer"] == pointer
    return problem


@pytest.mark.parametrize(("path", "value", "status", "code", "pointer"), PLACEMENTS)
async def test_a_wrong_placement_is_refused_with_its_place(cell, path, value, status, code, pointer):
    before = cell.state()
    told(await cell.post("/v1/orders", changed(path, value)), status, code, pointer)
    assert cell.state() == before


async def test_a_misdirected_order_is_told_its_region(cell):
    assert (await cell.post("/v1/orders", changed("ship_to/country", "BR"))).json()["region"] == "latam"
    for answer in (
        await cell.get("/v1/orders/eu-" + "0" * 26),
        await cell.get("/v1/orders/eu-" + "0" * 26 + "/events"),
        await cell.post("/v1/orders/eu-" + "0" * 26 + "/updates", {"update": "ship"}),
        await cell.get("/v1/locations/eu-wh-berlin/stock"),
    ):
        assert told(answer, 421, "region.misdirected", None)["region"] == "eu"


async def test_too_many_lines_are_refused(cell):
    before = cell.state()
    line = order()["lines"][0]
    told(await cell.post("/v1/orders", order(lines=[line] * 2001)), 422, "body.invalid", "/lines")
    assert cell.state() == before
    assert (await cell.post("/v1/orders", order(lines=[line] * 2000))).status_code == 201


BODIES = [
    (b"", 400, "body.malformed_json"),
    (b"{", 400, "body.malformed_json"),
    (b"{'a': 1}", 400, "body.malformed_json"),
    (b'{"channel": NaN}', 400, "body.malformed_json"),
    (b'{"channel":"online"} x', 400, "body.malformed_json"),
    (b"\xef\xbb\xbf{}", 400, "body.malformed_json"),
    (b'{"order_ref":"\xff\xfe"}', 400, "body.not_utf8"),
    (b"\xff\xfe{\x00}\x00", 400, "body.not_utf8"),
    (b'{"order_ref":"\\ud800"}', 400, "body.malformed_json"),
    (b"[]", 422, "body.invalid"),
    (b"null", 422, "body.invalid"),
    (b"17", 422, "body.invalid"),
    (b'{"lines":' + b"[" * 100_000, 400, "body.malformed_json"),
    (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "body.malformed_json"),
    (b"[" * 500_000, 400, "body.malformed_json"),
    (b'{"lines":[{"sku":"A1","quantity":' + b"9" * 10_000 + b"}]}", 422, "body.invalid"),
]
WRITES = [
    ("POST", "/v1/orders"),
    ("POST", f"/v1/orders/{UNKNOWN}/updates"),
    ("POST", "/v1/order-updates"),
    ("POST", "/v1/skus"),
    ("PUT", "/v1/locations/us-wh-seattle"),
    ("POST", "/v1/locations/us-wh-seattle/receipts"),
    ("POST", "/v1/locations/us-wh-seattle/adjustments"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(("body", "status", "code"), BODIES)
async def test_what_is_not_the_json_we_take_is_refused_everywhere(cell, method, path, body, status, code):
    before = cell.state()
    answer = await cell.write(method, path, body)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == code or (status == 422 and answer.json()["code"] == "body.unknown_field")
    assert cell.state() == before


@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_every_write_needs_a_sane_key_json_and_a_bounded_body(cell, method, path):
    before = cell.state()
    json = {"Content-Type": "application/json"}
    send = cell.http.request
    none = await send(method, path, content=b"{}", headers=json)
    assert told(none, 400, "idempotency.key_missing", None)["errors"][0]["header"] == "Idempotency-Key"
    for key in (b"", b"a" * 256, b"a b", b"\xc3\xa9", b"a\x01", b"k" * MIB):
        answer = await send(method, path, content=b"{}", headers=[*json.items(), (b"Idempotency-Key", key)])
        told(answer, 400, "idempotency.key_invalid", None)
    twice = await send(
        method, path, content=b"{}", headers=[*json.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    )
    told(twice, 400, "idempotency.key_invalid", None)
    for kind in ("", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"):
        answer = await send(method, path, content=b"{}", headers={"Content-Type": kind, "Idempotency-Key": "k"})
        told(answer, 415, "request.content_type", None)
    zipped = await cell.write(method, path, b"{}", Content_Encoding="gzip")
    told(zipped, 415, "request.content_type", None)
    huge = await cell.write(method, path, b" " * (MIB + 1))
    assert told(huge, 413, "body.too_large", None)["limit_bytes"] == MIB

    async def pieces():
        for _ in range(20):
            yield b" " * (MIB // 10)

    headers = json | {"Idempotency-Key": "k"}
    told(await send(method, path, content=pieces(), headers=headers), 413, "body.too_large", None)
    assert cell.state() == before


UPDATES = [
    ({"update": "fly"}, 422, "body.invalid", "/update"),
    ({}, 422, "body.missing_field", "/update"),
    ({"update": "ship", "why": 1}, 422, "body.unknown_field", "/why"),
    ({"update": "ship", "fulfilment_id": "x.1"}, 422, "order.fulfilment_unknown", "/fulfilment_id"),
    ({"update": "ship", "fulfilment_id": "{id}.0"}, 422, "order.fulfilment_unknown", "/fulfilment_id"),
    ({"update": "ship", "fulfilment_id": "{id}.²"}, 422, "order.fulfilment_unknown", "/fulfilment_id"),
    ({"update": "ship", "fulfilment_id": "{id}.9"}, 422, "order.fulfilment_unknown", None),
    ({"update": "ship", "occurred_at": "2026-01-01T00:00:00"}, 422, "body.invalid", "/occurred_at"),
    ({"update": "ship", "occurred_at": "yesterday"}, 422, "body.invalid", "/occurred_at"),
    ({"update": "ship", "occurred_at": 1767225600}, 422, "body.invalid", "/occurred_at"),
    ({"update": "ship", "occurred_at": "2020-01-01T00:00:00Z"}, 422, "update.occurred_at_out_of_range", "/occurred_at"),
    ({"update": "ship", "occurred_at": "2026-01-01T00:05:01Z"}, 422, "update.occurred_at_out_of_range", "/occurred_at"),
    ({"update": "ship", "occurred_at": "0001-01-01T00:00:00+14:00"}, 422, "update.occurred_at_out_of_range", "/occurred_at"),
    ({"update": "ship", "occurred_at": "9999-12-31T23:59:59-14:00"}, 422, "update.occurred_at_out_of_range", "/occurred_at"),
    ({"update": "ship", "lines": []}, 422, "update.lines_not_allowed", "/lines"),
    ({"update": "short_pick"}, 422, "update.lines_required", "/lines"),
    ({"update": "short_pick", "lines": [{"sku": "A1", "quantity": 0}]}, 422, "body.invalid", "/lines/0/quantity"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "code", "pointer"), UPDATES)
async def test_a_wrong_update_is_refused_alone_and_among_many(cell, body, status, code, pointer):
    order_id = (await cell.placed())["order_id"]
    body = {k: v.replace("{id}", order_id) if isinstance(v, str) else v for k, v in body.items()}
    version = cell.gateway.entities["order", order_id][1]
    told(await cell.post(f"/v1/orders/{order_id}/updates", body), status, code, pointer)
    answer = await cell.post("/v1/order-updates", {"updates": [body | {"order_id": order_id}]})
    error = answer.json()["results"][0]["error"]
    assert (error["status"], error["code"]) == (status, code)
    if pointer is not None:
        assert error["errors"][0]["pointer"] == f"/updates/0{pointer}"
    assert cell.gateway.entities["order", order_id][1] == version


@pytest.mark.parametrize(
    "order_id", [UNKNOWN, "x", "us-", "us-" + "u" * 26, "us-" + "0" * 25, "US-" + "0" * 26, "us-%00", "zz-" + "0" * 26]
)
async def test_an_order_that_is_not_there_is_not_found(cell, order_id):
    before = cell.state()
    told(await cell.get(f"/v1/orders/{order_id}"), 404, "order.unknown", None)
    told(await cell.get(f"/v1/orders/{order_id}/events"), 404, "order.unknown", None)
    told(await cell.post(f"/v1/orders/{order_id}/updates", {"update": "ship"}), 404, "order.unknown", None)
    assert cell.state() == before


@pytest.mark.parametrize("count", [0, 1001])
async def test_a_body_of_none_or_too_many_is_refused_as_a_whole(cell, count):
    before = cell.state()
    items = [{"order_id": UNKNOWN, "update": "ship"}] * count
    told(await cell.post("/v1/order-updates", {"updates": items}), 422, "body.invalid", "/updates")
    assert cell.state() == before


STOCK = [
    ("receipts", {"lines": [{"sku": "A1", "quantity": 0}]}, 422, "body.invalid", "/lines/0/quantity"),
    ("receipts", {"lines": [{"sku": "A1", "quantity": -1}]}, 422, "body.invalid", "/lines/0/quantity"),
    ("receipts", {"lines": [{"sku": "A1", "quantity": 1}, {"sku": "zz", "quantity": 1}]}, 422, "sku.unknown", "/lines/1/sku"),
    ("receipts", {"lines": []}, 422, "body.invalid", "/lines"),
    ("receipts", {"lines": [{"sku": "A1", "quantity": 1}] * 1001}, 422, "body.invalid", "/lines"),
    ("receipts", {"lines": [{"sku": "A1", "quantity": 1, "unit_value": {"amount": 1, "currency": "EUR"}}]}, 422,
     "stock.currency_not_accepted", "/lines/0/unit_value/currency"),
    ("adjustments", {"lines": [{"sku": "A1", "quantity": 0, "reason": "count"}]}, 422, "stock.change_empty", "/lines/0/quantity"),
    ("adjustments", {"lines": [{"sku": "A1", "quantity": 1}]}, 422, "body.missing_field", "/lines/0/reason"),
    ("adjustments", {"lines": [{"sku": "A1", "quantity": 1, "reason": "ship"}]}, 422, "body.invalid", "/lines/0/reason"),
    ("adjustments", {"lines": [{"sku": "zz", "quantity": 1, "reason": "found"}]}, 422, "sku.unknown", "/lines/0/sku"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "body", "status", "code", "pointer"), STOCK)
async def test_a_wrong_stock_change_is_refused(cell, what, body, status, code, pointer):
    before = cell.state()
    told(await cell.post(f"/v1/locations/us-wh-seattle/{what}", body), status, code, pointer)
    assert cell.state() == before


async def test_more_than_there_is_can_not_be_taken_away(cell):
    before = cell.state()
    body = {"lines": [{"sku": "A1", "quantity": -101, "reason": "loss"}]}
    problem = told(await cell.post("/v1/locations/us-wh-seattle/adjustments", body), 409, "stock.insufficient", None)
    assert problem["on_hand"] == 100
    assert cell.state()[:3] == before[:3]


@pytest.mark.parametrize("location_id", ["us-nowhere", "x", "us-", "us-UPPER", "us-%00", "zz-wh"])
async def test_a_location_that_is_not_there_is_not_found(cell, location_id):
    before = cell.state()
    path = f"/v1/locations/{location_id}"
    for answer in (
        await cell.get(f"{path}/stock"),
        await cell.get(f"{path}/ledger"),
        await cell.post(f"{path}/receipts", {"lines": [{"sku": "A1", "quantity": 1}]}),
    ):
        told(answer, 404, "location.unknown", None)
    assert cell.state()[:3] == before[:3]


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"timezone": "Mars/Olympus"}, "body.invalid", "/timezone"),
        ({"lat": -91}, "body.invalid", "/lat"),
        ({"type": "garage"}, "body.invalid", "/type"),
        ({"name": ""}, "body.invalid", "/name"),
        ({"country": "USA"}, "body.invalid", "/country"),
    ],
)
async def test_wrong_particulars_are_refused(cell, change, code, pointer):
    place = {"type": "store", "name": "New", "country": "US", "lat": 1, "lon": 1} | change
    before = cell.state()
    told(await cell.write("PUT", "/v1/locations/us-new", place), 422, code, pointer)
    told(await cell.write("PUT", "/v1/locations/us-New", place), 422, "location.id_invalid", None)
    assert cell.state() == before


QUERIES = [
    ("/v1/orders?cursor=abc", 400, "cursor.invalid"),
    ("/v1/skus?cursor=abc", 400, "cursor.invalid"),
    ("/v1/locations?cursor=x", 400, "cursor.invalid"),
    ("/v1/locations/us-wh-seattle/stock?cursor=abc", 400, "cursor.invalid"),
    ("/v1/locations/us-wh-seattle/ledger?cursor=abc", 400, "cursor.invalid"),
    ("/v1/orders?status=lost", 422, "request.parameter_invalid"),
    ("/v1/orders?customer_ref=%00", 422, "request.parameter_invalid"),
    ("/v1/orders?limit=0", 422, "request.parameter_invalid"),
    ("/v1/orders?limit=501", 422, "request.parameter_invalid"),
    ("/v1/skus?limit=ten", 422, "request.parameter_invalid"),
    (f"/v1/orders/{UNKNOWN}/events?after=-1", 422, "request.parameter_invalid"),
    ("/v1/live?kinds=customer", 422, "request.parameter_invalid"),
    ("/v1/availability", 422, "request.parameter_invalid"),
    ("/v1/availability?sku=A1&lat=1", 422, "request.parameter_invalid"),
    ("/v1/availability?sku=A1&lat=nan&lon=1", 422, "request.parameter_invalid"),
    ("/v1/availability?sku=A1&lat=91&lon=1", 422, "request.parameter_invalid"),
    ("/v1/availability?sku=A1&limit=0", 422, "request.parameter_invalid"),
    ("/v1/availability?sku=A1&limit=%C2%B2", 422, "request.parameter_invalid"),
    ("/v1/availability?sku=%ff", 422, "request.parameter_invalid"),
    ("/v1/availability?sku=", 422, "request.parameter_invalid"),
    ("/v1/availability?sku=A1&sku=zz", 422, "sku.unknown"),
    ("/v1/availability?" + "&".join(["sku=A1"] * 51), 422, "request.parameter_invalid"),
    ("/v1/availability?sku=" + "A" * 20_000, 422, "request.parameter_invalid"),
    ("/v1/inventory/", 404, "request.route_unknown"),
    ("/v1/locations/us-wh-seattle/stock/", 404, "request.route_unknown"),
    ("/v1/nothing", 404, "request.route_unknown"),
]
# What is asked, and the one that is given twice. The router knows names as they are written, the cell as they are read.
REPEATED = [
    ("/v1/availability?sku=A1&lat=40&lon=-74&lat=48", "lat"),
    ("/v1/availability?sku=A1&l%61t=40&lon=-74&lat=48", "lat"),
    ("/v1/availability?sku=A1&lat=40&lon=-74&lon=-74", "lon"),
    ("/v1/availability?limit=1&sku=A1&limit=", "limit"),
    ("/v1/availability?sku=A1&channel=web&channel=store", "channel"),
    ("/v1/availability?sku=A1&lat=40&lon=-74&pickup=false&pickup=true", "pickup"),
    ("/v1/orders?status=placed&status=packed", "status"),
    ("/v1/orders?limit=1&limit=0", "limit"),
    ("/v1/orders?limit=1&%6Cimit=2", "limit"),
    (f"/v1/orders/{UNKNOWN}/events?after=1&after=1", "after"),
    ("/v1/locations/us-wh-seattle/level-suggestions?sku=A1&service_level=0.9&service_level=0.8", "service_level"),
    ("/v1/locations/us-wh-seattle/put-away-suggestions?sku=A1&units=1&sku=A1", "sku"),
]


@pytest.mark.parametrize(("path", "status", "code"), QUERIES)
async def test_a_wrong_query_is_refused(cell, path, status, code):
    told(await cell.http.get(path), status, code, None)


@pytest.mark.parametrize(("path", "name"), REPEATED)
async def test_of_a_value_that_is_given_twice_one_counts(cell, path, name):
    answer = await cell.http.get(path)
    told(answer, 422, "request.parameter_repeated", None)
    assert [place["parameter"] for place in answer.json()["errors"]] == [name]


async def test_some_route_takes_one_of_two_values(cell):
    document = (await cell.get("/openapi.json")).json()
    asked = [
        (method, re.sub("{.*?}", UNKNOWN, path), parameter["name"], parameter["schema"])
        for path, methods in document["paths"].items()
        for method, told_of in methods.items()
        for parameter in told_of.get("parameters", ())
        if parameter["in"] == "query"
    ]
    assert len(asked) > 50
    for method, path, name, schema in asked:
        answer = await cell.http.request(method, f"{path}?{name}=1&{name}=1")
        refused = answer.json()["code"] == "request.parameter_repeated"
        assert refused == (schema.get("type") != "array"), (method, path, name)


@pytest.mark.parametrize("path", ["/v1/availability", "/v1/locations/us-wh-seattle/level-suggestions"])
async def test_what_may_be_given_many_times_is_refused(cell, path):
    answer = await cell.http.get(f"{path}?sku=A1&sku=B+2")
    assert answer.status_code == 200, answer.text
    assert [one["sku"] for one in answer.json().get("skus") or answer.json()["suggestions"]] == ["A1", "B 2"]


async def test_a_cursor_that_was_tampered_with_is_refused(cell):
    await cell.placed()
    await cell.placed()
    cursor = (await cell.get("/v1/orders", limit=1)).json()["next_cursor"]
    assert (await cell.get("/v1/orders", limit=1, cursor=cursor)).status_code == 200
    told(await cell.get("/v1/orders", cursor=cursor, status="placed"), 400, "cursor.invalid", None)
    told(await cell.get("/v1/orders", cursor=cursor[:-2] + "AA"), 400, "cursor.invalid", None)


async def test_a_sku_named_twice_in_a_definition_is_refused(cell):
    before = cell.state()
    body = {"skus": [{"sku": "E5"}, {"sku": "E5", "description": "other"}]}
    told(await cell.post("/v1/skus", body), 422, "catalogue.sku_repeated", "/skus/1/sku")
    assert cell.state() == before
