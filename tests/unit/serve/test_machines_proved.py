"""What is told and written down of machines and devices whose proof is good, or can't be judged at the moment."""

import msgspec
import pytest

from actors.domain.errors import RefusalBody
from actors.runtime.wire import CODE_UNAVAILABLE, UNAVAILABLE, Reply
from serve.devices import claiming
from serve.identity.limits import BY_CLIENT
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import coded
from tests.unit.serve.scanner import enrolled, in_use

AWAY = Reply(UNAVAILABLE, msgspec.json.encode(RefusalBody(CODE_UNAVAILABLE, "Try again.", {})))


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    monkeypatch.setattr(claiming, "REFUSAL_S", 0.0)
    async with furnished(tmp_path) as made:
        yield made


async def form_of_a_client(cell, name="shop"):
    made = await cell.post("/v1/clients", {"name": name, "scopes": ["orders.read"]}, **cell.bearer())
    return {"grant_type": "client_credentials"} | made.json()


async def test_a_cell_that_is_away_tells_machines_that_their_proof_is_wrong(cell):
    """They would throw away what is right."""
    form, scanner, waiting = await form_of_a_client(cell), await in_use(cell), await enrolled(cell)
    assertion = scanner.assertion()
    cell.gateway.fault = AWAY
    assert coded(await cell.http.post("/v1/oauth/token", data=form)) == (503, CODE_UNAVAILABLE)
    assert coded(await scanner.ask_token(assertion)) == (503, CODE_UNAVAILABLE)
    assert coded(await waiting.claim()) == (503, CODE_UNAVAILABLE)
    cell.gateway.fault = None
    assert (await cell.http.post("/v1/oauth/token", data=form)).status_code == 200
    assert (await scanner.ask_token(assertion)).status_code == 200
    assert (await waiting.claim()).status_code == 200


async def test_a_machine_that_asks_too_often_is_nobody_in_the_audit(cell):
    form, scanner = await form_of_a_client(cell), await in_use(cell)
    for _ in range(BY_CLIENT.burst):
        assert (await cell.http.post("/v1/oauth/token", data=form)).status_code == 200
        assert (await scanner.ask_token()).status_code == 200
    assert coded(await cell.http.post("/v1/oauth/token", data=form)) == (429, "auth.too_often")
    assert coded(await scanner.ask_token()) == (429, "auth.too_often")
    await cell.services.trail.close()
    lines = [line for line in cell.gateway.audited if line.outcome == "auth.too_often"]
    assert [(line.who.subject, line.entity_id) for line in lines] == [
        (form["client_id"],) * 2,
        (scanner.device_id,) * 2,
    ]


async def test_a_machine_that_asks_too_often_uses_up_what_others_may_ask(cell):
    form, other, scanner, beside = (
        await form_of_a_client(cell), await form_of_a_client(cell, "other"), await in_use(cell), await in_use(cell),
    )  # fmt: skip
    for _ in range(BY_CLIENT.burst + 1):
        told = [await cell.http.post("/v1/oauth/token", data=form), await scanner.ask_token()]
    assert [answer.status_code for answer in told] == [429, 429]
    assert (await cell.http.post("/v1/oauth/token", data=other)).status_code == 200
    assert (await beside.ask_token()).status_code == 200
