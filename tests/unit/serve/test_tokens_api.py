"""Access tokens as callers show them: how long one is good, what is none, and what a live stream tells whom."""

import base64
import json

import pytest

from serve.endpoint_needs import Need
from serve.identity import guard
from serve.identity.guard import principal_of
from serve.identity.keyring import load, rotate
from serve.identity.tokens import issue
from serve.permissions import may
from tests.unit.serve.guarded_cell import GuardedCell, furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import bearer


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def test_a_rotated_key_signs_nobody_out(cell):
    mia = await cell.enrolled("mia")
    tokens = await mia.tokens()
    rotate(cell.keyring_path, cell.clock.now)
    assert (await cell.http.get("/v1/skus", headers=bearer(tokens))).status_code == 200
    # Another replica signs with the new key at once, while this one has not looked at the file again yet.
    from_elsewhere = {"Authorization": f"Bearer {issue(load(cell.keyring_path), cell.claims())}"}
    assert (await cell.http.get("/v1/skus", headers=from_elsewhere)).status_code == 200
    cell.clock.now += 2_000
    assert (await cell.http.get("/v1/skus", headers=bearer(tokens))).status_code == 200
    fresh = (await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})).json()
    kids = [
        json.loads(base64.urlsafe_b64decode(one["access_token"].split(".")[0] + "=="))["kid"] for one in (tokens, fresh)
    ]
    assert kids[0] != kids[1]
    assert (await cell.http.get("/v1/skus", headers=bearer(fresh))).status_code == 200


async def test_a_token_that_was_good_a_moment_ago_expires_all_the_same(cell):
    headers = cell.bearer()
    assert (await cell.http.get("/v1/skus", headers=headers)).status_code == 200
    cell.clock.now += 300_000
    refused = await cell.http.get("/v1/skus", headers=headers)
    assert (refused.status_code, refused.json()["reason"]) == (401, "expired")
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic eDp5", "Bearer \u00e9"])
async def test_what_is_no_token_is_refused_without_a_detail_that_helps(cell, header):
    answer = await cell.http.get("/v1/skus", headers={"Authorization": header.encode()})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.token_invalid")


async def test_a_scheme_is_told_by_its_capitals_or_any_of_six_letters_is_taken(cell):
    token = cell.bearer()["Authorization"].removeprefix("Bearer ")
    told = [
        (await cell.http.get("/v1/skus", headers={"Authorization": f"{scheme} {token}"})).status_code
        for scheme in ("Bearer", "bearer", "BEARER", "Digest")
    ]
    assert told == [200, 200, 200, 401]


async def test_a_refusal_does_not_say_how_to_come_in_or_what_is_lacking(cell):
    # RFC 6750, 3.1: who has given nothing has made no mistake.
    nothing = await cell.http.get("/v1/skus")
    assert (nothing.status_code, nothing.headers["www-authenticate"]) == (401, 'Bearer realm="ocefs"')
    lacking = await cell.http.get("/v1/skus", headers=cell.bearer(scopes=()))
    told = 'Bearer realm="ocefs", error="insufficient_scope", scope="stock.read"'
    assert (lacking.status_code, lacking.headers["www-authenticate"]) == (403, told)


def test_a_role_or_a_scope_that_there_is_not_gives_something(tmp_path):
    of = GuardedCell(tmp_path).claims
    assert principal_of(of(role="boss", scopes=("orders.read",))).permissions == frozenset()
    assert may(Need("orders.read"), principal_of(of(scopes=("orders.write",))).permissions) is False


async def test_every_token_that_was_ever_good_is_remembered(cell, monkeypatch):
    monkeypatch.setattr(guard, "KNOWN_MAX", 3)
    for number in range(8):
        headers = cell.bearer(sid=f"us-client-test.{number}")
        for _ in range(2):
            assert (await cell.http.get("/v1/skus", headers=headers)).status_code == 200
    assert [one.principal.session_id[-1] for one in cell.services.guard._known.values()] == ["5", "6", "7"]


async def test_two_authorizations_are_none(cell):
    headers = [("Authorization", cell.bearer()["Authorization"])] * 2
    assert (await cell.http.get("/v1/skus", headers=headers)).status_code == 401


async def test_a_refresh_token_opens_nothing(cell):
    mia = await cell.enrolled("mia")
    tokens = await mia.tokens()
    headers = {"Authorization": f"Bearer {tokens['refresh_token']}"}
    assert (await cell.http.get("/v1/skus", headers=headers)).status_code == 401
    swapped = await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["access_token"]})
    assert swapped.status_code == 401


async def test_a_live_stream_ends_with_its_session(cell):
    mia = await cell.enrolled("mia", "manager")
    tokens = await mia.tokens()
    mine = cell.services.live.join(frozenset({"order"}), tokens["shift"]["session_id"])
    other = cell.services.live.join(frozenset({"order"}), "somebody")
    await cell.http.delete("/v1/sessions/current", headers=bearer(tokens))
    assert mine.last_words
    assert not other.last_words


async def test_the_document_says_which_endpoints_need_a_token(cell):
    document = (await cell.http.get("/openapi.json")).json()
    place, availability = document["paths"]["/v1/orders"]["post"], document["paths"]["/v1/availability"]["get"]
    assert place["security"] == [{"token": []}]
    assert {"401", "403"} <= set(place["responses"])
    assert place["x-permission"] == "orders.place"
    assert "security" not in availability


async def test_a_stream_tells_of_stock_elsewhere(cell):
    cell.gateway.live_wanted = True
    bound = cell.services.live.join(frozenset({"order", "location"}), "s", frozenset({"us-st-portland"}))
    body = {"reference": "asn-2", "lines": [{"sku": "A1", "quantity": 1}]}
    await cell.post("/v1/locations/us-wh-seattle/receipts", body, **cell.bearer())
    assert not bound._pending
    await cell.post("/v1/locations/us-st-portland/receipts", body, **cell.bearer())
    assert len(bound._pending) == 1
