"""What is the same for all who are refused at the door: the answer, its moment, and one line in the audit."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.errors import RefusalBody
from actors.runtime.wire import CODE_UNAVAILABLE, UNAVAILABLE, Reply
from tests.unit.serve.authenticator import Authenticator
from tests.unit.serve.devices.test_signing_in import THERE
from tests.unit.serve.guarded_cell import PASSWORD, GuardedCell, furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import bearer, coded
from tests.unit.serve.scanner import HERE, in_use


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def with_passkey(cell: GuardedCell, person) -> Authenticator:
    key, headers = Authenticator(), bearer(await person.tokens())
    options = (await cell.plain("/v1/passkey-options", {}, **headers)).json()["options"]
    added = await cell.post("/v1/passkeys", {"name": "phone", "credential": key.make(options)}, **headers)
    assert added.status_code == 201, added.text
    return key


async def signed(cell: GuardedCell, key: Authenticator):
    return key.sign((await cell.plain("/v1/sessions/passkey-options", {})).json()["options"])


async def test_a_passkey_that_does_not_fit_is_overlooked_beside_a_right_code_or_uses_it_up(cell):
    mia = await cell.enrolled("mia")
    code = cell.next_code(mia.secret)
    assert coded(await mia.sign_in(code=code, passkey=await signed(cell, Authenticator()))) == (401, "session.refused")
    assert cell.gateway.entities["account", mia.account_id][0].failures == 1
    assert (await mia.sign_in(code=code)).status_code == 200


async def test_an_account_of_another_region_signs_in_by_its_passkey_because_it_lies_here(cell):
    mia = await cell.enrolled("mia")
    key = await with_passkey(cell, mia)
    elsewhere = mia.account_id.replace("us-", "eu-", 1)
    state, version = cell.gateway.entities["account", mia.account_id]
    cell.gateway.entities["account", elsewhere] = (msgspec.structs.replace(state, account_id=elsewhere), version)
    key.user_handle = elsewhere.encode()
    assert coded(await cell.plain("/v1/sessions", {"passkey": await signed(cell, key)})) == (401, "session.refused")
    key.user_handle = mia.account_id.encode()
    assert (await cell.plain("/v1/sessions", {"passkey": await signed(cell, key)})).status_code == 200


async def test_a_place_that_can_not_be_looked_up_tells_who_has_an_account(cell, monkeypatch):
    await cell.enrolled("mia")
    view = cell.gateway.view

    async def without_places(kind, entity_id, *args, **more):
        if kind == "location":
            return Reply(UNAVAILABLE, msgspec.json.encode(RefusalBody(CODE_UNAVAILABLE, "Try again.", {})))
        return await view(kind, entity_id, *args, **more)

    monkeypatch.setattr(cell.gateway, "view", without_places)
    sent = {"password": PASSWORD, "code": "000000", "location_id": "us-st-new"}
    for login in ("mia", "nobody"):
        answer = await cell.plain("/v1/sessions", sent | {"login": login})
        assert coded(answer) == (503, CODE_UNAVAILABLE), login


async def test_a_refused_sign_in_has_no_line_in_the_audit_or_two(cell):
    bound, scanner = await cell.enrolled("bo", "fulfilment", [THERE]), await in_use(cell)
    sam = await cell.opened("sam", "support")
    device = {"Device-Authorization": (await scanner.bearer())["Authorization"]}
    await cell.services.trail.close()
    cell.gateway.audited.clear()
    sent = {"login": "bo", "password": PASSWORD, "code": cell.next_code(bound.secret)}
    for body, headers, code in (
        (sent, device, "device.elsewhere"),
        (sent | {"location_id": HERE}, device, "account.location_not_allowed"),
        ({"login": "sam", "password": PASSWORD}, {}, "session.factor_missing"),
    ):
        assert coded(await cell.plain("/v1/sessions", body, **headers)) == (403, code)
    await cell.services.trail.close()
    assert [(line.act.action, line.who.subject) for line in cell.gateway.audited] == [
        ("session.open", bound.account_id), ("session.open", bound.account_id), ("session.open", sam),
    ]  # fmt: skip
