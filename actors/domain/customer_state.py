"""What an account of a customer is, and its limits. Times are UTC milliseconds since 1970. The rules: `customer.py`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain import once, one_time_code
from actors.domain.one_time_code import Codes
from actors.domain.passkeys import Passkey
from actors.domain.personal_notes import CUSTOMER_SESSION, SEALED_EMAIL
from actors.domain.times import DAY_MS, HOUR_MS

SESSIONS_MAX = 5
SESSION_MS = 30 * DAY_MS
# A session that was not used for so long is over; no refresh token is good for longer.
IDLE_MS = 12 * HOUR_MS
# An account that nobody has proved is forgotten so long after its last code.
UNPROVED_MS = DAY_MS
# Data keys of its codes: each is of a time in which the store did not tell of the one before.
KEYS_MAX = 16
# No access token of a session lives longer; a refresh token of one that ended is refused here.
REVOKED_MS = 15 * 60_000


class Session(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`token_number`: of the one token that RefreshSession takes. `opened_ms`: when a code or passkey opened it, 0 of
    one from before that was kept. `by_passkey`: it was a passkey, which is two factors in one."""

    session_id: Annotated[str, CUSTOMER_SESSION]
    ends_ms: int
    seen_ms: int
    token_number: int
    opened_ms: int = 0
    by_passkey: bool = False


class Customer(msgspec.Struct):
    """The state of an account. `proved`: a right code was given once. `sealed_email`: b"" until it is kept. `sessions`
    and `passkeys`: oldest first.
    `challenges`: those that passkeys signed. `erased`: there is none any more. `code_key_ids`: of the data keys that
    only codes were sent under, from before it was proved."""

    codes: Codes = one_time_code.NONE
    sealed_email: Annotated[bytes, SEALED_EMAIL] = b""
    sessions: list[Session] = []
    proved: bool = False
    erased: bool = False
    passkeys: list[Passkey] = []
    challenges: once.Once = once.NOTHING
    code_key_ids: list[str] = []


def session_of(customer: Customer, session_id: str) -> Session | None:
    """The session of that id, whether it still runs or not."""
    return next((session for session in customer.sessions if session.session_id == session_id), None)


def runs(session: Session, now_ms: int) -> bool:
    """Is it neither over nor idle for too long?"""
    return now_ms < session.ends_ms and now_ms - session.seen_ms <= IDLE_MS
