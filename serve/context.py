"""Which request is being served: its id (taken from the caller when sane, else made), for answers, history and logs."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from serve.payments.pan import text_holds_pan

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

REQUEST_ID_MAX = 64
# Keys that we add to the ASGI scope.
REQUEST_ID = "ocefs.request_id"
ENTITY_ID = "ocefs.entity_id"
PRINCIPAL = "ocefs.principal"
# Who asks, for the audit; there in a cell with identity.
WHO = "ocefs.who"

_SANE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
_prefix = f"r-{secrets.token_hex(5)}-"
_numbers = itertools.count(1)


def request_id_of(scope: Scope) -> str:
    """The caller's `X-Request-Id` if it is 1 to 64 characters of `A-Za-z0-9-_.` without a card's number, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            if 0 < len(value) <= REQUEST_ID_MAX and _SANE.issuperset(value) and not text_holds_pan(value):
                made: str = value.decode("ascii")
                return made
            break
    return f"{_prefix}{next(_numbers):x}"
