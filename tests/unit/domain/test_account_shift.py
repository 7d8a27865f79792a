"""A shift and its session end when they must."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain import account
from actors.domain.account_commands import (
    ChangeRole,
    Disable,
    Enable,
    EndShift,
    EnrolPasskey,
    Refresh,
    ResetFactor,
    SetPassword,
    StepUp,
)
from actors.domain.account_events import ShiftRefreshed, SteppedUp
from actors.domain.account_state import ACCESS_MS, IDLE_MS, LOCK_AFTER
from actors.domain.account_views import ViewCredentials
from actors.domain.kind import Context
from actors.domain.passkeys import AddPasskey, Passkey, PasskeyUse, RemovePasskey
from actors.domain.revocations import replaced
from tests.unit.domain.account_desk import ID, MINUTE_MS, RIGHTS, STEP, Desk, revoked


def test_an_old_refresh_number_gets_a_token():
    desk = Desk().ready()
    ends_ms = desk.sign_in().shift.ends_ms
    told = desk.do(Refresh("s1", 1))
    assert (told.ok, told.shift.token_number, told.role) == (True, 2, "associate")
    told = desk.do(Refresh("s1", 1))
    assert (told.ok, told.reason, told.shift) == (False, "token_reused", None)
    assert desk.post == [revoked("s1", ends_ms)]
    assert desk.refused(Refresh("s1", 2)) == "session.ended"


@pytest.mark.parametrize(("role", "minutes"), [("manager", 15), ("associate", 60), ("auditor", 60)])
def test_a_shift_that_nobody_uses_stays_open(role, minutes):
    assert IDLE_MS[role] == minutes * MINUTE_MS
    desk = Desk().ready(role)
    desk.sign_in()
    desk.now_ms += minutes * MINUTE_MS
    assert desk.do(Refresh("s1", 1)).shift.seen_ms == desk.now_ms
    desk.now_ms += minutes * MINUTE_MS + 1
    assert desk.refused(Refresh("s1", 2)) == "session.ended"
    assert desk.refused(StepUp("s1", STEP + 9, "")) == "session.ended"


@pytest.mark.parametrize("used", [0, 7])
def test_a_renewal_counts_as_use_though_nobody_worked(used):
    desk = Desk().ready("manager")
    begun_ms = desk.sign_in().shift.seen_ms
    used_ms = begun_ms + used * MINUTE_MS if used else 0
    for number in range(1, 4):
        desk.now_ms += 4 * MINUTE_MS
        told = desk.do(Refresh("s1", number, used_ms))
    assert told.shift.seen_ms == begun_ms + used * MINUTE_MS
    desk.now_ms = begun_ms + (15 + used) * MINUTE_MS
    assert desk.do(Refresh("s1", 4, used_ms)).ok
    desk.now_ms += 1
    assert desk.refused(Refresh("s1", 5, used_ms)) == "session.ended"
    assert desk.refused(StepUp("s1", STEP + 9, "")) == "session.ended"


def test_work_that_the_account_has_not_heard_of_is_none():
    desk = Desk().ready("manager")
    desk.sign_in()
    desk.now_ms += 20 * MINUTE_MS
    assert desk.do(Refresh("s1", 1, desk.now_ms - 1)).shift.seen_ms == desk.now_ms - 1


def test_what_a_replica_knows_makes_a_shift_older_or_younger_than_now():
    desk = Desk().ready("manager")
    desk.sign_in()
    desk.now_ms += 10 * MINUTE_MS
    seen_ms = desk.do(Refresh("s1", 1, desk.now_ms)).shift.seen_ms
    for number, used_ms in enumerate((seen_ms - MINUTE_MS, 0, seen_ms + 365 * 24 * 60 * MINUTE_MS), 2):
        desk.now_ms += 1
        told = desk.do(Refresh("s1", number, used_ms))
        assert told.shift.seen_ms == (desk.now_ms if used_ms > seen_ms else seen_ms)
    # A proof is work; what the replicas tell afterwards is of before.
    desk.now_ms += MINUTE_MS
    assert desk.do(StepUp("s1", STEP + 2, "")).shift.seen_ms == desk.now_ms
    assert desk.do(Refresh("s1", 6, seen_ms)).shift.seen_ms == desk.now_ms
    # As it does after another host's clock, which was ahead.
    proved_ms, desk.now_ms = desk.now_ms, desk.now_ms - MINUTE_MS
    assert desk.do(StepUp("s1", STEP + 3, "")).shift.seen_ms == proved_ms


def test_a_renewal_of_a_release_to_which_it_was_use_can_not_be_read():
    desk = Desk().ready()
    desk.sign_in()
    kept = msgspec.msgpack.encode({"type": "ShiftRefreshed", "session_id": "s1", "token_number": 2})
    event = msgspec.msgpack.decode(kept, type=ShiftRefreshed)
    after = account.evolve(desk.state, event, Context(ID, "c", desk.now_ms + MINUTE_MS))
    assert (after.shift.seen_ms, after.shift.token_number) == (desk.now_ms + MINUTE_MS, 2)


def test_a_shift_goes_on_past_its_end():
    desk = Desk().ready()
    desk.sign_in(planned_ms=MINUTE_MS)
    desk.now_ms += MINUTE_MS - 1
    assert desk.do(Refresh("s1", 1)).ok
    desk.now_ms += 1
    assert desk.refused(Refresh("s1", 2)) == "session.ended"


def test_a_step_up_does_not_prove_or_leaves_the_old_token_good():
    desk = Desk().ready()
    first = desk.sign_in().shift
    desk.now_ms += MINUTE_MS
    assert desk.do(StepUp("s1", STEP + 1, "")).reason == "failed"  # signed in with it
    told = desk.do(StepUp("s1", STEP + 2, ""))
    assert told.shift == msgspec.structs.replace(first, seen_ms=desk.now_ms, proved_ms=desk.now_ms, token_number=2)
    assert desk.state.failures == 0
    assert desk.do(StepUp("s1", STEP + 2, "")).reason == "failed"
    assert desk.do(StepUp("s1", 0, "recovery-1")).shift.token_number == 3
    assert desk.do(StepUp("s1", 0, "recovery-1")).reason == "failed"
    # Access tokens before each of the two, and the refresh token before the last.
    assert desk.post == [revoked(replaced("s1", number), desk.now_ms + ACCESS_MS) for number in (2, 3)]
    assert desk.do(Refresh("s1", 2)).reason == "token_reused"


def with_passkey() -> Desk:
    desk = Desk().opened()
    desk.do(EnrolPasskey(Passkey("phone", b"c", b"k", 5, "phone"), "made", desk.now_ms + MINUTE_MS, ["recovery-1"]))
    assert desk.sign_in(passkey=PasskeyUse("phone", 6, "in", desk.now_ms + MINUTE_MS)).ok
    return desk


def test_a_copy_of_a_passkey_proves_something_or_nobody_hears_of_it():
    desk = with_passkey()
    copied = PasskeyUse("phone", 6, "up", desk.now_ms + MINUTE_MS)
    told = desk.do(StepUp("s1", 0, "", passkey=copied))
    assert (told.reason, desk.state.shift.token_number) == ("passkey_suspect", 1)
    assert [one.suspect_ms for one in desk.state.passkeys] == [desk.now_ms]


def test_who_has_signed_out_adds_a_passkey_or_takes_one_away():
    desk = with_passkey()
    desk.do(EndShift("s1"))
    added = AddPasskey("s1", Passkey("key", b"d", b"k", 0, "key"), "more", desk.now_ms + MINUTE_MS)
    for late in (added, RemovePasskey("s1", "phone")):
        assert desk.refused(late) == "session.ended"
    assert [one.passkey_id for one in desk.state.passkeys] == ["phone"]


def test_an_event_of_a_release_that_left_tokens_good_revokes_some():
    assert list(account.messages(ID, SteppedUp("s1", 2, STEP, ""))) == []


def test_a_token_is_worthless_by_a_mere_refresh():
    desk = Desk().ready()
    desk.sign_in()
    desk.do(Refresh("s1", 1))
    assert desk.post == []


def test_codes_can_be_guessed_without_end_from_within_a_shift():
    desk = Desk().ready()
    desk.sign_in()
    for _ in range(LOCK_AFTER):
        assert desk.do(StepUp("s1", 0, "")).reason == "failed"
    assert desk.do(StepUp("s1", STEP + 9, "")).reason == "locked"
    assert desk.sign_in("s2").reason == "locked"
    assert desk.do(Refresh("s1", 1)).ok


def test_signing_out_leaves_tokens_good_or_ends_the_shift_of_another_session():
    desk = Desk().ready()
    ends_ms = desk.sign_in().shift.ends_ms
    assert not desk.do(EndShift("other")).ended
    assert desk.do(EndShift("s1")).ended
    assert not desk.do(EndShift("s1")).ended
    assert desk.post == [revoked("s1", ends_ms)]


@pytest.mark.parametrize("command", RIGHTS, ids=lambda command: type(command).__name__)
def test_changed_rights_live_on_in_a_token(command):
    desk = Desk().ready()
    ends_ms = desk.sign_in().shift.ends_ms
    told = desk.do(command)
    assert (told.on_shift, told.version) == (False, desk.version)
    assert desk.post == [revoked("s1", ends_ms)]
    assert desk.refused(Refresh("s1", 1)) == "session.ended"
    desk.do(command)
    assert len(desk.post) == 1


def test_a_change_is_not_there_afterwards():
    desk = Desk().ready()
    told = desk.do(ChangeRole("driver", ["us-st-9"]))
    assert (told.role, told.locations) == ("driver", ["us-st-9"])
    desk.do(SetPassword("argon2id-other"))
    assert not desk.do(Disable()).enabled
    assert desk.do(Enable()).enabled
    seen = account.view(desk.state, ViewCredentials(), desk.version)
    assert (seen.password_hash, seen.sealed_totp, seen.role) == ("argon2id-other", b"sealed", "driver")
    desk.do(ResetFactor())
    seen = account.view(desk.state, ViewCredentials(), desk.version)
    assert (seen.sealed_totp, seen.recovery, seen.last_totp_step) == (b"", [], STEP)
    assert desk.sign_in(location_id="us-st-9").reason == "factor_missing"
