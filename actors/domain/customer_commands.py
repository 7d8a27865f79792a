"""What an account of a customer may be asked to do. Addresses, codes and signatures are checked
before (`serve/customers/`)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.passkeys import AddPasskey, PasskeyUse, RemovePasskey
from actors.domain.personal_notes import CUSTOMER_SESSION, SEALED_EMAIL


class KeepCode(msgspec.Struct, frozen=True, tag=True, gc=False):
    """This code (its keyed digest) is about to be sent. `opens`: to somebody who may be unknown yet; `code_key_id`:
    then of a data key under which it may be sent, and nothing else is kept. The answer says under which it is."""

    digest: bytes
    opens: bool = False
    code_key_id: str = ""


class TryCode(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody gave a code of this digest, for a session."""

    digest: bytes
    session_id: Annotated[str, CUSTOMER_SESSION]


class TryPasskey(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody gave a signature of a passkey, for a session. `use`: None when it is not right."""

    use: PasskeyUse | None
    session_id: Annotated[str, CUSTOMER_SESSION]


class KeepEmail(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The address, as it was proved. Only the first stays: another spelling of it may be another person's some day.
    `instead_of`: what is kept, and can't be opened any more because its key was destroyed; b"" for the first."""

    sealed_email: Annotated[bytes, SEALED_EMAIL]
    instead_of: Annotated[bytes, SEALED_EMAIL] = b""


class RefreshSession(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new token for the session in exchange for that of number `token_number`."""

    session_id: Annotated[str, CUSTOMER_SESSION]
    token_number: int


class EndSession(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Signs out. Nothing to do when there is no such session."""

    session_id: Annotated[str, CUSTOMER_SESSION]


class EndOtherSessions(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Signs out everywhere but in this session."""

    session_id: Annotated[str, CUSTOMER_SESSION]


class EraseCustomer(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nothing of the account stays. To do it twice changes nothing."""


class ForgetUnproved(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nobody may have proved the address in time."""


Opening = TryCode | TryPasskey
Passkeys = AddPasskey | RemovePasskey
Command = (
    KeepCode
    | Opening
    | KeepEmail
    | RefreshSession
    | EndSession
    | EndOtherSessions
    | Passkeys
    | EraseCustomer
    | ForgetUnproved
)
