"""What is sealed under a data key, as bytes that say which key that is.

    version (1 byte, 2) · length of the key's id (1) · the id · nonce (12) · AES-256-GCM of the text with its tag

Everything before the nonce and the place are authenticated with it: a value that was moved to another entity or field
does not open. (Version 1 is what `identity/sealing.py` makes: sealed under a key of the cell.)
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from serve.keys.port import KeyUnusable

_VERSION = 2
_NONCE_BYTES = 12
_TAG_BYTES = 16


def seal(cipher: AESGCM, key_id: str, plain: bytes, place: str) -> bytes:
    """`place`: entity and field, e.g. `order:us-01…:private`. The nonce is random: NIST SP 800-38D allows
    2**32 values with one key."""
    name = key_id.encode("ascii")
    head = bytes((_VERSION, len(name))) + name
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return head + nonce + cipher.encrypt(nonce, plain, head + place.encode())


def key_of(sealed: bytes) -> str:
    """The id of the key under which it is sealed. Raises KeyUnusable."""
    if len(sealed) < 2 or sealed[0] != _VERSION or len(sealed) < 2 + sealed[1] + _NONCE_BYTES + _TAG_BYTES:
        raise KeyUnusable("not sealed under a data key")
    return sealed[2 : 2 + sealed[1]].decode("ascii", "replace")


def unseal(cipher: AESGCM, sealed: bytes, place: str) -> bytes:
    """What was sealed, with the key that `key_of` names. Raises KeyUnusable."""
    end = 2 + sealed[1]
    try:
        return cipher.decrypt(
            sealed[end : end + _NONCE_BYTES], sealed[end + _NONCE_BYTES :], sealed[:end] + place.encode()
        )
    except InvalidTag:
        raise KeyUnusable("not sealed for this place, or altered") from None
