"""What a browser is told with everything that FastAPI serves: no guessing of types, no framing, no scripts but the page's own.

An inline script is allowed by its hash (CSP, level 2), so a page needs neither `unsafe-inline` nor changes: what somebody manages to
write into it has another hash and does not run.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

from serve.context import Send

Headers = list[tuple[bytes, bytes]]
_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


@lru_cache(maxsize=64)
def policy(page: bytes) -> bytes:
    """The Content-Security-Policy of a page."""
    hashes = [base64.b64encode(hashlib.sha256(script).digest()) for script in _INLINE.findall(page)]
    scripts = b" ".join([b"'self'", *(b"'sha256-%s'" % digest for digest in hashes)])
    return (
        b"default-src 'none'; script-src %s; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
        b"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'" % scripts
    )


class PageHeaders:
    """Stands between an answer and the caller. `more`: headers of every answer. `status`: what was answered, 0 before."""

    def __init__(self, send: Send, more: Headers) -> None:
        self._send = send
        self._more = [*_ALWAYS, *more]
        self._held: MutableMapping[str, Any] | None = None
        self.status = 0

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """ASGI's `send`."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._more]
            if any(name == b"content-type" and value.startswith(b"text/html") for name, value in message["headers"]):
                self._held = message  # until the page is here, whose scripts are to be hashed
                return
        elif self._held is not None:
            held, self._held = self._held, None
            held["headers"].append((b"content-security-policy", policy(message.get("body", b""))))
            await self._send(held)
        await self._send(message)
