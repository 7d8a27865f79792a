"""Somebody outside who is told something by the cell itself: his address, and by what he knows the cell. Checked when
the config is read, before anything starts."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import stat
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

SECRET_BYTES_MIN = 32
# A header's value (RFC 9110, 5.5), and no more of it than any server takes.
_AUTHORIZATION = re.compile(rb"[\x21-\x7e](?:[\x20-\x7e]{0,4094}[\x21-\x7e])?")


class Receiver(NamedTuple):
    """Where to, the key of the signatures, and the value of `Authorization`; "" for none."""

    url: str
    secret: bytes
    authorization: str = ""


def check_url(url: str) -> str:
    """What is wrong with a receiver's address; "" when nothing is."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "is no URL"
    if parts.scheme not in {"http", "https"} or not host:
        return "must begin with https:// and a host"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "must have neither a user nor a fragment"
    if parts.scheme == "http" and not _loopback(host):
        return "must be https: only loopback may be spoken to in the clear"
    return ""


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def signature(secret: bytes, body: bytes, now_s: int) -> str:
    """The value of `Ocefs-Signature` at `now_s` (UTC): when, and the HMAC of that and the body."""
    return f"t={now_s},v1={hmac.new(secret, b'%d.%b' % (now_s, body), hashlib.sha256).hexdigest()}"


def read_secret(path: str) -> bytes:
    """The key of the signatures. Raises ValueError when it can't be read, is short, or is open to others."""
    secret = _read(path, "the secret")
    if len(secret) < SECRET_BYTES_MIN:
        raise ValueError(f"the secret needs at least {SECRET_BYTES_MIN} bytes")
    return secret


def read_authorization(path: str) -> str:
    """What the receiver wants as `Authorization`, e.g. `Bearer …`; "" for no file. Raises ValueError when it can't be
    read, is no header's value, or is open to others."""
    if not path:
        return ""
    value = _read(path, "the authorization")
    if not _AUTHORIZATION.fullmatch(value):
        raise ValueError("the authorization is no header's value: one line of ASCII")
    return value.decode("ascii")


def _read(path: str, what: str) -> bytes:
    file = Path(path)
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):  # a pipe would be waited for
            raise ValueError(f"{what} is no file: {path or 'none is named'}")
        secret = file.read_bytes().strip()
    except OSError as error:
        raise ValueError(f"{what} can't be read: {error.strerror}") from None
    if mode & 0o077:
        raise ValueError(f"{what} may be read by others: chmod 600")
    return secret
