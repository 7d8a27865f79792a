"""The first second factor: who has just proved the password of an account enrols it, once, and in time."""

from __future__ import annotations

import pyotp
import pytest

from tests.unit.serve.authenticator import Authenticator
from tests.unit.serve.guarded_cell import PASSWORD, GuardedCell, Person, furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import coded

NEW = "seven blue kettles sing"
ENROLMENT_MS = 900_000


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def ticket(cell: GuardedCell, login: str, password: str = PASSWORD) -> str:
    refused = await cell.plain("/v1/sessions", {"login": login, "password": password})
    assert coded(refused) == (403, "session.factor_missing")
    found: str = refused.json()["enrolment"]
    return found


async def begun(cell: GuardedCell, enrolment: str):
    answer = await cell.plain("/v1/factors", {"enrolment": enrolment})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def confirmed(cell: GuardedCell, factor, code: str | None = None):
    code = code or pyotp.TOTP(factor["secret"]).at(cell.clock.now // 1000)
    return await cell.plain("/v1/factors/confirmation", {"pending": factor["pending"], "code": code})


async def challenged(cell: GuardedCell, enrolment: str):
    answer = await cell.plain("/v1/factors/passkey-options", {"enrolment": enrolment})
    assert answer.status_code == 200, answer.text
    return answer.json()["options"]


async def enrolled(cell: GuardedCell, enrolment: str, options):
    body = {"enrolment": enrolment, "name": "phone", "credential": Authenticator().make(options)}
    return await cell.plain("/v1/factors/passkey", body)


async def test_a_wrong_first_code_enrols_a_factor_that_nobody_has(cell):
    account_id = await cell.opened("mia", "manager")
    factor = await begun(cell, await ticket(cell, "mia"))
    right = pyotp.TOTP(factor["secret"]).at(cell.clock.now // 1000)
    wrong = await confirmed(cell, factor, cell.wrong_code(factor["secret"]))
    assert coded(wrong) == (422, "factor.code_wrong")
    assert [error["pointer"] for error in wrong.json()["errors"]] == ["/code"]
    assert not cell.gateway.entities["account", account_id][0].has_factor
    assert (await confirmed(cell, factor, right)).status_code == 200


async def test_the_code_that_enrolled_the_factor_signs_in_as_well(cell):
    mia = Person(cell, "mia", await cell.opened("mia", "manager"))
    factor = await begun(cell, await ticket(cell, "mia"))
    code = pyotp.TOTP(factor["secret"]).at(cell.clock.now // 1000)
    assert (await confirmed(cell, factor, code)).status_code == 200
    mia.secret = factor["secret"]
    assert coded(await mia.sign_in(code=code)) == (401, "session.refused")
    assert (await mia.sign_in()).status_code == 200


@pytest.mark.parametrize("late_ms", [-1, 0])
async def test_an_enrolment_lasts_longer_because_its_second_step_is_begun_late(cell, late_ms):
    await cell.opened("mia", "manager")
    enrolment = await ticket(cell, "mia")
    cell.clock.now += ENROLMENT_MS - 60_000
    factor = await begun(cell, enrolment)
    cell.clock.now += 60_000 + late_ms
    again, last = await cell.plain("/v1/factors", {"enrolment": enrolment}), await confirmed(cell, factor)
    assert (again.status_code, last.status_code) == ((200, 200) if late_ms else (422, 422))
    if not late_ms:
        assert coded(again) == coded(last) == (422, "factor.request_invalid")


async def test_a_passkey_that_was_made_for_another_account_is_enrolled_or_a_fault_of_ours(cell):
    for login in ("mia", "zoe"):
        await cell.opened(login, "manager")
    mias, zoes = await ticket(cell, "mia"), await ticket(cell, "zoe")
    assert coded(await enrolled(cell, zoes, await challenged(cell, mias))) == (422, "passkey.invalid")
    assert (await enrolled(cell, zoes, await challenged(cell, zoes))).status_code == 200


async def test_a_passkey_is_enrolled_by_whose_password_was_replaced_meanwhile_or_by_nobody_after_that(cell):
    account_id = await cell.opened("mia", "manager")
    stale = await ticket(cell, "mia")
    options = await challenged(cell, stale)
    change = {"change": "password", "password": NEW}
    assert (await cell.post(f"/v1/accounts/{account_id}/changes", change, **cell.bearer())).status_code == 200
    assert coded(await enrolled(cell, stale, options)) == (409, "account.changed")
    fresh = await ticket(cell, "mia", NEW)
    assert coded(await enrolled(cell, fresh, options)) == (422, "passkey.invalid")
    assert (await enrolled(cell, fresh, await challenged(cell, fresh))).status_code == 200
