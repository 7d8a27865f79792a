r"""Numbers of cards (PANs) in what callers send: bodies of JSON or forms, headers, paths and queries. Pure.

What a number looks like is said in `actors/domain/card_number.py`; here stands how a request may spell it: JSON's
`\u0034`, percent signs and `+` in forms and URLs, digits and blanks beyond ASCII. One exception is ours: the value of a
GTIN's field (`sku`, `gtin`, `ean`, `upc`, `barcode`) that is a valid GTIN of 12 to 14 digits passes, since one in ten
German EAN-13 codes passes Luhn, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from actors.domain.card_number import may_hold, spans
from actors.domain.lookalikes import LOOKALIKES, UNSEEN, UNSEEN_CHARS
from serve.problems import escaped

# Pointer, member's name ("" for none), and what stands there; `_END` has no name at all.
_Value = tuple[str, str | None, Any]
_END: _Value = ("", None, None)
# A body with more is refused without a place.
_VALUES_MAX = 50_000

GTIN_FIELDS = frozenset({"sku", "gtin", "ean", "upc", "barcode"})
GTIN_LENGTHS = (12, 13, 14)
_NAME_CHARS_MAX = 100
_GTIN_FIELD = re.compile(rb'"(?:%b)"[ \t\r\n]*:[ \t\r\n]*"\Z' % "|".join(sorted(GTIN_FIELDS)).encode())
_FIELD_SIGHT = 32

_LOOKALIKE = re.compile(f"[{re.escape(''.join(map(chr, LOOKALIKES)))}]")
_ASCII = bytes(range(0x80))


def _escape(code: int) -> bytes:
    """JSON's escape of a character, or the pair of one beyond the first plane; without its first two characters, in
    lower case."""
    units = chr(code).encode("utf-16-be")
    return b"\\u".join(units[at : at + 2].hex().encode() for at in range(0, len(units), 2))


_ESCAPED = {
    **{_escape(ord(char)): char.encode() for char in "0123456789 -\t\r\n.,/_"},
    **{_escape(code): chr(code).encode() for code in (*LOOKALIKES, *map(ord, UNSEEN_CHARS))},
}
# Two backslashes first: what is left of any begins an escape.
_ESCAPED_SHORT = (
    (rb"\\", b"\0"), (rb"\t", b"\t"), (rb"\r", b"\r"), (rb"\n", b"\n"), (rb"\/", b"/"),
    (rb"\b", b"\0"), (rb"\f", b"\0"), (rb"\"", b"\0"),
)  # fmt: skip
_ESCAPE = re.compile(rb"\\u(?:[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|[0-9a-fA-F]{4})")


def _of_escape(found: re.Match[bytes]) -> bytes:
    return _ESCAPED.get(found[0][2:].lower(), b"\0")


def _unescaped(body: bytes) -> bytes:
    r"""With what each escape stands for if that can be part of a number, else with something that ends one. All but
    `\u` in C: a body may be full of them."""
    for escape, char in _ESCAPED_SHORT:
        body = body.replace(escape, char)
    return _ESCAPE.sub(_of_escape, body)


def json_holds_pan(body: bytes) -> bool:
    """Whether there is a card's number anywhere in this JSON, or what should be some."""
    if b"\\" in body:
        body = _unescaped(body)
    return _holds(body, fields=True)


def form_holds_pan(body: bytes) -> bool:
    """The same of `application/x-www-form-urlencoded`; also of a query or a path, where `+` means itself or a blank."""
    if b"%" in body or b"+" in body:
        body = unquote_to_bytes(body.replace(b"+", b" "))
    return _holds(body)


def text_holds_pan(text: bytes) -> bool:
    """The same of plain text, such as a header's value."""
    return _holds(text)


def _holds(data: bytes, *, fields: bool = False) -> bool:
    if not data.isascii():
        # Most of what is beyond ASCII is letters, and all else need not be looked through for it.
        beyond = data.translate(None, _ASCII).decode("utf-8", "replace")
        unseen = UNSEEN.search(beyond)
        if unseen or _LOOKALIKE.search(beyond):
            text = data.decode("utf-8", "replace").translate(LOOKALIKES)
            data = text.encode()
            if unseen and _plain_holds(UNSEEN.sub("", text).encode(), fields=fields):
                return True
    return _plain_holds(data, fields=fields)


def _plain_holds(data: bytes, *, fields: bool) -> bool:
    if not may_hold(data):
        return False
    return any(not (fields and _in_gtin_field(data, start, end)) for start, end in spans(data))


def is_gtin(digits: bytes) -> bool:
    """Whether these ASCII digits are a GTIN-12, -13 or -14 (GS1 General Specifications, 7.9:
    modulo 10, weights 3 and 1)."""
    if len(digits) not in GTIN_LENGTHS or not digits.isdigit():
        return False
    return (sum(digits[-1::-2]) + 3 * sum(digits[-2::-2]) - 48 * (len(digits) + len(digits) // 2 * 2)) % 10 == 0


def _in_gtin_field(body: bytes, start: int, end: int) -> bool:
    """Whether it is the whole of a GTIN's field, and a GTIN."""
    if body[end : end + 1] != b'"' or not is_gtin(body[start:end]):
        return False
    return _GTIN_FIELD.search(body, max(0, start - _FIELD_SIGHT), start) is not None


def pointer_of_pan(body: bytes) -> str | None:
    """The JSON pointer of the first value with a card's number, or of the object that has a member so named; None when
    that can't be told. The pointer itself never holds one."""
    try:
        waiting: list[Iterator[_Value]] = [iter([("", "", msgspec.json.decode(body))])]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    for _ in range(_VALUES_MAX):
        pointer, name, value = next(waiting[-1], _END)
        if name is None:
            waiting.pop()
            if not waiting:
                return None
        elif isinstance(value, dict):
            if any(_text_holds(key) for key in value):
                return pointer
            waiting.append(_members(pointer, value))
        elif isinstance(value, list):
            waiting.append(_items(pointer, value))
        elif isinstance(value, str):
            if _text_holds(value) and not (name in GTIN_FIELDS and value.isascii() and is_gtin(value.encode())):
                return pointer
        elif isinstance(value, int) and _text_holds(str(value)):
            return pointer
    return None


def _members(pointer: str, value: dict[str, Any]) -> Iterator[_Value]:
    for name, item in value.items():
        yield f"{pointer}/{escaped(name[:_NAME_CHARS_MAX])}", name, item


def _items(pointer: str, value: list[Any]) -> Iterator[_Value]:
    for position, item in enumerate(value):
        yield f"{pointer}/{position}", "", item


def _text_holds(text: str) -> bool:
    return _holds(text.encode("utf-8", "replace"))
