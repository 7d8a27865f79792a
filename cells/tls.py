"""Which certificates a cell uses, and whether they are fit: looked at before anything starts, since
nothing falls back to plain text.

The door shows the pair of `[tls]`, by default one of `make certs`. Inside the cell (Ray, Serve) everybody shows a pair
of the local CA, and believes nobody else: what the door shows is for others, and says nothing
about processes on 127.0.0.1.
"""

import datetime as dt
import ssl
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

from cells.certs import Pair, ca_file, cell_holders, inside_of, make, pair_of
from cells.errors import CertificateRefused
from cells.pem import is_key_of, read_certificates, read_key
from cells.settings import RegionConfig
from cells.trust import SYSTEM, client_context

# OpenSSL's names, for TLS 1.2; those of TLS 1.3 are all good. Forward secrecy and authenticated encryption only.
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
)  # fmt: skip


def door_pair(config: RegionConfig, home: Path) -> Pair:
    """What the cell's door and Serve's ingress show."""
    if config.tls.certificate:
        return Pair(Path(config.tls.certificate), Path(config.tls.key))
    return pair_of(home, config.name)


def door_ca(config: RegionConfig, home: Path) -> Path:
    """By which the cell's door is verified."""
    return Path(config.tls.ca) if config.tls.ca else ca_file(home)


def inside_pair(config: RegionConfig, home: Path) -> Pair:
    """What the cell's processes show each other; verified by the local CA."""
    return pair_of(home, inside_of(config.name))


def prepare(config: RegionConfig, home: Path) -> None:
    """Make what is missing of our own certificates, renew what soon ends, and check all that the cell will use.

    Raises:
        CertificateRefused: something can't be used; nothing may start then.
    """
    if not config.encrypted:
        return
    make(home, cell_holders(config))
    check_pair(door_pair(config, home), door_ca(config, home), config.tls_name)
    check_pair(inside_pair(config, home), ca_file(home), "localhost")


def check_pair(pair: Pair, ca: Path | None, name: str, now: dt.datetime | None = None) -> None:
    """Raises CertificateRefused unless a caller who trusts `ca` (None: what the system trusts) would take
    the pair for `name`, now."""
    now = now or dt.datetime.now(dt.UTC)
    certificate = read_certificates(pair.certificate)[0]
    if not is_key_of(read_key(pair.key), certificate):
        raise CertificateRefused(
            f"{pair.key} is not the key of the certificate {pair.certificate}", "give the two that were made together"
        )
    if now > certificate.not_valid_after_utc:
        raise CertificateRefused(
            f"the certificate {pair.certificate} ended on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
            "have it renewed; one of ours: make certs",
        )
    if now < certificate.not_valid_before_utc:
        raise CertificateRefused(
            f"the certificate {pair.certificate} begins only on {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            "correct this machine's clock, or wait until then",
        )
    if ca is not None:
        read_certificates(ca)
    _shake_hands(pair, str(ca) if ca is not None else SYSTEM, name)


def server_context(pair: Pair) -> ssl.SSLContext:
    """TLS 1.2 or newer for a server of ours."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(CIPHERS))
    context.load_cert_chain(pair.certificate, pair.key)
    return context


def _shake_hands(pair: Pair, ca: str, name: str) -> None:
    """The very checks that callers will make, before there are any: a handshake with ourselves, in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        server = server_context(pair).wrap_bio(to_server, to_client, server_side=True)
        client = client_context(ca).wrap_bio(to_client, to_server, server_hostname=name)
        waiting = [client, server]
        for _ in range(8):
            waiting = [side for side in waiting if not _is_through(side)]
        if not waiting:
            return
        reason = "the handshake does not end"
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message
    except (ssl.SSLError, OSError) as error:
        reason = str(error)
    raise CertificateRefused(
        f"callers who trust {'the CAs of this system' if ca == SYSTEM else ca} would not take the certificate {pair.certificate} for {name}: {reason}",
        f"give a certificate for {name} (or set [tls] name to what is in it) with those of its issuers, and the CA that signed it",
    )


def _is_through(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def check_postgres_url(url: str, variable: str) -> None:
    """Raises CertificateRefused unless everything between us and this PostgreSQL is encrypted and
    its certificate verified."""
    parts = _parts(url, variable)
    settings = _settings(parts.query, variable)
    hosts = (settings.get("host") or parts.hostname or "").split(",")
    if all(host.startswith("/") for host in hosts) and "hostaddr" not in settings:
        return  # a unix socket
    root = settings.get("sslrootcert", "")
    if settings.get("sslmode") == "verify-full" and (root == "system" or _is_certificate(root)):
        return
    raise CertificateRefused(
        f'tls.mode is "required", but {variable} does not have PostgreSQL verified',
        "end it with ?sslmode=verify-full&sslrootcert=/path/of/ca.pem (a file that can be read), or sslrootcert=system",
    )


def check_redis_url(url: str, variable: str) -> None:
    """Raises CertificateRefused unless everything between us and this Redis is encrypted and
    its certificate verified."""
    parts = _parts(url, variable)
    settings = _settings(parts.query, variable)
    if parts.scheme == "unix" or url.startswith("/"):
        return
    weakened = {key for key in settings if key.startswith("ssl_")} - {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
    root = settings.get("ssl_ca_certs")
    if parts.scheme == "rediss" and not weakened and (root is None or _is_certificate(root)):
        return
    raise CertificateRefused(
        f'tls.mode is "required", but {variable} does not have Redis verified',
        "write rediss://…?ssl_ca_certs=/path/of/ca.pem (a file that can be read; without it those that the system trusts count), "
        "and no other ssl_ settings",
    )


def _parts(url: str, variable: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise CertificateRefused(
            f"{variable} can't be read", "write what its password has of : / ? # [ ] @ as %3A %2F %3F %23 %5B %5D %40"
        ) from None


def _settings(query: str, variable: str) -> dict[str, str]:
    """What stands behind the ?; the drivers don't agree on which of two values counts."""
    found = parse_qs(query, keep_blank_values=True)
    twice = sorted(key for key, values in found.items() if len(values) > 1)
    if twice:
        raise CertificateRefused(f"{variable} says {', '.join(twice)} twice", "keep one of them")
    return {key: values[0] for key, values in found.items()}


def _is_certificate(file: str) -> bool:
    try:
        return bool(file) and bool(read_certificates(Path(file)))
    except CertificateRefused:
        return False
