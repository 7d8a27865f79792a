"""What an account may be asked to do. Passwords and codes are checked before (`serve/identity/`); what comes here is the outcome."""

from __future__ import annotations

import msgspec

from actors.domain.account_state import NO_GENERATION, Passkey


class PasskeyUse(msgspec.Struct, frozen=True, gc=False):
    """A passkey of the account signed the challenge of this name, which is good until `until_ms`; `sign_count`: what its authenticator
    counts. `alone`: it stands for both factors, as the person was verified by the authenticator and gave no password."""

    passkey_id: str
    sign_count: int
    challenge: str
    until_ms: int
    alone: bool = False


class OpenAccount(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new account, yet without a second factor. `locations`: where it may work, empty for the whole region."""

    role: str
    locations: list[str]
    password_hash: str


class EnrolTotp(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The second factor, once its first code was proved: for the time step `totp_step`. `recovery`: hashes of its recovery codes."""

    sealed_totp: bytes
    totp_step: int
    recovery: list[str]
    generation: int = NO_GENERATION


class EnrolPasskey(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The second factor is this passkey, in answer to the challenge of that name. `recovery`: as in EnrolTotp."""

    passkey: Passkey
    challenge: str
    until_ms: int
    recovery: list[str]
    generation: int = NO_GENERATION


class AddPasskey(msgspec.Struct, frozen=True, tag=True, gc=False):
    """One passkey more, by who is on shift."""

    session_id: str
    passkey: Passkey
    challenge: str
    until_ms: int


class RemovePasskey(msgspec.Struct, frozen=True, tag=True, gc=False):
    """One passkey less, by who is on shift."""

    session_id: str
    passkey_id: str


class SignIn(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Begins a shift. `totp_step`: the time step whose code was given, 0 when none fits; `recovery_hash`: of the recovery code given
    instead, "" for none; `passkey`: that signed instead of both; `location_id`: "" for nowhere in particular; `planned_ms`: the shift's
    length, 0 for the longest; `device_id`, `device_session`: of the enrolled device on which it is worked, "" for none."""

    session_id: str
    password_ok: bool
    totp_step: int
    recovery_hash: str
    location_id: str
    planned_ms: int
    device: str
    generation: int = NO_GENERATION
    passkey: PasskeyUse | None = None
    device_id: str = ""
    device_session: str = ""


class Refresh(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new token for the shift in exchange for that of number `token_number`."""

    session_id: str
    token_number: int


class StepUp(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Proves the second factor again, as in SignIn, and gets a new token."""

    session_id: str
    totp_step: int
    recovery_hash: str
    generation: int = NO_GENERATION
    passkey: PasskeyUse | None = None


class EndShift(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Signs out. Nothing to do when the session is not that of the shift."""

    session_id: str


class ChangeRole(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Other rights. As all that follow, it ends the shift."""

    role: str
    locations: list[str]


class SetPassword(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Another password."""

    password_hash: str


class ResetFactor(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Forgets the second factor, passkeys and recovery codes: another one has to be enrolled."""


class Disable(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nobody signs in to the account any more."""


class Enable(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The account may be used again."""


Administrative = ChangeRole | SetPassword | ResetFactor | Disable | Enable
Own = EnrolTotp | EnrolPasskey | AddPasskey | RemovePasskey
Command = OpenAccount | Own | SignIn | Refresh | StepUp | EndShift | Administrative
