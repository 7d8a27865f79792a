"""A customer's passkey signs in by itself, once for each challenge, for nobody else, and as
long as it is not removed."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from webauthn.helpers import bytes_to_base64url

import serve.customers.passkeys
from actors.domain.customer_commands import EraseCustomer
from actors.domain.passkeys import PASSKEYS_MAX
from serve.audit import trail
from serve.context import Scope
from serve.customers.passkey_notices import PasskeyNotices
from serve.identity import sessions
from serve.identity.limits import BY_ADDRESS, TRIES_BY_PERSON
from serve.identity.tokens import verify
from serve.notices.outbox import NoticeOutbox
from serve.notices.port import Notice
from serve.problems import Problem
from tests.unit.serve.authenticator import Authenticator
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.post_office import MIA, bearer, code_in, coded, joined, letters, without_waiting
from tests.unit.serve.privacy.office import EMAIL, proved, stepped

MINE = "/v1/customers/me/passkeys"
SIGN_IN = "/v1/customers/sessions/passkey"
LIES = [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"verifies": False}]


@pytest.fixture
async def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    without_waiting(monkeypatch)
    for name in ("REFUSAL_S", "REFUSAL_AFTER_HASH_S"):
        monkeypatch.setattr(sessions, name, 0.0)
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


async def options(cell: GuardedCell, path: str = f"{SIGN_IN}-options", **headers: str) -> dict[str, Any]:
    answer = await cell.plain(path, {}, **headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["options"]
    return found


async def added(cell: GuardedCell, tokens: dict[str, Any], key: Authenticator, name: str = "phone"):
    credential = key.make(await options(cell, "/v1/customers/me/passkey-options", **bearer(tokens)))
    return await cell.post(MINE, {"name": name, "credential": credential}, **bearer(tokens))


async def signed_in(cell: GuardedCell, key: Authenticator):
    return await cell.plain(SIGN_IN, {"passkey": key.sign(await options(cell))})


async def told(cell: GuardedCell, tokens: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await cell.http.get(MINE, headers=bearer(tokens))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["passkeys"]
    return found


@pytest.fixture
async def mia(cell) -> dict[str, Any]:
    return await joined(cell)


@pytest.fixture
async def key(cell, mia) -> Authenticator:
    made = Authenticator()
    answer = await added(cell, mia, made)
    assert answer.status_code == 201, answer.text
    assert [one["name"] for one in answer.json()["passkeys"]] == ["phone"]
    return made


async def test_a_passkey_opens_no_session_or_another_one_than_a_code_does(cell, mia, key):
    cell.clock.now += 1000
    answer = await signed_in(cell, key)
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    assert set(tokens) == set(mia)
    assert tokens["customer_id"] == mia["customer_id"]
    assert (await cell.http.get("/v1/customers/me/orders", headers=bearer(tokens))).status_code == 200
    renewed = await cell.plain("/v1/customers/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
    assert renewed.status_code == 200
    now_s = cell.clock.now // 1000
    claims = [verify(cell.keys, one["access_token"], "us", now_s) for one in (mia, tokens, renewed.json())]
    # A code is one factor, a passkey two; that tokens are renewed proves nothing anew.
    assert [(one.acr, one.auth_time) for one in claims] == [("1", now_s - 1), ("2", now_s), ("2", now_s)]
    assert (await told(cell, tokens))[0]["used_at"] is not None


async def test_a_removed_passkey_signs_in_or_the_last_one_can_not_be_removed(cell, mia, key):
    tokens = (await signed_in(cell, key)).json()
    [listed] = await told(cell, tokens)
    path = f"{MINE}/{listed['passkey_id']}"
    assert (await cell.http.delete(path, headers=bearer(tokens))).status_code == 204
    assert coded(await cell.http.delete(path, headers=bearer(tokens))) == (404, "passkey.unknown")
    assert coded(await signed_in(cell, key)) == (401, "session.refused")
    cell.clock.now += 60_000
    await cell.plain("/v1/customers/codes", {"email": MIA})
    assert (await cell.plain("/v1/customers/sessions", {"email": MIA, "code": code_in(cell)})).status_code == 200


async def test_a_passkey_is_made_or_removed_without_its_customer_being_written_to_or_twice_for_one(cell, mia):
    key = Authenticator()
    credential = key.make(await options(cell, "/v1/customers/me/passkey-options", **bearer(mia)))
    for _ in range(2):  # the caller did not hear the first answer
        answer = await cell.post(MINE, {"name": "phone", "credential": credential}, "once", **bearer(mia))
        assert answer.status_code == 201, answer.text
    news = [letter for letter in letters(cell) if letter[0].startswith("customer.passkey")]
    [(template, address, values)] = news
    assert (template, address.lower(), set(values)) == ("customer.passkey_added", MIA.lower(), {"at"})
    [listed] = await told(cell, mia)
    path = f"{MINE}/{listed['passkey_id']}"
    assert [(await cell.http.delete(path, headers=bearer(mia))).status_code for _ in range(2)] == [204, 404]
    news = [letter for letter in letters(cell) if letter[0].startswith("customer.passkey")]
    assert [(template, address.lower()) for template, address, _ in news] == [
        ("customer.passkey_added", MIA.lower()),
        ("customer.passkey_removed", MIA.lower()),
    ]


async def test_a_notice_that_fails_is_never_sent_or_takes_the_removal_back(cell, mia, monkeypatch):
    key, send = Authenticator(), NoticeOutbox.send

    async def fails(outbox: NoticeOutbox, notice: Notice, scope: Scope) -> None:
        raise Problem("cell.unavailable", "for the test")

    credential = key.make(await options(cell, "/v1/customers/me/passkey-options", **bearer(mia)))
    monkeypatch.setattr(NoticeOutbox, "send", fails)
    assert (
        await cell.post(MINE, {"name": "phone", "credential": credential}, "once", **bearer(mia))
    ).status_code == 503
    monkeypatch.setattr(NoticeOutbox, "send", send)
    assert (
        await cell.post(MINE, {"name": "phone", "credential": credential}, "once", **bearer(mia))
    ).status_code == 201
    assert [letter[0] for letter in letters(cell)].count("customer.passkey_added") == 1
    [listed] = await told(cell, mia)
    monkeypatch.setattr(NoticeOutbox, "send", fails)
    removed = await cell.http.delete(f"{MINE}/{listed['passkey_id']}", headers=bearer(mia))
    assert removed.status_code == 204
    assert await told(cell, mia) == []


async def test_a_passkey_is_removed_while_nobody_can_be_told(cell, mia, key, monkeypatch):
    """Whose address can't be opened: called again, it would be one that there is not, and nobody ever hears."""

    async def fails(notices: PasskeyNotices, *about: Any) -> str:
        raise Problem("keys.unavailable", "for the test")

    [listed] = await told(cell, mia)
    monkeypatch.setattr(PasskeyNotices, "address", fails)
    refused = await cell.http.delete(f"{MINE}/{listed['passkey_id']}", headers=bearer(mia))
    assert coded(refused) == (503, "keys.unavailable")
    assert await told(cell, mia) == [listed]


async def test_somebody_elses_passkey_opens_my_account_or_is_told_or_removed_by_me(cell, mia, key):
    tom, other = await joined(cell, "tom@example.org"), Authenticator()
    assert (await added(cell, tom, other, "tom's")).status_code == 201
    [his] = await told(cell, tom)
    assert [one["name"] for one in await told(cell, mia)] == ["phone"]
    removed = await cell.http.delete(f"{MINE}/{his['passkey_id']}", headers=bearer(mia))
    assert coded(removed) == (404, "passkey.unknown")
    other.user_handle = key.user_handle
    assert coded(await signed_in(cell, other)) == (401, "session.refused")
    other.user_handle = tom["customer_id"].encode()
    assert (await signed_in(cell, other)).json()["customer_id"] == tom["customer_id"]


async def test_what_was_made_for_another_customers_session_is_kept_here(cell, mia):
    tom, key = await joined(cell, "tom@example.org"), Authenticator()
    credential = key.make(await options(cell, "/v1/customers/me/passkey-options", **bearer(tom)))
    answer = await cell.post(MINE, {"name": "phone", "credential": credential}, **bearer(mia))
    assert coded(answer) == (422, "passkey.invalid")
    assert await told(cell, mia) == []


async def test_a_passkey_of_staff_opens_a_customers_account_or_the_other_way_round(cell, mia, key):
    headers, staff = bearer(await (await cell.enrolled("max")).tokens()), Authenticator()
    credential = staff.make(await options(cell, "/v1/passkey-options", **headers))
    assert (await cell.post("/v1/passkeys", {"name": "key", "credential": credential}, **headers)).status_code == 201
    staff_options = await options(cell, "/v1/sessions/passkey-options")
    # Each with its own account's name and with that of the other, for its own challenge and for the other's.
    for handle in (staff.user_handle, key.user_handle):
        staff.user_handle = handle
        assert coded(await signed_in(cell, staff)) == (401, "session.refused")
    assert coded(await cell.plain(SIGN_IN, {"passkey": key.sign(staff_options)})) == (401, "session.refused")
    for asked in (staff_options, await options(cell)):
        crossed = await cell.plain("/v1/sessions", {"passkey": key.sign(asked)})
        assert coded(crossed) == (401, "session.refused")


async def test_a_signature_is_taken_twice_or_late(cell, key):
    signed = key.sign(await options(cell))
    assert (await cell.plain(SIGN_IN, {"passkey": signed})).status_code == 200
    assert coded(await cell.plain(SIGN_IN, {"passkey": signed})) == (401, "session.refused")
    late = key.sign(await options(cell))
    cell.clock.now += 300_000
    assert coded(await cell.plain(SIGN_IN, {"passkey": late})) == (401, "session.refused")


async def test_a_credential_is_kept_twice_or_its_call_can_not_be_repeated(cell, mia):
    key = Authenticator()
    credential = key.make(await options(cell, "/v1/customers/me/passkey-options", **bearer(mia)))
    body = {"name": "phone", "credential": credential}
    first = await cell.post(MINE, body, "k-1", **bearer(mia))
    again = await cell.post(MINE, body, "k-1", **bearer(mia))
    assert (again.status_code, again.text) == (first.status_code, first.text) == (201, first.text)
    assert coded(await cell.post(MINE, body, "k-2", **bearer(mia))) == (409, "passkey.challenge_spent")
    assert len(await told(cell, mia)) == 1


@pytest.mark.parametrize("lie", LIES)
async def test_a_page_of_others_or_an_unverified_touch_signs_in(cell, key, lie):
    for name, value in lie.items():
        setattr(key, name, value)
    assert coded(await signed_in(cell, key)) == (401, "session.refused")


@pytest.mark.parametrize("lie", LIES)
async def test_a_passkey_made_elsewhere_or_without_verification_is_kept(cell, mia, lie):
    assert coded(await added(cell, mia, Authenticator(**lie))) == (422, "passkey.invalid")
    assert await told(cell, mia) == []


async def test_an_altered_signature_is_taken(cell, key):
    for field in ("signature", "authenticatorData", "clientDataJSON"):
        signed = key.sign(await options(cell))
        text = signed["response"][field]
        signed["response"][field] = ("A" if text[0] != "A" else "B") + text[1:]
        assert coded(await cell.plain(SIGN_IN, {"passkey": signed})) == (401, "session.refused")


async def test_a_copied_authenticator_goes_on_signing_in_and_nobody_is_told(cell, key):
    assert (await signed_in(cell, key)).status_code == 200
    key.count -= 1
    assert coded(await signed_in(cell, key)) == (401, "session.refused")
    key.count += 10
    [listed] = await told(cell, (await signed_in(cell, key)).json())
    assert listed["suspect_at"] is not None


async def test_there_are_more_than_five_or_the_same_twice(cell, mia, key):
    assert coded(await added(cell, mia, key)) == (409, "passkey.exists")
    for number in range(PASSKEYS_MAX - 1):
        assert (await added(cell, mia, Authenticator(), f"key {number}")).status_code == 201
    assert coded(await added(cell, mia, Authenticator())) == (409, "passkey.too_many")
    assert len(await told(cell, mia)) == PASSKEYS_MAX == 5


async def test_the_passkey_of_an_erased_account_signs_in_or_comes_back_with_a_new_one(cell, mia, key):
    erased = ("customer", mia["customer_id"], EraseCustomer())
    await cell.gateway.ask(*erased, command_id="erase", digest=0)
    assert coded(await signed_in(cell, key)) == (401, "session.refused")
    assert coded(await cell.http.get(MINE, headers=bearer(mia))) == (401, "auth.session_ended")
    cell.clock.now += 60_000
    again = await joined(cell)
    assert again["customer_id"] == mia["customer_id"]
    assert await told(cell, again) == []
    assert coded(await signed_in(cell, key)) == (401, "session.refused")


async def test_whether_there_is_an_account_is_told_by_what_is_answered_or_when(cell, key, monkeypatch):
    waited = []

    async def noted(earliest_s: float) -> None:
        waited.append(earliest_s - asyncio.get_running_loop().time())

    monkeypatch.setattr(serve.customers.passkeys, "REFUSAL_S", 3_600.0)
    monkeypatch.setattr(serve.customers.passkeys, "not_before", noted)
    assert (await signed_in(cell, key)).status_code == 200
    # One for all: one of ours more may be one character longer.
    cell.http.headers["X-Request-Id"] = "9b7a2c1e-3f40-4c0e-8a55-1f9d0c2ab7e4"
    stranger, answers = Authenticator(), []
    handles = [
        key.user_handle, b"us-cust-00000000000000000000000000", b"eu-cust-00000000000000000000000000",
        b"us-acct-00000000000000000000000000", b"us-cust-x", b"\xff", b"",
    ]  # fmt: skip
    for handle in handles:
        stranger.user_handle = handle
        answers.append(await signed_in(cell, stranger))
    key.count -= 1
    answers.append(await signed_in(cell, key))
    bodies = [answer.json() for answer in answers]
    assert bodies == [bodies[0]] * len(bodies)
    assert bodies[0]["code"] == "session.refused"
    heads = [dict(answer.headers) for answer in answers]
    assert heads == [heads[0]] * len(heads)
    assert len(waited) == len(answers)
    # Each waits for the rest of what was left at its beginning.
    assert all(3_000.0 < left_s <= 3_600.0 for left_s in waited), waited


async def test_one_account_is_tried_as_often_as_somebody_likes(cell, key):
    stranger = Authenticator()
    stranger.user_handle = key.user_handle
    signed = stranger.sign(await options(cell))
    tried = [(await cell.plain(SIGN_IN, {"passkey": signed})).status_code for _ in range(TRIES_BY_PERSON.burst + 1)]
    assert tried == [401] * TRIES_BY_PERSON.burst + [429]
    # Which keeps out nobody elsewhere, and not whose passkey it is.
    mine = {"passkey": key.sign(await options(cell))}
    assert (await cell.plain(SIGN_IN, mine, **{"X-Forwarded-For": "203.0.113.7"})).status_code == 200


@pytest.mark.parametrize("path", [SIGN_IN, f"{SIGN_IN}-options"])
async def test_one_address_asks_as_often_as_it_likes(cell, path):
    key, told = Authenticator(), []
    for number in range(BY_ADDRESS.burst + 1):
        # Of another account each time, so that no account is tried too often.
        key.user_handle = f"us-cust-{number:026}".encode()
        signed = key.sign({"challenge": "x", "rpId": "localhost"})
        told.append((await cell.plain(path, {"passkey": signed})).status_code)
    assert 429 not in told[:-1]
    assert told[-1] == 429


async def test_an_old_session_adds_or_removes_a_passkey(cell, mia, key):
    [listed] = await told(cell, mia)
    cell.clock.now += 301_000
    old = (await cell.plain("/v1/customers/sessions/refresh", {"refresh_token": mia["refresh_token"]})).json()
    calls = [
        await cell.plain("/v1/customers/me/passkey-options", {}, **bearer(old)),
        await cell.post(MINE, {"name": "phone", "credential": {}}, **bearer(old)),
        await cell.http.delete(f"{MINE}/{listed['passkey_id']}", headers=bearer(old)),
    ]
    assert {coded(answer) for answer in calls} == {(401, "auth.step_up_required")}
    for answer in calls:
        assert answer.headers["www-authenticate"].endswith('error="insufficient_user_authentication", max_age="300"')
        assert answer.json()["max_age"] == 300
        # Of customers nobody asks for two factors.
        assert "acr_values" not in answer.json()
    assert len(await told(cell, old)) == 1
    fresh = (await signed_in(cell, key)).json()
    assert (await added(cell, fresh, Authenticator())).status_code == 201


async def test_a_session_that_ended_adds_a_passkey(cell, mia):
    credential = Authenticator().make(await options(cell, "/v1/customers/me/passkey-options", **bearer(mia)))
    await cell.http.delete("/v1/customers/sessions/current", headers=bearer(mia))
    refused = await cell.post(MINE, {"name": "phone", "credential": credential}, **bearer(mia))
    assert coded(refused) == (401, "auth.session_ended")


async def test_who_did_it_is_not_in_the_audit_or_called_otherwise_than_of_staff(cell, mia, key, monkeypatch):
    monkeypatch.setattr(trail, "GATHER_S", 0.0)
    stranger, nobody, foreigner = Authenticator(), Authenticator(), Authenticator()
    stranger.user_handle, nobody.user_handle = key.user_handle, b"us-cust-00000000000000000000000000"
    foreigner.user_handle = b"eu-cust-00000000000000000000000000"
    tokens = (await signed_in(cell, key)).json()
    for wrong in (stranger, nobody, foreigner):
        await signed_in(cell, wrong)
    await cell.services.trail.close()
    [listed] = await told(cell, tokens)
    await cell.http.delete(f"{MINE}/{listed['passkey_id']}", headers=bearer(tokens))
    customer_id = mia["customer_id"]
    lines = [
        (line.act.action, line.outcome, line.who.subject or line.entity_id)
        for line in cell.gateway.audited
        if line.act.action.endswith("passkey") or line.outcome == "session.refused" or line.who.subject == customer_id
    ]
    # Once each: a turn's refusal is not noted at the door as well.
    assert lines[lines.index(("account.add_passkey", "", customer_id)) :] == [
        ("account.add_passkey", "", customer_id),
        ("notice.write_notice", "", customer_id),
        ("session.open", "", customer_id),
        ("session.open", "session.refused", customer_id),
        ("request.refused", "session.refused", nobody.user_handle.decode()),
        # What is of another region is nobody here.
        ("request.refused", "session.refused", "us-cust-nobody"),
        ("customer.read_passkeys", "", customer_id),
        ("account.remove_passkey", "", customer_id),
        ("notice.write_notice", "", customer_id),
    ]


async def test_a_name_stands_somewhere_unsealed(cell, mia):
    assert (await added(cell, mia, Authenticator(), "Quillfeather's phone")).status_code == 201
    assert [one["name"] for one in await told(cell, mia)] == ["Quillfeather's phone"]
    gateway = cell.gateway
    assert "quillfeather" not in repr((gateway.entities, gateway.events, gateway.remembered, gateway.audited)).lower()


async def test_who_asks_for_her_own_data_is_not_told_of_her_passkeys(cell, mia, key):
    asked = {"law": "gdpr", "right": "access"}
    assert (await cell.post("/v1/customers/me/privacy-requests", asked, **bearer(mia))).status_code == 201
    data = (await cell.http.post("/v1/customers/me/data", headers=bearer(mia))).json()
    assert [account["passkeys"] for account in data["accounts"]] == [["phone"]]


async def test_a_name_under_a_key_that_no_list_has_yet_outlives_its_person(cell, monkeypatch):
    async def not_yet(person: str) -> list[Any]:
        return []

    async def nowhere(notices: PasskeyNotices, *about: Any) -> str:
        return ""

    monkeypatch.setattr(cell.read_model, "data_keys", not_yet)
    # Whoever opens the address learns of its key, and seals the name under that.
    monkeypatch.setattr(PasskeyNotices, "address", nowhere)
    key = Authenticator()
    await added(cell, await joined(cell, EMAIL), key)
    # Until the replica has to look again which key the customer has.
    cell.clock.now += 3_600_000
    await added(cell, (await signed_in(cell, key)).json(), Authenticator())
    keys = [state for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "data_key"]
    assert len(keys) == 3, "both names are under one key"  # and one is of the codes from before she was known
    assert all(state.wrapped for state in keys)
    await stepped(cell, await proved(cell, customer_ref=None), "erase")
    keys = [state for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "data_key"]
    assert [state.wrapped for state in keys] == [b""] * 3


async def test_an_authenticator_is_asked_for_the_same_account_twice_or_not_for_its_person(cell, mia, key):
    asked = await options(cell, "/v1/customers/me/passkey-options", **bearer(mia))
    assert asked["user"]["id"] == bytes_to_base64url(mia["customer_id"].encode())
    assert [one["id"] for one in asked["excludeCredentials"]] == [bytes_to_base64url(key.credential_id)]
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    open_to_all = await options(cell)
    assert (open_to_all["userVerification"], open_to_all.get("allowCredentials", [])) == ("required", [])


async def test_what_a_browser_says_of_sharing_is_not_heard_at_a_passkey(cell, key):
    signed = key.sign(await options(cell))
    assert (await cell.plain(SIGN_IN, {"passkey": signed}, **{"Sec-GPC": "1"})).status_code == 200
    assert [kind for kind, _ in cell.gateway.entities if kind == "consent"] == ["consent"]


@pytest.mark.parametrize("body", [{}, {"passkey": {}}, {"passkey": "x"}, {"email": MIA}])
async def test_too_little_to_sign_in_with_is_taken(cell, body):
    assert (await cell.plain(SIGN_IN, body)).status_code == 422
