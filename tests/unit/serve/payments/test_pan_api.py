"""A card's number that a caller sends by mistake must be refused before anything remembers, tells or logs it."""

import copy
import json
import logging
from urllib.parse import unquote

import pytest
import structlog
from structlog.testing import capture_logs

import serve.logs
from actors.logs import configure_logs
from tests.unit.serve.guarded_cell import PASSWORD, GuardedCell
from tests.unit.serve.small_cell import order

VISA = "4111111111111111"
GROUPED = "4111 1111 1111 1111"
AMEX = "3782-822463-10005"
UNKNOWN = "us-" + "0" * 26


def placement(path: str, value: object) -> dict:
    body = copy.deepcopy(order(("A1", 2), ("B 2", 1)))
    *above, last = path.split("/")
    at = body
    for step in above:
        at = at[int(step)] if isinstance(at, list) else at[step]
    at[last] = value
    return body


def kept_nowhere(cell, logged, caplog, answer, number: str) -> None:
    """Neither in the answer, nor in what the cell has, nor in a log."""
    gateway = cell.gateway
    everywhere = [answer.text, answer.headers, gateway.entities, gateway.events, gateway.remembered, gateway.orders]
    # httpx is the caller here.
    records = [(record.getMessage(), vars(record)) for record in caplog.records if record.name != "httpx"]
    everywhere += [gateway.ledger, gateway.calls, gateway.audited, list(gateway.outbox), logged, records]
    for spelt in (number, number.replace(" ", "").replace("-", "")):
        assert spelt not in "".join(map(repr, everywhere))


def refused(answer, place: dict[str, str] | None) -> None:
    assert (answer.status_code, answer.json().get("code")) == (422, "payment.pan_refused"), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    places = [{k: v for k, v in error.items() if k != "detail"} for error in answer.json().get("errors", [])]
    assert places == ([] if place is None else [place])


PLACEMENTS = [
    ("order_ref", VISA, "/order_ref"),
    ("order_ref", f"card {GROUPED} 12/28", "/order_ref"),
    ("customer/customer_ref", AMEX, "/customer/customer_ref"),
    ("ship_to/city", GROUPED, "/ship_to/city"),
    ("ship_to/postcode", VISA, "/ship_to/postcode"),
    ("lines/1/sku", VISA, "/lines/1/sku"),
    ("lines/0/quantity", int(VISA), "/lines/0/quantity"),
    ("lines/0/unit_price/amount", int(VISA), "/lines/0/unit_price/amount"),
    ("card", {"number": VISA, "cvc": "123"}, "/card/number"),
    ("lines/0/" + VISA, 1, "/lines/0"),
]


@pytest.mark.parametrize(("path", "value", "pointer"), PLACEMENTS)
async def test_a_number_anywhere_in_a_placement_gets_in(cell, caplog, path, value, pointer):
    number = next(n for n in (VISA, GROUPED, AMEX) if n in f"{path} {json.dumps(value)}")
    before = cell.state()
    with capture_logs() as logged, caplog.at_level(logging.DEBUG):
        answer = await cell.post("/v1/orders", placement(path, value))
    refused(answer, {"pointer": pointer})
    assert cell.state() == before
    kept_nowhere(cell, logged, caplog, answer, number)


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("POST", f"/v1/orders/{UNKNOWN}/updates", {"update": "ship", "fulfilment_id": VISA}, "/fulfilment_id"),
        ("POST", "/v1/skus", {"skus": [{"sku": "E5", "description": f"see {VISA}"}]}, "/skus/0/description"),
        (
            "POST", "/v1/locations/us-wh-seattle/receipts",
            {"reference": VISA, "lines": [{"sku": "A1", "quantity": 1}]}, "/reference",
        ),
        (
            "POST", "/v1/locations/us-wh-seattle/adjustments",
            {"reference": VISA, "lines": [{"sku": "A1", "quantity": 1, "reason": "count"}]}, "/reference",
        ),
        (
            "PUT", "/v1/locations/us-new",
            {"type": "store", "name": VISA, "country": "US", "lat": 1, "lon": 1}, "/name",
        ),
    ],
)  # fmt: skip
async def test_a_number_gets_in_by_another_write(cell, caplog, method, path, body, pointer):
    before = cell.state()
    with capture_logs() as logged, caplog.at_level(logging.DEBUG):
        answer = await cell.write(method, path, body)
    refused(answer, {"pointer": pointer})
    assert cell.state() == before
    kept_nowhere(cell, logged, caplog, answer, VISA)


async def test_one_bad_item_lets_the_others_of_its_body_through(cell, caplog):
    order_id = (await cell.placed())["order_id"]
    before, calls = cell.state(), list(cell.gateway.calls)
    items = [
        {"order_id": order_id, "update": "start_picking"},
        {"order_id": UNKNOWN, "update": "ship", "fulfilment_id": VISA},
    ]
    with capture_logs() as logged, caplog.at_level(logging.DEBUG):
        answer = await cell.post("/v1/order-updates", {"updates": items})
    refused(answer, {"pointer": "/updates/1/fulfilment_id"})
    assert cell.state() == before
    assert cell.gateway.calls == calls
    kept_nowhere(cell, logged, caplog, answer, VISA)


@pytest.mark.parametrize(
    "body", [b"4111111111111111 {", b'{"order_ref":"4111 1111 1111 1111"', b"\xff 4111111111111111"]
)
async def test_a_number_in_what_is_no_json_is_repeated(cell, caplog, body):
    before = cell.state()
    with capture_logs() as logged, caplog.at_level(logging.DEBUG):
        answer = await cell.post("/v1/orders", body)
    refused(answer, None)
    assert cell.state() == before
    kept_nowhere(cell, logged, caplog, answer, GROUPED)


@pytest.mark.parametrize("key", [VISA, f"place-{VISA}", "4111-1111-1111-1111", AMEX])
async def test_a_key_with_a_number_is_remembered(cell, caplog, key):
    before = cell.state()
    with capture_logs() as logged, caplog.at_level(logging.DEBUG):
        answer = await cell.post("/v1/orders", order(), key)
    refused(answer, {"header": "Idempotency-Key"})
    assert cell.state() == before
    kept_nowhere(cell, logged, caplog, answer, key)


async def test_a_request_id_with_a_number_is_journalled(cell, caplog):
    for request_id in (VISA, f"web-{VISA}", "4111-1111-1111-1111"):
        answer = await cell.post("/v1/orders", order(), X_Request_Id=request_id)
        assert answer.status_code == 201
        assert answer.headers["x-request-id"].startswith("r-")
        kept_nowhere(cell, [], caplog, answer, request_id)


@pytest.mark.parametrize("spelt", [VISA, "%34111111111111111", "4111-1111-1111-1111"])
async def test_a_location_is_named_by_a_number(cell, caplog, spelt):
    before = cell.state()
    place = {"type": "store", "name": "New", "country": "US", "lat": 1, "lon": 1}
    for path in (f"/v1/locations/us-{spelt}", f"/v1/locations/us-new?note={spelt}"):
        with capture_logs() as logged, caplog.at_level(logging.DEBUG):
            answer = await cell.write("PUT", path, place)
        refused(answer, {"parameter": "query" if "?" in path else "path"})
        assert cell.state() == before
        kept_nowhere(cell, logged, caplog, answer, spelt)


@pytest.mark.parametrize("spelt", [VISA, f"us-{VISA}", "%34111111111111111", "4111%201111%201111%201111", AMEX])
async def test_a_read_that_names_a_number_leaves_it_in_the_audit(tmp_path, caplog, spelt):
    cell = GuardedCell(tmp_path)
    for path in (f"/v1/orders/{spelt}", f"/v1/orders/{spelt}/events", f"/v1/counts/{spelt}"):
        answer = await cell.http.get(path, headers=cell.bearer())
        assert answer.status_code in (404, 421), answer.text
        await cell.services.trail.close()
        kept_nowhere(cell, [], caplog, answer, unquote(spelt))
    assert {line.act.action for line in cell.gateway.audited} == {"order.read", "order.read_history", "request.refused"}
    await cell.http.aclose()


async def test_a_barcode_as_a_sku_is_refused(cell):
    # Valid as GTIN-13 and by Luhn, in Visa's range.
    code = "4006381000093"
    defined = await cell.post("/v1/skus", {"skus": [{"sku": code}]})
    assert defined.status_code == 200, defined.text
    receipt = {"lines": [{"sku": code, "quantity": 3}]}
    assert (await cell.post("/v1/locations/us-wh-seattle/receipts", receipt)).status_code == 200
    assert (await cell.post("/v1/orders", order((code, 1)))).status_code == 201
    refused(await cell.post("/v1/orders", order(order_ref=code)), {"pointer": "/order_ref"})


async def test_a_form_or_a_sign_in_takes_a_number(tmp_path, caplog):
    cell = GuardedCell(tmp_path)
    before = cell.state()
    form = {"grant_type": "client_credentials", "client_id": f"us-client-{VISA}", "client_secret": "x"}
    refused(await cell.http.post("/v1/oauth/token", data=form), None)
    refused(await cell.http.post("/v1/oauth/token", data=form | {"client_id": GROUPED}), None)
    sign_in = {"login": VISA, "password": PASSWORD, "code": "123456"}
    answer = await cell.plain("/v1/sessions", sign_in)
    refused(answer, {"pointer": "/login"})
    assert cell.state() == before
    kept_nowhere(cell, [], caplog, answer, VISA)
    await cell.http.aclose()


@pytest.fixture
def log_file(tmp_path, monkeypatch, loggers_of_others):
    """Where the process's log goes, as in a replica."""
    configure_logs(str(tmp_path), "test")
    # A logger keeps what it was configured with at its first use.
    monkeypatch.setattr(serve.logs, "_log", structlog.get_logger("ocefs.serve"))
    return tmp_path / "test.log"


async def test_a_crash_logs_the_number_of_a_path(cell, log_file):
    cell.gateway.crash = ZeroDivisionError(f"secret {GROUPED}")
    for path in (f"/v1/orders/us-{VISA}", f"/v1/orders/{UNKNOWN}", "/v1/locations/us-wh-seattle/stock"):
        await cell.get(path)
    text = log_file.read_text()
    assert "a handler crashed" in text
    assert "secret [card number]" in text
    assert VISA not in text
    assert GROUPED not in text


def test_a_line_of_any_kind_holds_a_number(log_file):
    class Shown:
        def __repr__(self):
            return f"<card {AMEX}>"

    log = logging.getLogger("ocefs.test")
    log.info("took %s", VISA)
    log.warning("extra", extra={"deep": {"a": [1, (GROUPED, int(VISA))], VISA: 1}, "shown": Shown(), "n": int(VISA)})
    try:
        raise ValueError(VISA)
    except ValueError:
        log.exception("crashed")
    text = log_file.read_text()
    for number in (VISA, GROUPED, AMEX):
        assert number not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0]["event"] == "took [card number]"
    assert lines[1]["deep"] == {"a": [1, ["[card number]", "[card number]"]], "[card number]": 1}
    assert (lines[1]["shown"], lines[1]["n"]) == ("<card [card number]>", "[card number]")
    assert "ValueError: [card number]" in lines[2]["exception"]


def test_a_line_without_a_number_is_changed(log_file):
    logging.getLogger("ocefs.test").info(
        "took over %d shards", 64, extra={"host": "us/host-0", "ms": 12.5, "ok": True, "none": None}
    )
    line = json.loads(log_file.read_text())
    assert line["event"] == "took over 64 shards"
    assert (line["host"], line["ms"], line["ok"], line["none"]) == ("us/host-0", 12.5, True, None)
