"""What the issue wants in minutes and seconds, as numbers of its own: other tests take the code's constants, and
would follow them anywhere.

Nothing here may be written by a constant of the code.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from actors.domain import account_state
from actors.domain.account_commands import Refresh, StepUp
from serve.devices import assertions, claiming, signing_in
from serve.identity import guard, schemas, tokens
from serve.keys import data_keys
from tests.unit.domain.account_desk import STEP, Desk

SYSTEM = Path(__file__).parents[3] / "system" / "guarded"


@pytest.mark.parametrize(
    ("promised", "held", "number"),
    [
        ("an account is locked after 10 failed attempts", account_state.LOCK_AFTER, 10),
        ("… for ≥ 30 minutes", account_state.LOCK_MS, 1_800_000),
        ("a shift lasts ≤ 12 h", account_state.SHIFT_MAX_MS, 43_200_000),
        ("… and so many hours may be asked for", schemas.SHIFT_HOURS_MAX, 12),
        ("a second factor is fresh for 5 minutes", account_state.STEP_UP_MS, 300_000),
        ("… at each endpoint that wants it so", guard.STEP_UP_S, 300),
        ("an access token lives 5 minutes", account_state.ACCESS_MS, 300_000),
        ("a guest's token lives 30 minutes", tokens.GUEST_S, 1_800),
        ("an opened data key is kept for 10 minutes", data_keys.KEEP_S, 600),
        ("a device's assertion ends five minutes later at most", assertions.LIFE_S_MAX, 300),
        ("no device hears that it is refused before half a second", signing_in.REFUSAL_S, 0.5),
        ("… nor that its code is", claiming.REFUSAL_S, 0.5),
    ],
)
def test_a_limit_that_was_promised_is_another_number(promised, held, number):
    assert held == number, promised


def test_somebody_may_be_idle_for_longer_than_his_role_allows():
    """Managers 15 minutes, everybody else 60."""
    idle_min = {role: ms / 60_000 for role, ms in account_state.IDLE_MS.items()}
    assert idle_min == {
        "associate": 60, "fulfilment": 60, "manager": 15, "driver": 60, "support": 60, "auditor": 60, "privacy": 60, "ops": 60,
    }  # fmt: skip


@pytest.mark.parametrize(
    "role", ["associate", "fulfilment", "manager", "driver", "support", "auditor", "privacy", "ops"]
)
def test_a_shift_is_idle_for_longer_and_goes_on(role):
    desk = Desk().ready(role)
    desk.sign_in()
    desk.now_ms += (15 if role == "manager" else 60) * 60_000
    assert desk.do(Refresh("s1", 1)).ok
    desk.now_ms += (15 if role == "manager" else 60) * 60_000 + 1
    assert desk.refused(Refresh("s1", 2)) == "session.ended"


def test_ten_wrong_passwords_lock_for_less_than_half_an_hour():
    desk = Desk().ready()
    for _ in range(10):
        assert desk.sign_in(password_ok=False).reason == "failed"
    locked_at_ms = desk.now_ms
    desk.now_ms = locked_at_ms + 1_800_000 - 2  # signing in takes a millisecond
    assert desk.sign_in().reason == "locked"
    assert desk.sign_in().ok


def test_a_shift_lasts_longer_than_twelve_hours_if_somebody_works_all_the_time():
    desk = Desk().ready()
    began_ms = desk.sign_in(planned_ms=10**9).shift.started_ms
    number = 1
    while desk.now_ms + 1_800_000 < began_ms + 43_200_000:
        desk.now_ms += 1_800_000
        number = desk.do(Refresh("s1", number, desk.now_ms)).shift.token_number
    desk.now_ms = began_ms + 43_200_000
    assert desk.refused(Refresh("s1", number, desk.now_ms)) == "session.ended"
    assert desk.refused(StepUp("s1", STEP + 99, "")) == "session.ended"


@pytest.mark.parametrize(("hours", "taken"), [(b"12", True), (b"12.01", False)])
def test_a_longer_shift_is_asked_for_than_an_account_gives(hours, taken):
    try:
        msgspec.json.decode(b'{"hours":' + hours + b"}", type=schemas.SignInRequest)
    except msgspec.ValidationError:
        assert not taken
    else:
        assert taken


@pytest.mark.parametrize(
    ("measured_in", "name"), [("test_cell_identity.py", "REVOKED_S"), ("test_cell_sealed.py", "ERASED_S")]
)
def test_a_revocation_is_measured_against_more_than_two_seconds(measured_in, name):
    """No constant of the code makes it so: the feeds of the replicas do, in a real cell. So this holds
    what is measured there."""
    assert re.findall(rf"^{name} = (.+)$", (SYSTEM / measured_in).read_text("utf-8"), re.MULTILINE) == ["2.0"]
