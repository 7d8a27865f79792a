"""Machines that can't be, and what the audit has of who must not change one."""

import hashlib

import pytest

from actors.domain.client import RegisterClient
from tests.unit.serve.guarded_cell import GuardedCell, furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import coded


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def register(cell: GuardedCell, headers: dict[str, str], **more: object):
    return await cell.post("/v1/clients", {"name": "shop", "scopes": ["orders.read"]} | more, **headers)


@pytest.mark.parametrize("name", ["shop\n", "\n", "-shop", "Shop", "a" * 42])
async def test_a_machine_is_registered_that_never_signs_in(cell, name):
    before = cell.state()
    refused = await register(cell, cell.bearer(), name=name)
    assert (coded(refused), refused.json()["errors"][0]["pointer"]) == ((422, "body.invalid"), "/name")
    assert cell.state() == before


async def test_the_audit_does_not_know_which_machine_somebody_was_refused(cell):
    bound, path = cell.of_role("ops", locs=("us-st-austin",)), "/v1/clients/us-client-shop"
    assert (await register(cell, cell.bearer())).status_code == 201
    assert (await cell.http.get(path, headers=bound)).status_code == 403
    assert (await cell.post(f"{path}/changes", {"change": "disable"}, **bound)).status_code == 403
    await cell.services.trail.close()
    refused = [line for line in cell.gateway.audited if line.act.action == "request.refused"]
    assert [(line.outcome, line.entity_id) for line in refused] == [("account.beyond_rights", "us-client-shop")] * 2


async def test_a_library_can_not_read_why_it_got_no_token(cell):
    """RFC 6749, 5.2: not as all other problems are told."""
    form = {"grant_type": "client_credentials", "client_id": "us-client-nobody", "client_secret": "x"}
    wrong = {
        "invalid_client": form,
        "unsupported_grant_type": form | {"grant_type": "password"},
        "invalid_request": form | {"grant_type": ""},
    }
    for error, sent in wrong.items():
        answer = await cell.http.post("/v1/oauth/token", data=sent)
        assert (answer.headers["content-type"], answer.json()["error"]) == ("application/json", error)
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("client_id", ["eu-client-shop", "us-wh-seattle", "us-client-shop\n", "us-client-", "../x"])
async def test_somebody_looks_here_for_a_machine_that_can_not_be_of_here(cell, client_id):
    """Even where one of that name lies here, whose secret is right."""
    secret_hash = hashlib.sha256(b"right").hexdigest()
    there = RegisterClient(["orders.read"], [], secret_hash, "d")
    await cell.gateway.ask("client", client_id, there, command_id="c", digest=0)
    cell.gateway.calls.clear()
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": "right"}
    answer = await cell.http.post("/v1/oauth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert [entity_id for kind, entity_id in cell.gateway.calls if kind == "client"] == []
