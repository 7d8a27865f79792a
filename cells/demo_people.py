"""People to try a cell with: one of each role, with passwords that everybody knows. Never in a cell whose profile is production
(`demo_exposure.py` refuses one that has them from before, `demo_leaving.py` disables them).

Each signs in once, enrols an authenticator, and its secret is kept beside the cell's keys, so that `python -m cells code us manager`
can play the authenticator.
"""

import time
from typing import Any

import msgspec
import pyotp

from cells.calls import Answer, call_until
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
IDENTITY_OFF = "identity is off in it: make down, then make up IDENTITY=required; once it has orders that is refused, and says how to come to a fresh cell"
_STEP_S = 30
_SEED_S = 60.0
_STAFF = tuple(role for role in ROLES if role not in CUSTOMERS)


class Person(msgspec.Struct, frozen=True):
    """A demo account; `secret` in base 32."""

    role: str
    login: str
    password: str
    account_id: str
    secret: str
    recovery_codes: list[str]


def lacks_people(config: RegionConfig) -> bool:
    """Whether accounts are to be opened. Everybody knows their passwords: only where nobody but this machine can use them."""
    wanted = config.identity.mode == "required" and config.identity.demo_accounts
    return (
        wanted
        and {config.api.host, load_router().host} <= set(LOOPBACK)
        and takes_demo(config)
        and not {*_STAFF} <= {person.role for person in read_people(CellPaths(config.name))}
    )


def seed_people(config: RegionConfig, router: str, trust: Trust | None = None) -> list[Person]:
    """Opens the accounts that are not there yet; all of them. `trust`: how the router is verified. Raises StepFailed."""
    paths = CellPaths(config.name)
    people = {person.role: person for person in read_people(paths)}
    seeder = _Seeder(config, paths, router, trust)
    for role in _STAFF:
        if role not in people:
            people[role] = seeder.person(role)
            keep_people(paths, list(people.values()))
    return list(people.values())


def read_people(paths: CellPaths) -> list[Person]:
    """The demo accounts of a cell; none when it has none."""
    try:
        return msgspec.json.decode(paths.demo_people.read_bytes(), type=list[Person])
    except FileNotFoundError:
        return []


def code_of(paths: CellPaths, role: str) -> tuple[Person, str, int]:
    """A demo account, the code that its authenticator shows, and for how many seconds more. Raises CellError."""
    for person in read_people(paths):
        if person.role == role:
            now_s = int(time.time())
            return person, pyotp.TOTP(person.secret).at(now_s), _STEP_S - now_s % _STEP_S
    known = ", ".join(person.role for person in read_people(paths))
    raise CellError(f"there is no demo account for {role!r}", f"there are: {known}" if known else IDENTITY_OFF)


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
        self._paths = paths
        self._deadline = time.monotonic() + _SEED_S

    def _ask(self, path: str, body: object, **headers: str) -> Answer:
        fields = {"X-OCEFS-Region": self._config.name, **headers}
        return call_until(self._deadline, "POST", f"{self._router}{path}", body, fields, self._trust)

    def person(self, role: str) -> Person:
        """Account, first sign-in, second factor."""
        region = self._config.name
        login, password = f"{role}@{region}.demo", PASSWORD.format(role=role, region=region)
        at = [name for name, kind, _ in places(region) if kind == "store"][:1] if role == "associate" else []
        account = {"login": login, "role": role, "password": password, "locations": at}
        opened = self._ask(
            "/v1/accounts", account,
            **{
                "Idempotency-Key": f"demo-person-{region}-{role}",
                "Authorization": f"Bearer {local_token(self._paths, region, ['accounts.write'])}",
            },
        )  # fmt: skip
        account_id = self._expect(opened, 201)["account_id"]
        refused = self._ask("/v1/sessions", {"login": login, "password": password})
        enrolment = self._expect(refused, 403)["enrolment"]
        factor = self._expect(self._ask("/v1/factors", {"enrolment": enrolment}), 200)
        code = pyotp.TOTP(factor["secret"]).now()
        confirmed = self._ask("/v1/factors/confirmation", {"pending": factor["pending"], "code": code})
        return Person(
            role, login, password, account_id, factor["secret"], self._expect(confirmed, 200)["recovery_codes"]
        )

    def _expect(self, answer: Answer, status: int) -> Any:
        if answer.status != status:
            told = answer.body.get("code", "") if isinstance(answer.body, dict) else ""
            raise StepFailed(
                f"the demo accounts of {self._config.name} were refused: {answer.status} {told}",
                f"see: python -m cells logs {self._config.name}",
            )
        return answer.body
