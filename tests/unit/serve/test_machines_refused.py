"""Machines that can't be, and what the audit has of who must not change one."""

import pytest

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
