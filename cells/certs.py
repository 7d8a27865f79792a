"""Certificates of our own: a local CA, and what it signs. For development, and always for the inside of each cell.

    <home>/tls/  0700   ca.pem ca.key          trusted by our own tools and by the router
                        us.pem us.key          the door of the cell us
                        us-inside.pem …        between the processes of the cell us (Ray, Serve)
                        router.pem router.key  what callers of the router see

A pair is made again when it ends within `RENEW_DAYS`, when it lacks a name, or when another CA signed it. A key that is
gone is replaced only when that is asked for (`make certs`): whoever starts a cell is told.
"""

import contextlib
import datetime as dt
import fcntl
import ipaddress
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cells.errors import CertificateRefused, TlsKeyRefused
from cells.pem import is_key_of, read_certificates, read_key
from cells.settings import RegionConfig

CA_DAYS = 3650
LEAF_DAYS = 365
RENEW_DAYS = 7
# The clocks of callers may be behind ours.
_EARLIER = dt.timedelta(hours=1)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ANY_ADDRESS = ("*", "0.0.0.0", "::")  # noqa: S104 -- looked for in settings, never listened on
_AGAIN = "run: make certs"


class Pair(msgspec.Struct, frozen=True):
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class Holder(msgspec.Struct, frozen=True):
    """Who gets a certificate: `stem` of its files, and the `names` (host names and addresses)
    under which it is reached.

    `calls`: it also shows the certificate when it calls others.
    """

    stem: str
    names: tuple[str, ...]
    calls: bool = False


def ca_file(home: Path) -> Path:
    """The certificate of our own CA: no secret, for whoever shall trust what it signed."""
    return pair_of(home, "ca").certificate


def pair_of(home: Path, stem: str) -> Pair:
    """Where a pair is, or would be."""
    folder = home / "tls"
    return Pair(folder / f"{stem}.pem", folder / f"{stem}.key")


def inside_of(region: str) -> str:
    """The stem of the pair that a cell uses among its own processes."""
    return f"{region}-inside"


def cell_holders(config: RegionConfig) -> list[Holder]:
    """What a cell needs: the pair of its door, unless it has one of its own, and the one inside."""
    door = Holder(config.name, _reachable((config.tls_name, *_LOOPBACK, config.api.host)))
    inside = Holder(inside_of(config.name), _LOOPBACK, calls=True)
    return [inside] if config.tls.certificate else [door, inside]


def router_holder(host: str, name: str) -> Holder:
    """The router on `host`, which callers know as `name`."""
    return Holder("router", _reachable((name, *_LOOPBACK, host)))


def _reachable(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name and name not in _ANY_ADDRESS))


def make(home: Path, wanted: Iterable[Holder], *, repair: bool = False, now: dt.datetime | None = None) -> list[str]:
    """See that everybody has a pair that lasts; gives the names of the certificates that were made.

    Args:
        home: the folder of all state.
        wanted: who needs one.
        repair: also replace pairs of which something is gone or does not fit.
        now: for tests.

    Raises:
        CertificateRefused: a key is gone or open to others, or a file is not what it should be.
    """
    now = now or dt.datetime.now(dt.UTC)
    folder = ca_file(home).parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    with _locked(folder):
        authority = _Authority(pair_of(home, "ca"), now)
        made = ["ca.pem"] if authority.is_new else []
        for holder in wanted:
            pair = pair_of(home, holder.stem)
            if not _stands(pair, holder, authority.certificate, now, repair=repair):
                _write(pair, *authority.sign(holder))
                made.append(pair.certificate.name)
    return made


def _stands(pair: Pair, holder: Holder, ca: x509.Certificate, now: dt.datetime, *, repair: bool) -> bool:
    """Whether a pair is there and lasts. Raises CertificateRefused when a part of it is gone,
    unless it may be replaced."""
    if not pair.certificate.exists() and not pair.key.exists():
        return False
    try:
        certificate = read_certificates(pair.certificate)[0]
        if not is_key_of(read_key(pair.key), certificate):
            raise CertificateRefused(f"{pair.key} is not the key of {pair.certificate}", "")
    except CertificateRefused as refused:
        if repair:
            return False
        next_step = f"{_AGAIN}, which makes a new pair"
        if isinstance(refused, TlsKeyRefused):
            raise TlsKeyRefused(refused.problem, next_step, refused.code, refused.file) from None
        raise CertificateRefused(refused.problem, next_step) from None
    return (
        not _ends_soon(certificate, now) and _is_signed_by(ca, certificate) and _names(certificate) >= set(holder.names)
    )


class _Authority:
    """The CA: the one that is there, or a new one. Its key is only looked for when there is something to sign."""

    def __init__(self, pair: Pair, now: dt.datetime) -> None:
        self._pair = pair
        self._now = now
        self._key: ec.EllipticCurvePrivateKey | None = None
        self.is_new = False
        if pair.certificate.exists():
            self.certificate = read_certificates(pair.certificate)[0]
            if not _ends_soon(self.certificate, now):
                return
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.is_new = True
        # Another subject each time: a client that still trusts the one before must not take them for the same.
        subject = _subject(f"OCEFS local CA {secrets.token_hex(4)}")
        self.certificate = (
            _builder(subject, subject, self._key.public_key(), self._key.public_key(), now, CA_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        _write(pair, self._key, self.certificate)

    def sign(self, holder: Holder) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        """A new pair for somebody. Raises CertificateRefused."""
        key, ours = ec.generate_private_key(ec.SECP256R1()), self._signing_key()
        subject, issuer = _subject(holder.stem), self.certificate.subject
        purposes = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if holder.calls else [])]
        certificate = (
            _builder(subject, issuer, key.public_key(), ours.public_key(), self._now, LEAF_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in holder.names]), critical=False)
            .sign(ours, hashes.SHA256())
        )
        return key, certificate

    def _signing_key(self) -> ec.EllipticCurvePrivateKey:
        if self._key is None:
            folder = self._pair.key.parent
            give_up = f"or remove {folder} and run: make certs (who trusts the old CA has to trust the new one then)"
            if not self._pair.key.exists():
                raise TlsKeyRefused(
                    f"the key of the local CA, {self._pair.key}, is gone: it can sign nothing more",
                    f"bring it back, {give_up}",
                    "tls_key.missing", self._pair.key.name,
                )  # fmt: skip
            key = read_key(self._pair.key)
            if not isinstance(key, ec.EllipticCurvePrivateKey) or not is_key_of(key, self.certificate):
                raise CertificateRefused(
                    f"{self._pair.key} is not the key of {self._pair.certificate}",
                    f"bring the right one back, {give_up}",
                )
            self._key = key
        return self._key


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, issuing: ec.EllipticCurvePublicKey,
    now: dt.datetime, days: int,
) -> x509.CertificateBuilder:  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _subject(name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "OCEFS"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(general.value) for general in found}


def _ends_soon(certificate: x509.Certificate, now: dt.datetime) -> bool:
    return certificate.not_valid_after_utc - now < dt.timedelta(days=RENEW_DAYS)


def _is_signed_by(ca: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _write(pair: Pair, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    write_private(pair.key, text)
    write_private(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def write_private(file: Path, text: bytes) -> None:
    """Replace a file as a whole by one that only its owner may read."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags | os.O_EXCL, 0o600)) as opened:
        opened.write(text)
    fresh.replace(file)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Cells that start side by side share one CA."""
    with (folder / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
