"""People to try a cell with: one of each role, with passwords that everybody knows. Never in a cell whose profile is
production (`demo_exposure.py` refuses one that has them from before, `demo_leaving.py` disables them).

Each signs in once, as anybody does whose account was opened for him: he enrols an authenticator, and takes the known
password instead of the random one that he was given. The authenticator's secret is kept beside the cell's keys, so that
`python -m cells code us manager` can play it. A person is kept there before there is an account, so that one whose
making was cut short is known, is finished by the next `make up`, and is disabled with the others.
"""

import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pyotp

from cells.calls import Answer, call_until
from cells.checks import can_listen
from cells.demo import places, takes_demo
from cells.errors import CellError, StepFailed
from cells.keys import local_token
from cells.paths import CellPaths
from cells.settings import LOOPBACK, RegionConfig
from cells.trust import Trust
from router.config import load as load_router
from serve.permissions import CUSTOMERS, ROLES

PASSWORD = "try-{role}-at-{region}"  # noqa: S105 -- of demo accounts, which a production cell refuses
# Of whoever looks for accounts where nobody is known.
_NONE = (
    "there are none in it: make up opens them where it fills a cell. One that was started empty gets an account by python -m cells account; "
    "one with identity off by make down, then make up IDENTITY=required, which is refused once it has orders"
)
IDENTITY_OFF = "identity is off in it: make down, then make up IDENTITY=required; once it has orders that is refused, and says how to come to a fresh cell"
_STEP_S = 30
# So long a call may be on its way.
_CALL_S = 10
_UNAUTHORIZED, _CONFLICT = 401, 409
_SEED_S = 60.0
# The first of them ends in this number.
_DESKS = 11
STAFF = tuple(role for role in ROLES if role not in CUSTOMERS)


class Person(msgspec.Struct, frozen=True):
    """A demo account; `secret` in base 32, "" until it has a factor; `account_id`: "" until it is known to be open;
    `given`: the password that it was opened with, "" once it is replaced by `password`."""

    role: str
    login: str
    password: str
    account_id: str
    secret: str
    recovery_codes: list[str]
    given: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether he can sign in. Of one who is not there may be an account all the same, which whoever signs in
        first would make his own."""
        return bool(self.secret) and not self.given


def lacks_people(config: RegionConfig) -> bool:
    """Whether accounts are to be opened. Everybody knows their passwords: only where nobody but
    this machine can use them."""
    wanted = config.identity.mode == "required" and config.identity.demo_accounts
    return (
        wanted
        and {config.api.host, load_router().host} <= set(LOOPBACK)
        and takes_demo(config)
        and not {*STAFF} <= {person.role for person in read_people(CellPaths(config.name)) if person.is_ready}
    )


def seed_people(config: RegionConfig, router: str, trust: Trust | None = None) -> list[Person]:
    """Opens the accounts that are not there yet, and finishes those that were begun; all of them. `trust`: how the
    router is verified. Raises StepFailed."""
    paths = CellPaths(config.name)
    people = {person.role: person for person in read_people(paths)}

    def keep(person: Person) -> None:
        people[person.role] = person
        keep_people(paths, list(people.values()))

    seeder = _Seeder(config, paths, router, trust)
    for role in STAFF:
        person = people.get(role) or demo_person(config.name, role)
        if not person.is_ready:
            seeder.make(person, keep)
    return list(people.values())


def demo_person(region: str, role: str) -> Person:
    """As everybody knows him, before there is an account."""
    return Person(role, f"{role}@{region}.demo", PASSWORD.format(role=role, region=region), "", "", [])


def read_people(paths: CellPaths) -> list[Person]:
    """The demo accounts of a cell, those that were only begun among them; none when it has none."""
    try:
        return msgspec.json.decode(paths.demo_people.read_bytes(), type=list[Person])
    except FileNotFoundError:
        return []


def desk_of(role: str, router: str) -> str:
    """The loopback address from which the demo's account of a role signs in for the first time, each from one of its
    own: eight accounts tried from one address within a minute are what the alert `stuffing` tells of, rightly. "" where
    the router is not at 127.0.0.1, or the system has no other loopback address than that."""
    desk = f"127.0.0.{_DESKS + STAFF.index(role)}"
    return desk if urlsplit(router).hostname == "127.0.0.1" and can_listen(desk, 0) else ""


def first_code(secret: str, now_s: int) -> str:
    """The code that enrols an authenticator. That of the step before, as long as it is taken: none is taken twice, and
    the one that is shown by now shall let in who signs in at once."""
    is_old = _STEP_S - now_s % _STEP_S <= _CALL_S
    return pyotp.TOTP(secret).at(now_s if is_old else now_s - _STEP_S)


def code_of(paths: CellPaths, role: str) -> tuple[Person, str, int]:
    """A demo account, the code that its authenticator shows, and for how many seconds more. Raises CellError."""
    for person in read_people(paths):
        if person.role == role and not person.is_ready:
            raise CellError(f"the demo account for {role!r} was not finished", "make up goes on with it")
        if person.role == role:
            now_s = int(time.time())
            return person, pyotp.TOTP(person.secret).at(now_s), _STEP_S - now_s % _STEP_S
    known = ", ".join(person.role for person in read_people(paths))
    raise CellError(f"there is no demo account for {role!r}", f"there are: {known}" if known else _NONE)


def keep_people(paths: CellPaths, people: list[Person]) -> None:
    """These and no others, for this user alone."""
    paths.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = paths.demo_people.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(people)))
    fresh.replace(paths.demo_people)


class _Seeder:
    def __init__(self, config: RegionConfig, paths: CellPaths, router: str, trust: Trust | None) -> None:
        self._config = config
        self._router = router
        self._trust = trust
        self._desk = ""
        self._paths = paths
        self._deadline = time.monotonic() + _SEED_S

    def make(self, person: Person, keep: Callable[[Person], None]) -> None:
        """Account, first sign-in, second factor. What is known of him is kept before each of
        them: it may be the last."""
        is_ours = bool(person.account_id and person.given)
        person = msgspec.structs.replace(person, given=person.given or secrets.token_urlsafe(18))
        keep(person)
        person = msgspec.structs.replace(person, account_id=self._opened(person))
        keep(person)
        self._desk = desk_of(person.role, self._router)
        password, enrolment = self._enrolment(person, is_ours=is_ours)
        factor = self._expect(self._ask("/v1/factors", {"enrolment": enrolment}), 200)
        code = first_code(factor["secret"], int(time.time()))
        confirmed = self._ask("/v1/factors/confirmation", {"pending": factor["pending"], "code": code})
        codes = self._expect(confirmed, 200)["recovery_codes"]
        if password == person.given:
            self._replace_password(person, codes.pop())
        keep(msgspec.structs.replace(person, secret=factor["secret"], recovery_codes=codes, given=""))

    def _replace_password(self, person: Person, recovery_code: str) -> None:
        """By the first sign-in, and with a recovery code: those of the authenticator are for whoever tries the cell."""
        credentials = {"login": person.login, "password": person.given, "recovery_code": recovery_code}
        signed_in = self._expect(self._ask("/v1/sessions", credentials | {"new_password": person.password}), 200)
        bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
        self._expect(self._ask("/v1/sessions/current", None, "DELETE", **bearer), 204)

    def _opened(self, person: Person) -> str:
        """The account's id, also where it is there from before."""
        region = self._config.name
        at = [name for name, kind, _ in places(region) if kind == "store"][:1] if person.role == "associate" else []
        account = {"login": person.login, "role": person.role, "password": person.given, "locations": at}
        # A key of its own: the password is another one, where a demo that is gone had the account.
        opened = self._administer("/v1/accounts", account, secrets.token_hex(16))
        if opened.status == _CONFLICT and opened.body.get("code") == "account.exists":
            return str(opened.body["account_id"])
        return str(self._expect(opened, 201)["account_id"])

    def _enrolment(self, person: Person, *, is_ours: bool) -> tuple[str, str]:
        """The account's password, the given one or the known one, and what a first sign-in by it gives. Of an account
        whose factor's secret got lost, or that was disabled, it is made possible again; of one that we opened, also
        once the given password is too old."""
        password, refused = self._first_sign_in(person)
        if refused.status == _UNAUTHORIZED:
            self._change(person, "reset_factor")
            self._change(person, "enable")
            password, refused = self._first_sign_in(person)
        if refused.status == _UNAUTHORIZED and is_ours:
            self._change(person, "password", password=person.given)
            password, refused = self._first_sign_in(person)
        if refused.status == _UNAUTHORIZED:
            raise StepFailed(
                f"{person.login} is there already, with another password than the demo's",
                f"do without: demo_accounts = false under [identity] in config/regions/{self._config.name}.toml",
            )
        return password, str(self._expect(refused, 403)["enrolment"])

    def _change(self, person: Person, change: str, **more: str) -> None:
        # A key of its own: by one from before it would be answered from memory, and change nothing.
        path, key = f"/v1/accounts/{person.account_id}/changes", secrets.token_hex(16)
        self._expect(self._administer(path, {"change": change, **more}, key), 200)

    def _first_sign_in(self, person: Person) -> tuple[str, Answer]:
        """Its password, as far as that is known, and what was answered. A making that was cut short may have
        replaced it; an account of an earlier release never had another than the known one."""
        for password in (person.given, person.password):
            answer = self._ask("/v1/sessions", {"login": person.login, "password": password})
            if answer.status != _UNAUTHORIZED:
                break
        return password, answer

    def _administer(self, path: str, body: object, key: str) -> Answer:
        token = local_token(self._paths, self._config.name, ["accounts.write"])
        return self._ask(path, body, **{"Idempotency-Key": key, "Authorization": f"Bearer {token}"})

    def _ask(self, path: str, body: object, method: str = "POST", **headers: str) -> Answer:
        fields = {"X-OCEFS-Region": self._config.name, **headers}
        source = "" if "Idempotency-Key" in headers else self._desk  # who administers sits elsewhere
        return call_until(self._deadline, method, f"{self._router}{path}", body, fields, self._trust, source)

    def _expect(self, answer: Answer, status: int) -> Any:
        if answer.status != status:
            told = answer.body.get("code", "") if isinstance(answer.body, dict) else ""
            raise StepFailed(
                f"the demo accounts of {self._config.name} were refused: {answer.status} {told}",
                f"see: python -m cells logs {self._config.name}",
            )
        return answer.body
