"""What an account of a member of staff is, and its limits. Times are UTC milliseconds since 1970. The rules: `account.py`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from actors.domain import once

_MINUTE_MS = 60_000
LOCK_AFTER = 10
LOCK_MS = 30 * _MINUTE_MS
SHIFT_MAX_MS = 12 * 60 * _MINUTE_MS
# For how long the proof of a second factor allows what needs a fresh one.
STEP_UP_MS = 5 * _MINUTE_MS
# Of a proof that was judged against no credentials in particular: it proves nothing.
NO_GENERATION = -1
ROLES = ("associate", "fulfilment", "manager", "driver", "support", "auditor", "privacy", "ops")
PASSKEYS_MAX = 5
IDLE_MS: Mapping[str, int] = {role: (15 if role == "manager" else 60) * _MINUTE_MS for role in ROLES}


class Shift(msgspec.Struct, frozen=True, gc=False):
    """A session of work. `role` and `location_id` ("" or one) are those of its tokens; `seen_ms`: last activity; `proved_ms`: last
    proof of the second factor; `token_number`: of the one token that Refresh takes; `device`: as the person calls it; `device_id`: the enrolled
    one, with the session of its own that has to last as long, or ""."""

    session_id: str
    role: str
    location_id: str
    started_ms: int
    ends_ms: int
    seen_ms: int
    proved_ms: int
    token_number: int
    device: str
    device_id: str = ""
    device_session: str = ""


class Passkey(msgspec.Struct, frozen=True, gc=False):
    """What an authenticator made for this account (W3C Web Authentication). `passkey_id`: of ours, short; `credential_id`: the
    authenticator's; `public_key`: as COSE has it (RFC 9052); `sign_count`: the authenticator's, of the last signature that was taken, 0 for
    one that does not count; `suspect_ms`: when the count last went backwards, 0 for never."""

    passkey_id: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    created_ms: int = 0
    used_ms: int = 0
    suspect_ms: int = 0


class Account(msgspec.Struct):
    """The state of an account. `sealed_totp`: b"" while there are no codes by time; `last_totp_step`: the newest that was taken;
    `recovery`: hashes of unused recovery codes; `failures`: since the last success or lock; `challenges`: those that passkeys signed."""

    account_id: str
    role: str
    locations: list[str]
    password_hash: str
    sealed_totp: bytes = b""
    last_totp_step: int = 0
    recovery: list[str] = []
    failures: int = 0
    failed_at_ms: int = 0
    locked_until_ms: int = 0
    enabled: bool = True
    shift: Shift | None = None
    generation: int = 0
    passkeys: list[Passkey] = []
    challenges: once.Once = once.NOTHING

    @property
    def has_factor(self) -> bool:
        """Is there a second factor?"""
        return bool(self.sealed_totp or self.passkeys)
