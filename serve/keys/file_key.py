"""The region's key in the cell's key file (`identity/keyring.py`, list `wrapping`). For one machine or a shared secret
volume; where keys must not be readable by whoever administers the machine, use one of the other ports.

A wrapped key: nonce (12 bytes) · AES-256-GCM of the key with its tag; the place and the
wrapping's id are authenticated.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag

from actors.runtime.ports import Clock
from serve.identity.keyring import Keyring, KeyringWatch
from serve.keys.port import KeyUnusable

_NONCE_BYTES = 12
_TAG_BYTES = 16


class FileKey:
    """`RegionKey` on the key file."""

    def __init__(self, watch: KeyringWatch, clock: Clock) -> None:
        self._watch = watch
        self._clock = clock

    def _keyring(self) -> Keyring:
        return self._watch.current(self._clock.monotonic())

    def wrapping(self) -> str:
        """See RegionKey."""
        return _name(self._keyring().wrapping_id)

    async def learn(self) -> None:
        """See RegionKey."""
        self._watch.look_again()

    async def wrap(self, key: bytes, place: str) -> tuple[bytes, str]:
        """See RegionKey."""
        keys = self._keyring()
        name, cipher = _name(keys.wrapping_id), keys.wrapping_cipher(keys.wrapping_id)
        assert cipher is not None, "the keyring has its own first key"
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + cipher.encrypt(nonce, key, _bound(name, place)), name

    async def unwrap(self, wrapped: bytes, wrapping: str, place: str) -> bytes:
        """See RegionKey."""
        number = _number(wrapping)
        # Another process may have rotated and wrapped since the last look.
        cipher = self._keyring().wrapping_cipher(number) or self._watch.look_again().wrapping_cipher(number)
        if cipher is None or len(wrapped) < _NONCE_BYTES + _TAG_BYTES:
            raise KeyUnusable(f"the key file has no wrapping key {wrapping}")
        try:
            return cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _bound(wrapping, place))
        except InvalidTag:
            raise KeyUnusable("not wrapped by this region for this place") from None


def _name(number: int) -> str:
    return f"file:{number}"


def _number(wrapping: str) -> int:
    head, _, number = wrapping.partition(":")
    return int(number) if head == "file" and number.isdecimal() else 0


def _bound(wrapping: str, place: str) -> bytes:
    return f"{wrapping}\0{place}".encode()
