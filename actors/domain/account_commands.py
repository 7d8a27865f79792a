"""What an account may be asked to do. Passwords and codes are checked before (`serve/identity/`); what
comes here is the outcome."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.account_state import NO_GENERATION
from actors.domain.passkeys import AddPasskey, Passkey, PasskeyUse, RemovePasskey
from actors.domain.personal_notes import PASSWORD, RECOVERY, SHIFT_DEVICE, SHIFT_ID, TOTP


class OpenAccount(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new account, yet without a second factor, with a password that its person has to replace. `locations`: where it
    may work, empty for the whole region."""

    role: str
    locations: list[str]
    password_hash: Annotated[str, PASSWORD]


class EnrolTotp(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The second factor, once its first code was proved: for the time step `totp_step`. `recovery`:
    hashes of its recovery codes."""

    sealed_totp: Annotated[bytes, TOTP]
    totp_step: int
    recovery: Annotated[list[str], RECOVERY]
    generation: int = NO_GENERATION


class EnrolPasskey(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The second factor is this passkey, in answer to the challenge of that name. `recovery`: as in EnrolTotp."""

    passkey: Passkey
    challenge: str
    until_ms: int
    recovery: Annotated[list[str], RECOVERY]
    generation: int = NO_GENERATION


class SignIn(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Begins a shift. `totp_step`: the time step whose code was given, 0 when none fits; `recovery_hash`: of the
    recovery code given instead, "" for none; `passkey`: that signed instead of both; `location_id`: "" for the only
    place of who works at one, and for none of who works at any; `planned_ms`: the shift's length, 0 for the longest;
    `device_id`, `device_session`: of the enrolled device on which it is worked, "" for none; `nowhere`: there is no
    location of that id; `new_hash`: of the password that takes the place of the one given, "" for none."""

    session_id: Annotated[str, SHIFT_ID]
    password_ok: bool
    totp_step: int
    recovery_hash: str
    location_id: str
    planned_ms: int
    device: Annotated[str, SHIFT_DEVICE]
    generation: int = NO_GENERATION
    passkey: PasskeyUse | None = None
    device_id: str = ""
    device_session: str = ""
    nowhere: bool = False
    new_hash: Annotated[str, PASSWORD] = ""


class Refresh(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new token for the shift in exchange for that of number `token_number`. `used_ms`: when somebody last did
    something in the session as far as the replicas know, 0 for never (UTC ms); None: nobody can tell, so
    that this counts as use."""

    session_id: Annotated[str, SHIFT_ID]
    token_number: int
    used_ms: int | None = None


class StepUp(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Proves the second factor again, as in SignIn, and gets a new token."""

    session_id: Annotated[str, SHIFT_ID]
    totp_step: int
    recovery_hash: str
    generation: int = NO_GENERATION
    passkey: PasskeyUse | None = None


class EndShift(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Signs out. Nothing to do when the session is not that of the shift."""

    session_id: Annotated[str, SHIFT_ID]


class ChangeOwnPassword(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Another password, by its person during the shift, who gets a new token. `password_ok`: is the present one known;
    `password_hash`: of the new one, "" when not."""

    session_id: Annotated[str, SHIFT_ID]
    password_ok: bool
    password_hash: Annotated[str, PASSWORD]
    generation: int = NO_GENERATION


class RenewHash(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Another hash of the password that was just proved: the one before was made with parameters of another time."""

    password_hash: Annotated[str, PASSWORD]
    generation: int = NO_GENERATION


class ChangeRole(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Other rights. As all that follow, it ends the shift."""

    role: str
    locations: list[str]


class SetPassword(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Another password, which its person has to replace."""

    password_hash: Annotated[str, PASSWORD]


class ResetFactor(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Forgets the second factor, passkeys and recovery codes: another one has to be enrolled."""


class Disable(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nobody signs in to the account any more."""


class Enable(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account may be used again."""


Administrative = ChangeRole | SetPassword | ResetFactor | Disable | Enable
Own = EnrolTotp | EnrolPasskey | AddPasskey | RemovePasskey | ChangeOwnPassword | RenewHash
Command = OpenAccount | Own | SignIn | Refresh | StepUp | EndShift | Administrative
