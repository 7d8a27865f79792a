"""A hash that was made with parameters of another time is made anew behind a sign-in, which
never waits or fails for it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from serve.identity import passwords, sessions
from serve.identity.passwords import Overloaded, PasswordWorkers, needs_rehash, verify_password
from serve.identity.renewal import TASK
from tests.unit.serve.authenticator import Authenticator
from tests.unit.serve.guarded_cell import PASSWORD, GuardedCell, Person
from tests.unit.serve.post_office import bearer

pytestmark = pytest.mark.real_hashes

NEW = "seven blue kettles sing"


@pytest.fixture
async def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GuardedCell]:
    monkeypatch.setattr(sessions, "REFUSAL_S", 0.0)
    monkeypatch.setattr(sessions, "REFUSAL_AFTER_HASH_S", 0.0)
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


@pytest.fixture
async def mia(cell: GuardedCell) -> Person:
    """Whose account is of a time when hashes were cheap."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher.from_parameters(CHEAPEST))
        return await cell.enrolled("mia")


def hash_of(cell: GuardedCell, person: Person) -> str:
    kept: str = cell.gateway.entities["account", person.account_id][0].password_hash
    return kept


def renewing() -> list[asyncio.Task[None]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == TASK]


async def test_an_old_hash_is_kept_after_a_sign_in(cell, mia):
    old = hash_of(cell, mia)
    assert needs_rehash(old)
    tokens = await mia.tokens()
    await asyncio.gather(*renewing())
    assert not needs_rehash(hash_of(cell, mia))
    assert verify_password(hash_of(cell, mia), PASSWORD)
    # It is the same password still: the shift goes on, and the next sign-in is as the one before.
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await cell.http.get("/v1/skus", headers=headers)).status_code == 200
    assert (await mia.sign_in()).status_code == 200
    assert [line.act.action for line in cell.gateway.audited].count("session.renew_hash") == 1


@pytest.mark.parametrize("wrong", ["password", "code"])
async def test_a_sign_in_that_failed_makes_a_new_hash(cell, mia, wrong):
    told = {"password": "wrong" * 5} if wrong == "password" else {"code": cell.wrong_code(mia.secret)}
    assert (await mia.sign_in(**told)).status_code == 401
    assert renewing() == []


async def test_who_signs_in_by_a_passkey_alone_has_the_empty_password_from_then_on(cell, mia):
    """It gave none, so there is none to be hashed."""
    key, headers = Authenticator(), bearer(await mia.tokens())
    await asyncio.gather(*renewing())
    options = (await cell.plain("/v1/passkey-options", {}, **headers)).json()["options"]
    added = await cell.post("/v1/passkeys", {"name": "phone", "credential": key.make(options)}, **headers)
    assert added.status_code == 201, added.text
    old = PasswordHasher.from_parameters(CHEAPEST).hash(PASSWORD)
    cell.gateway.entities["account", mia.account_id][0].password_hash = old
    signed = key.sign((await cell.plain("/v1/sessions/passkey-options", {})).json()["options"])
    assert (await cell.plain("/v1/sessions", {"passkey": signed})).status_code == 200
    assert renewing() == []
    assert hash_of(cell, mia) == old


async def test_a_hash_of_today_is_made_anew(cell):
    zoe = await cell.enrolled("zoe")
    assert (await zoe.sign_in()).status_code == 200
    assert renewing() == []


async def test_a_sign_in_waits_for_the_new_hash_or_two_are_made_at_once(cell, mia, monkeypatch):
    may_go, asked = asyncio.Event(), []
    hash_ = PasswordWorkers.hash

    async def slow(workers: PasswordWorkers, text: str) -> str:
        asked.append(text)
        await may_go.wait()
        return await hash_(workers, text)

    monkeypatch.setattr(PasswordWorkers, "hash", slow)
    assert (await mia.sign_in()).status_code == 200
    assert (await mia.sign_in()).status_code == 200
    assert (len(renewing()), len(asked), needs_rehash(hash_of(cell, mia))) == (1, 1, True)
    may_go.set()
    await asyncio.gather(*renewing())
    assert not needs_rehash(hash_of(cell, mia))


@pytest.mark.parametrize(("fault", "level"), [(Overloaded("full"), "WARNING"), (RuntimeError("broken"), "ERROR")])
async def test_a_sign_in_fails_because_no_new_hash_could_be_made(cell, mia, monkeypatch, caplog, fault, level):
    async def failing(workers: PasswordWorkers, text: str) -> str:
        raise fault

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, "ocefs.identity"):
        patch.setattr(PasswordWorkers, "hash", failing)
        assert (await mia.sign_in()).status_code == 200
        await asyncio.gather(*renewing())
    # A full desk is nothing to look into.
    assert [(record.message, record.levelname) for record in caplog.records] == [("hash.not_renewed", level)]
    assert PASSWORD not in caplog.text
    assert needs_rehash(hash_of(cell, mia))
    assert (await mia.sign_in()).status_code == 200
    await asyncio.gather(*renewing())
    assert not needs_rehash(hash_of(cell, mia))


async def test_a_password_that_was_replaced_meanwhile_comes_back(cell, mia, monkeypatch):
    hash_, made = PasswordWorkers.hash, []

    async def slow(workers: PasswordWorkers, text: str) -> str:
        kept = await hash_(workers, text)
        if text == PASSWORD:
            change = {"change": "password", "password": NEW}
            answer = await cell.post(f"/v1/accounts/{mia.account_id}/changes", change, **cell.bearer())
            assert answer.status_code == 200
            made.append(kept)
        return kept

    monkeypatch.setattr(PasswordWorkers, "hash", slow)
    assert (await mia.sign_in()).status_code == 200
    await asyncio.gather(*renewing())
    assert made
    assert ("session.renew_hash", "account.changed") in [
        (line.act.action, line.outcome) for line in cell.gateway.audited
    ]
    assert verify_password(hash_of(cell, mia), NEW)
