"""What is asked of an account without changing it, and what it answers."""

from __future__ import annotations

from typing import Literal

import msgspec

from actors.domain.account_state import Passkey, Shift

SignInReason = Literal["", "failed", "locked", "factor_missing", "passkey_suspect"]
SessionReason = Literal["", "token_reused", "failed", "locked", "passkey_suspect"]


class ViewCredentials(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what a password and a code are checked against; inside the cell only."""


class ViewAccount(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what an administrator may see."""


class ViewPasskeys(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what the person may see of their own passkeys."""


class Credentials(msgspec.Struct, frozen=True, gc=False):
    """Hashes and sealed secrets; never leaves the cell."""

    account_id: str
    enabled: bool
    role: str
    password_hash: str
    sealed_totp: bytes
    recovery: list[str]
    last_totp_step: int
    locked_until_ms: int
    generation: int
    passkeys: list[Passkey] = []


class AccountView(msgspec.Struct, frozen=True, gc=False):
    """An account without its secrets; also the answer to who administers it. The shift's fields are "" and 0 without one; a shift that
    is past `shift_ends_ms`, or was idle for too long, is still told."""

    account_id: str
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


class PasskeyView(msgspec.Struct, frozen=True, gc=False):
    """A passkey without its key. Times 0: never."""

    passkey_id: str
    name: str
    created_ms: int
    used_ms: int
    suspect_ms: int


class PasskeysView(msgspec.Struct, frozen=True, gc=False):
    """The account's passkeys, oldest first; also the answer to AddPasskey and RemovePasskey."""

    account_id: str
    passkeys: list[PasskeyView]


class FactorEnrolled(msgspec.Struct, frozen=True, gc=False):
    """The answer to EnrolTotp and EnrolPasskey."""

    account_id: str
    version: int


class SignInOutcome(msgspec.Struct, frozen=True, gc=False):
    """The answer to SignIn. When not `ok`, only `reason` and `account_id` are told."""

    ok: bool
    reason: SignInReason
    account_id: str
    role: str
    locations: list[str]
    shift: Shift | None


class SessionOutcome(msgspec.Struct, frozen=True, gc=False):
    """The answer to Refresh and StepUp. When not `ok`, only `reason` and `account_id` are told: "token_reused" says that the shift has
    ended, the others that it goes on as it was."""

    ok: bool
    reason: SessionReason
    account_id: str
    role: str
    locations: list[str]
    shift: Shift | None


class ShiftOver(msgspec.Struct, frozen=True, gc=False):
    """The answer to EndShift. `ended`: false when there was nothing to end."""

    account_id: str
    ended: bool
