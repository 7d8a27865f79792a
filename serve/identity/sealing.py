"""What must be read again, but only by us (secrets of second factors, addresses), and what must only be
found again (login names).

A sealed value: version (1 byte) · id of the sealing key (2 bytes) · nonce (12 bytes) · AES-256-GCM of the text with its
tag. The first three bytes and the context are authenticated with it, so a value that was moved to
another account does not open.

What the cell keeps (`unseal`) opens with every sealing key that the key file has; what callers hand back after minutes
(`unseal_newest`) only with the one that seals, or a rotation would take nothing from who has an older
one: he could make it himself.
"""

from __future__ import annotations

import hmac
import secrets

from cryptography.exceptions import InvalidTag

from serve.identity.folding import folded
from serve.identity.keyring import Keyring

_VERSION = b"\x01"
_HEAD_BYTES = 3
_NONCE_BYTES = 12
_TAG_BYTES = 16


class Unsealable(Exception):
    """The value was not sealed by this cell for this context, or it was altered. Does not say which."""


def seal(keyring: Keyring, plain: bytes, context: str) -> bytes:
    """Seals with the keyring's first sealing key. `context` names the place and must be given
    again, e.g. `totp:<account id>`.

    The nonce is random: NIST SP 800-38D allows 2**32 values with one key, far more than a cell has accounts.
    """
    cipher = keyring.cipher(keyring.sealing_id)
    assert cipher is not None, "the keyring has its own first key"
    head = _VERSION + keyring.sealing_id.to_bytes(2, "big")
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return head + nonce + cipher.encrypt(nonce, plain, head + context.encode())


def unseal(keyring: Keyring, sealed: bytes, context: str) -> bytes:
    """What was sealed. Raises Unsealable."""
    head, nonce, text = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES:][:_NONCE_BYTES], sealed[_HEAD_BYTES + _NONCE_BYTES :]
    cipher = keyring.cipher(int.from_bytes(head[1:], "big"))
    if head[:1] != _VERSION or len(text) < _TAG_BYTES or cipher is None:
        raise Unsealable("not sealed by this cell")
    try:
        return cipher.decrypt(nonce, text, head + context.encode())
    except InvalidTag:
        raise Unsealable("not sealed by this cell for this") from None


def unseal_newest(keyring: Keyring, sealed: bytes, context: str) -> bytes:
    """What was sealed by the key that seals now: a ticket or a challenge, that whoever brings it may have made by a key
    that leaked. Raises Unsealable."""
    if int.from_bytes(sealed[1:_HEAD_BYTES], "big") != keyring.sealing_id:
        raise Unsealable("sealed by a key that was replaced")
    return unseal(keyring, sealed, context)


def login_digest(keyring: Keyring, login: str) -> bytes:
    """32 bytes that find an account by its login name, which nobody without the lookup key can try out. Spellings that
    fold to the same are the same login."""
    return hmac.digest(keyring.lookup_key, b"login\0" + folded(login).encode("utf-8", "surrogatepass"), "sha256")


def email_digest(keyring: Keyring, email: str) -> bytes:
    """32 bytes that find a customer by an address (`customers/emails.py`), as `login_digest`."""
    return hmac.digest(keyring.lookup_key, b"email\0" + email.encode(), "sha256")


def name_digest(keyring: Keyring, kind: str, text: str) -> str:
    """128 bits of a name as hex, by which what is sealed is found again. `kind`: of what it is the name, e.g.
    `order_ref`; digests of two kinds have nothing to do with each other."""
    packed = f"{kind}\0{text}".encode("utf-8", "surrogatepass")
    return hmac.digest(keyring.lookup_key, packed, "sha256")[:16].hex()


def code_digest(keyring: Keyring, whose: str, code: str) -> bytes:
    """32 bytes of a one-time code. Without the lookup key nobody can try out the few codes that there are; `whose`, the
    id of who it was sent to, makes it worth nothing for anybody else."""
    return hmac.digest(keyring.lookup_key, f"code\0{whose}\0{code}".encode("utf-8", "surrogatepass"), "sha256")
