"""What no route knows in a query is refused, of every route, before anything is done."""

import re

import pytest

from serve.endpoint_needs import NEEDS
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.kept_cell import KeptCell
from tests.unit.serve.small_cell import order

UNKNOWN = "us-01kah2v3nq7h3k2m9qk4t1x0ab"
VISA = "4111111111111111"
API = sorted(endpoint for endpoint in NEEDS if endpoint[1].startswith("/v1/"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return KeptCell(tmp_path_factory.mktemp("cells"))


@pytest.fixture
async def guarded(kept):
    return await kept.untouched()


async def ask(cell: GuardedCell, method: str, template: str, query: str):
    """By a machine that may do everything."""
    path = re.sub(r"\{.*?\}", UNKNOWN, template)
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k", **cell.bearer()}
    return await cell.http.request(method, f"{path}?{query}", content=b"{", headers=headers)


def told(answer, name: str) -> str:
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert body["code"] == "request.parameter_unknown"
    assert [place["parameter"] for place in body["errors"]] == [name]
    return body["detail"]


@pytest.mark.parametrize(("method", "template"), API)
async def test_a_route_takes_a_parameter_that_it_does_not_know(guarded, method, template):
    before = guarded.state()
    told(await ask(guarded, method, template, "custmer_ref=typo"), "custmer_ref")
    assert guarded.state() == before


async def test_a_parameter_of_which_the_document_tells_is_unknown_or_not_named(guarded):
    document = (await guarded.http.get("/openapi.json")).json()
    asked = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            names = sorted(one["name"] for one in operation.get("parameters", ()) if one["in"] == "query")
            for name in names:
                # 1 is no kind of change: a stream would have no end.
                answer = await ask(guarded, method, path, f"{name}=1")
                assert answer.status_code < 400 or answer.json()["code"] != "request.parameter_unknown", (path, name)
                asked += 1
            if path.startswith("/v1/"):
                detail = told(await ask(guarded, method, path, "no_such=1"), "no_such")
                assert detail.endswith("there are none." if not names else f" {', '.join(names)}."), (path, detail)
    assert asked > 50


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/orders?status=placed&Status=packed", "Status"),
        ("/v1/orders?limit=1&%78limit=1", "xlimit"),
        ("/v1/orders?customer_ref", None),
        ("/v1/orders?typo", "typo"),
        ("/v1/orders?=c-17", ""),
        ("/v1/locations/us-wh-seattle/stock?sku=A1", "sku"),
        ("/v1/availability?sku=A1&long=-74", "long"),
        ("/v1/availability?sku=A1&" + "x" * 5_000 + "=1", "x" * 100),
    ],
)
async def test_a_name_that_is_nearly_right_is_dropped(cell, path, name):
    answer = await cell.http.get(path)
    if name is None:
        assert answer.json().get("code") != "request.parameter_unknown"
    else:
        told(answer, name)


async def test_an_answer_is_kept_for_a_query_that_was_refused(cell):
    right, wrong = "/v1/availability?sku=A1", "/v1/availability?sku=A1&of=no-one"
    for _ in range(2):
        assert (await cell.http.get(right)).status_code == 200
        told(await cell.http.get(wrong), "of")


async def test_an_order_is_placed_though_the_query_asked_for_something_else(cell):
    before = cell.state()
    told(await cell.post("/v1/orders?dry_run=true", order()), "dry_run")
    assert cell.state() == before


async def test_a_card_s_number_as_a_name_is_sent_back(cell):
    for path in (f"/v1/orders?{VISA}=1", f"/v1/availability?sku=A1&{VISA}", f"/v1/skus?of={VISA}"):
        answer = await cell.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (422, "payment.pan_refused")
        assert VISA not in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"])
async def test_a_probe_or_a_page_is_refused_for_what_it_ignores(cell, path):
    assert (await cell.http.get(f"{path}?at=1")).status_code == 200


@pytest.mark.parametrize(
    ("path", "query", "without"),
    [
        ("/v1/orders", "status=&held=&cursor=&limit=", ""),
        ("/v1/orders", "status=placed&held", "status=placed"),
        ("/v1/skus", "limit=&cursor=", ""),
        ("/v1/locations", "cursor=&limit=1", "limit=1"),
        ("/v1/availability", "sku=A1&lat=&lon=&limit=&channel=&pickup=", "sku=A1"),
        ("/v1/locations/us-wh-seattle/level-suggestions", "sku=A1&service_level=&lead_time_days=", "sku=A1"),
    ],
)
async def test_a_field_of_a_form_that_nobody_filled_in_is_refused_or_means_something(cell, path, query, without):
    await cell.placed()
    answer, same = await cell.http.get(f"{path}?{query}"), await cell.http.get(f"{path}?{without}")
    assert answer.status_code == same.status_code == 200, answer.text
    assert {**answer.json(), "as_of": 0} == {**same.json(), "as_of": 0}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/availability?sku=", "/v1/availability?sku=A1&lat=&lon=5", "/v1/orders?limit=&limit=1",
        "/v1/locations/us-wh-seattle/level-suggestions?sku=", "/v1/locations/us-wh-seattle/level-suggestions?sku=A1&sku=",
        "/v1/locations/us-wh-seattle/put-away-suggestions?sku=A1&units=", "/v1/orders?custmer_ref=", "/v1/orders?customer_ref=",
    ],
)  # fmt: skip
async def test_something_empty_that_has_to_be_there_is_taken(cell, path):
    assert (await cell.http.get(path)).status_code == 422
