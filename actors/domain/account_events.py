"""What happened to an account, as its journal and history keep it: with hashes and sealed
secrets, so for nobody to read."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.account_state import Shift
from actors.domain.passkeys import Passkey, PasskeyAdded, PasskeyRemoved, PasskeySuspected, PasskeyUse
from actors.domain.personal_notes import PASSWORD, RECOVERY, SHIFT_ID, TOTP


class EndedShift(msgspec.Struct, frozen=True, gc=False):
    """A session whose tokens have to be revoked; from `until_ms` on none would be good anyway."""

    session_id: Annotated[str, SHIFT_ID]
    until_ms: int


class AccountOpened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account exists. `given_until_ms`: until when its password is good for taking another one; 0 in events of
    releases that asked for none."""

    role: str
    locations: list[str]
    password_hash: Annotated[str, PASSWORD]
    given_until_ms: int = 0


class TotpEnrolled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """There is a second factor; the code of `totp_step` is used up."""

    sealed_totp: Annotated[bytes, TOTP]
    totp_step: int
    recovery: Annotated[list[str], RECOVERY]


class PasskeyEnrolled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """There is a second factor; the challenge is used up."""

    passkey: Passkey
    challenge: str
    until_ms: int
    recovery: Annotated[list[str], RECOVERY]


class SignedIn(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A shift began. What proved it is used up; `ended`: the shift before."""

    shift: Shift
    totp_step: int
    recovery_hash: str
    ended: EndedShift | None = None
    passkey: PasskeyUse | None = None


class SignInFailed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Password or second factor did not fit, for the `failures`th time. `locked_until_ms`: 0, or
    until when nobody may try."""

    failures: int
    locked_until_ms: int = 0


class ShiftRefreshed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The shift has a new token, of this number. `seen_ms`: when somebody last did something in it (UTC ms); 0 in
    events of releases to which the renewal was that."""

    session_id: Annotated[str, SHIFT_ID]
    token_number: int
    seen_ms: int = 0


class SteppedUp(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The second factor was proved again during the shift, which has a new token. What was used is used up.
    `before_until_ms`: until when tokens before it would be good by themselves; 0 in events of
    releases that left them so."""

    session_id: Annotated[str, SHIFT_ID]
    token_number: int
    totp_step: int
    recovery_hash: str
    passkey: PasskeyUse | None = None
    before_until_ms: int = 0


class StepUpFailed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The second factor did not fit during the shift; see SignInFailed."""

    session_id: Annotated[str, SHIFT_ID]
    failures: int
    locked_until_ms: int = 0


class PasswordChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The person took another password during the shift, which has a new token; or as it began, with its first one.
    `before_until_ms`: see SteppedUp; 0 where there is no token before it."""

    session_id: Annotated[str, SHIFT_ID]
    token_number: int
    password_hash: Annotated[str, PASSWORD]
    before_until_ms: int = 0


class PasswordChangeFailed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The present password did not fit during the shift; see SignInFailed."""

    session_id: Annotated[str, SHIFT_ID]
    failures: int
    locked_until_ms: int = 0


class HashRenewed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account has another hash of the same password."""

    password_hash: Annotated[str, PASSWORD]


class ShiftEnded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The shift is over: signed out, or an old token was used."""

    ended: EndedShift
    reason: Literal["signed_out", "token_reused"]


class RoleChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account's rights are now these."""

    role: str
    locations: list[str]
    ended: EndedShift | None = None


class PasswordSet(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account has another password. `given_until_ms`: see AccountOpened."""

    password_hash: Annotated[str, PASSWORD]
    ended: EndedShift | None = None
    given_until_ms: int = 0


class FactorReset(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account has no second factor any more."""

    ended: EndedShift | None = None


class AccountDisabled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account is off."""

    ended: EndedShift | None = None


class AccountEnabled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account is on again."""


Ending = SignedIn | ShiftEnded | RoleChanged | PasswordSet | FactorReset | AccountDisabled
Own = TotpEnrolled | PasskeyEnrolled | PasskeyAdded | PasskeyRemoved | PasskeySuspected | PasswordChanged | HashRenewed
Failed = SignInFailed | StepUpFailed | PasswordChangeFailed
Event = AccountOpened | Own | Failed | ShiftRefreshed | SteppedUp | AccountEnabled | Ending
