"""The cell's own keys, in one file that only its owner may read; every replica of the cell reads the same file.

    signing   Ed25519, signs tokens. The first signs; the others were retired and verify for KEEP_MS more.
    sealing   AES-256, seals what must be read again. The first seals; all of them open what the cell keeps
              (secrets of second factors, summaries of breaches), and the first alone what callers hand back
              (tickets, challenges): see `sealing.py`. None is ever dropped.
    wrapping  AES-256, wraps the data keys of customers. The first wraps; all of them open. Those that wrap nothing any more are dropped.
    lookup    32 bytes, for keyed hashes of login names. It can't be replaced: what was hashed by it could not be found any more.

The file is made once (`create`), replaced as a whole (`rotate`), and never written otherwise. Nothing here prints or
logs a key: errors tell of the file, and the `repr` of everything that holds a key names its ids only.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import OKPKey

from actors.domain.times import HOUR_MS
from serve.identity import key_file
from serve.identity.key_file import (
    KEY_BYTES,
    SEALING_KEYS_MAX,
    SIGNING_KEYS_MAX,
    VERSION,
    KeyFile,
    KeyringError,
    Sealing,
    Signing,
)

# How long a retired key verifies: longer than any token that it signed may live (tokens.REFRESH_S).
KEEP_MS = 24 * 3600 * 1000
# As many of them are for the day that the file leaks: habit must not have taken the room by then.
SEALING_KEYS_SPARE = 16
WRAPPING_KEYS_MAX = 16
# How often a watch looks at the file, at most.
LOOK_EVERY_S = 1.0

log = logging.getLogger("ocefs.keyring")


class _Verifier(NamedTuple):
    key: OKPKey
    until_ms: int | None


class Keyring:
    """The keys, ready for use. `lookup_key`: for keyed hashes, each with a purpose of its own in what is hashed."""

    __slots__ = (
        "_ciphers",
        "_idempotency",
        "_signing",
        "_verifiers",
        "_wrapping",
        "lookup_key",
        "sealing_id",
        "signing_kid",
        "wrapping_id",
    )

    def __init__(self, file: KeyFile) -> None:
        first, *_ = file.signing
        private = {key.kid: Ed25519PrivateKey.from_private_bytes(key.private) for key in file.signing}
        self.signing_kid = first.kid
        self._signing = OKPKey.import_key(private[first.kid])
        self._verifiers = {
            key.kid: _Verifier(
                OKPKey.import_key(private[key.kid].public_key()),
                None if key.retired_at is None else key.retired_at + KEEP_MS,
            )
            for key in file.signing
        }
        self.sealing_id = file.sealing[0].id
        self._ciphers = {key.id: AESGCM(key.key) for key in file.sealing}
        self.lookup_key = file.lookup
        # BLAKE2's own keyed mode, begun once, because HMAC would be a twentieth of an update.
        self._idempotency = blake2b(digest_size=16, key=file.lookup, person=b"idempotency")
        self.wrapping_id = file.wrapping[0].id if file.wrapping else 0
        self._wrapping = {key.id: AESGCM(key.key) for key in file.wrapping}

    def __repr__(self) -> str:
        return f"<Keyring signing={list(self._verifiers)} sealing={list(self._ciphers)}>"

    def idempotency_digest(self, key: str) -> str:
        """What is remembered of a caller's Idempotency-Key: 128 bits, as hex."""
        digest = self._idempotency.copy()
        digest.update(key.encode())
        return digest.hexdigest()

    def signing_key(self) -> OKPKey:
        """The private key that signs now; its id is `signing_kid`."""
        return self._signing

    def verifying_key(self, kid: str, now_ms: int) -> OKPKey | None:
        """The public key of that id; None if there is none or if it was retired KEEP_MS ago or longer."""
        verifier = self._verifiers.get(kid)
        if verifier is None or (verifier.until_ms is not None and now_ms >= verifier.until_ms):
            return None
        return verifier.key

    def cipher(self, sealing_id: int) -> AESGCM | None:
        """AES-256-GCM with the sealing key of that id; None if there is none. `sealing_id` is the one that seals."""
        return self._ciphers.get(sealing_id)

    @property
    def wrapping_ids(self) -> list[int]:
        """Of all wrapping keys, the one that wraps first."""
        return list(self._wrapping)

    def wrapping_cipher(self, wrapping_id: int) -> AESGCM | None:
        """AES-256-GCM with the wrapping key of that id; None if there is none. `wrapping_id` is the one that wraps."""
        return self._wrapping.get(wrapping_id)


def create(path: Path, now_ms: int) -> bool:
    """Makes the file (0600) and its folder (0700) if it isn't there. True if this call made it; an
    existing one stays as it is."""
    if path.exists():
        return False
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    file = KeyFile(
        VERSION,
        [_new_signing(now_ms)],
        [_new_sealing([])],
        secrets.token_bytes(KEY_BYTES),
        [_new_sealing([])],
    )
    with key_file.written(path, file) as fresh:
        try:
            os.link(fresh, path)
        except FileExistsError:  # another process was faster: its keys are the cell's
            return False
    key_file.sync_folder(path.parent)
    return True


def load(path: Path) -> Keyring:
    """The keys in the file. Raises KeyringError."""
    return Keyring(key_file.read(path))


def rotate(path: Path, now_ms: int, *, keep_old: bool = True) -> str:
    """Adds a signing key as the first and drops those that were retired KEEP_MS ago. Unless `keep_old`, drops all
    others, and a new key seals, too: who has the old file could make tickets as well as tokens. The new signing
    key's id. Raises KeyringError.

    Replicas see it within LOOK_EVERY_S.
    """
    with key_file.locked(path.parent):
        file = key_file.read(path)
        kept = [
            msgspec.structs.replace(key, retired_at=now_ms) if key.retired_at is None else key
            for key in file.signing
            if keep_old and (key.retired_at is None or now_ms < key.retired_at + KEEP_MS)
        ]
        if len(kept) >= SIGNING_KEYS_MAX:
            raise KeyringError(
                f"{path} holds {len(kept)} signing keys, and none of them is old enough to be dropped",
                f"rotate less often: a retired key is kept for {KEEP_MS // HOUR_MS} hours",
            )
        fresh_key = _new_signing(now_ms)
        sealing = file.sealing if keep_old else _with_new_sealing(path, file, SEALING_KEYS_MAX)
        key_file.replace(path, msgspec.structs.replace(file, signing=[fresh_key, *kept], sealing=sealing))
    return fresh_key.kid


def rotate_sealing(path: Path) -> int:
    """Adds a sealing key as the first; its id. Leaves room for the last SEALING_KEYS_SPARE, which are for `rotate`
    after a leak. Raises KeyringError. Replicas see it within LOOK_EVERY_S."""
    with key_file.locked(path.parent):
        file = key_file.read(path)
        sealing = _with_new_sealing(path, file, SEALING_KEYS_MAX - SEALING_KEYS_SPARE)
        key_file.replace(path, msgspec.structs.replace(file, sealing=sealing))
    return sealing[0].id


def _with_new_sealing(path: Path, file: KeyFile, most: int) -> list[Sealing]:
    if len(file.sealing) >= most:
        raise KeyringError(
            f"{path} holds {len(file.sealing)} sealing keys",
            "they are kept for what they sealed, so rotate less often; after a leak, see docs/security/keys.md",
        )
    return [_new_sealing(file.sealing), *file.sealing]


def rotate_wrapping(path: Path) -> int:
    """Adds a wrapping key as the first; its id. The old ones open until `drop_wrapping`. Raises KeyringError."""
    with key_file.locked(path.parent):
        file = key_file.read(path)
        if len(file.wrapping) >= WRAPPING_KEYS_MAX:
            raise KeyringError(
                f"{path} holds {len(file.wrapping)} wrapping keys",
                "let the rotation that was begun come to its end: python -m cells rotate-keys <region> --wrapping",
            )
        fresh_key = _new_sealing(file.wrapping)
        key_file.replace(path, msgspec.structs.replace(file, wrapping=[fresh_key, *file.wrapping]))
    return fresh_key.id


def drop_wrapping(path: Path, newest: int) -> list[int]:
    """Forgets all wrapping keys but `newest`, and with them every copy of a data key that they wrapped; their ids.
    Raises KeyringError, and forgets none, when `newest` is not the first any more: whoever saw that nothing is left to
    the others saw it of `newest`, and what it wraps by now may be all that there is."""
    with key_file.locked(path.parent):
        file = key_file.read(path)
        first = file.wrapping[0].id if file.wrapping else 0
        if first != newest:
            raise KeyringError(
                f"wrapping key {first} wraps by now, and not {newest}, whose rotation this was: all keys are kept",
                "another rotation was begun meanwhile, or the file replaced; when no other runs, on another machine "
                "either, run the same again: python -m cells rotate-keys <region> --wrapping",
                "rotated_meanwhile",
            )
        if len(file.wrapping) > 1:
            key_file.replace(path, msgspec.structs.replace(file, wrapping=file.wrapping[:1]))
    return [key.id for key in file.wrapping[1:]]


class KeyringWatch:
    """The keys of a file that may be replaced while we run. Raises KeyringError if there are no good ones at the start.
    `told`: called with what was wrong with the file and what is (codes of KeyringError, "" for
    nothing), whenever that changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._mark()
        self._keyring = load(path)
        self._look_at_s = float("-inf")
        self._wrong, self._code = "", ""
        self.told: Callable[[str, str], None] = lambda before, after: None

    def current(self, monotonic_s: float) -> Keyring:
        """The file's keys, or the last good ones: the same object until they change.

        `monotonic_s`: the clock's seconds; it decides whether to look again.
        """
        if monotonic_s >= self._look_at_s:
            self._look_at_s = monotonic_s + LOOK_EVERY_S
            self._look()
        return self._keyring

    @property
    def latest(self) -> Keyring:
        """The keys of the last look, for whoever knows that there was one a moment ago."""
        return self._keyring

    def look_again(self) -> Keyring:
        """The file's keys at this moment: for a token signed with a key that was made since the last look."""
        self._look()
        return self._keyring

    def _look(self) -> None:
        wrong = code = ""
        try:
            mark = self._mark()
            if mark == self._seen and not self._wrong:
                return
            if mark != self._seen:
                self._keyring = load(self._path)
            self._seen = mark
        except KeyringError as error:
            wrong, code = error.problem, error.code
            if wrong != self._wrong:
                log.error("keyring.kept_old", extra={"problem": error.problem, "next_step": error.next_step})
        if wrong != self._wrong:
            before, self._wrong, self._code = self._code, wrong, code
            self.told(before, code)

    def _mark(self) -> tuple[int, int, int, int]:
        """Changes whenever the file is replaced, written or gets other rights, or its folder does."""
        try:
            found, folder = os.stat(self._path), os.stat(self._path.parent)
        except OSError as error:
            raise key_file.unreadable(self._path, error) from None
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, folder.st_mode


def _new_signing(now_ms: int) -> Signing:
    return Signing(f"k-{secrets.token_hex(8)}", secrets.token_bytes(KEY_BYTES), now_ms)


def _new_sealing(known: list[Sealing]) -> Sealing:
    """With a number that none of them has."""
    return Sealing(max((key.id for key in known), default=0) + 1, secrets.token_bytes(KEY_BYTES))
