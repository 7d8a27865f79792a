"""Which request is being served: its headers, and its id (the caller's when it is a UUID, else made) for
answers, history and logs."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

# Keys that we add to the ASGI scope.
REQUEST_ID = "ocefs.request_id"
ENTITY_ID = "ocefs.entity_id"
PRINCIPAL = "ocefs.principal"
# What the endpoint asks of its caller (`endpoint_needs.Need`); there with PRINCIPAL.
NEED = "ocefs.need"
# There where nobody has to be signed in.
OPEN_TO_ALL = "ocefs.open"
# Who asks, for the audit; there in a cell with identity.
WHO = "ocefs.who"
_HEADERS = "ocefs.headers"

_is_uuid = re.compile(rb"[0-9A-Fa-f]{8}(-?)(?:[0-9A-Fa-f]{4}\1){3}[0-9A-Fa-f]{12}").fullmatch
_prefix = f"r-{secrets.token_hex(5)}-"
_numbers = itertools.count(1)


def headers_of(scope: Scope) -> Mapping[bytes, bytes]:
    """The request's headers by name in lower case, looked through once. What is given more than once is joined by a
    comma and a space (RFC 9110, 5.3), so that nobody picks one of two: a key, a token or a length
    with those in it is none."""
    found: Mapping[bytes, bytes] | None = scope.get(_HEADERS)
    if found is None:
        given = scope["headers"]
        found = dict(given)
        if len(found) != len(given):
            found = _joined(given)
        scope[_HEADERS] = found
    return found


def _joined(given: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    lines: dict[bytes, list[bytes]] = {}
    for name, value in given:
        lines.setdefault(name, []).append(value)
    return {name: b", ".join(values) for name, values in lines.items()}


def request_id_of(scope: Scope) -> str:
    """The caller's `X-Request-Id` if it is a UUID, with or without dashes, else a new one: it stands in journal, audit
    and logs, and what callers put together themselves has order references and names in it."""
    value = headers_of(scope).get(b"x-request-id")
    if value and _is_uuid(value):
        return value.decode("ascii")
    return f"{_prefix}{next(_numbers):x}"
