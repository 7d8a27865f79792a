"""Signing in and shifts as callers see them. What is decided about accounts is in tests/unit/domain/test_account.py."""

import asyncio

import pytest

from actors.domain.account_state import LOCK_AFTER, LOCK_MS
from actors.domain.revocations import Revoke, replaced
from serve.identity import passwords, sessions
from serve.identity.limits import BY_ACCOUNT, BY_ADDRESS, BY_SESSION, Routers
from tests.unit.serve.guarded_cell import PASSWORD, Person, furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import bearer
from tests.unit.serve.scanner import in_use


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


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


async def test_an_authenticator_app_shows_an_id_for_a_name_or_the_cell_keeps_the_name(cell):
    account_id = await cell.opened("mia", "manager")
    refused = await Person(cell, "mia", account_id).sign_in(code="")
    enrolment = refused.json()["enrolment"]
    for shown_as, label in (("mia.m@us.example", "mia.m%40us.example"), ("", account_id)):
        sent = {"enrolment": enrolment} | ({"shown_as": shown_as} if shown_as else {})
        factor = (await cell.plain("/v1/factors", sent)).json()
        assert factor["uri"].startswith(f"otpauth://totp/OCEFS%20us:{label}?secret=")
    assert "mia.m" not in repr(cell.gateway.entities)
    assert (await cell.plain("/v1/factors", {"enrolment": enrolment, "shown_as": "a\nb"})).status_code == 422


async def test_a_code_as_the_authenticator_shows_it_is_no_code(cell):
    mia = await cell.enrolled("mia")
    code = cell.next_code(mia.secret)
    assert (await mia.sign_in(code=f"{code[:3]} {code[3:]}")).status_code == 200
    assert (await mia.sign_in(code=code)).status_code == 401, "the same one, and taken once"
    assert (await mia.sign_in(code="12a 456")).status_code == 422


@pytest.mark.parametrize("wrong", ["login", "password", "code", "used code", "locked"])
async def test_why_a_sign_in_failed_is_told_to_nobody(cell, wrong):
    mia = await cell.enrolled("mia")
    answers = []
    if wrong == "login":
        answers.append(await cell.plain("/v1/sessions", {"login": "nobody", "password": PASSWORD, "code": "123456"}))
    elif wrong == "password":
        answers.append(await mia.sign_in(password="wrong" * 5))
    elif wrong == "code":
        answers.append(await mia.sign_in(code=cell.wrong_code(mia.secret)))
    elif wrong == "used code":
        code = cell.next_code(mia.secret)
        assert (await mia.sign_in(code=code)).status_code == 200
        answers.append(await mia.sign_in(code=code))
    else:
        for _ in range(LOCK_AFTER):
            await mia.sign_in(code=cell.wrong_code(mia.secret))
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


@pytest.mark.real_hashes
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


async def proved(cell, person, tokens):
    answer = await cell.plain("/v1/sessions/current/proof", {"code": cell.next_code(person.secret)}, **bearer(tokens))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_whoever_stole_an_access_token_goes_on_after_its_person_has_proved_himself(cell):
    mia = await cell.enrolled("mia", "manager")
    first = await mia.tokens()
    # Its own proof is fresh still, so that it would do for what asks for one.
    body = {"lines": [{"sku": "A1", "quantity": -1, "reason": "damage"}]}
    path = "/v1/locations/us-wh-seattle/adjustments"
    assert (await cell.post(path, body, **bearer(first))).status_code == 200
    second = await proved(cell, mia, first)
    for refused in (
        await cell.http.get("/v1/skus", headers=bearer(first)),
        await cell.post(path, body, **bearer(first)),
        await cell.plain("/v1/sessions/current/proof", {"code": cell.next_code(mia.secret)}, **bearer(first)),
    ):
        assert (refused.status_code, refused.json()["code"]) == (401, "auth.token_invalid")
        assert refused.json()["reason"] == "replaced"
    assert (await cell.http.get("/v1/skus", headers=bearer(second))).status_code == 200
    assert (await cell.post(path, body, **bearer(second))).status_code == 200
    renewed = (await cell.plain("/v1/sessions/refresh", {"refresh_token": second["refresh_token"]})).json()
    third = await proved(cell, mia, renewed)
    told = [
        (await cell.http.get("/v1/skus", headers=bearer(tokens))).status_code for tokens in (second, renewed, third)
    ]
    assert told == [401, 401, 200]


async def test_a_token_is_refused_because_the_word_that_it_replaces_others_comes_late(cell):
    mia = await cell.enrolled("mia", "manager")
    first = await mia.tokens()
    code = cell.next_code(mia.secret)
    cell.gateway.deliver = False
    # In the same second, with the word of it under way.
    second = (await cell.plain("/v1/sessions/current/proof", {"code": code}, **bearer(first))).json()
    told = [(await cell.http.get("/v1/skus", headers=bearer(tokens))).status_code for tokens in (first, second)]
    assert told == [200, 200]
    cell.gateway.run_outbox()
    told = [(await cell.http.get("/v1/skus", headers=bearer(tokens))).status_code for tokens in (first, second)]
    assert told == [401, 200]


async def test_a_live_stream_that_an_old_token_began_goes_on(cell):
    mia = await cell.enrolled("mia", "manager")
    tokens = await mia.tokens()
    live = cell.services.live
    mine = live.join(frozenset({"order"}), tokens["shift"]["session_id"])
    other = live.join(frozenset({"order"}), "somebody")
    await proved(cell, mia, tokens)
    assert mine.last_words
    assert not other.last_words


async def test_a_refresh_makes_the_access_token_before_it_worthless(cell):
    mia = await cell.enrolled("mia")
    first = await mia.tokens()
    await cell.plain("/v1/sessions/refresh", {"refresh_token": first["refresh_token"]})
    assert (await cell.http.get("/v1/skus", headers=bearer(first))).status_code == 200


async def test_replaced_tokens_are_remembered_longer_than_they_live_or_less_long(cell):
    ended, now = cell.services.ended, cell.clock.now
    for number in (3, 2):
        mark = Revoke(replaced("s1", number), now + 1000 * (4 - number))
        await cell.gateway.ask("revocations", "us-revocations", mark, command_id=f"m{number}", digest=0)
    assert ended.first_good == {"s1": 3}
    ended._sweep()
    assert ended.first_good == {"s1": 3}
    cell.clock.now += 1500
    ended._sweep()
    assert ended.first_good == {"s1": 2}
    cell.clock.now += 1500
    ended._sweep()
    assert ended.first_good == {}


async def test_a_wrong_code_proves_nothing(cell):
    mia = await cell.enrolled("mia", "manager")
    tokens = await mia.tokens()
    answer = await cell.plain("/v1/sessions/current/proof", {"code": cell.wrong_code(mia.secret)}, **bearer(tokens))
    assert (answer.status_code, answer.json()["code"]) == (422, "factor.code_wrong")


@pytest.mark.parametrize("role", ["", "customer"])
async def test_who_has_no_second_factor_to_give_again_is_a_fault_of_ours(cell, role):
    headers = cell.of_role(role, sub="us-cust-01kah2v3nq7h3k2m9qk4t1x0ab")
    answer = await cell.plain("/v1/sessions/current/proof", {"code": "123456"}, **headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")


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


async def test_what_guests_send_from_a_building_keeps_its_people_and_devices_out(cell):
    mia, scanner = await cell.enrolled("mia"), await in_use(cell)
    client = (await cell.post("/v1/clients", {"name": "till", "scopes": ["orders.read"]}, **cell.bearer())).json()
    tokens, form = await mia.tokens(), {"grant_type": "client_credentials", "client_id": client["client_id"]}
    ticket = (await Person(cell, "sam", await cell.opened("sam", "support")).sign_in(code="")).json()["enrolment"]
    for _ in range(BY_ADDRESS.burst + 1):
        await cell.http.post("/v1/sessions", content=b"x")
        await cell.plain("/v1/sessions/passkey-options", {})
        told = [
            await cell.plain("/v1/sessions/refresh", {"refresh_token": "x"}),
            await cell.plain("/v1/customers/sessions/refresh", {"refresh_token": "x"}),
            await cell.plain("/v1/factors", {"enrolment": "x"}),
            await cell.http.post("/v1/oauth/token", data=form | {"client_secret": "x"}),
            await scanner.ask_token("x"),
        ]
    assert [answer.status_code for answer in told] == [429] * len(told)
    assert all(answer.headers["retry-after"] == "1" for answer in told)
    for answer in (
        await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]}),
        await cell.plain("/v1/factors", {"enrolment": ticket}),
        await cell.http.post("/v1/oauth/token", data=form | {"client_secret": client["client_secret"]}),
        await scanner.ask_token(),
        await mia.sign_in(),
    ):
        assert answer.status_code == 200, answer.text
    # And whose shift is over hears that, not that he should try again.
    cell.clock.now += 12 * 3_600_000
    over, gone = {"refresh_token": tokens["refresh_token"]}, None
    for _ in range(BY_ADDRESS.burst + 1):
        gone = await cell.plain("/v1/sessions/refresh", {"refresh_token": "x"})
    assert gone is not None
    assert gone.status_code == 429
    for path in ("/v1/sessions/refresh", "/v1/customers/sessions/refresh"):
        answer = await cell.plain(path, over)
        assert (answer.status_code, answer.json()["reason"]) == (401, "expired")


async def test_people_who_sign_in_on_a_device_are_kept_out_by_who_tries_passwords_beside_it(cell, monkeypatch):
    monkeypatch.setattr(passwords, "verify_password", lambda kept, text: False)
    scanner = await in_use(cell)
    on_it = {"Device-Authorization": (await scanner.bearer())["Authorization"]}
    tried = {"login": "nobody", "password": "wrong" * 5}
    for number in range(BY_ADDRESS.burst):
        await cell.plain("/v1/sessions", tried | {"login": f"n{number}"})
    assert (await cell.plain("/v1/sessions", tried)).status_code == 429
    for number in range(BY_ADDRESS.burst):
        assert (await cell.plain("/v1/sessions", tried | {"login": f"d{number}"}, **on_it)).status_code == 401
    assert (await cell.plain("/v1/sessions", tried, **on_it)).status_code == 429


async def test_one_session_keeps_the_cell_busy(cell):
    tokens, told = await (await cell.enrolled("mia")).tokens(), []
    for _ in range(BY_SESSION.burst + 1):
        answer = await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
        told.append(answer.status_code)
        tokens = answer.json() if answer.status_code == 200 else tokens
    assert told == [200] * BY_SESSION.burst + [429]
    # It was not looked at, so it is good yet.
    cell.clock.now += 60_000 // BY_SESSION.per_minute
    assert (await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})).status_code == 200


@pytest.mark.parametrize(
    ("peer", "told", "address", "networks"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9", []),
        ("::1", "10.0.0.1, 203.0.113.9", "203.0.113.9", []),
        ("203.0.113.7", "10.9.9.9", "203.0.113.7", []),
        ("127.0.0.1", None, "127.0.0.1", []),
        ("10.0.0.5", "203.0.113.9", "203.0.113.9", ["2001:db8::/64", "10.0.0.0/24"]),
        ("::ffff:10.0.0.5", "203.0.113.9", "203.0.113.9", ["10.0.0.0/24"]),
        ("2001:db8::5", "203.0.113.9", "203.0.113.9", ["2001:db8::/64", "10.0.0.0/24"]),
        ("10.0.0.5", None, "10.0.0.5", ["10.0.0.0/24"]),
        ("10.0.1.5", "10.9.9.9", "10.0.1.5", ["10.0.0.0/24"]),
        ("no address", "10.9.9.9", "no address", ["10.0.0.0/24"]),
    ],
)
def test_anybody_may_say_which_address_he_has(peer, told, address, networks):
    headers = [] if told is None else [(b"x-forwarded-for", told.encode())]
    assert Routers(networks).address_of({"client": (peer, 1), "headers": headers}) == address


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("::1", "::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_network_counts_as_many_or_two_as_one(address, counted):
    assert Routers().network_of({"client": (address, 1), "headers": []}) == counted
