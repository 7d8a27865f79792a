"""The second factor of an account: codes by time or passkeys, with recovery codes for the day that they are lost.

Each proof is taken once: the time steps of codes only rise (RFC 6238 section 5.2), recovery codes are crossed out, and
what holds for passkeys stands in `passkeys.py`.

The first factor takes a password just proved; passkeys come and go while their person is on shift,
but never the last factor.
"""

from __future__ import annotations

from actors.domain import passkeys
from actors.domain.account_commands import EnrolPasskey, EnrolTotp, SignIn, StepUp
from actors.domain.account_events import PasskeyEnrolled, SignedIn, SteppedUp, TotpEnrolled
from actors.domain.account_state import Account
from actors.domain.account_views import FactorEnrolled, PasskeysView, PasskeyView
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision
from actors.domain.passkeys import AddPasskey, PasskeyAdded, PasskeyRemoved, RemovePasskey


# --- proofs ---------------------------------------------------------------------------------------------------------
def fits(account: Account, command: SignIn | StepUp, context: Context) -> bool:
    """Is it a proof of the second factor that was not taken yet?"""
    if command.passkey is not None:
        return passkeys.fits(account, command.passkey, context.now_ms)
    if command.recovery_hash:
        return command.recovery_hash in account.recovery
    return command.totp_step > account.last_totp_step


# --- decide ---------------------------------------------------------------------------------------------------------
def enrol_totp(account: Account, command: EnrolTotp) -> Decision:
    """The first factor. Raises Refused `account.factor_exists`, `account.changed`."""
    assert command.sealed_totp, "empty stands for no codes by time"
    _check_first(account, command.generation)
    return _enrolled(TotpEnrolled(command.sealed_totp, command.totp_step, command.recovery))


def enrol_passkey(account: Account, command: EnrolPasskey, context: Context) -> Decision:
    """The first factor. Raises Refused `account.factor_exists`, `account.changed`, `passkey.challenge_spent`."""
    _check_first(account, command.generation)
    passkeys.check_fresh(account, command.challenge, command.until_ms, context.now_ms)
    return _enrolled(PasskeyEnrolled(command.passkey, command.challenge, command.until_ms, command.recovery))


def add_passkey(account: Account, command: AddPasskey, context: Context) -> Decision:
    """One more. Raises Refused `passkey.challenge_spent`, `passkey.exists`, `passkey.too_many`."""
    passkeys.check_new(account, command, context.now_ms)
    return _passkeys(PasskeyAdded(command.passkey, command.challenge, command.until_ms))


def remove_passkey(account: Account, command: RemovePasskey) -> Decision:
    """One less. Raises Refused `passkey.unknown`, `passkey.last_factor`."""
    passkeys.check_known(account, command.passkey_id)
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
        passkeys.drop(account, event.passkey_id)
    elif isinstance(event, TotpEnrolled):
        account.sealed_totp, account.recovery = event.sealed_totp, event.recovery
        account.last_totp_step = max(account.last_totp_step, event.totp_step)
    else:
        passkeys.keep(account, event.passkey, event.challenge, event.until_ms, context.now_ms)
        if type(event) is PasskeyEnrolled:
            account.recovery = event.recovery


def use_up(account: Account, event: SignedIn | SteppedUp, context: Context) -> None:
    """What proved something is never taken again, and the failures before it are forgotten."""
    account.forgive()
    account.last_totp_step = max(account.last_totp_step, event.totp_step)
    account.recovery = [known for known in account.recovery if known != event.recovery_hash]
    if event.passkey is not None:
        passkeys.use_up(account, event.passkey, context.now_ms)


def forget(account: Account) -> None:
    """There is no second factor any more."""
    account.sealed_totp, account.recovery, account.passkeys = b"", [], []
    account.forgive()
