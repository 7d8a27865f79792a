"""Whoever may not act any more holds back the end of a body that he began before, and acts by it all the same."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import msgspec
import pytest

from actors.domain.revocations import Revoke, unproved
from serve import requests
from serve.identity.keyring import rotate
from tests.unit.serve.guarded_cell import GuardedCell, furnished
from tests.unit.serve.small_cell import order

STORE = "us-st-portland"
# Nobody's request takes so long that is sent at once, and nobody ends a session and is content with more.
HELD_S = 0.5
LOSS = {"reference": "x", "lines": [{"sku": "A1", "quantity": -1, "reason": "loss"}]}


@pytest.fixture
async def cell(tmp_path):
    async with furnished(tmp_path) as made:
        yield made


async def held_back(cell: GuardedCell, path, body, headers, meanwhile: Callable[[], Coroutine[Any, Any, None]]):
    """The answer to a body whose last byte comes after `meanwhile`, and HELD_S later by the loop's clock."""
    packed, loop = msgspec.json.encode(body), asyncio.get_running_loop()
    time = loop.time

    async def pieces() -> AsyncIterator[bytes]:
        yield packed[:-1]
        await asyncio.create_task(meanwhile())  # a request of its own, as at the door
        patches.setattr(loop, "time", lambda: time() + HELD_S)
        yield packed[-1:]

    sent = {"Content-Type": "application/json", "Idempotency-Key": "held-back"} | headers
    with pytest.MonkeyPatch.context() as patches:
        answer = await cell.http.post(path, content=pieces(), headers=sent)
    return answer.status_code, answer.json().get("code")


@pytest.mark.parametrize(
    "change", [None, {"change": "disable"}, {"change": "role", "role": "associate", "locations": [STORE]}]
)
async def test_somebody_whose_session_has_ended_corrects_stock(cell, change):
    person = await cell.enrolled("mia.manager", "manager", [STORE])
    tokens = await person.tokens(location_id=STORE)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    async def meanwhile():
        if change is None:
            ended = await cell.http.delete("/v1/sessions/current", headers=headers)
        else:
            ended = await cell.post(f"/v1/accounts/{person.account_id}/changes", change, **cell.of_role("ops"))
        assert ended.status_code in (200, 204), ended.text

    before = cell.gateway.entities["location", STORE]
    told = await held_back(cell, f"/v1/locations/{STORE}/adjustments", LOSS, headers, meanwhile)
    assert told == (401, "auth.session_ended")
    assert cell.gateway.entities["location", STORE] == before


async def test_a_client_that_was_disabled_places_an_order(cell):
    made = await cell.post("/v1/clients", {"name": "shop", "scopes": ["orders.place"]}, **cell.bearer())
    secret = {name: made.json()[name] for name in ("client_id", "client_secret")}
    given = await cell.http.post("/v1/oauth/token", data={"grant_type": "client_credentials", **secret})
    headers = {"Authorization": f"Bearer {given.json()['access_token']}"}

    async def meanwhile():
        disabled = await cell.post(
            f"/v1/clients/{secret['client_id']}/changes", {"change": "disable"}, **cell.of_role("ops")
        )
        assert disabled.status_code == 200

    assert await held_back(cell, "/v1/orders", order(), headers, meanwhile) == (401, "auth.session_ended")


async def test_somebody_whose_session_is_doubted_or_whose_token_is_over_corrects_stock(cell):
    async def doubted():
        mark = Revoke(unproved("s-mia", cell.clock.now // 1000), cell.clock.now + 3_600_000)
        await cell.gateway.ask("revocations", "us-revocations", mark, command_id="d", digest=0, creates=False)

    async def over():
        cell.clock.now += 300_000

    async def leaked():
        rotate(cell.keyring_path, cell.clock.now, keep_old=False)
        cell.clock.now += 2_000

    path = f"/v1/locations/{STORE}/adjustments"
    for meanwhile, code in (
        (doubted, "auth.step_up_required"),
        (over, "auth.token_invalid"),
        (leaked, "auth.token_invalid"),
    ):
        headers = cell.of_role("manager", sid="s-mia" if meanwhile is doubted else "s-tom")
        assert await held_back(cell, path, LOSS, headers, meanwhile) == (401, code)


async def test_who_may_still_act_is_refused_because_his_body_was_late(cell):
    async def meanwhile():
        pass

    path = f"/v1/locations/{STORE}/adjustments"
    assert await held_back(cell, path, LOSS, cell.of_role("manager"), meanwhile) == (200, None)
    # Nobody is known there, neither before nor after.
    body = {"order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab", "code": "12345678"}
    assert await held_back(cell, "/v1/guest/sessions", body, {}, meanwhile) == (401, "code.refused")


async def test_a_body_that_came_at_once_costs_a_second_look(cell, monkeypatch):
    monkeypatch.setattr(requests, "LATE_S", 60.0)
    looks = []
    monkeypatch.setattr(cell.services.bodies, "_check_again", looks.append)
    assert (await cell.post("/v1/orders", order(), **cell.bearer())).status_code == 201
    assert not looks
