"""People change their password themselves. What is decided about it is in
tests/unit/domain/test_account_password.py."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from actors.domain.account_state import LOCK_AFTER, LOCK_MS
from actors.runtime.sharding import digest_of
from serve.identity import passwords, sessions
from serve.identity.limits import BY_ACCOUNT
from tests.unit.serve.guarded_cell import PASSWORD, GuardedCell, Person

PATH = "/v1/sessions/current/password"
NEW = "seven blue kettles sing"


@pytest.fixture
async def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GuardedCell]:
    monkeypatch.setattr(sessions, "REFUSAL_S", 0.0)
    monkeypatch.setattr(sessions, "REFUSAL_AFTER_HASH_S", 0.0)
    made = GuardedCell(tmp_path, own_words=("Acme", "Austin"))
    yield made
    await made.http.aclose()


@pytest.fixture
async def mia(cell: GuardedCell) -> Person:
    return await cell.enrolled("mia-the-manager")


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def changed(
    cell: GuardedCell, tokens: dict[str, Any], current: str = PASSWORD, new: str = NEW, key: str | None = None
) -> httpx.Response:
    return await cell.post(PATH, {"current_password": current, "new_password": new}, key, **bearer(tokens))


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def refreshed(cell: GuardedCell, tokens: dict[str, Any]) -> httpx.Response:
    return await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})


async def test_the_old_password_signs_in_after_a_change_or_the_new_one_does_not(cell, mia):
    tokens = await mia.tokens()
    answer = await changed(cell, tokens)
    assert answer.status_code == 200, answer.text
    assert answer.json()["shift"] == tokens["shift"]
    assert (await cell.http.get("/v1/skus", headers=bearer(answer.json()))).status_code == 200
    assert (await mia.sign_in()).status_code == 401
    assert (await mia.sign_in(password=NEW)).status_code == 200


async def test_whoever_stole_a_refresh_token_goes_on_after_a_change(cell, mia):
    tokens = await mia.tokens()
    fresh = (await changed(cell, tokens)).json()
    assert code_of(await refreshed(cell, tokens)) == (401, "session.ended")
    assert (await cell.http.get("/v1/skus", headers=bearer(fresh))).json()["code"] == "auth.session_ended"


async def test_whoever_stole_an_access_token_goes_on_after_a_change(cell, mia):
    tokens = await mia.tokens()
    fresh = (await changed(cell, tokens)).json()
    refused = await cell.http.get("/v1/skus", headers=bearer(tokens))
    assert (*code_of(refused), refused.json()["reason"]) == (401, "auth.token_invalid", "replaced")
    assert (await cell.http.get("/v1/skus", headers=bearer(fresh))).status_code == 200


async def test_the_person_has_to_sign_in_again_after_a_change(cell, mia):
    fresh = (await changed(cell, await mia.tokens())).json()
    again = await refreshed(cell, fresh)
    assert again.status_code == 200
    assert (await cell.http.get("/v1/skus", headers=bearer(again.json()))).status_code == 200


async def test_a_second_factor_of_ten_minutes_ago_is_enough(cell, mia):
    tokens = await mia.tokens()
    cell.clock.now += 600_000
    tokens = (await refreshed(cell, tokens)).json()
    before = cell.state()
    assert code_of(await changed(cell, tokens)) == (401, "auth.step_up_required")
    assert cell.state() == before


@pytest.mark.parametrize("why", ["wrong", "locked", "changed meanwhile"])
async def test_why_a_change_is_refused_is_told(cell, mia, monkeypatch, why):
    tokens, current = await mia.tokens(), PASSWORD
    if why == "wrong":
        current = "wrong" * 5
    elif why == "locked":
        for _ in range(LOCK_AFTER):
            assert (await changed(cell, tokens, "wrong" * 5)).status_code == 422
    else:
        verify = passwords.PasswordWorkers.verify

        async def slow(workers, kept, text):
            fits = await verify(workers, kept, text)
            monkeypatch.setattr(passwords.PasswordWorkers, "verify", verify)
            assert (await changed(cell, tokens, PASSWORD, "nine red kettles sing")).status_code == 200
            return fits

        monkeypatch.setattr(passwords.PasswordWorkers, "verify", slow)
    answer = await changed(cell, tokens, current)
    body = answer.json()
    body.pop("request_id")
    assert body == {
        "type": "urn:ocefs:problem:password.wrong", "title": "Password is wrong", "status": 422, "code": "password.wrong",
        "detail": "The current password is wrong, or the account can't be used at the moment.",
    }  # fmt: skip
    cell.clock.now += LOCK_MS
    assert (await mia.sign_in(password=NEW)).status_code == 401


async def test_an_answer_comes_earlier_when_the_account_is_locked(cell, mia, monkeypatch):
    tokens = await mia.tokens()
    for _ in range(LOCK_AFTER):
        await changed(cell, tokens, "wrong" * 5)
    monkeypatch.setattr(sessions, "REFUSAL_S", 0.7)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert code_of(await changed(cell, tokens)) == (422, "password.wrong")
    assert loop.time() - began >= 0.7


@pytest.mark.parametrize("busy", [True, False])
async def test_a_right_password_of_a_locked_account_is_told_by_a_hash_that_only_it_costs(cell, mia, monkeypatch, busy):
    """It may have to wait for others for longer than any refusal does, or find no place at all."""
    tokens, made = await mia.tokens(), []
    for _ in range(LOCK_AFTER):
        await changed(cell, tokens, "wrong" * 5)

    async def hashed(workers, text):
        made.append(text)
        if busy:
            raise passwords.Overloaded("full")
        return "a hash"

    monkeypatch.setattr(passwords.PasswordWorkers, "hash", hashed)
    told = [code_of(await changed(cell, tokens, current)) for current in ("wrong" * 5, PASSWORD)]
    assert told == [(429, "auth.busy") if busy else (422, "password.wrong")] * 2
    assert made == [NEW] * 2


async def test_passwords_are_guessed_from_a_screen_that_was_left_open(cell, mia):
    tokens = await mia.tokens()
    for _ in range(LOCK_AFTER):
        assert code_of(await changed(cell, tokens, "wrong" * 5)) == (422, "password.wrong")
    assert (await mia.sign_in()).status_code == 401
    left = [await changed(cell, tokens, "wrong" * 5) for _ in range(BY_ACCOUNT.burst)]
    assert code_of(left[-1]) == (429, "auth.too_often")


@pytest.mark.parametrize("new", ["short", "password1234", "Acme-Austin-2026", "Mia-The-Manager", " mia-THE-manager "])
async def test_a_password_that_is_soon_guessed_is_taken_from_its_person(cell, mia, new):
    tokens = await mia.tokens()
    before = cell.state()
    answer = await changed(cell, tokens, new=new)
    assert code_of(answer) == (422, "password.weak")
    assert answer.json()["errors"][0]["pointer"] == "/new_password"
    assert cell.state() == before


async def test_an_administrator_sets_the_login_name_as_the_password(cell, mia):
    change = {"change": "password", "password": "Mia-The-Manager"}
    answer = await cell.post(f"/v1/accounts/{mia.account_id}/changes", change, **cell.bearer())
    assert code_of(answer) == (422, "password.weak")
    somebody = await cell.enrolled("somebody-else")
    path = f"/v1/accounts/{somebody.account_id}/changes"
    assert (await cell.post(path, change, **cell.bearer())).status_code == 200


async def test_a_change_whose_answer_got_lost_counts_as_a_failure_or_ends_the_shift(cell, mia):
    tokens = await mia.tokens()
    cell.gateway.deliver = False
    assert (await changed(cell, tokens, key="k")).status_code == 200
    # The present password is the new one now; the repetition is known by its key.
    again = await changed(cell, tokens, key="k")
    assert again.status_code == 200, again.text
    other = await changed(cell, tokens, new="nine red kettles sing", key="k")
    assert code_of(other) == (422, "idempotency.key_reused")
    # Once it is known that the token was replaced, it is good for that no more.
    cell.gateway.run_outbox()
    assert code_of(await changed(cell, tokens, key="k")) == (401, "auth.token_invalid")
    assert (await refreshed(cell, again.json())).status_code == 200
    assert cell.gateway.entities["account", mia.account_id][0].inside_failures == 0


async def test_passwords_can_be_tried_on_what_is_remembered_of_a_change(cell, mia):
    tokens = await mia.tokens()
    body = msgspec.json.encode({"current_password": PASSWORD, "new_password": NEW})
    assert (await cell.post(PATH, body, **bearer(tokens))).status_code == 200
    assert digest_of(body) not in {digest for digest, _ in cell.gateway.remembered.values()}


async def test_the_audit_lacks_a_change_or_has_a_hash(cell, mia):
    tokens = await mia.tokens()
    await cell.services.trail.close()
    cell.gateway.audited.clear()
    await changed(cell, tokens, "wrong" * 5)
    await changed(cell, tokens)
    await cell.services.trail.close()
    assert [(line.act.action, line.outcome, line.who.subject) for line in cell.gateway.audited] == [
        ("account.change_password", "password.wrong", mia.account_id),
        ("account.change_password", "", mia.account_id),
    ]
    text = msgspec.json.encode(cell.gateway.audited)
    assert b"argon2" not in text
    assert b"kettles" not in text


async def test_a_machine_has_a_password(cell):
    body = {"current_password": PASSWORD, "new_password": NEW}
    answer = await cell.post(PATH, body, **cell.bearer(acr="2", auth_time=cell.clock.now // 1000))
    assert code_of(answer) == (403, "auth.forbidden")


async def test_a_person_whose_account_is_gone_is_told_of_a_fault(cell):
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert code_of(await cell.post(PATH, body, **cell.of_role("manager"))) == (404, "account.unknown")
