"""The shift of an account: signing in, new tokens while it runs, proving the second factor again, signing out.

A failed proof is counted and is no refusal: a refusal changes nothing. Each token of a shift has a number; whoever
comes with an old one holds a token that was stolen, or whose successor was, so the shift ends
(RFC 9700 section 4.14.2).

A page renews its tokens with nobody before it, so that a renewal is no use of the shift: it brings along when somebody
last did something (`Refresh.used_ms`).
"""

from __future__ import annotations

import msgspec

from actors.domain import account_factors as factors
from actors.domain import passkeys
from actors.domain.account_commands import EndShift, Refresh, SignIn, StepUp
from actors.domain.account_events import (
    EndedShift,
    Event,
    Failed,
    PasswordChanged,
    ShiftEnded,
    ShiftRefreshed,
    SignedIn,
    SignInFailed,
    SteppedUp,
    StepUpFailed,
)
from actors.domain.account_state import ACCESS_MS, IDLE_MS, LOCK_AFTER, LOCK_MS, SHIFT_MAX_MS, Account, Shift
from actors.domain.account_views import SessionOutcome, SessionReason, ShiftOver, SignInOutcome, SignInReason
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision
from actors.domain.passkeys import PasskeySuspected


# --- decide ---------------------------------------------------------------------------------------------------------
def sign_in(account: Account, command: SignIn, context: Context) -> Decision:
    """A shift, or why not. Raises Refused `account.location_not_allowed`, `account.location_unknown`."""
    if not account.enabled:
        return _not_signed_in("failed")
    # Nobody guesses a signature: who was locked out by others gets in by a passkey that needs no password.
    if context.now_ms < account.locked_until_ms and not (command.passkey is not None and command.passkey.alone):
        return _not_signed_in("locked")
    current = command.generation == account.generation
    knows_password = current and command.password_ok and account.takes_password(context.now_ms)
    if knows_password and not account.has_factor:
        return _not_signed_in("factor_missing")
    # A passkey alone replaces no password: it would have to be known.
    by_passkey = command.passkey is not None and command.passkey.alone and not command.new_hash
    knows = knows_password or (current and by_passkey)
    if knows and command.passkey is not None and passkeys.is_suspect(account, command.passkey, context.now_ms):
        return _not_signed_in("passkey_suspect", PasskeySuspected(command.passkey))
    if not knows or not factors.fits(account, command, context):
        return _not_signed_in("failed", SignInFailed(*_next_failure(account.failures, context)))
    if knows_password and account.given_until_ms and not command.new_hash:
        # Nothing is used up by it: the same proof comes again, with a password of one's own.
        return _not_signed_in("password_given")
    # Only now: where somebody may work is nothing for who is not known yet.
    location_id = _place_of(account, command)
    now_ms = context.now_ms
    length_ms = min(command.planned_ms, SHIFT_MAX_MS) if command.planned_ms > 0 else SHIFT_MAX_MS
    shift = Shift(
        command.session_id, account.role, location_id, now_ms, now_ms + length_ms, now_ms, now_ms, 1,
        command.device, command.device_id, command.device_session,
    )  # fmt: skip
    begun = SignedIn(shift, command.totp_step, command.recovery_hash, ended(account), command.passkey)
    taken = [PasswordChanged(shift.session_id, 1, command.new_hash)] if command.new_hash else []
    return Decision(
        [begun, *taken],
        lambda state, version: SignInOutcome(True, "", state.account_id, state.role, state.locations, state.shift),
    )


def refresh(account: Account, command: Refresh, context: Context) -> Decision:
    """A new token, or the end of the shift. Raises Refused `session.ended`."""
    # The replica's clock may be ahead of ours.
    used_ms = min(command.used_ms or 0, context.now_ms)
    shift = running(account, command.session_id, context, used_ms)
    if command.token_number == shift.token_number:
        seen_ms = context.now_ms if command.used_ms is None else max(shift.seen_ms, used_ms)
        return session(ShiftRefreshed(shift.session_id, shift.token_number + 1, seen_ms))
    return no_session("token_reused", ShiftEnded(EndedShift(shift.session_id, shift.ends_ms), "token_reused"))


def step_up(account: Account, command: StepUp, context: Context) -> Decision:
    """A new token with a fresh proof, or why not. Raises Refused `session.ended`."""
    shift = running(account, command.session_id, context)
    if context.now_ms < account.inside_locked_until_ms:
        return no_session("locked")
    current = command.generation == account.generation
    if current and command.passkey is not None and passkeys.is_suspect(account, command.passkey, context.now_ms):
        return no_session("passkey_suspect", PasskeySuspected(command.passkey))
    if not current or not factors.fits(account, command, context):
        return no_session("failed", StepUpFailed(shift.session_id, *next_inside(account, context)))
    number = shift.token_number + 1
    return session(
        SteppedUp(
            shift.session_id, number, command.totp_step, command.recovery_hash, command.passkey, context.now_ms + ACCESS_MS
        )
    )  # fmt: skip


def end(account: Account, command: EndShift) -> Decision:
    """Signs out."""
    over = ended(account)
    mine = over is not None and over.session_id == command.session_id
    return Decision(
        [ShiftEnded(over, "signed_out")] if over is not None and mine else [],
        lambda state, version: ShiftOver(state.account_id, mine),
    )


def ended(account: Account) -> EndedShift | None:
    """What to revoke when something ends the shift that runs, if one does."""
    return EndedShift(account.shift.session_id, account.shift.ends_ms) if account.shift is not None else None


def running(account: Account, session_id: str, context: Context, used_ms: int = 0) -> Shift:
    """The shift of that session. `used_ms`: when somebody last did something in it, where more is known than the
    account knows (UTC ms). Raises Refused `session.ended`."""
    shift, now_ms = account.shift, context.now_ms
    if shift is None or shift.session_id != session_id:
        raise Refused("session.ended", "This session has ended.", reason="signed_out")
    if now_ms >= shift.ends_ms:
        raise Refused("session.ended", "The shift is over.", reason="shift_over")
    if now_ms - max(shift.seen_ms, used_ms) > IDLE_MS[shift.role]:
        raise Refused("session.ended", "This session was not used for too long.", reason="idle")
    return shift


def session(event: Event) -> Decision:
    """The shift goes on under a new token."""
    return Decision(
        [event],
        lambda state, version: SessionOutcome(True, "", state.account_id, state.role, state.locations, state.shift),
    )


def no_session(reason: SessionReason, *events: Event) -> Decision:
    """No new token, and why."""
    return Decision(list(events), lambda state, version: SessionOutcome(False, reason, state.account_id, "", [], None))


def _place_of(account: Account, command: SignIn) -> str:
    """Where the shift is worked. Who works at one place need not say which."""
    if not command.location_id and len(account.locations) == 1:
        return account.locations[0]
    if account.locations and command.location_id not in account.locations:
        raise Refused(
            "account.location_not_allowed", "This account does not work there.",
            location_id=command.location_id, locations=account.locations,
        )  # fmt: skip
    if command.nowhere:
        # Whose rights reach the whole region could name anything, and alerts would tell of a place that is none.
        raise Refused(
            "account.location_unknown",
            "There is no such location: name another, or none.",
            location_id=command.location_id,
        )
    return command.location_id


def _not_signed_in(reason: SignInReason, *events: Event) -> Decision:
    return Decision(list(events), lambda state, version: SignInOutcome(False, reason, state.account_id, "", [], None))


def next_inside(account: Account, context: Context) -> tuple[int, int]:
    """One failure more during a shift: (how many it makes, until when the account is locked for it or 0)."""
    return _next_failure(account.inside_failures, context)


def _next_failure(failures: int, context: Context) -> tuple[int, int]:
    return failures + 1, context.now_ms + LOCK_MS if failures + 1 >= LOCK_AFTER else 0


# --- evolve ---------------------------------------------------------------------------------------------------------
def count(account: Account, event: Failed, context: Context) -> None:
    """One failure more; the one too many locks, and counting begins again. Too many inside lock the door as well:
    somebody has the person's token."""
    account.failed_at_ms = context.now_ms
    if type(event) is SignInFailed:
        account.failures = event.failures
        if event.locked_until_ms:
            account.failures, account.locked_until_ms = 0, event.locked_until_ms
        return
    account.inside_failures = event.failures
    if event.locked_until_ms:
        account.inside_failures, account.inside_locked_until_ms = 0, event.locked_until_ms
        account.locked_until_ms = max(account.locked_until_ms, event.locked_until_ms)


def renew(account: Account, event: ShiftRefreshed | SteppedUp | PasswordChanged, context: Context) -> None:
    """The shift has a new token; whoever proves himself for it is there."""
    shift, now_ms = account.shift, context.now_ms
    assert shift is not None
    proved_ms = now_ms if type(event) is SteppedUp else shift.proved_ms
    seen_ms = (event.seen_ms or now_ms) if type(event) is ShiftRefreshed else now_ms
    account.shift = msgspec.structs.replace(
        shift, seen_ms=max(shift.seen_ms, seen_ms), proved_ms=proved_ms, token_number=event.token_number
    )
