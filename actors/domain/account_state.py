"""What an account of a member of staff is, and its limits. Times are UTC milliseconds since 1970.
The rules: `account.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from actors.domain import once
from actors.domain.passkeys import Passkey
from actors.domain.personal_notes import PASSWORD, RECOVERY, SHIFT_DEVICE, SHIFT_ID, STAFF_ID, TOTP
from actors.domain.times import MINUTE_MS

LOCK_AFTER = 10
LOCK_MS = 30 * MINUTE_MS
SHIFT_MAX_MS = 12 * 60 * MINUTE_MS
# For how long the proof of a second factor allows what needs a fresh one.
STEP_UP_MS = 5 * MINUTE_MS
# For so long an access token is good, unless its session ends before.
ACCESS_MS = 5 * MINUTE_MS
# For so long a password that somebody else gave opens a first shift, in which it is replaced (ASVS 5.0.0, 6.4.1). A new
# colleague's long weekend.
GIVEN_MS = 4 * 24 * 60 * MINUTE_MS
# Of a proof that was judged against no credentials in particular: it proves nothing.
NO_GENERATION = -1
ROLES = ("associate", "fulfilment", "manager", "driver", "support", "auditor", "privacy", "ops")
IDLE_MS: Mapping[str, int] = {role: (15 if role == "manager" else 60) * MINUTE_MS for role in ROLES}


class Shift(msgspec.Struct, frozen=True, gc=False):
    """A session of work. `role` and `location_id` ("" or one) are those of its tokens; `seen_ms`: when somebody last
    did something in it, as far as the account knows (a renewal of tokens alone is nothing); `proved_ms`: last proof of
    the second factor; `token_number`: of the one token that Refresh takes; `device`: as the person calls it;
    `device_id`: the enrolled one, with the session of its own that has to last as long, or ""."""

    session_id: Annotated[str, SHIFT_ID]
    role: str
    location_id: str
    started_ms: int
    ends_ms: int
    seen_ms: int
    proved_ms: int
    token_number: int
    device: Annotated[str, SHIFT_DEVICE]
    device_id: str = ""
    device_session: str = ""


class Account(msgspec.Struct):
    """The state of an account. `sealed_totp`: b"" while there are no codes by time; `last_totp_step`: the newest that
    was taken; `recovery`: hashes of unused recovery codes; `failures`: at the door, since the last success or lock;
    `challenges`: those that passkeys signed. `inside_failures`, `inside_locked_until_ms`: of proofs during a shift.
    They are apart, because whoever guesses at the door must not keep out somebody who is inside. `given_until_ms`: the
    password was given by somebody else, who knows it, and is good until then for taking another one; 0: it is the
    person's own, or of a release that asked for none."""

    account_id: Annotated[str, STAFF_ID]
    role: str
    locations: list[str]
    password_hash: Annotated[str, PASSWORD]
    sealed_totp: Annotated[bytes, TOTP] = b""
    last_totp_step: int = 0
    recovery: Annotated[list[str], RECOVERY] = []
    failures: int = 0
    failed_at_ms: int = 0
    locked_until_ms: int = 0
    enabled: bool = True
    shift: Shift | None = None
    generation: int = 0
    passkeys: list[Passkey] = []
    challenges: once.Once = once.NOTHING
    inside_failures: int = 0
    inside_locked_until_ms: int = 0
    given_until_ms: int = 0

    @property
    def has_factor(self) -> bool:
        """Is there a second factor?"""
        return bool(self.sealed_totp or self.passkeys)

    def takes_password(self, now_ms: int) -> bool:
        """Is its password good for anything by then?"""
        return not self.given_until_ms or now_ms < self.given_until_ms

    def forgive(self) -> None:
        """The failures so far are forgotten, and so is what they locked."""
        self.failures = self.locked_until_ms = self.inside_failures = self.inside_locked_until_ms = 0
