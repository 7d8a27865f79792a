"""A password that an administrator gave: who gave it knows it, so it opens nothing but the way to another one."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain import account
from actors.domain.account_commands import (
    ChangeOwnPassword,
    EndShift,
    EnrolPasskey,
    EnrolTotp,
    OpenAccount,
    RenewHash,
    ResetFactor,
    SetPassword,
    SignIn,
)
from actors.domain.account_events import AccountOpened, PasswordChanged, PasswordSet, SignedIn
from actors.domain.account_state import GIVEN_MS, LOCK_AFTER
from actors.domain.account_views import ViewAccount
from actors.domain.acts import of_account
from actors.domain.kind import Context
from actors.domain.passkeys import Passkey, PasskeyUse
from tests.unit.domain.account_desk import ID, MINUTE_MS, NOW_MS, STEP, Desk

OPEN = OpenAccount("manager", [], "argon2id-first")
RECOVERY = ["recovery-1", "recovery-2"]


def new(factor=True):
    """As it was opened a moment ago."""
    desk = Desk()
    desk.do(OPEN)
    if factor:
        desk.do(EnrolTotp(b"sealed", STEP, RECOVERY))
    return desk


def given(state):
    return account.view(state, ViewAccount(), 1).password_given_until_ms


@pytest.mark.parametrize("again", [False, True], ids=["first", "set"])
def test_a_given_password_opens_a_shift(again):
    desk = new()
    if again:
        desk.sign_in(new_hash="argon2id-other")
        desk.do(SetPassword("argon2id-first"))
    before = msgspec.msgpack.encode(desk.state)
    told = desk.sign_in()
    assert (told.ok, told.reason, told.role, told.shift) == (False, "password_given", "", None)
    assert msgspec.msgpack.encode(desk.state) == before, "the proof was used up, so that it could not come again"
    assert desk.sign_in(totp_step=desk.state.last_totp_step + 1, new_hash="argon2id-third").ok
    assert desk.state.password_hash == "argon2id-third"


def test_who_knows_a_given_password_alone_learns_that_it_is_right():
    desk = new()
    assert desk.sign_in(totp_step=0).reason == "failed"
    assert desk.sign_in(totp_step=0, new_hash="argon2id-mine").reason == "failed"
    assert (desk.state.failures, desk.state.password_hash) == (2, "argon2id-first")


def test_a_wrong_password_is_replaced():
    desk = new()
    assert desk.sign_in(password_ok=False, new_hash="argon2id-mine").reason == "failed"
    assert desk.sign_in(generation=desk.state.generation - 1, new_hash="argon2id-mine").reason == "failed"
    assert (desk.state.failures, desk.state.password_hash) == (2, "argon2id-first")


def test_a_password_of_ones_own_is_asked_for_again_or_the_old_one_still_proves_something():
    desk = new()
    told = desk.sign_in(new_hash="argon2id-other")
    (_, changed) = (event for event, _ in desk.events[-2:])
    assert changed == PasswordChanged("s1", 1, "argon2id-other")
    assert (told.ok, told.shift.token_number, told.shift.proved_ms) == (True, 1, desk.now_ms)
    assert desk.state.shift == told.shift
    assert desk.sign_in("s2", generation=desk.state.generation - 1).reason == "failed"
    assert desk.sign_in("s3").ok
    desk.now_ms += GIVEN_MS
    assert desk.sign_in("s4").ok
    assert given(desk.state) == 0


def test_a_shift_that_begins_with_a_new_password_has_none_of_its_tokens():
    # What ends tokens before a change would end that of the shift itself.
    desk = new()
    told = desk.sign_in(new_hash="argon2id-other")
    assert desk.post == []
    assert desk.do(ChangeOwnPassword("s1", True, "argon2id-third")).ok
    assert desk.do(EndShift(told.shift.session_id)).ended


def test_a_given_password_is_good_for_ever():
    desk, bare = new(), new(factor=False)
    until_ms = NOW_MS + GIVEN_MS
    assert given(desk.state) == given(bare.state) == until_ms
    for one in (desk, bare):
        one.now_ms = until_ms - 2
    assert desk.sign_in().reason == "password_given"
    assert bare.sign_in().reason == "factor_missing"
    assert desk.sign_in(new_hash="argon2id-mine").reason == bare.sign_in().reason == "failed"
    assert desk.state.failures == bare.state.failures == 1
    desk.do(SetPassword("argon2id-other"))
    assert given(desk.state) == until_ms + GIVEN_MS
    assert desk.sign_in(new_hash="argon2id-mine").ok


def test_a_shift_that_a_passkey_opened_takes_a_given_password_for_ever():
    desk = new(factor=False)
    until_ms = desk.now_ms + 2 * GIVEN_MS
    desk.do(EnrolPasskey(Passkey("phone", b"c", b"k", 0, "phone"), "made", until_ms, RECOVERY))
    desk.now_ms = NOW_MS + GIVEN_MS - 2
    use = PasskeyUse("phone", 1, "a", until_ms, alone=True)
    assert desk.sign_in(password_ok=False, totp_step=0, passkey=use).ok
    early, failures = desk.state, desk.state.inside_failures
    desk.now_ms += 1
    assert desk.do(ChangeOwnPassword("s1", True, "argon2id-mine")).reason == "failed"
    assert (desk.state.inside_failures, desk.state.password_hash) == (failures + 1, "argon2id-first")
    late = Context(ID, "command", desk.now_ms - 1)
    change = ChangeOwnPassword("s1", True, "argon2id-mine", generation=early.generation)
    assert account.decide(early, change, late).reply(early, 1).ok


def test_a_lock_is_got_round_with_a_given_password():
    desk = new()
    for _ in range(LOCK_AFTER):
        desk.sign_in(totp_step=0)
    assert desk.sign_in(new_hash="argon2id-mine").reason == "locked"


def test_a_new_hash_or_a_lost_factor_makes_a_given_password_ones_own():
    desk = new()
    desk.do(RenewHash("argon2id-first-anew"))
    assert desk.sign_in().reason == "password_given"
    desk.do(ResetFactor())
    assert desk.sign_in().reason == "factor_missing"
    assert given(desk.state) == NOW_MS + GIVEN_MS


def test_a_passkey_alone_replaces_a_password_that_nobody_has_proved_or_waits_for_one():
    desk = new(factor=False)
    until_ms = desk.now_ms + 10 * MINUTE_MS
    desk.do(EnrolPasskey(Passkey("phone", b"c", b"k", 0, "phone"), "made", until_ms, RECOVERY))

    def signed(challenge):
        return PasskeyUse("phone", 1 + desk.now_ms - NOW_MS, challenge, until_ms, alone=True)

    assert not desk.sign_in(password_ok=False, totp_step=0, passkey=signed("a"), new_hash="argon2id-mine").ok
    assert desk.state.password_hash == "argon2id-first"
    # Nobody but the person has it, so there is nothing to wait for.
    assert desk.sign_in(password_ok=False, totp_step=0, passkey=signed("b")).ok
    assert given(desk.state) == NOW_MS + GIVEN_MS


def test_an_account_of_a_release_before_asks_for_another_password():
    desk = Desk()
    context = Context(ID, "command", NOW_MS)
    desk.state = account.evolve(None, AccountOpened("manager", [], "argon2id-first"), context)
    desk.do(EnrolTotp(b"sealed", STEP, RECOVERY))
    desk.state = account.evolve(desk.state, PasswordSet("argon2id-other"), context)
    assert desk.sign_in().ok


def test_a_new_password_is_not_taken_along_where_nobody_had_to():
    desk = Desk().ready()
    assert desk.sign_in(new_hash="argon2id-other").ok
    assert desk.state.password_hash == "argon2id-other"
    assert [type(event) for event, _ in desk.events[-2:]] == [SignedIn, PasswordChanged]


def test_the_audit_does_not_tell_that_a_sign_in_replaced_the_password():
    desk = new()
    sign_in = SignIn("s1", True, STEP + 1, "", "", 0, "", generation=desk.state.generation, new_hash="argon2id-x")
    events = account.decide(desk.state, sign_in, Context(ID, "command", desk.now_ms)).events
    act = of_account(desk.state, sign_in, events)
    assert (act.action, act.changes, act.refused) == ("session.open", {"password": (None, "replaced")}, "")
    assert of_account(desk.state, sign_in, []).changes == {}
