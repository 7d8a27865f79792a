"""The key that signs the audit's anchors: apart from the database, and from the keys that sign tokens, because those
change often and an anchor must be checked for years.

`secrets/audit.key` (0600) signs; `secrets/audit.pub` may be given to whoever checks the audit elsewhere.
"""

import base64
import binascii
import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from cells.errors import CellError
from cells.paths import CellPaths

FILE_BYTES_MAX = 16_384


class AuditKey:
    """Signs, and tells what it signed."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public = key.public_key()

    def __repr__(self) -> str:
        return "<AuditKey>"

    def sign(self, message: bytes) -> str:
        """The signature (RFC 8032), base64."""
        return base64.b64encode(self._key.sign(message)).decode("ascii")

    def is_signed(self, message: bytes, signature: str) -> bool:
        """Did this key sign it?"""
        try:
            self._public.verify(base64.b64decode(signature, validate=True), message)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


def make_audit_key(paths: CellPaths) -> AuditKey:
    """The cell's key, made at the first start and never again: with another one, older anchors would seem
    forged. Raises CellError."""
    file, made = paths.secrets / "audit.key", _made(paths)
    try:
        if not file.exists():
            if made.exists():
                raise CellError(
                    f"the key {file} is gone: the anchors that it signed could not be checked any more",
                    f"bring it back from your backup; only to give up the old anchors, remove {made}",
                )
            _create(file)
        key = load_audit_key(paths)
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch(mode=0o600)
    except OSError as error:
        raise CellError(
            f"the key {file} can't be written: {error}", "make room, or give this user the rights"
        ) from None
    return key


def had_audit_key(paths: CellPaths) -> bool:
    """Whether a cell has run here, which has had one from its first start on; also one that is gone by now."""
    return any(file.exists() for file in (paths.secrets / "audit.key", _made(paths), paths.secrets / "audit.anchors"))


def _made(paths: CellPaths) -> Path:
    """Stays when the key goes."""
    return paths.run / "audit-key.made"


def load_audit_key(paths: CellPaths) -> AuditKey:
    """The cell's key. Raises CellError when there is none, it is no such key, or others may read it."""
    file = paths.secrets / "audit.key"
    try:
        if stat.S_IMODE(file.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise CellError(f"others may read {file}: whoever did could sign anchors", f"chmod 600 {file}")
        with file.open("rb") as opened:
            key = load_pem_private_key(opened.read(FILE_BYTES_MAX), password=None)
    except FileNotFoundError:
        next_step = (
            "bring it back from your backup" if had_audit_key(paths) else "it is made when a cell with identity starts"
        )
        raise CellError(f"there is no {file}", next_step) from None
    except (ValueError, TypeError):
        raise CellError(f"{file} holds no key", "bring it back from your backup") from None
    except OSError as error:
        raise CellError(f"{file} can't be read: {error.strerror}", "give this user the right to read it") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise CellError(f"{file} holds a key of another kind", "bring the Ed25519 key back from your backup")
    return AuditKey(key)


def _create(file: Path) -> None:
    key = Ed25519PrivateKey.generate()
    file.parent.parent.mkdir(parents=True, exist_ok=True)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    file.with_name("audit.pub").write_bytes(public)
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    fresh.replace(file)
