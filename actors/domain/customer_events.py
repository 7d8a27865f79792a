"""What happened to an account of a customer, as its journal and history keep it: with digests and sealed
bytes, so for nobody to read."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.customer_state import Session
from actors.domain.one_time_code import Codes
from actors.domain.passkeys import PasskeyAdded, PasskeyRemoved, PasskeySuspected, PasskeyUse
from actors.domain.personal_notes import CUSTOMER_SESSION, SEALED_EMAIL

EndReason = Literal["signed_out", "token_reused", "put_out"]


class CodeKept(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A code waits. The first makes the account. `code_key_id`: of the data key under which it is sent, and nothing
    else is kept: it has to go with the account, unless that is proved. "" for none, and in events that named a key of
    the person's (`key_id`): guests' orders are under that, which nobody may destroy unasked."""

    codes: Codes
    code_key_id: str = ""


class CodeMissed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A wrong code was given."""


class SessionOpened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The right code was given, or a passkey signed: it is used up. `ended`: sessions that had to give way,
    revoked until `until_ms`."""

    session: Session
    ended: list[str]
    until_ms: int
    passkey: PasskeyUse | None = None


class EmailKept(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The address is kept from now on."""

    sealed_email: Annotated[bytes, SEALED_EMAIL]


class SessionRefreshed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The session has a new token, of this number."""

    session_id: Annotated[str, CUSTOMER_SESSION]
    token_number: int


class SessionEnded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The session is over, and revoked until `until_ms`. `put_out`: by another session of its customer, who wanted it
    or changed what he signs in by."""

    session_id: Annotated[str, CUSTOMER_SESSION]
    until_ms: int
    reason: EndReason


class CustomerErased(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account is no more, nor are the data keys of its codes. `ended`: its sessions, revoked until `until_ms`."""

    ended: list[str]
    until_ms: int
    code_key_ids: list[str] = []


class UnprovedForgotten(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nobody has proved the address: the account is no more, nor are the data keys of its codes."""

    code_key_ids: list[str] = []


Passkeys = PasskeyAdded | PasskeyRemoved | PasskeySuspected
Sessions = SessionOpened | SessionRefreshed | SessionEnded
Event = CodeKept | CodeMissed | EmailKept | Sessions | Passkeys | CustomerErased | UnprovedForgotten
