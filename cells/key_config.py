"""What must hold in `[keys]` of a region's config beyond the types of its values: each port has keys of its own, and
none is spoken to in the clear."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from cells.settings import Keys

_OF_PORT = {
    "file": (),
    "vault": ("key", "address", "mount", "token_file", "ca_file"),
    "aws-kms": ("key", "aws_region", "endpoint_url"),
}
_NEEDED = {"file": (), "vault": ("address", "key"), "aws-kms": ("key", "aws_region")}
_EXAMPLES = {
    "address": "https://vault.example.com:8200",
    "aws_region": "us-east-1",
    "endpoint_url": "https://kms.us-east-1.amazonaws.com",
}
_KEY_EXAMPLES = {"vault": "ocefs-us", "aws-kms": "alias/ocefs-us"}
_KEY_NAMES = {
    "vault": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"),
    "aws-kms": re.compile(r"[A-Za-z0-9:/_-]{1,512}"),
}


def wrong_keys(keys: Keys) -> tuple[str, str] | None:
    """What is wrong (after "keys."), and what would be right; None: nothing is."""
    port = keys.port
    for name in keys.__struct_fields__:
        given = getattr(keys, name) != getattr(type(keys)(), name)
        if name != "port" and given and name not in _OF_PORT[port]:
            owner = next(other for other, names in _OF_PORT.items() if name in names)
            return f'{name} is for another port, and keys.port is "{port}"', f'take it out, or write port = "{owner}"'
    for name in _NEEDED[port]:
        if not getattr(keys, name):
            return f'{name} is missing, and keys.port is "{port}"', f'write {name} = "{_example(port, name)}"'
    if port != "file" and not _KEY_NAMES[port].fullmatch(keys.key):
        return (
            f"key is {keys.key!r}, which is no name of a key",
            f'an example of a right value: key = "{_example(port, "key")}"',
        )
    for name in ("address", "endpoint_url"):
        if (url := getattr(keys, name)) and (wrong := _wrong_url(url)):
            return f"{name} {wrong}", f'an example of a right value: {name} = "{_EXAMPLES[name]}"'
    return None


def _example(port: str, name: str) -> str:
    return _KEY_EXAMPLES[port] if name == "key" else _EXAMPLES[name]


def _wrong_url(url: str) -> str:
    """What is wrong with an address; "" when nothing is. (The webhook's is judged alike in actors/: the router reads
    this file, and may not import from there.)"""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "is no URL"
    if parts.scheme not in {"http", "https"} or not host:
        return "must begin with https:// and a host"
    if parts.username is not None or parts.query or parts.fragment:
        return "must have neither a user nor a query nor a fragment"
    if parts.scheme == "http" and not _loopback(host):
        return "must be https: only loopback may be spoken to in the clear"
    return ""


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
