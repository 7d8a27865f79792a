"""What browsers are told with an answer: no guessing of types, no framing, no scripts but our own, nothing kept.

Most answers are data: whoever opens one as a page sees text that loads, runs and sends nothing (`DATA`), and of an
answer that says nothing else that is so even when it is a page. A page that needs more says it by a `policy` that is
made of constants before anybody asks for it: an inline script or style is allowed by its hash (CSP, level 2), so it
needs neither `unsafe-inline` nor changes, and what somebody manages to write into the page has a hash that is
not there and does nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, MutableMapping
from typing import Any

from serve.context import Send

Headers = list[tuple[bytes, bytes]]
POLICY = "content-security-policy"
_POLICY = POLICY.encode()
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
NO_STORE = (b"cache-control", b"no-store")
# `sandbox`: even a browser that shows it gives it no origin, no scripts and no forms.
_NOTHING = (_POLICY, b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox")
# With everything that is no page.
DATA = (*_ALWAYS, _NOTHING)
# With every page: what opened it, or what it opens, can't reach into it.
_PAGE = (*_ALWAYS, (b"cross-origin-opener-policy", b"same-origin"))


def policy(*, scripts: Iterable[str] = (), styles: Iterable[str] = (), own_files: bool = False) -> str:
    """The Content-Security-Policy of a page with these inline scripts and styles, constants all of them. `own_files`:
    it also loads what the cell serves, and sends there."""
    more = "img-src 'self' data:; font-src 'self'; connect-src 'self'; " if own_files else ""
    return (
        f"default-src 'none'; script-src {_sources(scripts, own_files=own_files)}; style-src {_sources(styles, own_files=own_files)}; {more}"
        f"object-src 'none'; base-uri 'none'; form-action {_sources((), own_files=own_files)}; frame-ancestors 'none'"
    )


def _sources(inline: Iterable[str], *, own_files: bool) -> str:
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline]
    return " ".join([*(["'self'"] if own_files else []), *(f"'sha256-{digest}'" for digest in hashes)]) or "'none'"


class PageHeaders:
    """Stands between an answer of FastAPI and the caller. `more`: headers of every answer. `status`:
    what was answered, 0 before.

    An answer that says nothing of caching is not to be kept; files that do not change say it by their `etag`.
    """

    def __init__(self, send: Send, more: Headers) -> None:
        self._send = send
        self._more = more
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
            if page and _POLICY not in told:
                headers.append(_NOTHING)
        await self._send(message)
