"""A password that an administrator gave is known to two: it opens nothing until its person takes another (ASVS 5.0.0,
6.4.1). What is decided about it is in tests/unit/domain/test_account_given_password.py."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from actors.domain.account_state import GIVEN_MS
from serve.identity import passwords
from serve.identity.limits import BY_ACCOUNT
from tests.unit.serve.guarded_cell import PASSWORD, GuardedCell, Person
from tests.unit.serve.identity_rig import refused_at_once

NEW = "seven blue kettles sing"
REFUSED, GIVEN = (401, "session.refused"), (403, "session.password_given")


@pytest.fixture
async def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GuardedCell]:
    refused_at_once(monkeypatch)
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


@pytest.fixture
async def mia(cell: GuardedCell) -> Person:
    """With a factor, and a password that an administrator has set."""
    person = await cell.enrolled("mia-the-manager")
    body = {"change": "password", "password": PASSWORD}
    answer = await cell.post(f"/v1/accounts/{person.account_id}/changes", body, **cell.bearer())
    assert answer.status_code == 200, answer.text
    assert answer.json()["password_given_until_ms"] == cell.clock.now + GIVEN_MS
    return person


def coded(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def test_who_gave_a_password_signs_in_with_it_for_ever(cell, mia):
    code = cell.next_code(mia.secret)
    given = await mia.sign_in(code=code)
    assert coded(given) == GIVEN
    assert "access_token" not in given.json()
    # The code was not used up by it.
    taken = await mia.sign_in(code=code, new_password=NEW)
    assert taken.status_code == 200, taken.text
    assert (await cell.http.get("/v1/skus", headers=bearer(taken.json()))).status_code == 200
    assert coded(await mia.sign_in()) == coded(await mia.sign_in(new_password="nine red kettles hum")) == REFUSED
    assert (await mia.sign_in(password=NEW)).status_code == 200
    read = await cell.http.get(f"/v1/accounts/{mia.account_id}", headers=cell.bearer())
    assert read.json()["password_given_until_ms"] == 0


async def test_an_account_is_opened_with_a_password_that_its_person_may_keep(cell):
    body = {"login": "zoe", "role": "associate", "password": PASSWORD, "locations": ["us-st-austin"]}
    opened = await cell.post("/v1/accounts", body, **cell.bearer())
    assert opened.json()["password_given_until_ms"] == cell.clock.now + GIVEN_MS
    zoe = Person(cell, "zoe", opened.json()["account_id"])
    # The second factor comes first, and a new password is no way round it.
    assert coded(await zoe.sign_in(code="", new_password=NEW)) == (403, "session.factor_missing")
    ticket = (await zoe.sign_in(code="")).json()["enrolment"]
    factor = (await cell.plain("/v1/factors", {"enrolment": ticket})).json()
    confirmation = {"pending": factor["pending"], "code": cell.next_code(factor["secret"])}
    assert (await cell.plain("/v1/factors/confirmation", confirmation)).status_code == 200
    zoe.secret = factor["secret"]
    assert coded(await zoe.sign_in()) == GIVEN
    assert (await zoe.sign_in(new_password=NEW)).status_code == 200


async def test_a_given_password_is_good_after_four_days_or_says_that_it_was_right(cell, mia):
    cell.clock.now += GIVEN_MS
    assert coded(await mia.sign_in()) == coded(await mia.sign_in(new_password=NEW)) == REFUSED


async def test_who_knows_the_given_password_and_not_the_factor_learns_that_it_is_right(cell, mia):
    wrong = cell.wrong_code(mia.secret)
    assert coded(await mia.sign_in(code=wrong)) == REFUSED
    assert coded(await mia.sign_in(code=wrong, new_password=NEW)) == REFUSED
    assert coded(await mia.sign_in(password="wrong" * 5, new_password=NEW)) == REFUSED
    assert coded(await mia.sign_in()) == GIVEN


@pytest.mark.parametrize("new", [PASSWORD, "Summer2026!!", "mia-the-manager", "short", "x" * 200])
async def test_a_given_password_is_taken_again_or_replaced_by_one_that_is_guessed(cell, mia, new):
    before, code = cell.state(), cell.next_code(mia.secret)
    refused = await mia.sign_in(code=code, new_password=new)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/new_password"), refused.text
    assert cell.state() == before
    assert (await mia.sign_in(code=code, new_password=NEW)).status_code == 200


async def test_a_login_without_its_domain_is_taken_for_a_new_password(cell):
    ann = await cell.enrolled("brigitte.waldmeister@shop.example")
    refused = await ann.sign_in(new_password="Brigitte.Waldmeister")
    assert (coded(refused), refused.json()["errors"][0]["pointer"]) == ((422, "password.weak"), "/new_password")


@pytest.mark.parametrize("typed", ["caf\u00e9 and nine kettles", "cafe\u0301 and nine kettles"])
async def test_the_same_password_typed_on_another_keyboard_is_another_one(cell, mia, typed):
    first = await mia.tokens(new_password="caf\u00e9 and nine kettles")
    body = {"current_password": "caf\u00e9 and nine kettles", "new_password": typed}
    same = await cell.post("/v1/sessions/current/password", body, **bearer(first))
    assert coded(same) == (422, "password.weak")
    assert same.json()["errors"][0]["pointer"] == "/new_password"


async def test_a_passkey_alone_replaces_a_password_that_was_not_given(cell):
    passkey = {
        "id": "mRl2", "rawId": "mRl2", "type": "public-key",
        "response": {"clientDataJSON": "eyJ0", "authenticatorData": "eyJ0", "signature": "eyJ0"},
    }  # fmt: skip
    answer = await cell.plain("/v1/sessions", {"passkey": passkey, "new_password": NEW})
    assert coded(answer) == (422, "body.missing_field")
    assert answer.json()["errors"][0]["pointer"] == "/password"


async def test_the_hash_of_a_new_password_tells_whether_an_account_exists_or_its_password_was_right(
    cell, mia, monkeypatch
):
    hashed, make = [], passwords.PasswordWorkers.hash

    async def noted(workers, text):
        hashed.append(text)
        return await make(workers, text)

    monkeypatch.setattr(passwords.PasswordWorkers, "hash", noted)
    for login, password in (("nobody", PASSWORD), (mia.login, "wrong" * 5), (mia.login, PASSWORD)):
        body = {"login": login, "password": password, "code": cell.wrong_code(mia.secret), "new_password": NEW}
        assert coded(await cell.plain("/v1/sessions", body)) == REFUSED
    assert hashed == [NEW] * 3


async def test_new_passwords_are_judged_for_whoever_tries_too_often(cell, mia):
    for _ in range(BY_ACCOUNT.burst):
        await mia.sign_in(code="")
    assert coded(await mia.sign_in(code="", new_password="short"))[0] == 429


async def test_the_audit_does_not_tell_who_took_a_password_of_his_own(cell, mia):
    await mia.tokens(new_password=NEW)
    (line,) = [one for one in cell.gateway.audited if one.act.action == "session.open" and not one.outcome][-1:]
    assert line.act.changes == {"password": (None, "replaced")}
    assert line.who.role == "manager"
