"""Another person's order, cart, shipment or collection is answered as one that there is not, at the same moment,
wherever a customer may name one."""

import asyncio
import json

import pytest

from serve.endpoint_needs import NEEDS
from serve.orders import own
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.post_office import bearer, joined, without_waiting
from tests.unit.serve.small_cell import order

TAIL = "01kah2v3nq7h3k2m9qk4t1x0ab"
NOBODYS = {
    "order_id": f"us-{TAIL}", "reservation_id": f"us-resv-{TAIL}", "collection_id": f"us-collection-{TAIL}",
}  # fmt: skip
CALLS = {
    ("GET", "/v1/orders/{order_id}"): None,
    ("POST", "/v1/orders/{order_id}/updates"): {"update": "cancel"},
    ("POST", "/v1/orders/{order_id}/changes"): {"lines": [{"line": 1, "quantity": 1}]},
    ("POST", "/v1/orders/{order_id}/here"): {},
    ("GET", "/v1/orders/{order_id}/shipments"): None,
    ("GET", "/v1/reservations/{reservation_id}"): None,
    ("POST", "/v1/reservations/{reservation_id}/extensions"): {"ttl_s": 900},
    ("DELETE", "/v1/reservations/{reservation_id}"): None,
    ("POST", "/v1/collections/{collection_id}/code"): {},
}
PLAIN = order() | {"customer": {"country": "US"}}
CART = {
    "channel": "online",
    "ship_to": {"country": "US", "lat": 47.6, "lon": -122.3},
    "lines": [{"sku": "A1", "quantity": 1}],
}


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


@pytest.fixture
def due(monkeypatch):
    """Until when answers were held back, by the loop's clock."""
    moments: list[float] = []

    async def noted(moment_s):
        moments.append(moment_s)

    monkeypatch.setattr(own, "UNKNOWN_S", 3_600.0)
    monkeypatch.setattr(own, "not_before", noted)
    return moments


async def foreign(cell):
    """Tom's order and cart; of his collections there is none."""
    tom = bearer(await joined(cell, "tom@example.org"))
    placed, kept = await cell.post("/v1/orders", PLAIN, **tom), await cell.post("/v1/reservations", CART, **tom)
    assert (placed.status_code, kept.status_code) == (201, 201), (placed.text, kept.text)
    return NOBODYS | {"order_id": placed.json()["order_id"], "reservation_id": kept.json()["reservation_id"]}


def told(answer):
    return answer.status_code, {**answer.json(), "request_id": ""}


def held_back(due, begun, times):
    return len(due) == times and all(3_600.0 <= moment - begun < 4_000.0 for moment in due)


def test_a_customer_may_name_one_where_nobody_looks_at_the_time():
    assert {
        (m, p) for (m, p), need in NEEDS.items() if need.own and any(f"{{{name}}}" in p for name in NOBODYS)
    } == set(CALLS)


@pytest.mark.parametrize(("method", "path"), list(CALLS))
async def test_how_long_a_refusal_takes_shows_whether_there_is_such_a_thing(cell, due, method, path):
    his, mia = await foreign(cell), bearer(await joined(cell))
    body, begun = CALLS[method, path], asyncio.get_running_loop().time()
    answers = [
        await cell.http.request(method, path.format(**ids), headers=mia | {"Idempotency-Key": f"k{number}"}, json=body)
        for number, ids in enumerate((his, NOBODYS))
    ]
    assert told(answers[0]) == told(answers[1])
    assert answers[0].status_code == 404, answers[0].text
    assert held_back(due, begun, 2)


def by_one_key(method, path):
    """Two calls that are not the same."""
    if method == "DELETE":
        return [("POST", f"{path}/extensions", b'{"ttl_s": 900}'), (method, path, b"")]
    body = json.dumps(CALLS[method, path]).encode()
    return [(method, path, body), (method, path, b" " + body)]


@pytest.mark.parametrize(("method", "path"), [call for call in CALLS if call[0] != "GET"])
async def test_a_key_that_comes_with_another_body_shows_that_there_is_such_a_thing(cell, due, method, path):
    his, mia = await foreign(cell), bearer(await joined(cell))
    answers = []
    for number, ids in enumerate((his, NOBODYS)):
        for verb, template, body in by_one_key(method, path):
            headers = mia | {"Idempotency-Key": f"k{number}"}
            headers |= {"Content-Type": "application/json"} if body else {}
            answers.append(await cell.http.request(verb, template.format(**ids), headers=headers, content=body))
    first = told(answers[0])
    assert first[0] == 404
    assert [told(answer) for answer in answers[1:]] == [first] * 3


async def test_an_order_of_anothers_cart_shows_by_its_time_that_there_is_one(cell, due):
    his, mia = await foreign(cell), bearer(await joined(cell))
    begun = asyncio.get_running_loop().time()
    answers = [
        await cell.post("/v1/orders", PLAIN | {"reservation_id": ids["reservation_id"]}, **mia)
        for ids in (his, NOBODYS)
    ]
    assert told(answers[0]) == told(answers[1])
    assert answers[0].json()["code"] == "reservation.unknown"
    assert held_back(due, begun, 2)
