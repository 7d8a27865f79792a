"""The second factor of an account: codes by time or passkeys, with recovery codes for the day that they are lost.

Each proof is taken once: the time steps of codes only rise (RFC 6238 section 5.2), recovery codes are crossed out, and so are the challenges
that passkeys sign (`once.py`). What a passkey's authenticator counts only rises, too, where it counts at all. Whether a signature is right is
checked elsewhere (`serve/identity/ceremonies.py`).

The first factor takes a password just proved; passkeys come and go while their person is on shift, but never the last factor.
"""

from __future__ import annotations

import msgspec

from actors.domain import once
from actors.domain.account_commands import (
    AddPasskey,
    EnrolPasskey,
    EnrolTotp,
    PasskeyUse,
    RemovePasskey,
    SignIn,
    StepUp,
)
from actors.domain.account_events import (
    PasskeyAdded,
    PasskeyEnrolled,
    PasskeyRemoved,
    PasskeySuspected,
    SignedIn,
    SteppedUp,
    TotpEnrolled,
)
from actors.domain.account_state import PASSKEYS_MAX, Account, Passkey
from actors.domain.account_views import FactorEnrolled, PasskeysView, PasskeyView
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision


# --- proofs ---------------------------------------------------------------------------------------------------------
def fits(account: Account, command: SignIn | StepUp, context: Context) -> bool:
    """Is it a proof of the second factor that was not taken yet?"""
    if command.passkey is not None:
        signed = _signed(account, command.passkey, context) is not None
        return signed and not is_suspect(account, command.passkey, context)
    if command.recovery_hash:
        return command.recovery_hash in account.recovery
    return command.totp_step > account.last_totp_step


def is_suspect(account: Account, use: PasskeyUse, context: Context) -> bool:
    """Does a signature that would be taken count no further than one before? Then there are two who can sign."""
    known = _signed(account, use, context)
    return known is not None and bool(known.sign_count or use.sign_count) and use.sign_count <= known.sign_count


def _signed(account: Account, use: PasskeyUse, context: Context) -> Passkey | None:
    """The passkey, if its challenge was not answered yet."""
    fresh = once.fresh(account.challenges, use.challenge, use.until_ms, context.now_ms)
    return _find(account, use.passkey_id) if fresh else None


def _find(account: Account, passkey_id: str) -> Passkey | None:
    return next((passkey for passkey in account.passkeys if passkey.passkey_id == passkey_id), None)


# --- decide ---------------------------------------------------------------------------------------------------------
def enrol_totp(account: Account, command: EnrolTotp) -> Decision:
    """The first factor. Raises Refused `account.factor_exists`, `account.changed`."""
    assert command.sealed_totp, "empty stands for no codes by time"
    _check_first(account, command.generation)
    return _enrolled(TotpEnrolled(command.sealed_totp, command.totp_step, command.recovery))


def enrol_passkey(account: Account, command: EnrolPasskey, context: Context) -> Decision:
    """The first factor. Raises Refused `account.factor_exists`, `account.changed`, `passkey.challenge_spent`."""
    _check_first(account, command.generation)
    _check_fresh(account, command, context)
    return _enrolled(PasskeyEnrolled(command.passkey, command.challenge, command.until_ms, command.recovery))


def add_passkey(account: Account, command: AddPasskey, context: Context) -> Decision:
    """One more. Raises Refused `passkey.challenge_spent`, `passkey.exists`, `passkey.too_many`."""
    _check_fresh(account, command, context)
    if _find(account, command.passkey.passkey_id) is not None:
        raise Refused("passkey.exists", "This authenticator has a passkey for the account already.")
    if len(account.passkeys) >= PASSKEYS_MAX:
        raise Refused("passkey.too_many", f"An account has at most {PASSKEYS_MAX} passkeys.", limit=PASSKEYS_MAX)
    return _passkeys(PasskeyAdded(command.passkey, command.challenge, command.until_ms))


def remove_passkey(account: Account, command: RemovePasskey) -> Decision:
    """One less. Raises Refused `passkey.unknown`, `passkey.last_factor`."""
    if _find(account, command.passkey_id) is None:
        raise Refused("passkey.unknown", "This account has no such passkey.")
    if not account.sealed_totp and len(account.passkeys) == 1:
        raise Refused("passkey.last_factor", "Without it nobody could sign in to the account: add another one first.")
    return _passkeys(PasskeyRemoved(command.passkey_id))


def _check_first(account: Account, generation: int) -> None:
    if account.has_factor:
        raise Refused(
            "account.factor_exists", "This account has a second factor already.", account_id=account.account_id
        )
    if generation != account.generation or not account.enabled:
        raise Refused("account.changed", "The account was changed meanwhile: sign in again.")


def _check_fresh(account: Account, command: EnrolPasskey | AddPasskey, context: Context) -> None:
    if not once.fresh(account.challenges, command.challenge, command.until_ms, context.now_ms):
        raise Refused(
            "passkey.challenge_spent", "This challenge was answered already, or is too old: ask for new options."
        )


def _enrolled(event: TotpEnrolled | PasskeyEnrolled) -> Decision:
    return Decision([event], lambda state, version: FactorEnrolled(state.account_id, version))


def _passkeys(event: PasskeyAdded | PasskeyRemoved) -> Decision:
    return Decision([event], lambda state, version: passkeys_view(state))


def passkeys_view(account: Account) -> PasskeysView:
    """What the person may see of them."""
    found = [
        PasskeyView(known.passkey_id, known.name, known.created_ms, known.used_ms, known.suspect_ms)
        for known in account.passkeys
    ]
    return PasskeysView(account.account_id, found)


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(
    account: Account, event: TotpEnrolled | PasskeyEnrolled | PasskeyAdded | PasskeyRemoved, context: Context
) -> None:
    """The credentials are others now."""
    account.generation += 1
    if isinstance(event, PasskeyRemoved):
        account.passkeys = [known for known in account.passkeys if known.passkey_id != event.passkey_id]
    elif isinstance(event, TotpEnrolled):
        account.sealed_totp, account.recovery = event.sealed_totp, event.recovery
        account.last_totp_step = max(account.last_totp_step, event.totp_step)
    else:
        account.challenges = once.spent(account.challenges, event.challenge, event.until_ms, context.now_ms)
        made = msgspec.structs.replace(event.passkey, created_ms=context.now_ms)
        account.passkeys = [*account.passkeys, made]
        if type(event) is PasskeyEnrolled:
            account.recovery = event.recovery


def use_up(account: Account, event: SignedIn | SteppedUp, context: Context) -> None:
    """What proved something is never taken again, and the failures before it are forgotten."""
    account.failures, account.locked_until_ms = 0, 0
    account.last_totp_step = max(account.last_totp_step, event.totp_step)
    account.recovery = [known for known in account.recovery if known != event.recovery_hash]
    if event.passkey is not None:
        _spend(account, event.passkey, context)
        _replace(account, event.passkey, sign_count=event.passkey.sign_count, used_ms=context.now_ms)


def suspect(account: Account, event: PasskeySuspected, context: Context) -> None:
    """Marked, for its person to see; the count stays the higher one."""
    _spend(account, event.use, context)
    _replace(account, event.use, suspect_ms=context.now_ms)


def forget(account: Account) -> None:
    """There is no second factor any more."""
    account.sealed_totp, account.recovery, account.passkeys = b"", [], []
    account.failures, account.locked_until_ms = 0, 0


def _spend(account: Account, use: PasskeyUse, context: Context) -> None:
    account.challenges = once.spent(account.challenges, use.challenge, use.until_ms, context.now_ms)


def _replace(account: Account, use: PasskeyUse, **changed: int) -> None:
    account.passkeys = [
        msgspec.structs.replace(known, **changed) if known.passkey_id == use.passkey_id else known
        for known in account.passkeys
    ]
