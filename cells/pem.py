"""PEM files of certificates and keys: read with their limits, and every reason why one can't be
used said with the next step.

Nothing here tells what is in a key.
"""

import stat
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from cells.errors import CertificateRefused, TlsKeyRefused

FILE_BYTES_MAX = 1_048_576
_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_certificates(file: Path) -> list[x509.Certificate]:
    """The certificates of a file in their order: the holder's own, then its issuers'. Raises CertificateRefused."""
    try:
        return x509.load_pem_x509_certificates(_read(file, "certificate"))
    except ValueError:
        raise CertificateRefused(
            f"{file} holds no certificate", "give a PEM file with the certificate, and after it those of its issuers"
        ) from None


def read_key(file: Path) -> PrivateKeyTypes:
    """The private key of a file that nobody but its owner may read. Raises TlsKeyRefused, CertificateRefused."""
    text = _read(file, "key")
    if stat.S_IMODE(file.stat().st_mode) & _OPEN_TO_OTHERS:
        raise TlsKeyRefused(
            f"others may read the key {file}: whoever did can pass for its holder",
            f"chmod 600 {file}; better, have a new key and certificate made",
            "tls_key.open_permissions", file.name,
        )  # fmt: skip
    try:
        return serialization.load_pem_private_key(text, password=None)
    except TypeError:
        raise CertificateRefused(
            f"the key {file} is locked with a passphrase, which nobody could type at a start",
            "give it without one, in a file that only its owner may read",
        ) from None
    except ValueError:
        raise CertificateRefused(f"{file} holds no private key", "give a PEM file with the key (PKCS #8)") from None


def is_key_of(key: PrivateKeyTypes, certificate: x509.Certificate) -> bool:
    """Whether the key is the one that the certificate speaks of."""
    return _public(key.public_key()) == _public(certificate.public_key())


def _public(key: object) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.DER, form)  # type: ignore[attr-defined, no-any-return]


def _read(file: Path, what: str) -> bytes:
    try:
        with file.open("rb") as opened:
            text = opened.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        problem, next_step = f"the {what} {file} is missing", f"bring the {what} there, or correct the path"
        raise _refused(problem, next_step, what, "missing", file) from None
    except OSError as error:
        problem = f"the {what} {file} can't be read: {error.strerror}"
        next_step = "give this user the right to read it, and nobody else"
        raise _refused(problem, next_step, what, "unreadable", file) from None
    if len(text) > FILE_BYTES_MAX:
        raise CertificateRefused(
            f"{file} has more than {FILE_BYTES_MAX} bytes", f"give a PEM file with the {what} alone"
        )
    return text


def _refused(problem: str, next_step: str, what: str, code: str, file: Path) -> CertificateRefused:
    if what == "key":
        return TlsKeyRefused(problem, next_step, f"tls_key.{code}", file.name)
    return CertificateRefused(problem, next_step)
