"""The two ceremonies of passkeys (W3C Web Authentication, level 3): making one (7.1) and signing with one (7.2).

    options ──▶ browser, authenticator ──▶ credential ──made / signed──▶ what the account decides on (`account_factors.py`)
       └── challenge: sealed by the cell's key ──────────────▲

A challenge is for one purpose of one session and good for CHALLENGE_MS; it carries that itself, so any replica can
judge it and none remembers it. That it is answered once is the account's to see to. Nothing of an authenticator is
believed but what it signs: attestation is not asked for, since which make of authenticator
people use is theirs to choose.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, NamedTuple

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, options_to_json_dict, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from actors.domain.passkeys import Passkey, PasskeyUse
from serve.identity.keyring import Keyring
from serve.identity.schemas import Assertion, Attestation
from serve.identity.sealing import Unsealable, seal, unseal_newest

CHALLENGE_MS = 300_000
# Of Web Authentication, section 4; longer ones are of no authenticator.
CREDENTIAL_ID_BYTES_MAX = 1023
# An RSA key of 4096 bits has 530.
PUBLIC_KEY_BYTES_MAX = 1024
_UNTIL_BYTES = 8
_RANDOM_BYTES = 16
_DIGEST_CHARS = 32
_DETAIL_CHARS_MAX = 200


class PasskeyRefused(Exception):
    """What was sent does not verify; the text is for who sent it."""


class Challenge(NamedTuple):
    """`text`: what the authenticator signs. `name`: how the account remembers it. `until_ms`: UTC ms."""

    text: bytes
    name: str
    until_ms: int


class NewPasskey(NamedTuple):
    """A passkey that was just made, and the challenge that it answers."""

    passkey: Passkey
    challenge: Challenge


def new_challenge(keys: Keyring, purpose: str, now_ms: int) -> bytes:
    """For one purpose, which names the session or account that it is for, where there is one."""
    until_ms = now_ms + CHALLENGE_MS
    return seal(keys, until_ms.to_bytes(_UNTIL_BYTES, "big") + secrets.token_bytes(_RANDOM_BYTES), _context(purpose))


def _context(purpose: str) -> str:
    return f"challenge:{purpose}"


def passkey_id(credential_id: bytes) -> str:
    """How we call a credential: short, for paths and the audit. 128 bits, within one account."""
    return hashlib.sha256(credential_id).hexdigest()[:_DIGEST_CHARS]


def named_by(sent: Assertion) -> str:
    """The account that a passkey says to be of (its user handle), "" when that can't be read. Whether it is
    one, the signature proves."""
    try:
        return base64url_to_bytes(sent.response.user_handle or "").decode("ascii")
    except ValueError:
        return ""


class Ceremonies:
    """`rp_id`: the domain that passkeys are bound to. `origins`: the pages that may ask for them. `title`:
    what authenticators show."""

    def __init__(self, rp_id: str, origins: tuple[str, ...], title: str) -> None:
        self._rp_id = rp_id
        self._origins = list(origins)
        self._title = title

    # --- options
    def to_make(self, challenge: bytes, account_id: str, shown_as: str, known: list[Passkey]) -> dict[str, Any]:
        """For `navigator.credentials.create`: one that names its account by itself and verifies its person."""
        options = generate_registration_options(
            rp_id=self._rp_id,
            rp_name=self._title,
            user_id=account_id.encode(),
            user_name=shown_as or account_id,
            challenge=challenge,
            timeout=CHALLENGE_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=_descriptors(known),
        )
        return options_to_json_dict(options)

    def to_sign(self, challenge: bytes, known: list[Passkey]) -> dict[str, Any]:
        """For `navigator.credentials.get`. `known` empty: by any passkey that the authenticator has for us."""
        options = generate_authentication_options(
            rp_id=self._rp_id,
            challenge=challenge,
            timeout=CHALLENGE_MS,
            allow_credentials=_descriptors(known),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json_dict(options)

    # --- answers
    def made(self, keys: Keyring, sent: Attestation, purpose: str, name: str, now_ms: int) -> NewPasskey:
        """A new passkey called `name`. Raises PasskeyRefused."""
        try:
            raw_id = base64url_to_bytes(sent.raw_id)
            client_data = base64url_to_bytes(sent.response.client_data)
            challenge = _answered(keys, client_data, purpose, now_ms)
            credential = RegistrationCredential(
                sent.id,
                raw_id,
                AuthenticatorAttestationResponse(client_data, base64url_to_bytes(sent.response.attestation_object)),
            )
            found = verify_registration_response(
                credential=credential,
                expected_challenge=challenge.text,
                expected_rp_id=self._rp_id,
                expected_origin=self._origins,
                require_user_verification=True,
            )
        except Exception as error:
            raise _refused(error) from None
        if found.credential_id != raw_id or len(raw_id) > CREDENTIAL_ID_BYTES_MAX:
            raise PasskeyRefused("The credential's id is not the one that was signed, or is too long.")
        if len(found.credential_public_key) > PUBLIC_KEY_BYTES_MAX:
            raise PasskeyRefused("The public key is too large.")
        passkey = Passkey(passkey_id(raw_id), raw_id, found.credential_public_key, found.sign_count, name)
        return NewPasskey(passkey, challenge)

    def signed(
        self, keys: Keyring, sent: Assertion, purpose: str, known: list[Passkey], now_ms: int, *, alone: bool
    ) -> PasskeyUse:
        """The use of one of the passkeys that are known. `alone`: it has to have verified its
        person. Raises PasskeyRefused."""
        try:
            raw_id = base64url_to_bytes(sent.raw_id)
            client_data = base64url_to_bytes(sent.response.client_data)
            challenge = _answered(keys, client_data, purpose, now_ms)
            passkey = next((one for one in known if one.credential_id == raw_id), None)
            if passkey is None:
                raise PasskeyRefused("The account has no such passkey.")
            credential = AuthenticationCredential(
                sent.id,
                raw_id,
                AuthenticatorAssertionResponse(
                    client_data,
                    base64url_to_bytes(sent.response.authenticator_data),
                    base64url_to_bytes(sent.response.signature),
                ),
            )
            found = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge.text,
                expected_rp_id=self._rp_id,
                expected_origin=self._origins,
                credential_public_key=passkey.public_key,
                # The account compares it with the last one, and tells when it goes backwards.
                credential_current_sign_count=0,
                require_user_verification=alone,
            )
        except Exception as error:
            raise _refused(error) from None
        return PasskeyUse(passkey.passkey_id, found.new_sign_count, challenge.name, challenge.until_ms, alone)


def _descriptors(known: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(passkey.credential_id) for passkey in known]


def _answered(keys: Keyring, client_data: bytes, purpose: str, now_ms: int) -> Challenge:
    """The challenge that was answered, if it is one of ours for this."""
    told = parse_client_data_json(client_data)
    if told.cross_origin:
        raise PasskeyRefused("Passkeys are not used within pages of others.")
    try:
        content = unseal_newest(keys, told.challenge, _context(purpose))
    except Unsealable:
        raise PasskeyRefused("The challenge is not one that was given out for this.") from None
    until_ms = int.from_bytes(content[:_UNTIL_BYTES], "big")
    if now_ms >= until_ms:
        raise PasskeyRefused("The challenge is too old: ask for new options.")
    return Challenge(told.challenge, hashlib.sha256(told.challenge).hexdigest()[:_DIGEST_CHARS], until_ms)


def _refused(error: Exception) -> PasskeyRefused:
    """The library tells what does not fit; about what can't be read at all it raises whatever its parsers met."""
    if isinstance(error, PasskeyRefused):
        return error
    if isinstance(error, WebAuthnException):
        return PasskeyRefused(f"{str(error)[:_DETAIL_CHARS_MAX]}.")
    return PasskeyRefused("The credential can't be read.")
