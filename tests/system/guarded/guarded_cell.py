"""A real cell that requires identity, and people who sign in to it."""

import itertools
import time
from collections.abc import Callable
from typing import TypeVar

import httpx
import psycopg
import pyotp

from actors.audit_forwarder import place_of
from actors.storage.audit_keeping import not_copied
from cells.keys import local_token
from perf.chaos import faults
from perf.chaos.own_cell import OwnCell
from tests.fakes.log_server import LogServer

# What accounts are opened with, and what their people take instead.
GIVEN = "nine green kettles hum"
PASSWORD = "eleven grey kettles sing"
WHOLE_S = 120.0
# Connections are spread over the replicas by the kernel: so many reach all of them, all but surely.
PROBES = 12
# So many rounds of them take less than the two seconds within which every replica is promised to know of something. On
# a machine that is busy with other tests they take longer, and so does whatever else it has to do meanwhile.
ROUNDS = 20
_keys = itertools.count(1)
T = TypeVar("T")


class GuardedCell:
    """A cell that requires identity, and who keeps a copy of its audit."""

    def __init__(self, cell: OwnCell, copy: LogServer) -> None:
        self.cell, self.copy = cell, copy
        self.counts = {kind: len(faults.find(cell, kind)) for kind in faults.KINDS}

    def local(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {local_token(self.cell.paths, 'us')}"}

    def ask(self, method: str, path: str, body=None, headers=None) -> httpx.Response:
        """On a connection of its own, so by any replica."""
        sent = {"Idempotency-Key": f"k-{next(_keys)}", **(headers or {})}
        deadline = time.monotonic() + WHOLE_S
        while True:
            try:
                # It is http: whoever verifies reads the system's certificates first, 20 ms of computing a request.
                answer = httpx.request(
                    method, self.cell.base + path, json=body, headers=sent, timeout=20, trust_env=False, verify=False
                )
                if answer.status_code not in (429, 503):
                    return answer
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, f"nobody answers {method} {path}\n{self.cell.logs()}"
            time.sleep(0.1)

    def codes(self, headers: dict[str, str]) -> set[str]:
        """What several replicas say to the same token."""
        answers = [self.ask("GET", "/v1/skus", headers=headers) for _ in range(PROBES)]
        return {"" if answer.is_success else answer.json()["code"] for answer in answers}

    def audit(self) -> dict[tuple[int, int], str]:
        """(shard, number) → chain of each line that the cell has."""
        with psycopg.connect(self.cell.postgres_url) as owner:
            lines = owner.execute("SELECT shard, number, chain FROM audit").fetchall()
        return {(shard, number): bytes(chain).hex() for shard, number, chain in lines}

    def behind(self) -> int:
        """How many lines the copy lacks, by what is known of it in the cell."""
        with psycopg.connect(self.cell.postgres_url) as owner:
            return not_copied(owner, place_of("us", self.copy.url))[0]

    def wait_copied(self, more_than: int) -> int:
        """How many lines there are, once they are more than that, the copy has just these, and the forwarder has
        written down that it was told so: a moment later, and by that alone the next one knows."""
        deadline = time.monotonic() + WHOLE_S
        while len(lines := self.audit()) <= more_than or self.copy.taken != lines or self.behind():
            assert time.monotonic() < deadline, (set(lines) ^ set(self.copy.taken), self.cell.logs())
            time.sleep(0.1)
        assert self.copy.faults == []
        return len(lines)

    def wait_whole(self) -> None:
        deadline = time.monotonic() + WHOLE_S
        while problem := faults.is_whole(self.cell, self.counts):
            assert time.monotonic() < deadline, f"the cell is not whole again: {problem}\n{self.cell.logs()}"
            time.sleep(0.2)


def found_within(
    within_s: float, since: float, ask: Callable[[], T], is_so: Callable[[T], bool], rounds: int = ROUNDS
) -> T:
    """What a round of questions found that is so; any that begins later than `within_s`, and after `rounds` others,
    must.

    When it began, not when it ended: a round takes a moment itself, and what it asked first may have been true then.
    """
    asked = 0
    while True:
        asked_at = time.monotonic()
        found = ask()
        if is_so(found):
            return found
        asked += 1
        assert asked_at - since < within_s or asked <= rounds, (asked_at - since, asked, found)
        time.sleep(0.05)


class Person:
    """Somebody with an account and an authenticator."""

    def __init__(self, guarded: GuardedCell, login: str, role: str = "manager") -> None:
        self.guarded = guarded
        body = {"login": login, "role": role, "password": GIVEN}
        opened = guarded.ask("POST", "/v1/accounts", body, guarded.local())
        assert opened.status_code == 201, opened.text
        self.login, self.account_id = login, opened.json()["account_id"]
        enrolment = self.sign_in("", password=GIVEN).json()["enrolment"]
        factor = guarded.ask("POST", "/v1/factors", {"enrolment": enrolment}).json()
        self.totp = pyotp.TOTP(factor["secret"])
        confirmation = {"pending": factor["pending"], "code": self.totp.now()}
        confirmed = guarded.ask("POST", "/v1/factors/confirmation", confirmation)
        assert confirmed.status_code == 200, confirmed.text
        self.recovery_codes = confirmed.json()["recovery_codes"]
        taken = self.sign_in("", self.recovery_codes.pop(), password=GIVEN, new_password=PASSWORD)
        assert taken.status_code == 200, taken.text

    def sign_in(self, code: str, recovery_code: str = "", **more: str) -> httpx.Response:
        body = {"login": self.login, "password": PASSWORD, "code": code, "recovery_code": recovery_code, **more}
        return self.guarded.ask("POST", "/v1/sessions", body)

    def bearer(self) -> dict[str, str]:
        """Of a new shift."""
        answer = self.sign_in("", self.recovery_codes.pop())
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}
