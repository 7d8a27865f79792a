"""What is asked of a customer's account without changing it, and what it answers. Nothing of it
leaves the cell as it is."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.customer_state import Session
from actors.domain.passkeys import Passkey
from actors.domain.personal_notes import CUSTOMER_ID, SEALED_EMAIL


class ViewCustomer(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what is kept of an account: to check a passkey against, and to answer a person's request."""


class KeptOfCustomer(msgspec.Struct, frozen=True, gc=False):
    """The answer. sessions: how many run, as far as is known. passkeys: oldest first. opened: the sessions themselves,
    oldest first; some may be over."""

    proved: bool
    sealed_email: Annotated[bytes, SEALED_EMAIL]
    sessions: int
    passkeys: list[Passkey]
    opened: list[Session] = []


class CustomerAccount(msgspec.Struct, frozen=True, gc=False):
    """The answer to KeepCode, KeepEmail, EndSession, EndOtherSessions and EraseCustomer. `ok`: was it done?
    `sealed_email`: the proved address, b"" when there is none yet. `code_key_id`: of the data key that a code to an
    address which is not proved is to be sent under, since it goes with the account; "" for none, to another command,
    and in answers of earlier releases."""

    ok: bool
    customer_id: Annotated[str, CUSTOMER_ID]
    sealed_email: Annotated[bytes, SEALED_EMAIL]
    code_key_id: str = ""


class CustomerSession(msgspec.Struct, frozen=True, gc=False):
    """The answer to TryCode, TryPasskey and RefreshSession: the session, or None. `keeps_email`: the
    address is kept already."""

    customer_id: Annotated[str, CUSTOMER_ID]
    session: Session | None
    keeps_email: bool = False


class CustomerPasskeys(msgspec.Struct, frozen=True, gc=False):
    """The answer to AddPasskey and RemovePasskey: those that there are now, oldest first."""

    customer_id: Annotated[str, CUSTOMER_ID]
    passkeys: list[Passkey]
