"""What browsers are told with an answer: no guessing of types, no framing, no scripts but a page's own, nothing kept.

Most answers are data: whoever opens one as a page sees text that loads, runs and sends nothing (`DATA`). In a page, an inline script or
style is allowed by its hash (CSP, level 2), so it needs neither `unsafe-inline` nor changes: what somebody manages to write into it has
another hash and does nothing.
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
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_INLINE_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
NO_STORE = (b"cache-control", b"no-store")
# With everything that is no page. `sandbox`: even a browser that shows it gives it no origin, no scripts and no forms.
DATA = (
    *_ALWAYS,
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
    ),
)
# With every page: what opened it, or what it opens, can't reach into it.
_PAGE = (*_ALWAYS, (b"cross-origin-opener-policy", b"same-origin"))


def _allowed(inline: re.Pattern[bytes], page: bytes) -> bytes:
    """The sources of one kind: our own files, and what stands in the page."""
    hashes = [base64.b64encode(hashlib.sha256(text).digest()) for text in inline.findall(page)]
    return b" ".join([b"'self'", *(b"'sha256-%s'" % digest for digest in hashes)])


@lru_cache(maxsize=64)
def policy(page: bytes) -> bytes:
    """The Content-Security-Policy of a page."""
    return (
        b"default-src 'none'; script-src %s; style-src %s; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        b"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        % (_allowed(_INLINE_SCRIPT, page), _allowed(_INLINE_STYLE, page))
    )


class PageHeaders:
    """Stands between an answer of FastAPI and the caller. `more`: headers of every answer. `status`: what was answered, 0 before.

    An answer that says nothing of caching is not to be kept; files that do not change say it by their `etag`.
    """

    def __init__(self, send: Send, more: Headers) -> None:
        self._send = send
        self._more = more
        self._held: MutableMapping[str, Any] | None = None
        self.status = 0

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """ASGI's `send`."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            told = dict(message.get("headers", ()))
            page = told.get(b"content-type", b"").startswith(b"text/html")
            headers = message["headers"] = [*message.get("headers", ()), *(_PAGE if page else DATA), *self._more]
            if b"cache-control" not in told and b"etag" not in told:
                headers.append(NO_STORE)
            if page:
                self._held = message  # until the page is here, whose scripts are to be hashed
                return
        elif self._held is not None:
            held, self._held = self._held, None
            held["headers"].append((b"content-security-policy", policy(message.get("body", b""))))
            await self._send(held)
        await self._send(message)
