"""A passkey signs in, by itself or beside the password, once for each challenge, and for nobody else."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from webauthn.helpers import bytes_to_base64url

from actors.domain.account_state import LOCK_AFTER
from serve.audit import trail
from serve.identity import sessions
from serve.identity.limits import BY_ACCOUNT, BY_ADDRESS
from tests.unit.serve.authenticator import Authenticator
from tests.unit.serve.guarded_cell import PASSWORD, GuardedCell, Person


@pytest.fixture
async def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("REFUSAL_S", "REFUSAL_AFTER_HASH_S"):
        monkeypatch.setattr(sessions, name, 0.0)
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def options(cell: GuardedCell, path: str = "/v1/sessions/passkey-options", **headers: str) -> dict[str, Any]:
    answer = await cell.plain(path, {}, **headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["options"]
    return found


async def added(cell: GuardedCell, person: Person, key: Authenticator, name: str = "phone"):
    headers = bearer(await person.tokens())
    credential = key.make(await options(cell, "/v1/passkey-options", **headers))
    return await cell.post("/v1/passkeys", {"name": name, "credential": credential}, **headers)


@pytest.fixture
async def mia(cell) -> Person:
    return await cell.enrolled("mia.manager")


@pytest.fixture
async def key(cell, mia) -> Authenticator:
    made = Authenticator()
    answer = await added(cell, mia, made)
    assert answer.status_code == 201, answer.text
    assert [one["name"] for one in answer.json()["passkeys"]] == ["phone"]
    return made


async def alone(cell: GuardedCell, key: Authenticator, **more: Any):
    return await cell.plain("/v1/sessions", {"passkey": key.sign(await options(cell))} | more)


async def test_a_passkey_does_not_sign_in_by_itself_and_count_as_both_factors(cell, mia, key):
    answer = await alone(cell, key)
    assert answer.status_code == 200, answer.text
    headers = bearer(answer.json())
    who = (await cell.http.get("/v1/sessions/current", headers=headers)).json()
    assert who["subject"] == mia.account_id
    assert who["proved_at"] is not None


async def test_a_passkey_does_not_do_beside_the_password_in_place_of_a_code(cell, mia, key):
    body = {"login": mia.login, "password": PASSWORD, "passkey": key.sign(await options(cell))}
    assert (await cell.plain("/v1/sessions", body)).status_code == 200
    # A touch suffices then: the password is the other factor.
    key.verifies = False
    assert (await cell.plain("/v1/sessions", body | {"passkey": key.sign(await options(cell))})).status_code == 200
    wrong = body | {"password": "no", "passkey": key.sign(await options(cell))}
    assert (await cell.plain("/v1/sessions", wrong)).json()["code"] == "session.refused"


async def test_whoever_guesses_at_a_password_keeps_out_who_has_a_passkey(cell, mia, key):
    for _ in range(BY_ACCOUNT.burst + 1):
        await mia.sign_in(password="wrong" * 5, code="000000")
    # The account is locked as well by then.
    assert (await mia.sign_in(code="000000")).json()["code"] == "auth.too_often"
    assert (await alone(cell, key)).status_code == 200


async def test_one_address_asks_for_options_as_often_as_it_likes(cell):
    path = "/v1/sessions/passkey-options"
    told = [(await cell.plain(path, {})).status_code for _ in range(BY_ADDRESS.burst + 1)]
    assert told == [200] * BY_ADDRESS.burst + [429]


async def test_an_authenticator_is_asked_for_passkeys_of_others_or_not_for_its_person(cell, mia, key):
    zoe = await cell.enrolled("zoe.manager")
    assert (await added(cell, zoe, Authenticator())).status_code == 201
    named = [{"id": bytes_to_base64url(key.credential_id), "type": "public-key"}]
    headers = bearer((await alone(cell, key)).json())
    proof = await options(cell, "/v1/sessions/current/passkey-options", **headers)
    assert (proof["allowCredentials"], proof["userVerification"]) == (named, "required")
    # Of whose account it is, nobody is told before he has signed.
    asked = await options(cell)
    assert (asked.get("allowCredentials", []), asked["userVerification"]) == ([], "required")
    made = await options(cell, "/v1/passkey-options", **headers)
    assert made["excludeCredentials"] == named
    chosen = made["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")


def pretending(handle: bytes) -> Authenticator:
    """Of somebody who knows the id of an account, and has no passkey of it."""
    made = Authenticator()
    made.user_handle = handle
    return made


async def test_whoever_knows_the_id_of_an_account_locks_it_or_keeps_out_who_has_its_passkey(cell, mia, key):
    stranger = pretending(key.user_handle)
    for _ in range(LOCK_AFTER + BY_ACCOUNT.burst + 1):
        assert (await alone(cell, stranger)).json()["code"] == "session.refused"
    assert (await mia.sign_in()).status_code == 200
    assert (await alone(cell, key)).status_code == 200


async def test_one_passkey_signs_in_as_often_as_somebody_likes(cell, key):
    answers = [await alone(cell, key) for _ in range(BY_ACCOUNT.burst + 1)]
    assert [answer.status_code for answer in answers] == [200] * BY_ACCOUNT.burst + [429]
    assert answers[-1].json()["code"] == "auth.too_often"


async def test_what_is_answered_to_a_wrong_signature_or_when_tells_whether_there_is_such_an_account(
    cell, key, monkeypatch
):
    left = []

    async def noted(earliest_s: float) -> None:
        left.append(earliest_s - asyncio.get_running_loop().time())

    monkeypatch.setattr(sessions, "REFUSAL_S", 3_600.0)
    monkeypatch.setattr(sessions, "not_before", noted)
    # One for all: one of ours more may be one character longer.
    cell.http.headers["X-Request-Id"] = "9b7a2c1e-3f40-4c0e-8a55-1f9d0c2ab7e4"
    strangers = [pretending(handle) for handle in (key.user_handle, b"us-acct-00000000000000000000000000", b"")]
    answers = [await alone(cell, stranger) for stranger in strangers]
    told = [(answer.status_code, answer.json()) for answer in answers]
    assert told == [told[0]] * len(told)
    heads = [dict(answer.headers) for answer in answers]
    assert heads == [heads[0]] * len(heads)
    assert len(left) == len(answers)
    # Each waits for the rest of what was left at its beginning.
    assert all(3_000.0 < left_s <= 3_600.0 for left_s in left), left


async def test_who_tries_passkeys_of_many_accounts_stands_in_the_audit_without_them(cell, mia, key, monkeypatch):
    monkeypatch.setattr(trail, "GATHER_S", 0.0)
    nobodys = f"us-acct-{'0' * 26}"
    await cell.services.trail.close()
    cell.gateway.audited.clear()
    for handle in (key.user_handle, nobodys.encode()):
        await alone(cell, pretending(handle))
    await cell.services.trail.close()
    # As `turned_away` and `who` of actors/anomalies/record.py read it, for `stuffing` and `guessing`.
    told = [(line.act.action, line.outcome, line.who.subject, line.entity_id) for line in cell.gateway.audited]
    assert told == [("request.refused", "session.refused", "", one) for one in (mia.account_id, nobodys)]
    assert all(line.who.address for line in cell.gateway.audited)


async def test_a_signature_is_taken_twice(cell, key):
    signed = key.sign(await options(cell))
    assert (await cell.plain("/v1/sessions", {"passkey": signed})).status_code == 200
    assert (await cell.plain("/v1/sessions", {"passkey": signed})).json()["code"] == "session.refused"


async def test_a_challenge_is_good_after_five_minutes_or_for_something_else(cell, mia, key):
    late = key.sign(await options(cell))
    cell.clock.now += 300_000
    assert (await cell.plain("/v1/sessions", {"passkey": late})).json()["code"] == "session.refused"
    headers = bearer((await alone(cell, key)).json())
    proof = key.sign(await options(cell, "/v1/sessions/current/passkey-options", **headers))
    assert (await cell.plain("/v1/sessions", {"passkey": proof})).json()["code"] == "session.refused"


async def test_what_was_signed_to_prove_one_session_proves_the_next(cell, key):
    first = bearer((await alone(cell, key)).json())
    asked = await options(cell, "/v1/sessions/current/passkey-options", **first)
    second = bearer((await alone(cell, key)).json())
    proof = {"passkey": key.sign(asked)}
    answer = await cell.http.post("/v1/sessions/current/proof", json=proof, headers=second)
    assert answer.json()["code"] == "factor.code_wrong"


async def test_an_old_proof_is_not_renewed_by_a_passkey(cell, key):
    headers = bearer((await alone(cell, key)).json())
    cell.clock.now += 301_000
    tokens = (
        await cell.plain("/v1/sessions/refresh", {"refresh_token": (await alone(cell, key)).json()["refresh_token"]})
    ).json()
    headers = bearer(tokens)
    proof = {"passkey": key.sign(await options(cell, "/v1/sessions/current/passkey-options", **headers))}
    answer = await cell.http.post("/v1/sessions/current/proof", json=proof, headers=headers)
    assert answer.status_code == 200, answer.text
    again = await cell.http.post("/v1/sessions/current/proof", json=proof, headers=bearer(answer.json()))
    assert again.json()["code"] == "factor.code_wrong"


async def test_a_touch_of_an_authenticator_that_looks_at_nobody_is_a_fresh_proof(cell, key):
    headers = bearer((await alone(cell, key)).json())
    asked = await options(cell, "/v1/sessions/current/passkey-options", **headers)
    assert asked["userVerification"] == "required"
    key.verifies = False
    answer = await cell.http.post("/v1/sessions/current/proof", json={"passkey": key.sign(asked)}, headers=headers)
    assert answer.json()["code"] == "factor.code_wrong"


@pytest.mark.parametrize("lie", [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"verifies": False}])
async def test_a_page_of_others_or_an_unverified_touch_signs_in(cell, key, lie):
    for name, value in lie.items():
        setattr(key, name, value)
    assert (await alone(cell, key)).json()["code"] == "session.refused"


@pytest.mark.parametrize("lie", [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"verifies": False}])
async def test_a_passkey_made_elsewhere_or_without_verification_is_kept(cell, mia, lie):
    answer = await added(cell, mia, Authenticator(**lie))
    assert (answer.status_code, answer.json()["code"]) == (422, "passkey.invalid")


async def test_somebody_elses_passkey_opens_my_account(cell, key):
    zoe = await cell.enrolled("zoe.manager")
    other = Authenticator()
    assert (await added(cell, zoe, other)).status_code == 201
    other.user_handle = key.user_handle
    assert (await alone(cell, other)).json()["code"] == "session.refused"


@pytest.mark.parametrize("handle", [b"", b"us-acct-x", b"\xff", b"eu-acct-00000000000000000000000000"])
async def test_a_name_that_is_none_of_ours_is_a_fault_or_tells_something(cell, key, handle):
    key.user_handle = handle
    refused = await alone(cell, key)
    assert (refused.status_code, refused.json()["code"]) == (401, "session.refused")


async def test_a_copied_authenticator_goes_on_signing_in_and_nobody_is_told(cell, key):
    assert (await alone(cell, key)).status_code == 200
    key.count -= 1
    assert (await alone(cell, key)).json()["code"] == "session.refused"
    key.count += 10
    headers = bearer((await alone(cell, key)).json())
    [listed] = (await cell.http.get("/v1/passkeys", headers=headers)).json()["passkeys"]
    assert listed["suspect_at"] is not None


async def test_an_altered_signature_or_credential_is_taken(cell, key):
    for field in ("signature", "authenticatorData", "clientDataJSON"):
        signed = key.sign(await options(cell))
        text = signed["response"][field]
        signed["response"][field] = ("A" if text[0] != "A" else "B") + text[1:]
        assert (await cell.plain("/v1/sessions", {"passkey": signed})).json()["code"] == "session.refused"


async def test_there_are_more_than_five_or_the_same_twice(cell, mia, key):
    again = await added(cell, mia, key)
    assert (again.status_code, again.json()["code"]) == (409, "passkey.exists")
    for number in range(4):
        assert (await added(cell, mia, Authenticator(), f"key {number}")).status_code == 201
    assert (await added(cell, mia, Authenticator())).json()["code"] == "passkey.too_many"


async def test_the_last_factor_can_be_removed_or_a_removed_passkey_signs_in(cell, mia, key):
    headers = bearer(await mia.tokens())
    [listed] = (await cell.http.get("/v1/passkeys", headers=headers)).json()["passkeys"]
    path = f"/v1/passkeys/{listed['passkey_id']}"
    assert (await cell.http.delete(path, headers=headers)).status_code == 204
    assert (await cell.http.delete(path, headers=headers)).json()["code"] == "passkey.unknown"
    assert (await alone(cell, key)).json()["code"] == "session.refused"


async def test_a_passkey_cannot_be_the_first_factor_or_is_removed_although_it_is_the_last(cell):
    await cell.opened("ann.associate", "associate")
    refused = await cell.plain("/v1/sessions", {"login": "ann.associate", "password": PASSWORD})
    enrolment, first = refused.json()["enrolment"], Authenticator()
    asked = (await cell.plain("/v1/factors/passkey-options", {"enrolment": enrolment})).json()["options"]
    body = {"enrolment": enrolment, "name": "key", "credential": first.make(asked)}
    enrolled = await cell.plain("/v1/factors/passkey", body)
    assert len(enrolled.json()["recovery_codes"]) > 4, enrolled.text
    headers = bearer((await alone(cell, first)).json())
    [listed] = (await cell.http.get("/v1/passkeys", headers=headers)).json()["passkeys"]
    removed = await cell.http.delete(f"/v1/passkeys/{listed['passkey_id']}", headers=headers)
    assert removed.json()["code"] == "passkey.last_factor"
    assert (await cell.plain("/v1/factors/passkey", body)).json()["code"] == "account.factor_exists"


async def test_what_was_made_for_another_session_of_the_same_person_is_kept(cell, mia):
    asked = await options(cell, "/v1/passkey-options", **bearer(await mia.tokens()))
    body = {"name": "phone", "credential": Authenticator().make(asked)}
    answer = await cell.post("/v1/passkeys", body, **bearer(await mia.tokens()))
    assert (answer.status_code, answer.json()["code"]) == (422, "passkey.invalid")


async def test_nobody_learns_who_added_or_removed_a_passkey_or_could_not(cell, mia, key):
    headers = bearer(await mia.tokens())
    asked = await options(cell, "/v1/passkey-options", **headers)
    await cell.services.trail.close()
    cell.gateway.audited.clear()
    for authenticator, status in ((Authenticator(origin="https://evil.example"), 422), (Authenticator(), 201)):
        body = {"name": "tablet", "credential": authenticator.make(asked)}
        answer = await cell.post("/v1/passkeys", body, **headers)
        assert answer.status_code == status, answer.text
    path = f"/v1/passkeys/{answer.json()['passkeys'][-1]['passkey_id']}"
    assert (await cell.http.delete(path, headers=headers)).status_code == 204
    await cell.services.trail.close()
    # Of what the account decided, its turn says by itself which account it was.
    assert sorted((line.act.action, line.outcome, line.entity_id) for line in cell.gateway.audited) == [
        ("account.add_passkey", "", ""),
        ("account.remove_passkey", "", ""),
        ("request.refused", "passkey.invalid", mia.account_id),
    ]
    assert {line.who.subject for line in cell.gateway.audited} == {mia.account_id}


async def test_who_is_signed_in_adds_a_passkey_without_a_fresh_proof(cell, mia):
    headers = bearer(await mia.tokens())
    asked = await options(cell, "/v1/passkey-options", **headers)
    cell.clock.now += 301_000
    stale = cell.of_role("manager", sub=mia.account_id, auth_time=cell.clock.now // 1000 - 301)
    body = {"name": "phone", "credential": Authenticator().make(asked)}
    assert (await cell.post("/v1/passkeys", body, **stale)).json()["code"] == "auth.step_up_required"


@pytest.mark.parametrize(
    "body", [{}, {"login": "mia.manager"}, {"password": PASSWORD}, {"passkey": {}}, {"passkey": "x"}]
)
async def test_too_little_to_sign_in_with_is_taken(cell, body):
    assert (await cell.plain("/v1/sessions", body)).status_code == 422
