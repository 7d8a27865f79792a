"""Devices that sign in, and people who sign in on them, as callers see it."""

import asyncio
import base64
import json
import re
import time
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from serve.devices import signing_in
from serve.identity import sessions
from serve.identity.limits import BY_ADDRESS, BY_CLIENT, MemoryRateLimits
from serve.identity.oauth import JWT_BEARER
from tests.unit.serve.scanner import HERE, SCOPES, enrolled, in_use, jwk_of, packed, signed
from tests.unit.serve.small_cell import order

THERE = "us-wh-newark"
NOBODY = "us-device-01kah2v3nq7h3k2m9qk4t1x0ab"
RECEIPT = {"reference": "asn-2", "lines": [{"sku": "A1", "quantity": 1}]}


def coded(answer):
    return answer.status_code, answer.json()["code"]


async def change(cell, scanner, **body):
    answer = await cell.post(f"/v1/devices/{scanner.device_id}/changes", body, **cell.bearer())
    assert answer.status_code == 200, answer.text
    return answer.json()


async def receive(cell, headers, location_id=HERE):
    return await cell.post(f"/v1/locations/{location_id}/receipts", RECEIPT, **headers)


def claims_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def bearer(tokens):
    return {"Authorization": f"Bearer {tokens['access_token']}"}


# --- the device by itself
async def test_a_device_does_its_work_and_is_out_once_it_was_revoked(cell):
    scanner = await in_use(cell)
    answer = (await scanner.ask_token()).json()
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("Bearer", 300, " ".join(SCOPES))
    claims = claims_of(answer["access_token"])
    session = f"{scanner.device_id}.1"
    assert (claims["sub"], claims["dev"], claims["sid"], claims["dev_sid"]) == (scanner.device_id,) * 2 + (session,) * 2
    assert (claims["scopes"], claims["locs"], claims["role"]) == (SCOPES, [HERE], "")
    # Nobody has proved himself by it, and it lives as long as it is told to.
    assert (claims["acr"], claims["auth_time"], claims["exp"] - claims["iat"]) == ("1", 0, 300)
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    assert (await receive(cell, headers)).status_code == 200
    await change(cell, scanner, change="revoke")
    assert coded(await receive(cell, headers)) == (401, "auth.session_ended")
    assert (await scanner.ask_token()).status_code == 401


async def test_a_device_works_at_another_location_or_does_what_was_not_given_to_it(cell):
    scanner = await in_use(cell, scopes=["stock.receive"])
    headers = await scanner.bearer()
    assert coded(await receive(cell, headers, THERE)) == (403, "auth.location_forbidden")
    assert coded(await cell.http.get(f"/v1/locations/{HERE}/stock", headers=headers)) == (403, "auth.forbidden")
    assert coded(await cell.post("/v1/devices", {}, **headers)) == (403, "auth.forbidden")
    placed = (await cell.post("/v1/orders", order(("A1", 2)), **cell.bearer())).json()
    assert [f["location_id"] for f in placed["fulfilments"]] == [HERE]
    step = {"update": "start_picking"}
    elsewhere = await in_use(cell, location_id=THERE)
    path = f"/v1/orders/{placed['order_id']}/updates"
    assert coded(await cell.post(path, step, **await elsewhere.bearer())) == (403, "order.location_forbidden")
    picker = await in_use(cell)
    assert (await cell.post(path, step, **await picker.bearer())).status_code == 200


async def test_a_narrower_token_is_as_wide_and_a_wider_one_is_given(cell):
    scanner = await in_use(cell, scopes=["stock.read", "stock.receive"])
    narrow = (await scanner.ask_token(scope="stock.read")).json()
    assert narrow["scope"] == "stock.read"
    assert coded(await receive(cell, bearer(narrow))) == (403, "auth.forbidden")
    wide = await scanner.ask_token(scope="stock.read orders.update")
    assert (wide.status_code, wide.json()["error"]) == (400, "invalid_scope")
    await cell.services.trail.close()
    (line,) = [line for line in cell.gateway.audited if line.outcome == "client.scope_refused"]
    assert line.who.subject == line.entity_id == scanner.device_id
    assert line.who.session_id == f"{scanner.device_id}.1"


async def refusals(cell):
    """(what is wrong, the answer to it)."""
    scanner, other, waiting, gone = await in_use(cell), await in_use(cell), await enrolled(cell), await in_use(cell)
    await change(cell, gone, change="revoke")
    used, header, now_s = scanner.assertion(), {"alg": "EdDSA"}, cell.clock.now // 1000
    assert (await scanner.ask_token(used)).status_code == 200
    claims = scanner.claims()
    public = jwk_of(scanner.key)["x"].encode()
    bad = {
        "replayed": used,
        "another jti's place": used + " ",
        "other key": signed(other.key, header, claims),
        "other device's": signed(scanner.key, header, claims | {"iss": other.device_id, "sub": other.device_id}),
        "two names": scanner.assertion(iss=other.device_id),
        "alg none": signed(None, {"alg": "none"}, claims),
        "no signature": signed(None, header, claims),
        "alg HS256": f"{packed(json.dumps({'alg': 'HS256'}).encode())}.{packed(json.dumps(claims).encode())}.{packed(public)}",
        "alg Ed25519": signed(scanner.key, {"alg": "Ed25519"}, claims),
        "its own key": signed(other.key, {"alg": "EdDSA", "jwk": jwk_of(other.key)}, claims),
        "critical": signed(scanner.key, {"alg": "EdDSA", "crit": ["b64"], "b64": False}, claims),
        "a token's type": signed(scanner.key, {"alg": "EdDSA", "typ": "at+jwt"}, claims),
        "expired": scanner.assertion(exp=now_s, iat=now_s - 60),
        "too long": scanner.assertion(exp=now_s + 301),
        "not yet": scanner.assertion(iat=now_s + 61, exp=now_s + 120),
        "not before": scanner.assertion(nbf=now_s + 61),
        "other region": scanner.assertion(aud="ocefs:eu"),
        "other region's device": scanner.assertion(iss="eu" + scanner.device_id[2:], sub="eu" + scanner.device_id[2:]),
        "two audiences": scanner.assertion(aud=["ocefs:us", "ocefs:eu"]),
        "a client": scanner.assertion(iss="us-client-shop", sub="us-client-shop"),
        "nobody": scanner.assertion(iss=NOBODY, sub=NOBODY),
        "waiting": waiting.assertion(),
        "revoked": gone.assertion(),
        "no token": "x",
        "nested": signed(scanner.key, header, b'{"sub":"' + scanner.device_id.encode() + b'","x":' + b"[" * 2_500),
        "long": scanner.assertion(more="x" * 4_096),
        **{f"no {name}": scanner.assertion(**{name: ...}) for name in ("iss", "sub", "aud", "exp", "iat", "jti")},
        **{f"bad {name}": scanner.assertion(**{name: {}}) for name in ("iss", "sub", "aud", "exp", "iat", "jti")},
        "empty jti": scanner.assertion(jti=""),
    }  # fmt: skip
    for what, assertion in bad.items():
        # More are wrong here than may be from one address.
        cell.services.limits = MemoryRateLimits()
        yield what, await scanner.ask_token(assertion)
    yield "another client's name", await scanner.ask_token(client_id=other.device_id)
    assert (await scanner.ask_token(client_id=scanner.device_id)).status_code == 200


async def test_something_wrong_is_taken_or_told_from_other_things_that_are(cell):
    told = {what: answer async for what, answer in refusals(cell)}
    assert len(told) > 35
    # Nobody looks here for what is another region's.
    assert not [entity_id for _, entity_id in cell.gateway.calls if entity_id.startswith("eu-")]
    first = told["replayed"]
    for what, answer in told.items():
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), what
        assert answer.content == first.content, what
        assert {*answer.headers} == {*first.headers}, what


@pytest.mark.parametrize("what", ["known", "nobody", "other key"])
async def test_how_long_a_refusal_takes_shows_what_is_wrong(cell, monkeypatch, what):
    scanner, due = await in_use(cell), []

    async def noted(moment_s):
        due.append(moment_s)

    monkeypatch.setattr(signing_in, "REFUSAL_S", 0.5)
    monkeypatch.setattr(signing_in, "not_before", noted)
    assertion = scanner.assertion(**({"iss": NOBODY, "sub": NOBODY} if what == "nobody" else {}))
    if what == "known":
        assert (await scanner.ask_token(assertion)).status_code == 200
    elif what == "other key":
        assertion = signed(Ed25519PrivateKey.generate(), {"alg": "EdDSA"}, scanner.claims())
    begun = asyncio.get_running_loop().time()
    assert (await scanner.ask_token(assertion)).status_code == 401
    assert len(due) == 1
    assert due[0] - begun >= 0.5


@pytest.mark.parametrize(
    "form",
    [
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_assertion_type": ""},
        {"client_assertion": ""},
        {"client_secret": "x"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"},
        {"grant_type": ""},
    ],
)
async def test_a_form_that_is_none_uses_the_assertion_up(cell, form):
    scanner = await in_use(cell)
    assertion = scanner.assertion()
    assert (await scanner.ask_token(**({"client_assertion": assertion} | form))).status_code == 400
    assert (await scanner.ask_token(assertion)).status_code == 200


async def test_a_device_proves_itself_in_two_ways_at_once(cell):
    scanner = await in_use(cell)
    form = {
        "grant_type": "client_credentials", "client_assertion_type": JWT_BEARER, "client_assertion": scanner.assertion(),
    }  # fmt: skip
    twice = await cell.http.post("/v1/oauth/token", data=form, headers={"Authorization": "Basic eDp5"})
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")


async def test_what_libraries_write_into_a_header_keeps_a_device_out(cell):
    scanner = await in_use(cell)
    for header in ({}, {"typ": "JWT"}, {"typ": "client-authentication+jwt"}, {"kid": "mine"}):
        assertion = signed(scanner.key, {"alg": "EdDSA"} | header, scanner.claims(aud=["ocefs:us"]))
        assert (await scanner.ask_token(assertion)).status_code == 200, header


async def test_who_knows_a_device_s_id_keeps_it_out(cell):
    scanner, other = await in_use(cell), Ed25519PrivateKey.generate()
    wrong = [await scanner.ask_token(signed(other, {"alg": "EdDSA"}, scanner.claims())) for _ in range(BY_ADDRESS.burst + 1)]  # fmt: skip
    assert [answer.status_code for answer in wrong] == [401] * BY_ADDRESS.burst + [429]
    assert (await scanner.ask_token()).status_code == 200


@pytest.mark.parametrize("what", ["known", "nobody"])
async def test_one_refusal_too_many_comes_at_once_and_shows_what_is_wrong(cell, monkeypatch, what):
    scanner, due = await in_use(cell), []

    async def noted(moment_s):
        due.append(moment_s)

    for _ in range(BY_ADDRESS.burst):
        await scanner.ask_token("x")
    monkeypatch.setattr(signing_in, "not_before", noted)
    named = scanner.device_id if what == "known" else NOBODY
    claims = scanner.claims(iss=named, sub=named)
    answer = await scanner.ask_token(signed(Ed25519PrivateKey.generate(), {"alg": "EdDSA"}, claims))
    assert (coded(answer), len(due)) == ((429, "auth.too_often"), 1)


async def test_one_device_keeps_the_cell_busy(cell):
    scanner = await in_use(cell)
    answers = [await scanner.ask_token() for _ in range(BY_CLIENT.burst + 1)]
    assert [answer.status_code for answer in answers] == [200] * BY_CLIENT.burst + [429]


@pytest.mark.parametrize("body", [{"change": "revoke"}, {"change": "move", "location_id": THERE}])
async def test_an_old_token_of_a_device_outlives_a_change(cell, body):
    scanner = await in_use(cell)
    headers = await scanner.bearer()
    await change(cell, scanner, **body)
    assert coded(await receive(cell, headers)) == (401, "auth.session_ended")


async def test_a_moved_device_works_where_it_was(cell):
    scanner = await in_use(cell)
    await change(cell, scanner, change="move", location_id=THERE)
    headers = await scanner.bearer()
    assert coded(await receive(cell, headers)) == (403, "auth.location_forbidden")
    assert (await receive(cell, headers, THERE)).status_code == 200


async def test_a_lost_key_is_good_beside_the_new_one(cell):
    scanner = await in_use(cell)
    headers, old_key = await scanner.bearer(), scanner.key
    scanner.code = (await change(cell, scanner, change="renew_code"))["code"]
    assert (await receive(cell, headers)).status_code == 200
    scanner.key = Ed25519PrivateKey.generate()
    await scanner.claimed()
    assert coded(await receive(cell, headers)) == (401, "auth.session_ended")
    assert (await receive(cell, await scanner.bearer())).status_code == 200
    scanner.key = old_key
    assert (await scanner.ask_token()).status_code == 401


async def test_the_audit_does_not_know_which_device_it_was(cell):
    scanner = await in_use(cell)
    assertion = scanner.assertion()
    token = (await scanner.ask_token(assertion)).json()
    await scanner.ask_token(assertion)
    await scanner.ask_token(scanner.assertion(aud="ocefs:eu"))
    await receive(cell, bearer(token))
    await cell.services.trail.close()
    lines = {(line.act.action, line.outcome): line for line in cell.gateway.audited}
    receipts = [line for line in cell.gateway.audited if line.act.action == "location.receive"]
    work = receipts[-1]
    assert (work.who.subject, work.who.device, work.who.session_id) == (scanner.device_id,) * 2 + (
        f"{scanner.device_id}.1",
    )
    for outcome in ("", "client.refused"):
        assert lines["device.sign_in", outcome].who.subject == scanner.device_id
    refused = [line for line in cell.gateway.audited if line.act.action == "request.refused"]
    # What the device refused by itself stands there already.
    assert [(line.outcome, line.entity_id) for line in refused] == [("client.refused", scanner.device_id)]
    assert refused[0].act.changes == {"endpoint": (None, "POST /v1/oauth/token")}


class CellTransport(httpx.BaseTransport):
    """Brings calls of another thread to the cell in the test's loop."""

    def __init__(self, cell):
        self.cell, self.loop = cell, asyncio.get_running_loop()

    def handle_request(self, request):
        call = self.cell.http.request(request.method, request.url.path, content=request.read(), headers=request.headers)
        answer = asyncio.run_coroutine_threadsafe(call, self.loop).result(30)
        return httpx.Response(answer.status_code, content=answer.content)


async def test_the_example_that_people_copy_does_not_work(cell, monkeypatch):
    page = Path(__file__).parents[4] / "docs" / "security" / "devices.md"
    (example,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    cell.clock.now = int(time.time() * 1_000)
    waiting = await enrolled(cell)
    client = httpx.Client(base_url="http://cell", transport=CellTransport(cell))
    monkeypatch.setattr(httpx, "Client", lambda base_url: client)
    said = {"device_id": waiting.device_id, "code": waiting.code}
    await asyncio.to_thread(exec, example, said)
    assert (await receive(cell, {"Authorization": f"Bearer {said['token']}"})).status_code == 200


# --- people on a device
async def sign_in(cell, person, device, **more):
    body = {
        "login": person.login,
        "password": "eleven grey kettles sing",
        "code": cell.next_code(person.secret),
        **more,
    }
    return await cell.plain("/v1/sessions", body, **({} if device is None else {"Device-Authorization": device}))


async def on_device(cell, person, scanner, **more):
    answer = await sign_in(cell, person, f"Bearer {await scanner.token()}", **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_shift_on_a_device_is_not_told_from_others(cell):
    mia, scanner = await cell.enrolled("mia", "manager"), await in_use(cell)
    tokens = await on_device(cell, mia, scanner)
    claims = claims_of(tokens["access_token"])
    assert (claims["dev"], claims["dev_sid"], claims["sub"]) == (
        scanner.device_id,
        f"{scanner.device_id}.1",
        mia.account_id,
    )
    assert tokens["shift"]["location_id"] == HERE
    assert (await receive(cell, bearer(tokens))).status_code == 200
    who = cell.gateway.audited[-1].who
    assert (who.subject, who.role, who.device) == (mia.account_id, "manager", scanner.device_id)
    renewed = (await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})).json()
    assert claims_of(renewed["access_token"])["dev"] == scanner.device_id
    proof = await cell.plain("/v1/sessions/current/proof", {"code": cell.next_code(mia.secret)}, **bearer(renewed))
    assert claims_of(proof.json()["access_token"])["dev"] == scanner.device_id
    mine = {line.act.action: line.who for line in cell.gateway.audited if line.who.subject == mia.account_id}
    for action in ("session.open", "session.refresh", "session.proof", "location.receive"):
        assert mine[action].device == scanner.device_id, action
    plain = await sign_in(cell, mia, None)
    assert (claims_of(plain.json()["access_token"])["dev"], plain.json()["shift"]["location_id"]) == ("", "")


@pytest.mark.parametrize("body", [{"change": "revoke"}, {"change": "move", "location_id": THERE}])
async def test_somebody_goes_on_working_on_a_revoked_device(cell, body):
    mia, scanner = await cell.enrolled("mia", "manager"), await in_use(cell)
    tokens = await on_device(cell, mia, scanner)
    await change(cell, scanner, **body)
    assert coded(await receive(cell, bearer(tokens))) == (401, "auth.session_ended")
    refreshed = await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
    assert coded(refreshed) == (401, "auth.session_ended")
    # Elsewhere they may work as before.
    assert (await sign_in(cell, mia, None)).status_code == 200


async def test_a_shift_on_a_revoked_device_comes_back_when_revocations_are_swept(cell):
    mia, scanner = await cell.enrolled("mia", "associate"), await in_use(cell)
    tokens = await on_device(cell, mia, scanner)
    await change(cell, scanner, change="revoke")
    for _ in range(11):
        cell.clock.now += 3_600_000
        cell.services.ended._sweep()
        refreshed = await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
        assert coded(refreshed) == (401, "auth.session_ended")


async def test_a_screen_on_a_revoked_device_goes_on_showing(cell):
    mia, scanner, live = await cell.enrolled("mia", "manager"), await in_use(cell), cell.services.live
    tokens = await on_device(cell, mia, scanner)
    looking = asyncio.create_task(cell.http.get("/v1/live", headers=bearer(tokens)))
    async with asyncio.timeout(60):
        await cell.gateway.live_changed.wait()
        elsewhere = live.join(frozenset({"order"}), "s-2", frozenset(), "us-device-y.1")
        await change(cell, scanner, change="revoke")
        assert "event: reconnect" in (await looking).text
    assert not elsewhere.last_words


async def test_somebody_signs_in_on_a_device_of_another_location(cell):
    scanner = await in_use(cell)
    bound, free = await cell.enrolled("bo", "fulfilment", [THERE]), await cell.enrolled("mia", "manager")
    device = f"Bearer {await scanner.token()}"
    for person, location_id in ((bound, THERE), (free, THERE), (bound, "")):
        refused = await sign_in(cell, person, device, location_id=location_id)
        assert coded(refused) == (403, "device.elsewhere"), location_id
        assert refused.json()["location_id"] == HERE
    assert coded(await sign_in(cell, bound, device, location_id=HERE)) == (403, "account.location_not_allowed")
    assert (await sign_in(cell, free, device, location_id=HERE)).status_code == 200


async def test_where_an_account_works_is_told_to_whoever_has_a_device(cell):
    scanner, bound = await in_use(cell), await cell.enrolled("bo", "fulfilment", [THERE])
    device = f"Bearer {await scanner.token()}"
    body = {"login": bound.login, "password": "wrong" * 5, "code": "123456"}
    assert coded(await cell.plain("/v1/sessions", body, **{"Device-Authorization": device})) == (401, "session.refused")


@pytest.mark.parametrize(
    "kind", ["revoked", "person's", "person's on a device", "client's", "refresh", "none", "expired", "empty"]
)
async def test_something_else_than_a_device_s_token_stands_for_a_device(cell, kind):
    mia, scanner = await cell.enrolled("mia", "manager"), await in_use(cell)
    given = f"Bearer {await scanner.token()}"
    code = "auth.token_invalid"
    if kind == "revoked":
        await change(cell, scanner, change="revoke")
        code = "auth.session_ended"
    elif kind == "person's":
        given = cell.of_role("manager")["Authorization"]
    elif kind == "person's on a device":
        given = f"Bearer {(await on_device(cell, mia, scanner))['access_token']}"
    elif kind == "client's":
        given = cell.bearer()["Authorization"]
    elif kind == "refresh":
        given = f"Bearer {(await mia.tokens())['refresh_token']}"
    elif kind == "expired":
        cell.clock.now += 300_000
    else:
        given = {"none": "x", "empty": ""}[kind]
    assert coded(await sign_in(cell, mia, given)) == (401, code)


async def test_two_devices_are_one(cell):
    mia, scanner = await cell.enrolled("mia", "manager"), await in_use(cell)
    given = ("Device-Authorization", f"Bearer {await scanner.token()}")
    body = {"login": "mia", "password": "eleven grey kettles sing", "code": cell.next_code(mia.secret)}
    twice = await cell.http.post("/v1/sessions", json=body, headers=[given, given])
    assert coded(twice) == (401, "auth.token_invalid")


async def test_the_time_of_a_refusal_on_a_device_tells_who_works_where(cell, monkeypatch):
    scanner, bound = await in_use(cell), await cell.enrolled("bo", "fulfilment", [THERE])
    due = []

    async def noted(moment_s):
        due.append(moment_s)

    monkeypatch.setattr(sessions, "not_before", noted)
    assert coded(await sign_in(cell, bound, f"Bearer {await scanner.token()}")) == (403, "device.elsewhere")
    assert len(due) == 1
