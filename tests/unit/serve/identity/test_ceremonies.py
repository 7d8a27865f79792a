"""What an authenticator, or somebody who plays one, sends and is kept or taken although it should not be."""

from __future__ import annotations

from typing import Any

import cbor2
import msgspec
import pytest
from webauthn.helpers import bytes_to_base64url

from serve.identity.ceremonies import (
    CHALLENGE_MS,
    CREDENTIAL_ID_BYTES_MAX,
    PUBLIC_KEY_BYTES_MAX,
    Ceremonies,
    PasskeyRefused,
    new_challenge,
)
from serve.identity.schemas import Assertion, Attestation
from tests.unit.serve.authenticator import ORIGIN, Authenticator

NOW_MS = 1_800_000_000_000
DOOR = Ceremonies("localhost", (ORIGIN,), "OCEFS us")


class Framed(Authenticator):
    """Its browser says that the page that asks stands in one of another origin."""

    framed = False

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = msgspec.json.decode(super()._client_data(kind, challenge))
        return msgspec.json.encode(said | {"crossOrigin": self.framed})


def made(keyring, key: Authenticator, *, now_ms: int = NOW_MS, **instead: Any):
    sent = key.make(DOOR.to_make(new_challenge(keyring, "add", NOW_MS), "us-acct-x", "mia", [])) | instead
    return DOOR.made(keyring, msgspec.convert(sent, Attestation), "add", "phone", now_ms)


def signed(keyring, key: Authenticator, known, *, now_ms: int = NOW_MS):
    sent = key.sign(DOOR.to_sign(new_challenge(keyring, "sign-in", NOW_MS), []))
    return DOOR.signed(keyring, msgspec.convert(sent, Assertion), "sign-in", known, now_ms, alone=True)


def test_a_page_within_one_of_others_makes_a_passkey_or_signs_in_with_one(keyring):
    key = Framed()
    known = [made(keyring, key).passkey]
    assert signed(keyring, key, known).passkey_id == known[0].passkey_id
    key.framed = True
    with pytest.raises(PasskeyRefused, match="pages of others"):
        made(keyring, key)
    with pytest.raises(PasskeyRefused, match="pages of others"):
        signed(keyring, key, known)


def test_a_passkey_is_kept_under_the_id_of_another_one(keyring):
    other = bytes_to_base64url(Authenticator().credential_id)
    with pytest.raises(PasskeyRefused):
        made(keyring, Authenticator(), id=other, rawId=other)


@pytest.mark.parametrize("more", [0, 1])
def test_an_id_is_kept_that_is_longer_than_any_authenticator_makes(keyring, more):
    key = Authenticator()
    key.credential_id = bytes(CREDENTIAL_ID_BYTES_MAX + more)
    if more:
        with pytest.raises(PasskeyRefused):
            made(keyring, key)
    else:
        assert made(keyring, key).passkey.credential_id == key.credential_id


@pytest.mark.parametrize("bits", [4096, 8192])
def test_a_public_key_fills_the_account(keyring, monkeypatch, bits):
    rsa = cbor2.dumps({1: 3, 3: -257, -1: b"\xff" * (bits // 8), -2: b"\x01\x00\x01"})
    encode = cbor2.dumps
    monkeypatch.setattr(cbor2, "dumps", lambda said: rsa if said.get(1) == 2 else encode(said))
    if len(rsa) > PUBLIC_KEY_BYTES_MAX:
        with pytest.raises(PasskeyRefused, match="too large"):
            made(keyring, Authenticator())
    else:
        assert made(keyring, Authenticator()).passkey.public_key == rsa


def test_a_challenge_is_good_for_a_moment_longer_or_less_long_than_it_says(keyring):
    key, last = Authenticator(), NOW_MS + CHALLENGE_MS - 1
    new = made(keyring, key, now_ms=last)
    use = signed(keyring, key, [new.passkey], now_ms=last)
    # So long the account remembers it.
    assert new.challenge.until_ms == use.until_ms == last + 1
    with pytest.raises(PasskeyRefused, match="too old"):
        made(keyring, key, now_ms=last + 1)
    with pytest.raises(PasskeyRefused, match="too old"):
        signed(keyring, key, [new.passkey], now_ms=last + 1)


def test_what_an_authenticator_counted_before_it_was_added_is_forgotten(keyring):
    key = Authenticator()
    key.count = 7
    assert made(keyring, key).passkey.sign_count == 7
