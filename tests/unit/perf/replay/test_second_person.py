"""The demo manager approves what the replay asked for."""

import json
from pathlib import Path
from typing import Any

import pyotp
import pytest

from cells.paths import CellPaths
from perf.credentials import NOBODY
from perf.replay.client import Answer, CellRefused
from perf.replay.second_person import SecondPerson

SECRET = pyotp.random_base32()
ASKED = Answer(202, {"approval_id": "eu-approval-1", "status": "pending"})
TOKENS = Answer(201, {"access_token": "of.the.manager"})
USED_CODE = Answer(401, {"code": "session.refused", "detail": "wrong"})


class PlayedCell:
    """Answers in turn, each path by its own list; the last one stays. `sent`: what came, in order."""

    def __init__(self, **answers: list[Answer]) -> None:
        self.answers = answers
        self.sent: list[tuple[str, str, Any]] = []
        self.credentials = NOBODY

    def _next(self, method: str, path: str, body: Any = None) -> Answer:
        self.sent.append((method, path, body))
        kind = "sign_in" if path == "/v1/sessions" else "decision" if path.endswith("/decision") else "approval"
        left = self.answers[kind]
        return left.pop(0) if len(left) > 1 else left[0]

    async def get(self, path: str) -> Answer:
        assert self.credentials.headers() == {"Authorization": "Bearer of.the.manager"}
        return self._next("GET", path)

    async def post(self, path: str, body: bytes, key: str) -> Answer:
        assert bool(key) == (path != "/v1/sessions")
        return self._next("POST", path, json.loads(body))

    async def delete(self, path: str) -> Answer:
        self.sent.append(("DELETE", path, None))
        return Answer(204, None)

    def count(self, path: str) -> int:
        return sum(of == path for _, of, _ in self.sent)


def approval(status: str, failure: str = "") -> Answer:
    return Answer(200, {"approval_id": "eu-approval-1", "status": status, "failure": failure})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    paths = CellPaths("eu", tmp_path)
    paths.secrets.mkdir(parents=True)
    manager = {"role": "manager", "login": "manager@eu.demo", "password": "known to all", "account_id": "eu-acct-1"}
    paths.demo_people.write_text(json.dumps([{**manager, "secret": SECRET, "recovery_codes": []}]))
    return tmp_path


def second_person(cell: PlayedCell, home: Path, pauses: list[float] | None = None) -> SecondPerson:
    async def sleep(seconds: float) -> None:
        if pauses is not None:
            pauses.append(seconds)

    return SecondPerson(cell, "eu", home, sleep)  # type: ignore[arg-type]


async def test_what_was_approved_counts_before_it_is_done(home: Path) -> None:
    cell = PlayedCell(
        sign_in=[TOKENS],
        approval=[approval("pending"), approval("approved"), approval("done")],
        decision=[approval("approved")],
    )
    outcome = await second_person(cell, home).decided(ASKED)
    assert (outcome.ok, outcome.body["status"]) == (True, "done")
    signed_in, _, decided, *polls = cell.sent
    assert signed_in[2]["login"] == "manager@eu.demo"
    assert pyotp.TOTP(SECRET).verify(signed_in[2]["code"], valid_window=1)
    assert decided == ("POST", "/v1/approvals/eu-approval-1/decision", {"decision": "approve"})
    assert len(polls) == 2


async def test_each_approval_takes_a_sign_in_of_its_own_or_the_shift_is_left_open(home: Path) -> None:
    cell = PlayedCell(sign_in=[TOKENS], approval=[approval("pending")], decision=[approval("done")])
    manager = second_person(cell, home)
    for _ in range(3):
        assert (await manager.decided(ASKED)).ok
    assert (cell.count("/v1/sessions"), cell.count("/v1/approvals/eu-approval-1/decision")) == (1, 3)
    await manager.sign_out()
    assert cell.sent[-1] == ("DELETE", "/v1/sessions/current", None)


async def test_a_code_that_somebody_used_just_now_ends_the_replay(home: Path) -> None:
    pauses: list[float] = []
    cell = PlayedCell(sign_in=[USED_CODE, TOKENS], approval=[approval("pending")], decision=[approval("done")])
    assert (await second_person(cell, home, pauses).decided(ASKED)).ok
    assert len(pauses) == 1
    assert 1 < pauses[0] <= 31  # until the authenticator shows another one


@pytest.mark.parametrize("refusal", [USED_CODE, Answer(429, {"code": "session.too_many", "detail": "later"})])
async def test_a_manager_who_can_not_sign_in_is_tried_for_ever(refusal: Answer, home: Path) -> None:
    cell = PlayedCell(sign_in=[refusal])
    with pytest.raises(CellRefused, match=refusal.code):
        await second_person(cell, home, []).decided(ASKED)
    assert cell.count("/v1/sessions") == (3 if refusal is USED_CODE else 1)


async def test_what_an_earlier_run_had_approved_is_decided_again(home: Path) -> None:
    cell = PlayedCell(sign_in=[TOKENS], approval=[approval("done")])
    assert (await second_person(cell, home).decided(ASKED)).ok
    assert cell.count("/v1/approvals/eu-approval-1/decision") == 0


@pytest.mark.parametrize(
    ("became", "code"),
    [
        (approval("failed", "stock.insufficient"), "stock.insufficient"),
        (approval("expired"), "approval.expired"),
        (approval("approved"), "approval.approved"),  # for ever: nobody knows what became of it
        (Answer(404, {"code": "approval.unknown"}), "approval.unknown"),
    ],
)
async def test_what_was_not_done_counts_as_done(became: Answer, code: str, home: Path) -> None:
    cell = PlayedCell(sign_in=[TOKENS], approval=[became])
    outcome = await second_person(cell, home, []).decided(ASKED)
    assert (outcome.ok, outcome.code) == (False, code)


async def test_a_cell_with_people_of_its_own_has_nobody_told_what_waits(tmp_path: Path) -> None:
    cell = PlayedCell()
    outcome = await second_person(cell, tmp_path).decided(ASKED)
    assert (outcome.ok, outcome.code, cell.sent) == (False, "approval.pending", [])
    assert "eu-approval-1" in outcome.detail
    await second_person(cell, tmp_path).sign_out()
    assert cell.sent == []
