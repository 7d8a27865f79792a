"""How an answer that is a file is called where somebody keeps it (RFC 6266)."""

from __future__ import annotations

import re

_NAME_CHARS_MAX = 128
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def kept_as(name: str, extension: str) -> tuple[bytes, bytes]:
    """The header that has a browser keep an answer as `name.extension`, and not open it: `name` is made of ids of ours.
    Whatever is no letter, digit, point, hyphen or underscore becomes a hyphen, so nothing in it leaves the header,
    names another folder or another type."""
    safe = _UNSAFE.sub("-", name).strip(".-")[:_NAME_CHARS_MAX] or "document"
    return b"content-disposition", f'attachment; filename="{safe}.{extension}"'.encode()
