"""Who may sign in, and when nobody may."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.account_commands import (
    Disable,
    Enable,
    EnrolPasskey,
    EnrolTotp,
    Refresh,
    ResetFactor,
)
from actors.domain.account_state import LOCK_AFTER, LOCK_MS, SHIFT_MAX_MS, Shift
from actors.domain.errors import Refused
from actors.domain.passkeys import Passkey, PasskeyUse
from tests.unit.domain.account_desk import ID, MINUTE_MS, STEP, Desk, revoked


def test_a_shift_is_not_as_it_was_asked_for():
    desk = Desk().ready("manager", ["us-st-1", "us-st-2"])
    told = desk.sign_in(location_id="us-st-2", planned_ms=8 * 60 * MINUTE_MS)
    assert (told.ok, told.reason, told.account_id, told.role) == (True, "", ID, "manager")
    assert told.locations == ["us-st-1", "us-st-2"]
    at = desk.now_ms
    assert told.shift == Shift(
        "s1", "manager", "us-st-2", at, at + 8 * 60 * MINUTE_MS, at, at, 1, "till 4"
    )  # fmt: skip


@pytest.mark.parametrize("planned_ms", [0, -1, SHIFT_MAX_MS + 1])
def test_a_shift_has_no_end(planned_ms):
    desk = Desk().ready()
    assert desk.sign_in(planned_ms=planned_ms).shift.ends_ms == desk.now_ms + SHIFT_MAX_MS


def test_somebody_works_where_they_may_not_and_the_refusal_uses_their_code_up():
    desk = Desk().ready(locations=["us-st-1", "us-st-3"])
    for elsewhere in ("us-st-2", ""):
        with pytest.raises(Refused) as refused:
            desk.sign_in(location_id=elsewhere)
        assert refused.value.body.code == "account.location_not_allowed"
    assert desk.sign_in(location_id="us-st-1").ok


def test_a_shift_is_worked_where_nothing_is():
    desk = Desk().ready("manager")
    with pytest.raises(Refused) as refused:
        desk.sign_in(location_id="us-st-nowhere", nowhere=True)
    assert (refused.value.body.code, desk.state.shift) == ("account.location_unknown", None)
    assert desk.sign_in(location_id="us-st-2").shift.location_id == "us-st-2"


def test_which_places_there_are_is_told_to_who_does_not_know_the_password():
    desk = Desk().ready("manager")
    for wrong in ({"password_ok": False}, {"totp_step": 0}):
        told = desk.sign_in(location_id="us-st-nowhere", nowhere=True, **wrong)
        assert (told.reason, told.shift) == ("failed", None)


def test_who_works_at_one_place_has_to_name_it_or_his_shift_is_nowhere():
    desk = Desk().ready(locations=["us-st-1"])
    told = desk.sign_in(location_id="")
    assert told.ok
    assert told.shift.location_id == "us-st-1"


def test_who_works_at_one_place_gets_in_elsewhere():
    desk = Desk().ready(locations=["us-st-1"])
    with pytest.raises(Refused, match="does not work there"):
        desk.sign_in(location_id="us-st-2")


def test_where_somebody_may_work_is_told_to_who_does_not_know_the_password():
    desk = Desk().ready(locations=["us-st-1"])
    told = desk.sign_in(password_ok=False, location_id="us-st-2")
    assert (told.reason, told.role, told.locations, told.shift) == ("failed", "", [], None)


def test_a_used_code_is_taken_again():
    desk = Desk().ready()
    assert desk.sign_in(totp_step=STEP + 5).ok
    for used in (STEP + 5, STEP + 4, 0):
        assert desk.sign_in(totp_step=used).reason == "failed"


def test_a_used_code_is_taken_again_after_failures_a_lock_or_another_factor():
    desk = Desk().ready()
    assert desk.sign_in(totp_step=STEP + 5).ok
    for _ in range(LOCK_AFTER):
        assert desk.sign_in(password_ok=False).reason == "failed"
    desk.now_ms += LOCK_MS
    assert desk.sign_in(totp_step=STEP + 5).reason == "failed"
    desk.do(ResetFactor())
    desk.do(EnrolTotp(b"sealed", STEP, []))
    assert desk.sign_in(totp_step=STEP + 5).reason == "failed"
    assert desk.sign_in(totp_step=STEP + 6).ok


def test_a_recovery_code_is_taken_twice():
    desk = Desk().ready()
    assert desk.sign_in(totp_step=0, recovery_hash="recovery-1").ok
    assert desk.state.recovery == ["recovery-2"]
    assert desk.sign_in(totp_step=0, recovery_hash="recovery-1").reason == "failed"
    assert desk.sign_in(totp_step=0, recovery_hash="recovery-3").reason == "failed"
    assert desk.sign_in(totp_step=0, recovery_hash="recovery-2").ok


def test_a_used_code_is_taken_again_after_a_recovery_code():
    desk = Desk().ready()
    assert desk.sign_in(totp_step=STEP + 5).ok
    assert desk.sign_in(totp_step=0, recovery_hash="recovery-1").ok
    assert desk.sign_in(totp_step=STEP + 5).reason == "failed"


def test_the_tenth_failure_does_not_lock_or_a_right_password_helps_meanwhile():
    desk = Desk().ready()
    for count in range(1, LOCK_AFTER):
        assert desk.sign_in(password_ok=False).reason == "failed"
        assert (desk.state.failures, desk.state.locked_until_ms) == (count, 0)
    assert desk.sign_in(totp_step=0).reason == "failed"
    until, version = desk.now_ms + LOCK_MS, desk.version
    assert (desk.state.locked_until_ms, desk.state.failures, desk.state.failed_at_ms) == (until, 0, desk.now_ms)
    for at in (desk.now_ms, until - 3):
        desk.now_ms = at  # signing in takes a millisecond
        assert desk.sign_in().reason == "locked"
        assert desk.sign_in(password_ok=False).reason == "locked"
    assert desk.version == version
    desk.now_ms = until - 1
    assert desk.sign_in().ok
    assert (desk.state.failures, desk.state.locked_until_ms) == (0, 0)


def test_who_has_a_passkey_is_locked_out_by_whoever_guesses_at_his_password():
    desk = Desk().opened()
    desk.do(EnrolPasskey(Passkey("phone", b"c", b"k", 0, "phone"), "made", desk.now_ms + MINUTE_MS, ["recovery-1"]))
    for _ in range(LOCK_AFTER):
        desk.sign_in(password_ok=False)
    signed = PasskeyUse("phone", 1, "signed", desk.now_ms + MINUTE_MS, alone=True)
    with_password = msgspec.structs.replace(signed, alone=False)
    assert desk.sign_in(passkey=with_password).reason == "locked"
    assert desk.sign_in(recovery_hash="recovery-1").reason == "locked"
    other = msgspec.structs.replace(signed, passkey_id="other")
    assert desk.sign_in(password_ok=False, passkey=other).reason == "failed"
    assert desk.sign_in(password_ok=False, passkey=signed).ok
    assert desk.sign_in(password_ok=False, passkey=signed).reason == "failed"


def test_a_first_passkey_answers_a_challenge_whose_time_is_over():
    desk = Desk().opened()
    late = EnrolPasskey(Passkey("phone", b"c", b"k", 0, "phone"), "made", desk.now_ms, ["recovery-1"])
    assert desk.refused(late) == "passkey.challenge_spent"
    assert not desk.state.has_factor


def test_who_copied_a_passkey_and_knows_no_password_is_told_so_or_guesses_without_being_counted():
    desk = Desk().opened()
    desk.do(EnrolPasskey(Passkey("phone", b"c", b"k", 5, "phone"), "made", desk.now_ms + MINUTE_MS, ["recovery-1"]))
    copied = PasskeyUse("phone", 5, "signed", desk.now_ms + MINUTE_MS)
    assert desk.sign_in(password_ok=False, passkey=copied).reason == "failed"
    assert desk.state.failures == 1
    assert desk.sign_in(passkey=copied).reason == "passkey_suspect"


def test_failures_of_last_week_add_to_those_of_today_although_one_succeeded():
    desk = Desk().ready()
    for _ in range(3):
        for _ in range(LOCK_AFTER - 1):
            desk.sign_in(password_ok=False)
        assert desk.sign_in().ok


def test_a_disabled_account_is_used_or_tells_that_it_is_disabled():
    desk = Desk().ready()
    desk.do(Disable())
    version = desk.version
    assert desk.sign_in().reason == "failed"
    assert desk.version == version
    desk.do(Enable())
    assert desk.sign_in().ok


def test_two_shifts_run_at_once():
    desk = Desk().ready()
    first = desk.sign_in("s1").shift
    desk.sign_in("s2")
    assert desk.post == [revoked("s1", first.ends_ms)]
    assert desk.refused(Refresh("s1", 1)) == "session.ended"
    assert desk.do(Refresh("s2", 1)).ok
