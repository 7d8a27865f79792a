"""Accounts as callers see them: their rights, passwords and second factors. What is decided about them is in
tests/unit/domain/test_account.py."""

import base64
import re

import msgspec
import pytest

from actors.runtime.sharding import digest_of
from serve.identity.limits import BY_ACCOUNT
from tests.unit.serve.guarded_cell import PASSWORD, furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import bearer


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


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


async def test_who_goes_on_with_a_half_made_account_is_not_told_which_it_is_or_can_not_enrol_a_factor(cell):
    """As `cells/demo_people.py` does."""
    mia = await cell.enrolled("mia")
    local = cell.bearer(scopes=("accounts.write",), sub="us-client-local")
    again = await cell.post("/v1/accounts", {"login": "mia", "role": "manager", "password": PASSWORD}, **local)
    assert (again.status_code, again.json()["code"], again.json()["account_id"]) == (
        409,
        "account.exists",
        mia.account_id,
    )
    credentials = {"login": "mia", "password": PASSWORD}
    path = f"/v1/accounts/{mia.account_id}/changes"
    assert (await cell.plain("/v1/sessions", credentials)).status_code == 401
    assert (await cell.post(path, {"change": "disable"}, **local)).status_code == 200
    assert (await cell.plain("/v1/sessions", credentials)).status_code == 401
    for change in ("reset_factor", "reset_factor", "enable", "enable"):
        assert (await cell.post(path, {"change": change}, **local)).status_code == 200
    refused = await cell.plain("/v1/sessions", credentials)
    assert (refused.status_code, refused.json()["code"]) == (403, "session.factor_missing")


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"change": "password"}, "/password"),
        ({"change": "role", "locations": []}, "/role"),
        ({"change": "role", "role": "associate"}, "/locations"),
    ],
    ids=["password", "role", "locations"],
)
async def test_a_change_that_leaves_out_what_it_changes_is_a_fault_of_ours_or_gives_the_whole_region(
    cell, change, missing
):
    account_id = await cell.opened("mia", "manager", ["us-st-austin"])
    before = cell.state()
    answer = await cell.post(f"/v1/accounts/{account_id}/changes", change, **cell.bearer())
    assert (answer.status_code, answer.json()["code"]) == (422, "body.missing_field")
    assert answer.json()["errors"][0]["pointer"] == missing
    assert cell.state() == before


async def test_passwords_can_be_tried_on_what_is_remembered_of_a_request(cell):
    account_id = await cell.opened("mia", "manager")
    body = b'{"change":"password","password":"seven blue kettles sing"}'
    path = f"/v1/accounts/{account_id}/changes"
    assert (await cell.post(path, body, **cell.bearer())).status_code == 200
    remembered = {digest for digest, _ in cell.gateway.remembered.values()}
    assert digest_of(body) not in remembered


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


async def test_somebody_bound_to_a_location_reads_the_rights_of_machines_elsewhere(cell):
    bound = cell.of_role("ops", locs=("us-st-portland",))
    for name, locations in (("erp", []), ("scales", ["us-wh-seattle"]), ("till", ["us-st-portland"])):
        client = {"name": name, "scopes": ["orders.read"], "locations": locations}
        assert (await cell.post("/v1/clients", client, **cell.bearer())).status_code == 201
    for name in ("erp", "scales"):
        refused = await cell.http.get(f"/v1/clients/us-client-{name}", headers=bound)
        assert (refused.status_code, refused.json()["code"]) == (403, "account.beyond_rights")
    read = await cell.http.get("/v1/clients/us-client-till", headers=bound)
    assert (read.status_code, read.json()["locations"]) == (200, ["us-st-portland"])
    unknown = await cell.http.get("/v1/clients/us-client-nobody", headers=bound)
    assert unknown.json()["code"] == "client.unknown"


async def test_somebody_gives_himself_other_rights(cell):
    account_id = await cell.opened("me", "ops")
    change = {"change": "role", "role": "manager", "locations": []}
    answer = await cell.post(f"/v1/accounts/{account_id}/changes", change, **cell.of_role("ops", sub=account_id))
    assert (answer.status_code, answer.json()["code"]) == (403, "account.beyond_rights")


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


async def test_one_enrolment_is_begun_as_often_as_somebody_likes(cell):
    tickets = []
    for login in ("mia", "zoe"):
        await cell.opened(login, "manager")
        tickets.append((await cell.plain("/v1/sessions", {"login": login, "password": PASSWORD})).json()["enrolment"])
    told = [
        (await cell.plain("/v1/factors", {"enrolment": tickets[0]})).status_code for _ in range(BY_ACCOUNT.burst + 1)
    ]
    assert told == [200] * BY_ACCOUNT.burst + [429]
    assert (await cell.plain("/v1/factors", {"enrolment": tickets[1]})).status_code == 200


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
    # Of random letters: any of these could stand in it.
    assert not re.search(r"hash|sealed|recovery", told.replace(mia.account_id, ""))


@pytest.mark.parametrize("role", ["manager", "auditor", "privacy", "ops"])
async def test_nobody_knows_under_which_id_a_person_stands_in_the_audit(cell, role):
    mia = await cell.enrolled("mia", "manager")
    answer = await cell.plain("/v1/account-searches", {"login": "mia"}, **cell.of_role(role))
    assert answer.status_code == 200
    read = await cell.http.get(f"/v1/accounts/{mia.account_id}", headers=cell.of_role(role))
    assert answer.json() == read.json()
    assert answer.json()["account_id"] == mia.account_id


async def test_a_login_is_tried_out_and_no_line_says_so(cell):
    mia = await cell.enrolled("mia", "manager")
    await cell.services.trail.close()
    cell.gateway.audited.clear()
    auditor = cell.of_role("auditor", sub="us-acct-ada")
    await cell.plain("/v1/account-searches", {"login": "mia"}, **auditor)
    none = await cell.plain("/v1/account-searches", {"login": "nobody"}, **auditor)
    assert (none.status_code, none.json()["code"]) == (404, "account.unknown")
    await cell.services.trail.close()
    told = [(line.who.subject, line.act.action, line.kind, line.entity_id) for line in cell.gateway.audited]
    assert told[0] == ("us-acct-ada", "account.read", "account", mia.account_id)
    assert told[1][:3] == ("us-acct-ada", "account.read", "account")
    assert told[1][3] != mia.account_id
    assert not any(b"nobody" in msgspec.json.encode(line) for line in cell.gateway.audited)


async def test_somebody_bound_to_a_location_finds_accounts_of_elsewhere_by_their_login(cell):
    await cell.opened("boss", "ops")
    bound = cell.of_role("ops", locs=("us-st-portland",))
    answer = await cell.plain("/v1/account-searches", {"login": "boss"}, **bound)
    assert (answer.status_code, answer.json()["code"]) == (403, "account.beyond_rights")


async def test_live_screens_are_told_nothing_of_accounts(cell):
    cell.gateway.live_wanted = True
    stream = cell.services.live.join(frozenset({"order", "location"}))
    mia = await cell.enrolled("mia", "manager")
    await mia.tokens()
    assert not stream._pending
