"""A password is changed by who knows it, on shift; its hash is made anew for who just proved it."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.account_commands import (
    ChangeOwnPassword,
    Disable,
    EndShift,
    EnrolTotp,
    Refresh,
    RenewHash,
    ResetFactor,
    SetPassword,
    StepUp,
)
from actors.domain.account_state import ACCESS_MS, IDLE_MS, LOCK_AFTER, LOCK_MS
from actors.domain.revocations import replaced
from tests.unit.domain.account_desk import revoked
from tests.unit.domain.test_account import ID, MINUTE_MS, STEP, Desk

CHANGE = ChangeOwnPassword("s1", True, "argon2id-other")
WRONG = ChangeOwnPassword("s1", False, "")


def on_shift():
    desk = Desk().ready()
    desk.sign_in()
    return desk


def test_a_change_is_not_there_afterwards_or_ends_the_shift_that_makes_it():
    desk = on_shift()
    before = desk.state.shift
    desk.now_ms += MINUTE_MS
    told = desk.do(CHANGE)
    assert (told.ok, told.reason, told.account_id) == (True, "", ID)
    # Not `proved_ms`: the second factor was not given.
    assert told.shift == msgspec.structs.replace(before, seen_ms=desk.now_ms, token_number=2)
    assert desk.state.password_hash == "argon2id-other"
    # Not the session, which goes on.
    assert desk.post == [revoked(replaced("s1", 2), desk.now_ms + ACCESS_MS)]
    assert desk.do(Refresh("s1", 2)).ok


def test_the_token_before_a_change_stays_good():
    desk = on_shift()
    desk.do(CHANGE)
    assert desk.do(Refresh("s1", 1)).reason == "token_reused"
    assert [message.command.session_id for message in desk.post] == [replaced("s1", 2), "s1"]
    assert desk.refused(Refresh("s1", 2)) == "session.ended"


def test_a_wrong_password_changes_something_or_gives_a_token():
    desk = on_shift()
    shift, generation = desk.state.shift, desk.state.generation
    told = desk.do(WRONG)
    assert (told.ok, told.reason, told.shift, told.role) == (False, "failed", None, "")
    assert (desk.state.password_hash, desk.state.shift, desk.state.generation) == ("argon2id-first", shift, generation)
    assert (desk.state.inside_failures, desk.state.failed_at_ms) == (1, desk.now_ms)


def test_passwords_can_be_guessed_without_end_from_within_a_shift():
    desk = on_shift()
    for _ in range(LOCK_AFTER):
        assert desk.do(WRONG).reason == "failed"
    version = desk.version
    assert desk.do(CHANGE).reason == "locked"
    assert desk.do(StepUp("s1", STEP + 9, "")).reason == "locked"
    assert desk.sign_in("s2").reason == "locked"
    assert (desk.version, desk.state.password_hash) == (version, "argon2id-first")
    desk.now_ms += LOCK_MS
    assert desk.do(CHANGE).ok


def test_guesses_at_the_door_keep_out_who_is_inside():
    desk = on_shift()
    for _ in range(LOCK_AFTER):
        desk.sign_in("s2", password_ok=False)
    assert desk.sign_in("s2").reason == "locked"
    assert desk.do(StepUp("s1", STEP + 9, "")).ok
    assert desk.do(msgspec.structs.replace(CHANGE, generation=desk.state.generation)).ok


def test_guesses_within_are_forgotten_by_guesses_at_the_door_or_the_other_way_round():
    desk = on_shift()
    for _ in range(LOCK_AFTER - 1):
        assert desk.do(WRONG).reason == "failed"
        assert desk.sign_in("s2", password_ok=False).reason == "failed"
    assert desk.do(WRONG).reason == "failed"
    assert desk.do(CHANGE).reason == "locked"


def test_a_right_password_leaves_failures_behind():
    desk = on_shift()
    desk.do(WRONG)
    assert desk.do(CHANGE).ok
    assert (desk.state.inside_failures, desk.state.inside_locked_until_ms) == (0, 0)


@pytest.mark.parametrize("change", [CHANGE, EnrolTotp(b"sealed", STEP, [])], ids=["password", "factor"])
def test_a_password_that_was_proved_before_the_credentials_changed_allows_another_change(change):
    desk = on_shift()
    judged = desk.state.generation
    if change is not CHANGE:
        desk.do(ResetFactor())
        desk.do(change)
        desk.sign_in()
    else:
        desk.do(change)
    assert desk.do(ChangeOwnPassword("s1", True, "argon2id-theirs", judged)).reason == "failed"
    assert desk.state.password_hash != "argon2id-theirs"
    assert desk.state.inside_failures == 1


def test_a_sign_in_that_was_judged_before_a_change_lets_somebody_in():
    desk = on_shift()
    judged = desk.state.generation
    desk.do(CHANGE)
    assert desk.sign_in("s2", generation=judged).reason == "failed"


def test_a_change_that_says_nothing_of_its_credentials_is_made():
    desk = on_shift()
    assert desk.do(msgspec.structs.replace(CHANGE, generation=desk.state.generation + 1)).reason == "failed"


@pytest.mark.parametrize("ending", [EndShift("s1"), Disable(), SetPassword("argon2id-other"), None])
def test_a_password_is_changed_by_a_session_that_is_over(ending):
    desk = on_shift()
    if ending is None:
        desk.now_ms += IDLE_MS["associate"] + 1
    else:
        desk.do(ending)
    assert desk.refused(CHANGE) == "session.ended"
    assert desk.refused(msgspec.structs.replace(CHANGE, session_id="other")) == "session.ended"


# --- a new hash -------------------------------------------------------------------------------------------------------
def test_a_new_hash_is_not_kept_or_ends_or_refuses_what_the_old_one_had_proved():
    desk = on_shift()
    shift, judged = desk.state.shift, desk.state.generation
    assert desk.do(RenewHash("argon2id-other")).renewed
    assert desk.state.password_hash == "argon2id-other"
    assert (desk.state.shift, desk.state.generation, desk.post) == (shift, judged, [])
    assert desk.sign_in("s2", generation=judged).ok


@pytest.mark.parametrize("change", [CHANGE, SetPassword("argon2id-third"), Disable()])
def test_a_password_that_was_replaced_comes_back_as_a_new_hash(change):
    desk = on_shift()
    judged = desk.state.generation
    desk.do(change)
    version, kept = desk.version, desk.state.password_hash
    assert not desk.do(RenewHash("argon2id-of-the-old-one", judged)).renewed
    assert (desk.version, desk.state.password_hash) == (version, kept)
