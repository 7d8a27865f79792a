from __future__ import annotations

import copy

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
from actors.domain.account_state import IDLE_MS, LOCK_AFTER, LOCK_MS, NO_GENERATION, ROLES, SHIFT_MAX_MS, Shift
from actors.domain.account_views import ViewAccount, ViewCredentials
from actors.domain.errors import Refused
from actors.domain.kind import Context, Message
from actors.domain.revocations import Revoke

NOW_MS = 1_767_225_600_000
STEP = NOW_MS // 30_000
ID = ids.account_id("us", bytes(range(32)))
MINUTE_MS = 60_000
RIGHTS = [ChangeRole("driver", []), SetPassword("argon2id-other"), ResetFactor(), Disable()]
SECRETS = ("argon2id-first", "argon2id-other", "recovery-1", "recovery-2", "sealed", "c2VhbGVk")


class Desk:
    """An account, a clock, and everything that the account said."""

    def __init__(self) -> None:
        self.state, self.version, self.now_ms = None, 0, NOW_MS
        self.post, self.events = [], []

    def do(self, command):
        if getattr(command, "generation", None) == NO_GENERATION and self.state is not None:
            # Judged against what the account has now; a test that means something else says so.
            command = msgspec.structs.replace(command, generation=self.state.generation)
        before, context = copy.deepcopy(self.state), Context(ID, "command", self.now_ms)
        decision = account.decide(self.state, command, context)
        assert self.state == before
        for event in decision.events:
            self.state = account.evolve(self.state, event, context)
            self.post.extend(account.messages(ID, event))
            self.events.append((event, context))
        self.version += len(decision.events)
        return decision.reply(self.state, self.version)

    def refused(self, command):
        with pytest.raises(Refused) as refused:
            self.do(command)
        return refused.value.body.code

    def opened(self, role="associate", locations=()):
        self.do(OpenAccount(role, list(locations), "argon2id-first"))
        return self

    def ready(self, role="associate", locations=()):
        self.opened(role, locations).do(EnrolTotp(b"sealed", STEP, ["recovery-1", "recovery-2"]))
        return self

    def sign_in(self, session="s1", **more):
        self.now_ms += 1
        given = {
            "password_ok": True, "totp_step": self.state.last_totp_step + 1, "recovery_hash": "", "location_id": "",
            "planned_ms": 0, "device": "till 4",
        }  # fmt: skip
        return self.do(SignIn(session, **given | more))

    def row(self):
        event, context = self.events[-1]
        return account.rows(self.state, self.version, [event], context)


def revoked(session, until_ms):
    return Message("revocations", "us-revocations", Revoke(session, until_ms), on_reply=False)


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


# --- signing in -------------------------------------------------------------------------------------------------------
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
    desk = Desk().ready(locations=["us-st-1"])
    for elsewhere in ("us-st-2", ""):
        with pytest.raises(Refused) as refused:
            desk.sign_in(location_id=elsewhere)
        assert refused.value.body.code == "account.location_not_allowed"
    assert desk.sign_in(location_id="us-st-1").ok


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


# --- the shift --------------------------------------------------------------------------------------------------------
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
    assert desk.do(Refresh("s1", 2)).reason == "token_reused"


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
    told = [message.command.session_id for message in desk.post]
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
    assert desk.sign_in().reason == ("factor_missing" if isinstance(help_, ResetFactor) else "")
