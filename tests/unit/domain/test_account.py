"""Opening an account, signing in, and what it tells."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import account, ids
from actors.domain.account_commands import (
    ChangeOwnPassword,
    ChangeRole,
    Disable,
    Enable,
    EndShift,
    EnrolTotp,
    OpenAccount,
    Refresh,
    RenewHash,
    ResetFactor,
    SetPassword,
    SignIn,
    StepUp,
)
from actors.domain.account_state import LOCK_AFTER, LOCK_MS, ROLES, SHIFT_MAX_MS
from actors.domain.account_views import ViewAccount, ViewCredentials
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.revocations import first_good
from tests.unit.domain.account_desk import ID, MINUTE_MS, SECRETS, STEP, Desk


# --- opening and enrolling --------------------------------------------------------------------------------------------
def test_an_account_is_opened_twice_or_with_a_role_that_there_is_not():
    desk = Desk()
    assert desk.refused(OpenAccount("king", [], "h")) == "account.role_unknown"
    told = desk.opened().do(Enable())
    assert (told.account_id, told.role, told.has_factor, told.on_shift) == (ID, "associate", False, False)
    assert desk.refused(OpenAccount("associate", [], "h")) == "account.exists"
    assert desk.refused(ChangeRole("king", [])) == "account.role_unknown"


@pytest.mark.parametrize("command", [EnrolTotp(b"x", 1, []), EndShift("s"), Refresh("s", 1), Disable()])
def test_an_account_that_there_is_not_can_be_used(command):
    assert Desk().refused(command) == "account.unknown"
    for query in (ViewAccount(), ViewCredentials()):
        with pytest.raises(Refused) as refused:
            account.view(None, query, 0)
        assert refused.value.body.code == "account.unknown"


def test_who_stole_a_password_replaces_the_second_factor():
    assert Desk().ready().refused(EnrolTotp(b"theirs", STEP, [])) == "account.factor_exists"


def test_a_password_alone_opens_a_shift():
    desk = Desk().opened()
    told = desk.sign_in(totp_step=STEP)
    assert (told.ok, told.reason, told.shift, desk.version) == (False, "factor_missing", None, 1)
    assert desk.sign_in(password_ok=False).reason == "failed"
    assert desk.state.failures == 1


def test_the_code_that_enrolled_the_factor_signs_in_as_well():
    desk = Desk().ready()
    assert desk.sign_in(totp_step=STEP).reason == "failed"
    assert desk.sign_in(totp_step=STEP + 1).ok


# --- what is told -----------------------------------------------------------------------------------------------------
def test_an_administrator_sees_a_secret():
    desk = Desk().ready()
    desk.sign_in(location_id="us-st-1")
    text = msgspec.json.encode(account.view(desk.state, ViewAccount(), desk.version)).decode()
    assert '"has_factor":true' in text
    assert '"shift_location_id":"us-st-1"' in text
    assert not [secret for secret in SECRETS if secret in text]


sessions = st.sampled_from(("s1", "s2"))
steps = st.sampled_from((0, *range(STEP, STEP + 40)))
recoveries = st.sampled_from(("", "", "", "recovery-1", "recovery-2"))
commands = st.one_of(
    st.builds(
        SignIn, sessions, st.booleans(), steps, recoveries, st.just("us-st-1"), st.integers(0, 10**8), st.just("d")
    ),
    st.builds(Refresh, sessions, st.integers(1, 4)),
    st.builds(StepUp, sessions, steps, recoveries),
    st.builds(EndShift, sessions),
    st.builds(EnrolTotp, st.just(b"sealed"), steps, st.just(["recovery-1", "recovery-2"])),
    st.builds(ChangeRole, st.sampled_from(ROLES), st.sampled_from(([], ["us-st-1"]))),
    st.builds(ChangeOwnPassword, sessions, st.booleans(), st.just("argon2id-other")),
    st.sampled_from([SetPassword("argon2id-other"), RenewHash("argon2id-other"), ResetFactor(), Disable(), Enable()]),
)
moves = st.lists(st.tuples(commands, st.sampled_from((0, 1, MINUTE_MS, 20 * MINUTE_MS, LOCK_MS))), max_size=40)


def lived(life):
    """A desk after such a life, with the replies and refusals along it."""
    desk, told = Desk().ready(), []
    for command, pause_ms in life:
        desk.now_ms += pause_ms
        try:
            told.append((command, desk.do(command)))
        except Refused as refused:
            told.append((command, refused.body))
    return desk, told


@given(moves)
def test_the_same_events_lead_to_another_state_after_a_crash(life):
    desk, _ = lived(life)
    again = None
    for event, context in desk.events:
        text = msgspec.json.encode([event])
        (read,) = msgspec.json.decode(text, type=list[account.Event])
        again = account.evolve(again, read, context)
        assert list(account.messages(ID, read)) == list(account.messages(ID, event))
    assert again == desk.state


@given(moves)
def test_an_account_comes_back_from_its_row_as_another(life):
    desk, _ = lived(life)
    (row,) = desk.row()
    assert (row.account_id, row.role, row.enabled) == (ID, desk.state.role, desk.state.enabled)
    assert account.restore(ID, {"accounts": [row]}) == (desk.state, desk.version)
    assert account.restore(ID, {}) is None


@given(moves)
def test_some_way_takes_a_code_twice(life):
    desk, _ = lived(life)
    proofs = [event for event, _ in desk.events if isinstance(event, account.SignedIn | account.SteppedUp)]
    codes = [proof.totp_step for proof in proofs if not proof.recovery_hash]
    crossed_out = [proof.recovery_hash for proof in proofs if proof.recovery_hash]
    assert codes == sorted(set(codes))
    assert all(codes)
    enrolments = sum(isinstance(event, account.TotpEnrolled) for event, _ in desk.events)
    assert all(crossed_out.count(code) <= enrolments for code in crossed_out)


@given(moves)
def test_some_way_ends_a_session_whose_tokens_stay_good(life):
    desk, _ = lived(life)
    begun = {e.shift.session_id for e, _ in desk.events if isinstance(e, account.SignedIn)}
    running = {desk.state.shift.session_id} if desk.state.shift else set()
    entries = [message.command.session_id for message in desk.post]
    # One whose tokens were replaced goes on.
    told = [entry for entry in entries if first_good(entry) is None]
    assert begun - running <= set(told)
    assert len(told) == sum(isinstance(e, account.SignedIn) for e, _ in desk.events) - len(running)


@given(moves)
def test_some_event_or_answer_carries_a_secret_that_it_need_not(life):
    desk, told = lived(life)
    passwords = account.AccountOpened | account.PasswordSet | account.PasswordChanged | account.HashRenewed
    bearers = passwords | account.TotpEnrolled
    used = account.SignedIn | account.SteppedUp
    for event, _ in desk.events:
        text = msgspec.json.encode(event).decode()
        if isinstance(event, used) and event.recovery_hash:
            text = text.replace(event.recovery_hash, "", 1)  # crossed out by this very event
        assert isinstance(event, bearers) or not [secret for secret in SECRETS if secret in text]
    for _, reply in told:
        assert not [secret for secret in SECRETS if secret in msgspec.json.encode(reply).decode()]


@given(moves)
def test_a_shift_outlives_its_account_or_its_longest(life):
    desk, _ = lived(life)
    shift = desk.state.shift
    if shift is not None:
        assert desk.state.enabled
        assert desk.state.sealed_totp
        assert shift.role == desk.state.role
        assert shift.started_ms <= shift.proved_ms <= shift.seen_ms < shift.ends_ms <= shift.started_ms + SHIFT_MAX_MS
    assert 0 <= desk.state.failures < LOCK_AFTER


# --- ids --------------------------------------------------------------------------------------------------------------
@given(st.binary(min_size=16, max_size=64), st.binary(min_size=16, max_size=64))
def test_an_account_id_is_refused_by_our_own_pattern_or_shared(one, two):
    mine, theirs = ids.account_id("latam", one), ids.account_id("latam", two)
    assert ids.ACCOUNT_PATTERN.fullmatch(mine)
    assert ids.region_of(mine) == "latam"
    assert (mine == theirs) == (one[:16] == two[:16])


def test_account_ids_change_when_the_code_does():
    assert ID == "us-acct-00041061050r3gg28a1c60t3gf"


@pytest.mark.parametrize("change", [SetPassword("argon2id-other"), ResetFactor(), Disable()])
def test_a_proof_that_was_judged_before_the_credentials_changed_lets_somebody_in(change):
    desk = Desk().ready()
    judged = desk.state.generation
    desk.do(change)
    if isinstance(change, Disable):
        desk.do(Enable())
    told = desk.sign_in(generation=judged)
    assert (told.ok, told.reason) == (False, "failed")
    assert desk.state.failures == 1


def test_a_code_judged_against_the_factor_before_proves_something():
    desk = Desk().ready()
    desk.sign_in("s1")
    judged = desk.state.generation
    assert desk.do(StepUp("s1", STEP + 5, "", judged - 1)).reason == "failed"
    assert desk.do(StepUp("s1", STEP + 5, "", judged)).ok


@pytest.mark.parametrize("change", [SetPassword("argon2id-other"), Disable()])
def test_a_factor_is_enrolled_for_somebody_who_knew_the_password_before(change):
    desk = Desk().opened()
    judged = desk.state.generation
    desk.do(change)
    assert desk.refused(EnrolTotp(b"theirs", STEP, [], judged)) == "account.changed"


def test_a_proof_that_says_nothing_of_its_credentials_is_taken():
    desk = Desk().ready()
    context = Context(ID, "command", desk.now_ms)
    decision = account.decide(desk.state, SignIn("s1", True, STEP + 9, "", "", 0, ""), context)
    assert not decision.reply(desk.state, 1).ok


@pytest.mark.parametrize("help_", [SetPassword("argon2id-other"), ResetFactor()])
def test_an_administrator_can_not_help_somebody_whom_others_have_locked_out(help_):
    desk = Desk().ready()
    for _ in range(LOCK_AFTER):
        desk.sign_in(password_ok=False)
    assert desk.sign_in().reason == "locked"
    desk.do(help_)
    assert desk.sign_in().reason == ("factor_missing" if isinstance(help_, ResetFactor) else "password_given")
