"""What browsers are told with every answer, whichever route gives it and however it ends."""

import re

import pytest

from serve.endpoint_needs import NEEDS
from serve.orders import own
from tests.unit.serve.guarded_cell import PASSWORD, furnished
from tests.unit.serve.small_cell import order

ORDER = "us-01kah2v3nq7h3k2m9qk4t1x0ab"
PAGES = ("/docs", "/docs/oauth2-redirect")
FILES = ("/static-offline-docs/swagger-ui.css", "/static-offline-docs/swagger-ui-bundle.js")
# What no route gives: unknown paths and methods, files that are not there.
STRAY = (("GET", "/"), ("GET", "/v1/nothing"), ("DELETE", "/v1/orders"), ("OPTIONS", "/v1/orders"), ("HEAD", "/v1/live"), ("GET", "/static-offline-docs/"), ("GET", "/static-offline-docs/%2e%2e/core.py"), ("GET", "/.git/config"), ("TRACE", "/healthz"))  # fmt: skip


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "UNKNOWN_S", 0.0)
    async with furnished(tmp_path) as made:
        yield made


def directives(answer) -> dict[str, str]:
    """Of the answer's only Content-Security-Policy."""
    (told,) = answer.headers.get_list("content-security-policy")
    parts = (part.split() for part in told.split(";"))
    return {name: " ".join(values) for name, *values in parts}


def check_hardened(answer, *, kept: bool = False) -> None:
    """`kept`: may be cached."""
    where = f"{answer.request.method} {answer.request.url}: {answer.status_code}"
    for name, value in (
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ):
        assert answer.headers.get_list(name) == [value], where
    assert answer.headers.get_list("cache-control") == ([] if kept else ["no-store"]), where
    policy = directives(answer)
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'", where
    assert "unsafe" not in str(policy), where
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert answer.headers["cross-origin-opener-policy"] == "same-origin", where
    else:
        assert "sandbox" in policy, where
    for never in ("set-cookie", "access-control-allow-origin", "server", "x-powered-by"):
        assert never not in answer.headers, where
    if answer.content:
        assert answer.headers["content-type"], where


async def test_an_answer_of_a_route_may_be_framed_guessed_run_or_kept(cell):
    content = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    for method, template in NEEDS:
        path = re.sub(r"\{\w+\}", ORDER, template)
        if path == "/v1/live":
            path += "?kinds=nothing"  # a stream has no end
        for who in ({}, cell.of_role("ops"), cell.bearer()):
            check_hardened(await cell.http.request(method, path, content=b"{", headers={**content, **who}))


@pytest.mark.parametrize("path", [*PAGES, "/openapi.json"])
async def test_a_page_may_be_framed_or_runs_what_stands_in_it(cell, path):
    answer = await cell.http.get(path)
    assert answer.status_code == 200
    check_hardened(answer)


@pytest.mark.parametrize("path", FILES)
async def test_a_file_of_a_page_is_guessed(cell, path):
    answer = await cell.http.get(path)
    assert answer.status_code == 200
    check_hardened(answer, kept=True)


@pytest.mark.parametrize(("method", "path"), STRAY)
async def test_a_stray_request_gets_an_answer_that_may_be_framed_or_kept(cell, method, path):
    answer = await cell.http.request(method, path)
    assert answer.status_code in (404, 405)
    check_hardened(answer)


async def test_a_crash_or_a_busy_cell_answers_without_what_browsers_are_told(cell, monkeypatch):
    async def crash(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(cell.gateway, "view", crash)
    for path in (f"/v1/orders/{ORDER}", "/v1/locations/us-wh-seattle/stock"):
        answer = await cell.http.get(path, headers=cell.bearer())
        assert answer.status_code == 500
        check_hardened(answer)
    cell.services.metrics.in_flight = cell.services.settings.requests_max
    answer = await cell.http.get("/v1/skus")
    assert answer.status_code == 429
    check_hardened(answer)


async def test_a_secret_or_a_person_s_data_is_kept_by_a_cache(cell):
    """Answers that go well, of those that hold credentials or personal data."""
    http, bearer = cell.http, cell.bearer()
    person = await cell.enrolled("mia.manager")
    signed_in = await person.sign_in()
    tokens = signed_in.json()
    hers = {"Authorization": f"Bearer {tokens['access_token']}"}
    renewed = await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
    client = await cell.post("/v1/clients", {"name": "web-shop", "scopes": ["orders.read"]}, **bearer)
    secret = client.json()
    token = await http.post("/v1/oauth/token", data={"grant_type": "client_credentials", **secret})
    unproved = await http.post("/v1/sessions", json={"login": "mia.manager", "password": PASSWORD, "code": "000000"})
    placed = await cell.post("/v1/orders", order(), **bearer)
    auditor = cell.of_role("auditor")
    good = [
        signed_in, renewed, client, token, placed,
        await http.get("/v1/sessions/current", headers=hers),
        await http.get(f"/v1/orders/{placed.json()['order_id']}", headers=bearer),
        await http.get("/v1/orders?customer_ref=c-17", headers=bearer),
        await http.get(f"/v1/accounts/{person.account_id}", headers=auditor),
        *[await http.get(f"/v1/audit?format={form}", headers=auditor) for form in ("json", "csv", "ndjson")],
        await http.delete("/v1/sessions/current", headers={"Authorization": f"Bearer {renewed.json()['access_token']}"}),
    ]  # fmt: skip
    assert {answer.status_code for answer in good} <= {200, 201, 204}, [answer.text for answer in good]
    for answer in (*good, unproved):
        check_hardened(answer)
