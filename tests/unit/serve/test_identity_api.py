"""Signing in as callers see it. What is decided about accounts is in tests/unit/domain/test_account.py."""

import asyncio
import base64
import json
import re

import pytest

from actors.domain.account_state import LOCK_AFTER, LOCK_MS
from actors.runtime.sharding import digest_of
from serve.identity import passwords, sessions
from serve.identity.keyring import load, rotate
from serve.identity.limits import BY_ACCOUNT, BY_ADDRESS, address_of
from serve.identity.tokens import issue
from tests.unit.serve.guarded_cell import PASSWORD, GuardedCell, furnished
from tests.unit.serve.small_cell import order


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    monkeypatch.setattr(sessions, "REFUSAL_S", 0.0)
    monkeypatch.setattr(sessions, "REFUSAL_AFTER_HASH_S", 0.0)
    async with furnished(tmp_path) as made:
        yield made


def bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def test_a_shift_opens_its_tokens_work_and_end_with_it(cell):
    mia = await cell.enrolled("mia", "manager")
    tokens = await mia.tokens(location_id="")
    who = (await cell.http.get("/v1/sessions/current", headers=bearer(tokens))).json()
    assert (who["subject"], who["role"]) == (mia.account_id, "manager")
    assert (await cell.http.get("/v1/locations", headers=bearer(tokens))).status_code == 200
    assert (await cell.http.delete("/v1/sessions/current", headers=bearer(tokens))).status_code == 204
    refused = await cell.http.get("/v1/locations", headers=bearer(tokens))
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.session_ended")
    again = await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
    assert (again.status_code, again.json()["code"]) == (401, "session.ended")


@pytest.mark.parametrize("wrong", ["login", "password", "code", "used code", "locked"])
async def test_why_a_sign_in_failed_is_told_to_nobody(cell, wrong):
    mia = await cell.enrolled("mia")
    answers = []
    if wrong == "login":
        answers.append(await cell.plain("/v1/sessions", {"login": "nobody", "password": PASSWORD, "code": "123456"}))
    elif wrong == "password":
        answers.append(await mia.sign_in(password="wrong" * 5))
    elif wrong == "code":
        answers.append(await mia.sign_in(code="000000"))
    elif wrong == "used code":
        code = cell.next_code(mia.secret)
        assert (await mia.sign_in(code=code)).status_code == 200
        answers.append(await mia.sign_in(code=code))
    else:
        for _ in range(LOCK_AFTER):
            await mia.sign_in(code="000000")
        answers.append(await mia.sign_in())
    body = answers[0].json()
    body.pop("request_id")
    assert answers[0].status_code == 401
    assert body == {
        "type": "urn:ocefs:problem:session.refused", "title": "Sign-in refused", "status": 401, "code": "session.refused",
        "detail": "Login, password or code is wrong, or the account can't be used at the moment.",
    }  # fmt: skip


async def test_a_locked_account_opens_again_after_its_half_hour(cell):
    mia = await cell.enrolled("mia")
    for _ in range(LOCK_AFTER):
        await mia.sign_in(password="wrong" * 5)
    assert (await mia.sign_in()).status_code == 401
    cell.clock.now += LOCK_MS
    assert (await mia.sign_in()).status_code == 200


@pytest.mark.parametrize("known", [True, False])
async def test_how_long_a_refusal_takes_does_not_tell_whether_there_is_an_account(cell, monkeypatch, known):
    monkeypatch.setattr(sessions, "REFUSAL_S", 0.7)
    mia = await cell.enrolled("mia")
    loop = asyncio.get_running_loop()
    began = loop.time()
    login = "mia" if known else "nobody"
    answer = await cell.plain("/v1/sessions", {"login": login, "password": "wrong" * 5, "code": "123456"})
    assert (answer.status_code, mia.login) == (401, "mia")
    assert loop.time() - began >= 0.7


async def test_an_unknown_login_costs_no_hash_and_so_is_told_from_a_known_one(cell, monkeypatch):
    verified = []
    monkeypatch.setattr(passwords, "verify_password", lambda kept, text: bool(verified.append(kept)))
    assert (await cell.plain("/v1/sessions", {"login": "nobody", "password": "wrong" * 5})).status_code == 401
    assert verified == [passwords.DUMMY_HASH]


async def test_a_hash_that_had_to_wait_tells_a_known_login_by_what_comes_after_it(cell, monkeypatch):
    monkeypatch.setattr(sessions, "REFUSAL_AFTER_HASH_S", 0.3)
    loop, hashed_at = asyncio.get_running_loop(), []
    monkeypatch.setattr(passwords, "verify_password", lambda kept, text: bool(hashed_at.append(loop.time())))
    assert (await cell.plain("/v1/sessions", {"login": "nobody", "password": "wrong" * 5})).status_code == 401
    assert loop.time() - hashed_at[0] >= 0.3


async def test_a_password_that_was_replaced_while_it_was_being_checked_lets_somebody_in(cell, monkeypatch):
    mia = await cell.enrolled("mia")
    verify = passwords.PasswordWorkers.verify

    async def slow(workers, kept, text):
        fits = await verify(workers, kept, text)
        change = {"change": "password", "password": "seven blue kettles sing"}
        assert (await cell.post(f"/v1/accounts/{mia.account_id}/changes", change, **cell.bearer())).status_code == 200
        return fits

    monkeypatch.setattr(passwords.PasswordWorkers, "verify", slow)
    assert (await mia.sign_in()).status_code == 401


@pytest.mark.parametrize(
    "change", [{"change": "disable"}, {"change": "password", "password": "seven blue kettles sing"}]
)
async def test_an_enrolment_outlives_what_was_done_against_whoever_began_it(cell, change):
    account_id = await cell.opened("mia", "manager")
    ticket = (await cell.plain("/v1/sessions", {"login": "mia", "password": PASSWORD})).json()["enrolment"]
    factor = (await cell.plain("/v1/factors", {"enrolment": ticket})).json()
    assert (await cell.post(f"/v1/accounts/{account_id}/changes", change, **cell.bearer())).status_code == 200
    code = cell.next_code(factor["secret"])
    late = await cell.plain("/v1/factors/confirmation", {"pending": factor["pending"], "code": code})
    assert (late.status_code, late.json()["code"]) == (409, "account.changed")


async def test_passwords_can_be_tried_on_what_is_remembered_of_a_request(cell):
    account_id = await cell.opened("mia", "manager")
    body = b'{"change":"password","password":"seven blue kettles sing"}'
    path = f"/v1/accounts/{account_id}/changes"
    assert (await cell.post(path, body, **cell.bearer())).status_code == 200
    remembered = {digest for digest, _ in cell.gateway.remembered.values()}
    assert digest_of(body) not in remembered


async def test_two_callers_with_the_same_key_meet_each_other_s_answers(cell):
    one, other = cell.bearer(sub="us-client-one"), cell.bearer(sub="us-client-other")
    first = await cell.post("/v1/orders", order(), "order-1", **one)
    second = await cell.post("/v1/orders", order(), "order-1", **other)
    again = await cell.post("/v1/orders", order(), "order-1", **one)
    assert first.json()["order_id"] == again.json()["order_id"] != second.json()["order_id"]
    elsewhere = await cell.post("/v1/orders", order(("C3", 1)), "order-1", **cell.bearer(sub="us-client-third"))
    assert elsewhere.status_code == 201


async def test_somebody_bound_to_a_location_gives_rights_elsewhere(cell):
    bound = cell.of_role("ops", locs=("us-st-portland",))
    account = {"login": "zoe", "role": "ops", "password": PASSWORD}
    for locations in ([], ["us-wh-seattle"], ["us-st-portland", "us-wh-seattle"]):
        answer = await cell.post("/v1/accounts", account | {"locations": locations}, **bound)
        assert (answer.status_code, answer.json()["code"]) == (403, "account.beyond_rights")
        client = {"name": "shop", "scopes": ["orders.read"], "locations": locations}
        assert (await cell.post("/v1/clients", client, **bound)).json()["code"] == "account.beyond_rights"
    opened = await cell.post("/v1/accounts", account | {"locations": ["us-st-portland"]}, **bound)
    assert opened.status_code == 201
    change = {"change": "role", "role": "manager", "locations": []}
    path = f"/v1/accounts/{opened.json()['account_id']}/changes"
    assert (await cell.post(path, change, **bound)).json()["code"] == "account.beyond_rights"
    whole = await cell.opened("boss", "ops")
    assert (await cell.http.get(f"/v1/accounts/{whole}", headers=bound)).json()["code"] == "account.beyond_rights"
    disable = await cell.post(f"/v1/accounts/{whole}/changes", {"change": "disable"}, **bound)
    assert disable.json()["code"] == "account.beyond_rights"


async def test_somebody_gives_himself_other_rights(cell):
    account_id = await cell.opened("me", "ops")
    change = {"change": "role", "role": "manager", "locations": []}
    answer = await cell.post(f"/v1/accounts/{account_id}/changes", change, **cell.of_role("ops", sub=account_id))
    assert (answer.status_code, answer.json()["code"]) == (403, "account.beyond_rights")


@pytest.mark.parametrize("scope", ["accounts.write", "clients.write", "devices.write"])
async def test_a_machine_gives_rights_without_a_second_factor(cell, scope):
    answer = await cell.post("/v1/clients", {"name": "shop", "scopes": [scope]}, **cell.bearer())
    assert (answer.status_code, answer.json()["code"]) == (422, "client.scope_forbidden")


async def test_a_recovery_code_opens_one_shift_only(cell):
    mia = await cell.enrolled("mia")
    code = mia.recovery_codes[3].upper().replace("-", " ")
    assert (await mia.sign_in(code="", recovery_code=code)).status_code == 200
    assert (await mia.sign_in(code="", recovery_code=code)).status_code == 401


async def test_an_old_refresh_token_ends_the_shift_of_whoever_holds_the_new_one(cell):
    mia = await cell.enrolled("mia")
    first = await mia.tokens()
    second = (await cell.plain("/v1/sessions/refresh", {"refresh_token": first["refresh_token"]})).json()
    assert (await cell.http.get("/v1/skus", headers=bearer(second))).status_code == 200
    stolen = await cell.plain("/v1/sessions/refresh", {"refresh_token": first["refresh_token"]})
    assert stolen.status_code == 401
    assert (await cell.http.get("/v1/skus", headers=bearer(second))).json()["code"] == "auth.session_ended"


async def test_an_idle_manager_is_signed_out(cell):
    mia = await cell.enrolled("mia", "manager")
    tokens = await mia.tokens()
    cell.clock.now += 15 * 60_000 + 1
    answer = await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
    assert (answer.status_code, answer.json()["code"]) == (401, "session.ended")


async def test_a_count_is_overridden_only_with_a_fresh_second_factor(cell):
    mia = await cell.enrolled("mia", "manager")
    tokens = await mia.tokens()
    cell.clock.now += 301_000
    tokens = (await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})).json()
    body = {"lines": [{"sku": "A1", "quantity": -1, "reason": "damage"}]}
    path = "/v1/locations/us-wh-seattle/adjustments"
    refused = await cell.post(path, body, **bearer(tokens))
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.step_up_required")
    challenge = refused.headers["www-authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'acr_values="2"' in challenge
    assert 'max_age="300"' in challenge
    proof = await cell.plain("/v1/sessions/current/proof", {"code": cell.next_code(mia.secret)}, **bearer(tokens))
    assert proof.status_code == 200
    assert (await cell.post(path, body, **bearer(proof.json()))).status_code == 200


async def test_a_wrong_code_proves_nothing(cell):
    mia = await cell.enrolled("mia", "manager")
    tokens = await mia.tokens()
    answer = await cell.plain("/v1/sessions/current/proof", {"code": "000000"}, **bearer(tokens))
    assert (answer.status_code, answer.json()["code"]) == (422, "factor.code_wrong")


async def test_a_changed_role_is_never_an_old_token_s(cell):
    mia = await cell.enrolled("mia", "manager")
    tokens = await mia.tokens()
    change = {"change": "role", "role": "associate", "locations": []}
    assert (await cell.post(f"/v1/accounts/{mia.account_id}/changes", change, **cell.bearer())).status_code == 200
    assert (await cell.http.get("/v1/skus", headers=bearer(tokens))).json()["code"] == "auth.session_ended"
    fresh = await mia.tokens()
    assert (await cell.post("/v1/skus", {"skus": [{"sku": "N"}]}, **bearer(fresh))).status_code == 403


async def test_an_enrolment_can_t_be_altered_used_for_something_else_or_late(cell):
    await cell.opened("mia", "manager")
    ticket = (await cell.plain("/v1/sessions", {"login": "mia", "password": PASSWORD})).json()["enrolment"]
    raw = bytearray(base64.urlsafe_b64decode(ticket))
    raw[-1] ^= 1
    altered = base64.urlsafe_b64encode(bytes(raw)).decode()
    assert (await cell.plain("/v1/factors", {"enrolment": altered})).json()["code"] == "factor.request_invalid"
    as_pending = await cell.plain("/v1/factors/confirmation", {"pending": ticket, "code": "123456"})
    assert as_pending.json()["code"] == "factor.request_invalid"
    cell.clock.now += 16 * 60_000
    assert (await cell.plain("/v1/factors", {"enrolment": ticket})).json()["code"] == "factor.request_invalid"


async def test_a_second_factor_is_not_replaced_by_whoever_knows_the_password(cell):
    await cell.opened("mia", "manager")
    ticket = (await cell.plain("/v1/sessions", {"login": "mia", "password": PASSWORD})).json()["enrolment"]
    mine = (await cell.plain("/v1/factors", {"enrolment": ticket})).json()
    theirs = (await cell.plain("/v1/factors", {"enrolment": ticket})).json()
    code = cell.next_code(mine["secret"])
    assert (await cell.plain("/v1/factors/confirmation", {"pending": mine["pending"], "code": code})).status_code == 200
    code = cell.next_code(theirs["secret"])
    second = await cell.plain("/v1/factors/confirmation", {"pending": theirs["pending"], "code": code})
    assert (second.status_code, second.json()["code"]) == (409, "account.factor_exists")


@pytest.mark.parametrize("password", ["short", "password1234", "Mia-The-Manager"])
async def test_a_password_that_is_soon_guessed_is_not_taken(cell, password):
    body = {"login": "mia-the-manager", "role": "manager", "password": password}
    before = cell.state()
    answer = await cell.post("/v1/accounts", body, **cell.bearer())
    assert (answer.status_code, answer.json()["code"]) == (422, "password.weak")
    assert cell.state() == before


async def test_nothing_secret_is_told_of_an_account(cell):
    mia = await cell.enrolled("mia", "manager")
    told = (await cell.http.get(f"/v1/accounts/{mia.account_id}", headers=cell.bearer())).text
    assert "argon2" not in told
    assert mia.secret not in told
    assert not re.search(r"hash|sealed|recovery", told)


async def test_live_screens_are_told_nothing_of_accounts(cell):
    cell.gateway.live_wanted = True
    stream = cell.services.live.join(frozenset({"order", "location"}))
    mia = await cell.enrolled("mia", "manager")
    await mia.tokens()
    assert not stream._pending


# --- machines
async def token_of(cell: GuardedCell, client: dict[str, str], **form: str):
    fields = {"grant_type": "client_credentials", **client, **form}
    return await cell.http.post("/v1/oauth/token", data=fields)


async def registered(cell: GuardedCell, scopes: list[str], key: str = "reg-1") -> dict[str, str]:
    answer = await cell.post("/v1/clients", {"name": "shop", "scopes": scopes}, key, **cell.bearer())
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def test_a_machine_gets_a_token_for_its_scopes_and_no_more(cell):
    client = await registered(cell, ["orders.place", "orders.read"])
    token = (await token_of(cell, client)).json()
    assert token["scope"] == "orders.place orders.read"
    assert (await cell.post("/v1/orders", order(), **bearer(token))).status_code == 201
    assert (await cell.http.get("/v1/skus", headers=bearer(token))).status_code == 403
    narrow = (await token_of(cell, client, scope="orders.read")).json()
    assert (await cell.post("/v1/orders", order(), **bearer(narrow))).status_code == 403
    assert (await token_of(cell, client, scope="stock.adjust")).json()["error"] == "invalid_scope"


async def test_a_repeated_registration_gives_the_same_secret_again(cell):
    assert await registered(cell, ["orders.read"]) == await registered(cell, ["orders.read"])


async def test_a_machine_may_name_itself_by_basic_but_not_twice(cell):
    client = await registered(cell, ["orders.read"])
    pair = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    form = {"grant_type": "client_credentials"}
    basic = {"Authorization": f"Basic {pair}"}
    assert (await cell.http.post("/v1/oauth/token", data=form, headers=basic)).status_code == 200
    twice = await cell.http.post("/v1/oauth/token", data=form | client, headers=basic)
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "client",
    [
        {"client_id": "us-client-shop", "client_secret": "wrong"},
        {"client_id": "us-client-nobody", "client_secret": "x"},
        {"client_id": "eu-client-shop", "client_secret": "x"},
        {"client_id": "../../x", "client_secret": "x"},
        {},
    ],
)
async def test_an_unknown_machine_and_a_wrong_secret_are_refused_alike(cell, client):
    await registered(cell, ["orders.read"])
    answer = await token_of(cell, client)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_repeated_scope_makes_a_token_too_long(cell):
    client = await registered(cell, ["orders.read"])
    token = await token_of(cell, client, scope=" ".join(["orders.read"] * 300))
    assert (token.status_code, token.json()["scope"]) == (200, "orders.read")


@pytest.mark.parametrize("header", ["Basic \u00e9", "Basic x", "Basic eA==", "Basic ", "Digest x"])
async def test_credentials_that_are_none_are_a_fault_of_ours(cell, header):
    form = {"grant_type": "client_credentials"}
    answer = await cell.http.post("/v1/oauth/token", data=form, headers={"Authorization": header.encode()})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_the_operator_s_own_name_is_given_to_a_machine(cell):
    answer = await cell.post("/v1/clients", {"name": "local", "scopes": ["orders.read"]}, **cell.bearer())
    assert (answer.status_code, answer.json()["code"]) == (409, "client.exists")


async def test_a_rotated_secret_replaces_the_old_one_after_its_grace(cell):
    client = await registered(cell, ["orders.read"])
    change = {"change": "rotate_secret", "grace_s": 60}
    fresh = (await cell.post(f"/v1/clients/{client['client_id']}/changes", change, **cell.bearer())).json()
    assert (await token_of(cell, client)).status_code == 200
    assert (await token_of(cell, fresh)).status_code == 200
    cell.clock.now += 60_001
    assert (await token_of(cell, client)).status_code == 401
    assert (await token_of(cell, fresh)).status_code == 200


async def test_a_disabled_machine_s_tokens_are_worthless_at_once(cell):
    client = await registered(cell, ["orders.read"])
    token = (await token_of(cell, client)).json()
    path = f"/v1/clients/{client['client_id']}/changes"
    assert (await cell.post(path, {"change": "disable"}, **cell.bearer())).status_code == 200
    assert (await cell.http.get("/v1/orders", headers=bearer(token))).json()["code"] == "auth.session_ended"
    assert (await token_of(cell, client)).status_code == 401


# --- tokens
async def test_a_rotated_key_signs_nobody_out(cell):
    mia = await cell.enrolled("mia")
    tokens = await mia.tokens()
    rotate(cell.keyring_path, cell.clock.now)
    assert (await cell.http.get("/v1/skus", headers=bearer(tokens))).status_code == 200
    # Another replica signs with the new key at once, while this one has not looked at the file again yet.
    from_elsewhere = {"Authorization": f"Bearer {issue(load(cell.keyring_path), cell.claims())}"}
    assert (await cell.http.get("/v1/skus", headers=from_elsewhere)).status_code == 200
    cell.clock.now += 2_000
    assert (await cell.http.get("/v1/skus", headers=bearer(tokens))).status_code == 200
    fresh = (await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})).json()
    kids = [
        json.loads(base64.urlsafe_b64decode(one["access_token"].split(".")[0] + "=="))["kid"] for one in (tokens, fresh)
    ]
    assert kids[0] != kids[1]
    assert (await cell.http.get("/v1/skus", headers=bearer(fresh))).status_code == 200


async def test_a_token_that_was_good_a_moment_ago_expires_all_the_same(cell):
    headers = cell.bearer()
    assert (await cell.http.get("/v1/skus", headers=headers)).status_code == 200
    cell.clock.now += 300_000
    refused = await cell.http.get("/v1/skus", headers=headers)
    assert (refused.status_code, refused.json()["reason"]) == (401, "expired")
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic eDp5", "Bearer \u00e9"])
async def test_what_is_no_token_is_refused_without_a_detail_that_helps(cell, header):
    answer = await cell.http.get("/v1/skus", headers={"Authorization": header.encode()})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.token_invalid")


async def test_two_authorizations_are_none(cell):
    headers = [("Authorization", cell.bearer()["Authorization"])] * 2
    assert (await cell.http.get("/v1/skus", headers=headers)).status_code == 401


async def test_a_refresh_token_opens_nothing(cell):
    mia = await cell.enrolled("mia")
    tokens = await mia.tokens()
    headers = {"Authorization": f"Bearer {tokens['refresh_token']}"}
    assert (await cell.http.get("/v1/skus", headers=headers)).status_code == 401
    swapped = await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["access_token"]})
    assert swapped.status_code == 401


async def test_a_live_stream_ends_with_its_session(cell):
    mia = await cell.enrolled("mia", "manager")
    tokens = await mia.tokens()
    mine = cell.services.live.join(frozenset({"order"}), tokens["shift"]["session_id"])
    other = cell.services.live.join(frozenset({"order"}), "somebody")
    await cell.http.delete("/v1/sessions/current", headers=bearer(tokens))
    assert mine.last_words
    assert not other.last_words


async def test_the_document_says_which_endpoints_need_a_token(cell):
    document = (await cell.http.get("/openapi.json")).json()
    place, availability = document["paths"]["/v1/orders"]["post"], document["paths"]["/v1/availability"]["get"]
    assert place["security"] == [{"token": []}]
    assert {"401", "403"} <= set(place["responses"])
    assert place["x-permission"] == "orders.place"
    assert "security" not in availability


async def test_passwords_can_be_guessed_as_fast_as_the_machine_hashes(cell):
    mia = await cell.enrolled("mia")
    answers = [await mia.sign_in(password="wrong" * 5, code="000000") for _ in range(BY_ACCOUNT.burst + 1)]
    assert answers[-1].status_code == 429
    assert answers[-1].json()["code"] == "auth.too_often"
    assert int(answers[-1].headers["retry-after"]) == 60 // BY_ACCOUNT.per_minute
    nobody = [
        await cell.plain("/v1/sessions", {"login": "nobody", "password": "wrong" * 5})
        for _ in range(BY_ACCOUNT.burst + 1)
    ]
    assert [answer.status_code for answer in nobody] == [401] * BY_ACCOUNT.burst + [429]


async def test_one_address_tries_one_password_at_every_account(cell, monkeypatch):
    monkeypatch.setattr(passwords, "verify_password", lambda kept, text: False)
    for number in range(BY_ADDRESS.burst):
        answer = await cell.plain("/v1/sessions", {"login": f"n{number}", "password": "wrong" * 5})
        assert answer.status_code == 401
    assert (await cell.plain("/v1/sessions", {"login": "n-last", "password": "wrong" * 5})).status_code == 429
    elsewhere = {"X-Forwarded-For": "203.0.113.9"}
    assert (
        await cell.plain("/v1/sessions", {"login": "n-last", "password": "wrong" * 5}, **elsewhere)
    ).status_code == 401


@pytest.mark.parametrize(
    ("peer", "told", "address"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::1", "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.7", "10.9.9.9", "203.0.113.7"),
        ("127.0.0.1", None, "127.0.0.1"),
    ],
)
def test_anybody_may_say_which_address_he_has(peer, told, address):
    headers = [] if told is None else [(b"x-forwarded-for", told.encode())]
    assert address_of({"client": (peer, 1), "headers": headers}) == address


async def test_a_stream_tells_of_stock_elsewhere(cell):
    cell.gateway.live_wanted = True
    bound = cell.services.live.join(frozenset({"order", "location"}), "s", frozenset({"us-st-portland"}))
    body = {"reference": "asn-2", "lines": [{"sku": "A1", "quantity": 1}]}
    await cell.post("/v1/locations/us-wh-seattle/receipts", body, **cell.bearer())
    assert not bound._pending
    await cell.post("/v1/locations/us-st-portland/receipts", body, **cell.bearer())
    assert len(bound._pending) == 1


async def test_a_machine_that_was_refused_leaves_no_trace(cell):
    client = await registered(cell, ["orders.read"])
    assert (await token_of(cell, client | {"client_secret": "wrong"})).status_code == 401
    await asyncio.sleep(0.3)
    (line,) = [line for line in cell.gateway.audited if line.act.action == "request.refused"]
    assert (line.outcome, line.entity_id) == ("client.refused", client["client_id"])
