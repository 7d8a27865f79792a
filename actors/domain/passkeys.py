"""Passkeys of an account, of staff or of a customer: what is kept of them, and when one proves who somebody is.

    options ──▶ challenge ──▶ authenticator ──▶ made   ──check_new──▶ PasskeyAdded: at most PASSKEYS_MAX, each once
                                           └──▶ signed ──fits──▶ a proof        fresh challenge, higher count
                                                          └─is_suspect──▶ PasskeySuspected: fresh challenge, a count seen before

Each challenge is answered once (`once.py`). What an authenticator counts only rises, where it counts at all; a right
signature that counts no further was made by a copy, or there is a copy (Web Authentication, 6.1.1): it proves nothing,
and the person is shown it. Whether a signature is right is checked elsewhere (`serve/identity/ceremonies.py`). Times
are UTC milliseconds since 1970.
"""

from __future__ import annotations

from typing import Annotated, Protocol

import msgspec

from actors.domain import once
from actors.domain.errors import Refused
from actors.domain.personal_notes import (
    CUSTOMER_PASSKEY,
    CUSTOMER_PASSKEY_NAME,
    CUSTOMER_SESSION,
    PASSKEY,
    PASSKEY_NAME,
    SHIFT_ID,
)

PASSKEYS_MAX = 5


# --- state ----------------------------------------------------------------------------------------------------------
class Passkey(msgspec.Struct, frozen=True, gc=False):
    """What an authenticator made for this account (W3C Web Authentication). `passkey_id`: of ours, short;
    `credential_id`: the authenticator's; `public_key`: as COSE has it (RFC 9052); `sign_count`: the authenticator's, of
    the last signature that was taken, 0 for one that does not count; `name`: as a member of staff calls it;
    `sealed_name`: as a customer does, under a key of theirs, so that it can be erased; `suspect_ms`: when the count
    last went backwards, 0 for never."""

    passkey_id: str
    credential_id: Annotated[bytes, PASSKEY, CUSTOMER_PASSKEY]
    public_key: Annotated[bytes, PASSKEY, CUSTOMER_PASSKEY]
    sign_count: int
    name: Annotated[str, PASSKEY_NAME]
    created_ms: int = 0
    used_ms: int = 0
    suspect_ms: int = 0
    sealed_name: Annotated[bytes, CUSTOMER_PASSKEY_NAME] = b""


class PasskeyUse(msgspec.Struct, frozen=True, gc=False):
    """A passkey of the account signed the challenge of this name, which is good until `until_ms`; `sign_count`: what
    its authenticator counts. `alone`: nothing stands beside it, as the person was verified by the
    authenticator and gave no password."""

    passkey_id: str
    sign_count: int
    challenge: str
    until_ms: int
    alone: bool = False


class Holder(Protocol):
    """The state of an account that has passkeys, oldest first. `challenges`: those that they signed."""

    passkeys: list[Passkey]
    challenges: once.Once


# --- commands -------------------------------------------------------------------------------------------------------
class AddPasskey(msgspec.Struct, frozen=True, tag=True, gc=False):
    """One passkey more, in answer to the challenge of that name, by who is signed in."""

    session_id: Annotated[str, SHIFT_ID, CUSTOMER_SESSION]
    passkey: Passkey
    challenge: str
    until_ms: int


class RemovePasskey(msgspec.Struct, frozen=True, tag=True, gc=False):
    """One passkey less, by who is signed in."""

    session_id: Annotated[str, SHIFT_ID, CUSTOMER_SESSION]
    passkey_id: str


# --- events ---------------------------------------------------------------------------------------------------------
class PasskeyAdded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """There is one passkey more; the challenge is used up."""

    passkey: Passkey
    challenge: str
    until_ms: int


class PasskeyRemoved(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The passkey proves nothing any more."""

    passkey_id: str


class PasskeySuspected(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A right signature counted less than one before. It proved nothing; the challenge is used up."""

    use: PasskeyUse


# --- rules ----------------------------------------------------------------------------------------------------------
def fits(holder: Holder, use: PasskeyUse, now_ms: int) -> bool:
    """Is it a proof that was not taken yet?"""
    return _signed(holder, use, now_ms) is not None and not is_suspect(holder, use, now_ms)


def is_suspect(holder: Holder, use: PasskeyUse, now_ms: int) -> bool:
    """Does a signature that would be taken count no further than one before? Then there are two who can sign."""
    known = _signed(holder, use, now_ms)
    return known is not None and bool(known.sign_count or use.sign_count) and use.sign_count <= known.sign_count


def check_fresh(holder: Holder, challenge: str, until_ms: int, now_ms: int) -> None:
    """Raises Refused `passkey.challenge_spent`."""
    if not once.fresh(holder.challenges, challenge, until_ms, now_ms):
        raise Refused(
            "passkey.challenge_spent", "This challenge was answered already, or is too old: ask for new options."
        )


def check_new(holder: Holder, command: AddPasskey, now_ms: int) -> None:
    """May there be one more? Raises Refused `passkey.challenge_spent`, `passkey.exists`, `passkey.too_many`."""
    check_fresh(holder, command.challenge, command.until_ms, now_ms)
    if _find(holder, command.passkey.passkey_id) is not None:
        raise Refused("passkey.exists", "This authenticator has a passkey for the account already.")
    if len(holder.passkeys) >= PASSKEYS_MAX:
        raise Refused("passkey.too_many", f"An account has at most {PASSKEYS_MAX} passkeys.", limit=PASSKEYS_MAX)


def check_known(holder: Holder, passkey_id: str) -> None:
    """Raises Refused `passkey.unknown`."""
    if _find(holder, passkey_id) is None:
        raise Refused("passkey.unknown", "This account has no such passkey.")


def _signed(holder: Holder, use: PasskeyUse, now_ms: int) -> Passkey | None:
    """The passkey, if its challenge was not answered yet."""
    fresh = once.fresh(holder.challenges, use.challenge, use.until_ms, now_ms)
    return _find(holder, use.passkey_id) if fresh else None


def _find(holder: Holder, passkey_id: str) -> Passkey | None:
    return next((passkey for passkey in holder.passkeys if passkey.passkey_id == passkey_id), None)


# --- evolve ---------------------------------------------------------------------------------------------------------
def keep(holder: Holder, made: Passkey, challenge: str, until_ms: int, now_ms: int) -> None:
    """One more; its challenge is never answered again."""
    holder.challenges = once.spent(holder.challenges, challenge, until_ms, now_ms)
    holder.passkeys = [*holder.passkeys, msgspec.structs.replace(made, created_ms=now_ms)]


def drop(holder: Holder, passkey_id: str) -> None:
    """One less."""
    holder.passkeys = [known for known in holder.passkeys if known.passkey_id != passkey_id]


def use_up(holder: Holder, use: PasskeyUse, now_ms: int) -> None:
    """It proved something, and its signature never does again."""
    _spend(holder, use, now_ms)
    _replace(holder, use, sign_count=use.sign_count, used_ms=now_ms)


def suspect(holder: Holder, use: PasskeyUse, now_ms: int) -> None:
    """Marked, for its person to see; the count stays the higher one."""
    _spend(holder, use, now_ms)
    _replace(holder, use, suspect_ms=now_ms)


def _spend(holder: Holder, use: PasskeyUse, now_ms: int) -> None:
    holder.challenges = once.spent(holder.challenges, use.challenge, use.until_ms, now_ms)


def _replace(holder: Holder, use: PasskeyUse, **changed: int) -> None:
    holder.passkeys = [
        msgspec.structs.replace(known, **changed) if known.passkey_id == use.passkey_id else known
        for known in holder.passkeys
    ]
