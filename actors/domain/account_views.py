"""What is asked of an account without changing it, and what it answers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.account_state import Shift
from actors.domain.passkeys import Passkey
from actors.domain.personal_notes import PASSKEY_NAME, PASSWORD, RECOVERY, STAFF_ID, TOTP

SignInReason = Literal["", "failed", "locked", "factor_missing", "passkey_suspect", "password_given"]
SessionReason = Literal["", "token_reused", "failed", "locked", "passkey_suspect"]


class ViewCredentials(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what a password and a code are checked against; inside the cell only."""


class ViewAccount(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what an administrator may see."""


class ViewPasskeys(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what the person may see of their own passkeys."""


class Credentials(msgspec.Struct, frozen=True, gc=False):
    """Hashes and sealed secrets; never leaves the cell."""

    account_id: Annotated[str, STAFF_ID]
    enabled: bool
    role: str
    password_hash: Annotated[str, PASSWORD]
    sealed_totp: Annotated[bytes, TOTP]
    recovery: Annotated[list[str], RECOVERY]
    last_totp_step: int
    locked_until_ms: int
    generation: int
    passkeys: list[Passkey] = []


class AccountView(msgspec.Struct, frozen=True, gc=False):
    """An account without its secrets; also the answer to who administers it. The shift's fields are "" and 0 without
    one; a shift that is past `shift_ends_ms`, or was idle for too long, is still told. `password_given_until_ms`: until
    when its person can replace a password that somebody else gave; 0: it is the person's own."""

    account_id: Annotated[str, STAFF_ID]
    version: int
    role: str
    locations: list[str]
    has_factor: bool
    locked_until_ms: int
    enabled: bool
    on_shift: bool
    shift_location_id: str
    shift_started_ms: int
    shift_ends_ms: int
    passkeys: int = 0
    password_given_until_ms: int = 0


class PasskeyView(msgspec.Struct, frozen=True, gc=False):
    """A passkey without its key. Times 0: never."""

    passkey_id: str
    name: Annotated[str, PASSKEY_NAME]
    created_ms: int
    used_ms: int
    suspect_ms: int


class PasskeysView(msgspec.Struct, frozen=True, gc=False):
    """The account's passkeys, oldest first; also the answer to AddPasskey and RemovePasskey."""

    account_id: Annotated[str, STAFF_ID]
    passkeys: list[PasskeyView]


class FactorEnrolled(msgspec.Struct, frozen=True, gc=False):
    """The answer to EnrolTotp and EnrolPasskey."""

    account_id: Annotated[str, STAFF_ID]
    version: int


class HashRenewal(msgspec.Struct, frozen=True, gc=False):
    """The answer to RenewHash. `renewed`: false when the credentials were changed meanwhile."""

    account_id: Annotated[str, STAFF_ID]
    renewed: bool


class SignInOutcome(msgspec.Struct, frozen=True, gc=False):
    """The answer to SignIn. When not `ok`, only `reason` and `account_id` are told."""

    ok: bool
    reason: SignInReason
    account_id: Annotated[str, STAFF_ID]
    role: str
    locations: list[str]
    shift: Shift | None


class SessionOutcome(msgspec.Struct, frozen=True, gc=False):
    """The answer to Refresh, StepUp and ChangeOwnPassword. When not `ok`, only `reason` and `account_id` are told:
    "token_reused" says that the shift has ended, the others that it goes on as it was."""

    ok: bool
    reason: SessionReason
    account_id: Annotated[str, STAFF_ID]
    role: str
    locations: list[str]
    shift: Shift | None


class ShiftOver(msgspec.Struct, frozen=True, gc=False):
    """The answer to EndShift. `ended`: false when there was nothing to end."""

    account_id: Annotated[str, STAFF_ID]
    ended: bool
