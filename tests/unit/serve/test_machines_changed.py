"""What becomes of a machine by a change: what was said, and nothing besides."""

import base64
import json
from typing import Any

import httpx
import pytest

from tests.unit.serve.guarded_cell import GuardedCell, furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import bearer, coded

HERE, THERE = "us-wh-seattle", "us-wh-newark"
PATH = "/v1/clients/us-client-shop/changes"


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def registered(cell: GuardedCell, key: str | None = None, **more: Any) -> httpx.Response:
    return await cell.post("/v1/clients", {"name": "shop", "scopes": ["stock.read"]} | more, key, **cell.bearer())


async def changed(cell: GuardedCell, change: str, key: str | None = None, **more: Any) -> httpx.Response:
    return await cell.post(PATH, {"change": change} | more, key, **cell.bearer())


async def tokens_of(cell: GuardedCell, made: httpx.Response) -> dict[str, Any]:
    fields = {"grant_type": "client_credentials"} | made.json()
    answer = await cell.http.post("/v1/oauth/token", data=fields)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def reads(cell: GuardedCell, tokens: dict[str, Any], location_id: str) -> int:
    answer = await cell.http.get(f"/v1/locations/{location_id}/stock", headers=bearer(tokens))
    return answer.status_code


async def test_a_machine_of_one_place_reaches_the_whole_region(cell):
    made = await registered(cell, locations=[HERE])
    tokens = await tokens_of(cell, made)
    assert [await reads(cell, tokens, place) for place in (HERE, THERE)] == [200, 403]
    moved = await changed(cell, "scopes", scopes=["stock.read"], locations=[THERE])
    assert moved.status_code == 200, moved.text
    tokens = await tokens_of(cell, made)
    assert [await reads(cell, tokens, place) for place in (HERE, THERE)] == [403, 200]


async def test_a_machine_stays_off_or_its_tokens_of_before_come_back(cell):
    made = await registered(cell)
    before = await tokens_of(cell, made)
    for change in ("disable", "enable"):
        assert (await changed(cell, change)).status_code == 200
    assert await reads(cell, before, HERE) == 401
    assert await reads(cell, await tokens_of(cell, made), HERE) == 200


async def test_a_key_that_was_used_for_something_else_is_answered_as_that_was(cell):
    assert (await registered(cell, "reg-1")).status_code == 201
    assert coded(await registered(cell, "reg-1", scopes=["orders.read"])) == (422, "idempotency.key_reused")
    assert (await changed(cell, "disable", "change-1")).status_code == 200
    assert coded(await changed(cell, "enable", "change-1")) == (422, "idempotency.key_reused")


async def test_a_machine_s_token_says_that_a_person_proved_himself_or_lives_longer_than_it_is_told_to(cell):
    token = await tokens_of(cell, await registered(cell))
    claims = json.loads(base64.urlsafe_b64decode(token["access_token"].split(".")[1] + "=="))
    assert (claims["acr"], claims["auth_time"], claims["role"], claims["dev"]) == ("1", 0, "", "")
    assert claims["exp"] - claims["iat"] == token["expires_in"] == 300
