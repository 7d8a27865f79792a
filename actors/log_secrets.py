"""What a secret looks like in a log's line, and what stands in its place. Nobody logs one on purpose: they come in with
an exception's text, a URL or a value that somebody was too quick to add.

    a field of a secret's name      password, client_secret, authorization …      all of its value
    in text: name=value, name: value, "name":"value" of such a name               the value
    Bearer …, Basic … (RFC 6750, 7617)                                            what follows
    a token, three parts in Base64 of which the first is a header (RFC 7515)      all of it
    user:password@ of a URL (RFC 3986, 3.2.1)                                     the password
    a private key in PEM (RFC 7468)                                               all of it
"""

from __future__ import annotations

import re
from typing import Any

import structlog

MASK = "[secret]"
_NAMES = r"pass(?:word|wd|phrase)|secret|token|authorization|cookie|credentials?|api[_-]?key|private[_-]?key|recovery[_-]?codes?"
# What stands before the name is part of it (`client_secret`, `Set-Cookie`); what stands behind it says that it is
# another thing (`token_type`).
_NAME = re.compile(rf"(?:.*[_-])?(?:{_NAMES})s?", re.IGNORECASE)
_IN_TEXT = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), MASK),
    (re.compile(r"\b(bearer|basic)(\s+)[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1\2{MASK}"),
    (re.compile(r"(://[^/\s:@'\"]*:)[^/\s@'\"]+@"), rf"\1{MASK}@"),
    (
        re.compile(rf"((?:{_NAMES})s?[\"']?\s*[=:]\s*b?[\"']?)(?!\[secret\]|bearer\b|basic\b)[^\s\"',;&)}}\]]+", re.IGNORECASE),
        rf"\1{MASK}",
    ),
)  # fmt: skip


def without_secrets(text: str) -> str:
    """The text with MASK in the place of what looks like a secret."""
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    return text


def mask_secrets(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A processor: MASK in the place of each secret in the event's names and values, however deep."""
    return {without_secrets(str(name)): _masked(str(name), value) for name, value in event.items()}


def _masked(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value  # `password: true` says whether there is one
    if _NAME.fullmatch(name):
        return MASK
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {without_secrets(str(key)): _masked(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked("", inner) for inner in value]
    # What the renderer would show by its repr.
    shown = without_secrets(repr(value))
    return shown if MASK in shown else value
