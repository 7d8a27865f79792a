"""A demo account that was half made is known, finished and disabled: its password is public, and whoever signs in first
would bind his own authenticator."""

from __future__ import annotations

import base64
import http.server
import itertools
import threading
from types import SimpleNamespace

import msgspec
import pyotp
import pytest
from rich.console import Console

from actors.anomalies.settings import AnomalySettings
from cells import demo_leaving, demo_people
from cells.calls import Answer, call
from cells.config import CONFIG_FOLDER, load_region
from cells.demo_exposure import check_cell_has_none
from cells.demo_leaving import disable_people
from cells.demo_people import (
    STAFF,
    code_of,
    demo_person,
    first_code,
    keep_people,
    lacks_people,
    read_people,
    seed_people,
)
from cells.errors import CellError, StepFailed
from cells.keys import account_of, make_keyring
from cells.paths import CellPaths
from cells.settings import Identity
from serve.identity.totp import matching_step

ROUTER, LOOPBACK = "http://router", "http://127.0.0.1:8080"
US = msgspec.structs.replace(load_region("us", CONFIG_FOLDER), identity=Identity(mode="required"))
REAL = msgspec.structs.replace(US, region=msgspec.structs.replace(US.region, profile="production"))
OPENING, SIGNING_IN, ENROLLING, CONFIRMING = "/v1/accounts", "/v1/sessions", "/v1/factors", "/v1/factors/confirmation"
SIGNING_OUT = "/v1/sessions/current"
REFUSED = Answer(401, {"code": "session.refused"})


class Killed(BaseException):
    """Whoever makes the accounts."""


class Api:
    """The accounts of a cell. `killed_after`: the path whose answer nobody hears any more; `days`: how
    often keys were forgotten."""

    def __init__(self, paths: CellPaths) -> None:
        self.accounts: dict[str, SimpleNamespace] = {}
        self.killed_after, self.days = "", 0
        self.desks: dict[str, set[str]] = {}
        self.on_shift: set[str] = set()
        self._paths, self._seen, self._numbers = paths, {}, itertools.count()

    def __call__(self, deadline, method, url, body, headers, trust=None, source="") -> Answer:
        path = url.removeprefix(ROUTER).removeprefix(LOOPBACK)
        self.desks.setdefault(path, set()).add(source)
        key = (self.days, headers.get("Idempotency-Key", next(self._numbers)))
        if key not in self._seen:
            self._seen[key] = body, self._done(path, body, headers.get("Authorization", ""))
        if path == self.killed_after:
            raise Killed
        first, answer = self._seen[key]
        return answer if first == body else Answer(422, {"code": "idempotency.key_reused"})

    def _done(self, path, body, authorization) -> Answer:
        if path == OPENING:
            account_id = account_of(self._paths, "us", body["login"])
            if account_id in self.accounts:
                return Answer(409, {"code": "account.exists", "account_id": account_id})
            self.accounts[account_id] = SimpleNamespace(
                password=body["password"], is_given=True, secret="", codes=[], enabled=True
            )
            return Answer(201, {"account_id": account_id})
        if path == SIGNING_IN:
            account_id = account_of(self._paths, "us", body["login"])
            account = self.accounts[account_id]
            if not account.enabled or account.password != body["password"]:
                return REFUSED
            if not account.secret:
                return Answer(403, {"code": "session.factor_missing", "enrolment": account_id})
            if body.get("recovery_code") not in account.codes:
                return REFUSED
            assert account.is_given
            account.codes.remove(body["recovery_code"])
            account.password, account.is_given = body["new_password"], False
            self.on_shift.add(account_id)
            return Answer(200, {"access_token": account_id})
        if path == SIGNING_OUT:
            self.on_shift.remove(authorization.removeprefix("Bearer "))
            return Answer(204, "")
        if path == ENROLLING:
            secret = pyotp.random_base32()
            return Answer(200, {"secret": secret, "pending": [body["enrolment"], secret]})
        if path == CONFIRMING:
            account_id, secret = body["pending"]
            assert body["code"]
            account = self.accounts[account_id]
            account.secret, account.codes = secret, ["one", "two"]
            return Answer(200, {"recovery_codes": ["one", "two"]})
        return self._changed(path.split("/")[-2], body["change"], body.get("password"))

    def _changed(self, account_id, change, password) -> Answer:
        if account_id not in self.accounts:
            return Answer(404, {"code": "account.unknown"})
        account = self.accounts[account_id]
        if change == "password":
            account.password, account.is_given = password, True
        elif change == "reset_factor":
            account.secret = ""
        else:
            account.enabled = change == "enable"
        return Answer(200, {})


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    made = CellPaths("us")
    make_keyring(made)
    made.demo_data.parent.mkdir(parents=True, exist_ok=True)
    return made


@pytest.fixture
def api(paths, monkeypatch):
    made = Api(paths)
    monkeypatch.setattr(demo_people, "call_until", made)
    monkeypatch.setattr(
        demo_leaving, "call",
        lambda method, url, body, headers, trust: made(0.0, method, url.replace(US.address, ROUTER), body, headers),
    )  # fmt: skip
    return made


def cut_short(api: Api, path: str) -> None:
    api.killed_after = path
    with pytest.raises(Killed):
        seed_people(US, ROUTER)
    api.killed_after = ""


@pytest.mark.parametrize("path", [OPENING, SIGNING_IN, ENROLLING, CONFIRMING, SIGNING_OUT])
@pytest.mark.parametrize("days", [0, 1])
def test_an_account_that_was_half_made_is_neither_seen_nor_finished_or_make_up_fails_for_ever(api, paths, path, days):
    cut_short(api, path)
    assert len(api.accounts) == 1
    (begun,) = read_people(paths)
    assert not begun.is_ready
    with pytest.raises(CellError, match="production"):
        check_cell_has_none(REAL, "127.0.0.1", paths)
    assert lacks_people(US)
    api.days += days
    people = seed_people(US, ROUTER)
    assert read_people(paths) == people
    assert [person.role for person in people] == list(STAFF)
    assert [api.accounts[person.account_id].secret for person in people] == [person.secret for person in people]
    assert all(person.is_ready for person in people)
    assert not lacks_people(US)
    known = [demo_person("us", person.role).password for person in people]
    assert [api.accounts[person.account_id].password for person in people] == known
    assert [api.accounts[person.account_id].codes for person in people] == [person.recovery_codes for person in people]


def test_a_demo_s_password_is_one_that_somebody_gave_or_everybody_knows_it_before_there_is_a_second_factor(api):
    cut_short(api, CONFIRMING)
    (account,) = api.accounts.values()
    assert (account.is_given, account.password != demo_person("us", STAFF[0]).password) == (True, True)
    seed_people(US, ROUTER)
    assert not any(account.is_given for account in api.accounts.values())
    assert api.on_shift == set()


def test_a_demo_that_was_half_made_last_week_is_never_finished(api, paths):
    """The password that its account was opened with has ended."""
    cut_short(api, ENROLLING)
    (account,) = api.accounts.values()
    account.password = "nobody's any more"
    people = seed_people(US, ROUTER)
    assert all(person.is_ready for person in people)
    assert account.password == demo_person("us", STAFF[0]).password


def test_a_demo_of_an_earlier_release_that_was_half_made_is_never_finished(api, paths):
    (manager,) = (demo_person("us", role) for role in STAFF if role == "manager")
    begun = msgspec.structs.replace(manager, account_id=account_of(paths, "us", manager.login))
    api.accounts[begun.account_id] = SimpleNamespace(
        password=manager.password, is_given=False, secret="", codes=[], enabled=True
    )
    keep_people(paths, [begun])
    assert all(person.is_ready for person in seed_people(US, ROUTER))
    assert api.accounts[begun.account_id].password == manager.password


def test_a_demo_s_own_accounts_raise_an_alert_of_accounts_tried_from_one_address(api):
    """Each first sign-in is refused until there is a second factor."""
    seed_people(US, LOOPBACK)
    assert len(api.desks[SIGNING_IN]) == len(STAFF) >= AnomalySettings().stuffed_accounts
    assert "" not in api.desks[SIGNING_IN]
    # From where they signed in: a token that is used elsewhere is an alert, too.
    assert api.desks[SIGNING_OUT] == api.desks[SIGNING_IN]
    assert api.desks[OPENING] == {""}


def test_a_router_that_is_reached_otherwise_or_a_system_with_one_loopback_address_refuses_the_demo(api, monkeypatch):
    seed_people(US, ROUTER)
    assert api.desks[SIGNING_IN] == {""}
    monkeypatch.setattr(demo_people, "_DESKS", 1000)  # no address
    assert demo_people.desk_of("manager", LOOPBACK) == ""


def test_a_call_goes_out_from_another_address_than_it_was_told():
    seen = []

    class Seen(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.client_address[0])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Seen) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        for source in ("127.0.0.12", ""):
            assert call("POST", f"http://127.0.0.1:{server.server_port}", source=source).status == 204
        server.shutdown()
    assert seen == ["127.0.0.12", "127.0.0.1"]


def test_a_second_lost_secret_on_one_day_is_never_reset(api):
    for _ in range(3):
        cut_short(api, CONFIRMING)
    assert all(person.is_ready for person in seed_people(US, ROUTER))


@pytest.mark.parametrize("path", [OPENING, CONFIRMING])
def test_an_account_that_was_half_made_stays_open_to_everybody(api, paths, path):
    cut_short(api, path)
    disable_people(US, paths, Console(quiet=True))
    assert [account.enabled for account in api.accounts.values()] == [False]
    assert not paths.demo_people.exists()


def test_an_account_that_is_not_kept_here_stays_open_to_everybody(api, paths):
    cut_short(api, OPENING)
    paths.demo_people.unlink()  # as a version left it that kept only who was finished
    disable_people(US, paths, Console(quiet=True))
    assert [account.enabled for account in api.accounts.values()] == [False]


@pytest.mark.parametrize("days", [0, 1])
def test_accounts_that_were_disabled_keep_a_demo_from_ever_starting_again(api, paths, days):
    seed_people(US, ROUTER)
    disable_people(US, paths, Console(quiet=True))
    api.days += days
    assert all(api.accounts[person.account_id].enabled for person in seed_people(US, ROUTER))


def test_somebody_else_s_account_is_taken_over_or_stops_without_a_way_out(api, paths):
    (manager,) = (demo_person("us", role) for role in STAFF if role == "manager")
    api.accounts[account_of(paths, "us", manager.login)] = SimpleNamespace(
        password="own", is_given=False, secret="", enabled=True
    )
    with pytest.raises(StepFailed, match=r"manager@us\.demo is there already, with another password") as raised:
        seed_people(US, ROUTER)
    assert "demo_accounts = false" in raised.value.next_step


@pytest.mark.parametrize("into_s", [0, 1, 19, 20, 29])
def test_who_signs_in_right_after_the_start_is_refused_since_his_code_enrolled_him(into_s):
    # Of another one, two steps might have the same code.
    secret, now_s = "JBSWY3DPEHPK3PXP" * 2, 1_767_225_600 + into_s
    enrolled = matching_step(base64.b32decode(secret), first_code(secret, now_s), now_s + 10)
    assert enrolled, "taken even if it was ten seconds on its way"
    soonest_s = now_s if into_s < 20 else now_s + 10
    assert matching_step(base64.b32decode(secret), pyotp.TOTP(secret).at(soonest_s), soonest_s) > enrolled


def test_an_authenticator_is_played_that_is_not_enrolled(paths):
    keep_people(paths, [demo_person("us", "manager")])
    with pytest.raises(CellError, match="was not finished"):
        code_of(paths, "manager")
