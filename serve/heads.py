"""HEAD: what GET would answer, without the body (RFC 9110, 9.3.2). Who watches whether a cell is well often asks so.

The app treats it as GET, with all that is asked, counted and audited of one; the server in front of it leaves the body
out.
"""

from __future__ import annotations

from serve.context import Scope

# What ends only when its reader goes: of no use without a body.
_ENDLESS = ("/v1/live",)


def as_get(scope: Scope) -> Scope:
    """The scope of the GET that a HEAD is answered as; any other request's own."""
    if scope["method"] != "HEAD" or scope["path"] in _ENDLESS:
        return scope
    return {**scope, "method": "GET"}


def with_head(path: str, methods: set[str]) -> set[str]:
    """All that a path takes, of the methods that its routes have."""
    return methods | {"HEAD"} if "GET" in methods and path not in _ENDLESS else methods
