"""What holds for every request: its id, crashes, limits, faults of the cell, unknown methods."""

import asyncio

import msgspec
import pytest
from structlog.testing import capture_logs

from actors.domain.errors import RefusalBody
from actors.runtime import wire
from tests.unit.serve.fake_gateway import encode
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import SETTINGS, Cell, furnish, order

UNKNOWN = "us-" + "0" * 26


@pytest.mark.parametrize(
    "path", ["/healthz", f"/v1/orders/{UNKNOWN}", "/v1/nothing", "/v1/orders", "/v1/availability", "/docs"]
)
async def test_a_callers_request_id_is_lost_or_may_tell_of_somebody(cell, path):
    for id_ in ("9b7a2c1e-3f40-4c0e-8a55-1f9d0c2ab7e4", "9B7A2C1E3F404C0E8A551F9D0C2AB7E4"):
        answer = await cell.http.get(path, headers={"X-Request-Id": id_})
        assert answer.headers.get_list("x-request-id") == [id_]
    # What callers put together themselves may tell of somebody: it would stand in the audit.
    for id_ in (
        "",
        "mia.quillfeather-12065550188",
        "9b7a2c1e-3f40-4c0e-8a55-1f9d0c2ab7e40",
        "9b7a2c1e-3f404c0e-8a55-1f9d0c2ab7e4",
        "a b",
        "é".encode(),
    ):
        made = (await cell.http.get(path, headers={"X-Request-Id": id_})).headers.get_list("x-request-id")
        assert len(made) == 1
        assert made[0].startswith("r-")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/v1/orders/{UNKNOWN}"),
        ("GET", "/v1/locations/us-wh-seattle/stock"),
        ("POST", f"/v1/orders/{UNKNOWN}/updates"),
    ],
)
async def test_a_crash_tells_the_caller_nothing_but_the_request_id(cell, method, path):
    cell.gateway.crash = ZeroDivisionError("secret of Quillfeather")
    with capture_logs() as logged:
        answer = await cell.write(method, path, {"update": "ship"} if method == "POST" else b"")
    assert answer.status_code == 500
    assert answer.json()["code"] == "request.fault"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "secret" not in answer.text
    assert "Quillfeather" not in answer.text
    assert "Zero" not in answer.text
    entry = logged[-1]
    assert (entry["event"], entry["request_id"]) == ("a handler crashed", answer.headers["x-request-id"])
    assert entry["exc_info"]
    assert "Quillfeather" not in str({name: value for name, value in entry.items() if name != "exc_info"})
    assert 'ocefs_http_faults_total{region="us"' in (await cell.get("/metrics")).text


async def test_successes_are_not_logged(cell):
    with capture_logs() as logged:
        await cell.placed()
        assert (await cell.post("/v1/orders", b"{")).status_code == 400
    assert logged == []


@pytest.mark.parametrize(
    ("status", "code", "http"),
    [
        (wire.UNAVAILABLE, wire.CODE_UNAVAILABLE, 503),
        (wire.BUSY, wire.CODE_BUSY, 429),
        (wire.BUSY, wire.CODE_TAIL_FULL, 503),
        (wire.BUSY, wire.CODE_JOURNAL_FULL, 503),
    ],
)
async def test_faults_of_the_cell_ask_for_patience(cell, status, code, http):
    order_id = (await cell.placed())["order_id"]
    cell.gateway.fault = wire.Reply(status, encode(RefusalBody(code, "Later.")))
    for answer in (
        await cell.get(f"/v1/orders/{order_id}"),
        await cell.post(f"/v1/orders/{order_id}/updates", {"update": "ship"}),
        await cell.post("/v1/orders", order()),
        await cell.post("/v1/order-updates", {"updates": [{"order_id": order_id, "update": "ship"}]}),
        await cell.get("/v1/locations/us-wh-seattle/stock"),
        await cell.post("/v1/locations/us-wh-seattle/receipts", {"lines": [{"sku": "A1", "quantity": 1}]}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (http, code)
        assert answer.headers["retry-after"] == "1"
    # What is in memory is still told.
    assert (await cell.get("/v1/availability", sku="A1")).status_code == 200


async def test_lists_say_so_when_postgres_is_away_and_orders_go_on(cell):
    cell.read_model.away = True
    for path in ("/v1/orders", "/v1/locations/us-wh-seattle/ledger"):
        answer = await cell.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "cell.store_unavailable")
        assert "retry-after" in answer.headers
    await cell.placed()


async def test_freshness_is_unknown_while_no_host_has_told(cell):
    cell.gateway.hosts = []
    assert (await cell.get("/v1/orders")).json()["as_of"] is None


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/v1/orders", "GET, HEAD, POST"),
        ("PUT", f"/v1/orders/{UNKNOWN}", "GET, HEAD"),
        ("GET", f"/v1/orders/{UNKNOWN}/updates", "POST"),
        ("GET", "/v1/order-updates", "POST"),
        ("POST", "/v1/availability", "GET, HEAD"),
        ("PATCH", "/v1/locations/us-wh-seattle", "PUT"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/docs", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(cell, method, path, allow):
    answer = await cell.write(method, path, {})
    assert (answer.status_code, answer.json()["code"]) == (405, "request.method_not_allowed")
    assert answer.headers["allow"] == allow


async def test_too_many_requests_at_once_are_refused_and_places_become_free():
    cell = Cell(msgspec.structs.replace(SETTINGS, requests_max=2))
    await furnish(cell)
    gate, entered = asyncio.Event(), asyncio.Semaphore(0)

    async def slow(*args, **more):
        entered.release()
        await gate.wait()
        return wire.Reply(wire.OK, b"{}")

    cell.gateway.view = slow
    waiting = [asyncio.ensure_future(cell.get(f"/v1/orders/{UNKNOWN}")) for _ in range(2)]
    for _ in range(2):
        await entered.acquire()
    refused = await cell.get(f"/v1/orders/{UNKNOWN}")
    assert (refused.status_code, refused.json()["code"]) == (429, "cell.busy")
    gate.set()
    assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200]
    assert cell.services.metrics.in_flight == 0


async def test_a_body_that_does_not_come_is_not_waited_for():
    cell = Cell(msgspec.structs.replace(SETTINGS, body_timeout_s=0.02))

    async def trickle():
        yield b"{"
        await asyncio.sleep(30)

    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    scope = {
        "type": "http", "method": "POST", "path": "/v1/order-updates", "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    sent = []
    pieces = trickle()

    async def receive():
        return {"type": "http.request", "body": await anext(pieces), "more_body": True}

    async def send(message):
        sent.append(message)

    await cell.app(scope, receive, send)
    assert sent[0]["status"] == 408


async def test_a_caller_who_leaves_is_not_answered_and_nothing_is_done(cell):
    before = cell.state()
    for path in ("/v1/orders", "/v1/skus"):
        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [(b"content-type", b"application/json"), (b"idempotency-key", b"k"), (b"host", b"cell")],
            "server": ("cell", 80), "client": ("127.0.0.1", 1), "scheme": "http", "http_version": "1.1", "root_path": "",
        }  # fmt: skip
        sent = []

        async def receive():
            return {"type": "http.disconnect"}

        async def send(message, sent=sent):
            sent.append(message)

        await cell.app(scope, receive, send)
        assert sent == []
    assert cell.state() == before


async def test_refusals_are_counted_by_code(cell):
    await cell.get("/v1/orders/x")
    await cell.get("/v1/skus", cursor="x")
    await cell.post("/v1/order-updates", {"updates": [{"order_id": "x", "update": "ship"}]})
    text = (await cell.get("/metrics")).text
    assert 'ocefs_http_refusals_total{code="order.unknown",region="us"' in text
    counts = {
        line.split('"')[1]: line.split()[-1]
        for line in text.splitlines()
        if line.startswith("ocefs_http_refusals_total")
    }
    assert counts == {"order.unknown": "2.0", "cursor.invalid": "1.0"}


async def counted(cell):
    """Method, route and status of what was counted, with how often."""
    return {
        (route.method, route.route, status): count
        for route in cell.services.metrics.figures().routes
        for status, count in route.statuses.items()
    }


async def test_wrong_methods_and_paths_fill_the_table_of_routes_until_nothing_is_told_apart(cell):
    before = await counted(cell)
    for method in ("PUT", "OPTIONS", "MADE-UP"):
        for path in ("/v1/skus", "/healthz", f"/v1/orders/{UNKNOWN}", "/v1/nothing", "/docs"):
            await cell.http.request(method, path)
    more = {key: count for key, count in (await counted(cell)).items() if before.get(key) != count}
    assert more == {("other", "unmatched", 405): 12, ("other", "unmatched", 404): 3}


async def test_an_unknown_thing_is_counted_as_an_unknown_route(cell):
    await cell.get("/v1/locations/us-wh-nowhere/stock")
    assert (await counted(cell))["GET", "/v1/locations/{location_id}/stock", 404] == 1


async def test_a_route_is_not_told_apart_because_the_others_were_asked_first(tmp_path):
    app = GuardedCell(tmp_path).app
    metrics = Cell().services.metrics
    metrics.routes_max = app._metrics.routes_max
    for template, methods in app.methods_of.items():
        for method in methods:
            metrics.count(method, template, 200, 0.01)
    assert "other" not in {route.route for route in metrics.figures().routes}


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/oauth/token", "/v1/customers/me/passkeys/x"])
async def test_an_open_cell_says_no_word_of_why_there_are_no_accounts(cell, path):
    answer = await cell.post(path, {})
    assert (answer.status_code, answer.json()["code"]) == (404, "request.route_unknown")
    assert "identity is off" in answer.json()["detail"]


async def test_a_total_may_be_larger_than_any_price(cell):
    line = {"sku": "A1", "quantity": 1_000_000, "unit_price": {"amount": 1_000_000_000, "currency": "USD"}}
    answer = await cell.post("/v1/orders", order(lines=[line] * 2_000))
    assert answer.status_code == 201
    assert answer.json()["total"]["amount"] == 2 * 10**18
    document = (await cell.get("/openapi.json")).json()
    total = document["components"]["schemas"]["OrderView"]["properties"]["total"]
    assert "maximum" not in document["components"]["schemas"][total["$ref"].rsplit("/", 1)[1]]["properties"]["amount"]


async def test_an_order_without_any_history_is_unknown(cell):
    for body in (b"null", b'{"events":[],"next_after":null}'):

        async def history(*args, body=body):
            return wire.Reply(wire.OK, body)

        cell.gateway.history = history
        answer = await cell.get(f"/v1/orders/{UNKNOWN}/events")
        assert (answer.status_code, answer.json()["code"]) == (404, "order.unknown")


async def test_a_fault_of_a_host_tells_no_more_than_that(cell):
    cell.gateway.fault = wire.Reply(wire.FAULT, encode(RefusalBody(wire.CODE_FAULT, "Something went wrong.")))
    answer = await cell.get(f"/v1/orders/{UNKNOWN}")
    assert (answer.status_code, answer.json()["code"]) == (500, "cell.fault")
