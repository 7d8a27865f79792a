"""Where the webhook goes, and its key: checked when the config is read, before anything starts."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

SECRET_BYTES_MIN = 32


def check_url(url: str) -> str:
    """What is wrong with the webhook's address; "" when nothing is."""
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


def read_secret(path: str) -> bytes:
    """The key of the signatures. Raises ValueError when it can't be read, is short, or is open to others."""
    file = Path(path)
    try:
        mode, secret = file.stat().st_mode, file.read_bytes().strip()
    except OSError as error:
        raise ValueError(f"the webhook's secret can't be read: {error.strerror}") from None
    if mode & 0o077:
        raise ValueError("the webhook's secret may be read by others: chmod 600")
    if len(secret) < SECRET_BYTES_MIN:
        raise ValueError(f"the webhook's secret needs at least {SECRET_BYTES_MIN} bytes")
    return secret
