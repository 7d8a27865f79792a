"""What a payment card's number (PAN) looks like in text: 12 to 19 digits of an issuer's range that pass the Luhn check.

    text ──▶ 12 digits in a row? ──▶ starts of a range ──▶ groups as people write them ──▶ length, Luhn ──▶ stands alone?
             (all of it, in C)       (a regular expression)   4111 1111 1111 1111, 3782-822463-10005
                                └──▶ groups as cards have them, or each digit alone, between any separators ──▶ …
                                     4111 - 1111 - 1111 - 1111, 3782.822463.10005, 4 1 1 1 …
                                     (of each digit alone 15, 16 or 19)

Sources: ISO/IEC 7812-1 (issuer in front, 12 to 19 digits, Luhn check digit last); the ranges are those that the schemes
publish, as collected in Wikipedia's "Payment card number". Schemes within another's row are named there only by it:
Elo, Verve, Dankort and RuPay's 508 (Maestro's 50), Hipercard and RuPay's 60 (Maestro's 60), Elo's 6516
(Discover's 65), RuPay's 353 (JCB).

What has that shape and is none:
- A part of a longer token of letters and digits, a UUID's groups, the fraction of a number (47.4012888888881881). But
  15 digits or more at a token's start are one, whatever letters stand behind (`…exp1227`, `…D2512…`): only those
  of hexadecimal go on with a hash or an id.
- Up to 15 digits right behind a `+`: a telephone number (ITU-T E.164).
- A column of numbers of seven digits or more, one to a line.
- Numbers of four digits, or of one, with more of their like before or behind them, and those of a JSON array: a list.
- 12 or 13 digits right beside a letter, `-` or `_` (`shop-4512345678901`): hardly any card has so few, and many ids
  have; so whoever must send such ids has a way to.
Nobody is kept from hiding a number (reversed, in Base64, spelt out): this finds what is written by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from actors.domain.lookalikes import LOOKALIKES, UNSEEN

DIGITS_MIN = 12
DIGITS_MAX = 19
MASK = "[card number]"
# No request that we accept has as many numbers in which a card's could stand, or lists of such; beyond, the rest counts
# as one.
CANDIDATES_MAX = 10_000


class IssuerRange(NamedTuple):
    """`first` to `last`: the first four digits; `lengths`: how many digits a number has."""

    scheme: str
    first: int
    last: int
    lengths: tuple[int, ...]


# The first row that fits counts.
RANGES = (
    IssuerRange("UATP", 1000, 1999, (15,)),
    IssuerRange("Mir", 2200, 2204, (16, 17, 18, 19)),
    IssuerRange("Borica", 2205, 2205, (16,)),
    IssuerRange("Mastercard", 2221, 2720, (16,)),
    IssuerRange("Diners Club", 3000, 3059, (14, 15, 16, 17, 18, 19)),
    IssuerRange("Diners Club", 3095, 3095, (14, 15, 16, 17, 18, 19)),
    IssuerRange("American Express", 3400, 3499, (15,)),
    IssuerRange("JCB", 3528, 3589, (16, 17, 18, 19)),
    IssuerRange("Diners Club", 3600, 3699, (14, 15, 16, 17, 18, 19)),
    IssuerRange("American Express", 3700, 3799, (15,)),
    IssuerRange("Diners Club", 3800, 3999, (14, 15, 16, 17, 18, 19)),
    IssuerRange("Visa", 4000, 4999, (13, 16, 19)),
    IssuerRange("Mastercard", 5100, 5599, (16,)),
    IssuerRange("Discover", 6011, 6011, (16, 17, 18, 19)),
    IssuerRange("UnionPay", 6200, 6299, (16, 17, 18, 19)),
    IssuerRange("Discover", 6440, 6599, (16, 17, 18, 19)),
    IssuerRange("Maestro", 5000, 5099, (12, 13, 14, 15, 16, 17, 18, 19)),
    IssuerRange("Maestro", 5600, 6999, (12, 13, 14, 15, 16, 17, 18, 19)),
    IssuerRange("UnionPay, RuPay", 8100, 8199, (16, 17, 18, 19)),
    IssuerRange("RuPay", 8200, 8299, (16,)),
    IssuerRange("UzCard", 8600, 8600, (16,)),
    IssuerRange("Napas", 9704, 9704, (16, 19)),
    IssuerRange("Troy", 9792, 9792, (16,)),
    IssuerRange("Humo", 9860, 9860, (16,)),
)
_LENGTHS: dict[bytes, tuple[int, ...]] = {
    b"%04d" % prefix: row.lengths for row in reversed(RANGES) for prefix in range(row.first, row.last + 1)
}

# Every digit as `0`, what may stand between them left out: twelve zeros in a row are necessary for a number, and told
# at a nanosecond a byte.
_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_SEPARATORS = b" -\t\r\n.,/_"
_TWELVE = b"0" * DIGITS_MIN
# Where a number may begin, with no digit before it: a group of four digits or more, and enough behind it; or, where
# more may stand between them, the same everywhere, groups as cards have them, or every digit alone. It begins with what
# is looked for in C, which an assertion in front would prevent.
_START = re.compile(
    rb"[1-689](?<![0-9](?s:.))"
    rb"(?:[0-9]{3}(?=(?:(?:-|[ \t\r\n]{1,2})?[0-9]){8}"
    rb"|(?P<groups>(?P<of_card>[ \t\r\n.,/_-]{1,3})(?:[0-9]{4}(?P=of_card)[0-9]{4}(?P=of_card)[0-9]{4}"
    rb"(?P<rest>(?P=of_card)[0-9]{3})?|[0-9]{6}(?P=of_card)[0-9]{4,5})(?![0-9])))"
    rb"|(?P<alone>[ \t\r\n.,/_-]{1,3})(?:[0-9](?P=alone)){13,17}[0-9](?![0-9]))"
)
_GROUP = re.compile(rb"[0-9]{1,20}")
_BETWEEN = re.compile(rb"-|[ \t\r\n]{1,2}")
_USUAL = (b" ", b"-")
# How many of each digit alone are one: so ratings and sizes are written, too, and hardly any card has 12, 14 or 18.
_ALONE_LENGTHS = frozenset({15, 16, 19})
# Where copying has put more between the groups, or the end of a line, only those that cards have: numbers in
# a column have more digits.
_COPIED_GROUP_MAX = 6
# And fewer than DIGITS_MIN: nobody writes 123456789012-1, that is a number and a counter.
_INNER_GROUP_MIN = 4
_SIGNS = frozenset(b".,/_")


class _Like(NamedTuple):
    """Numbers of so many digits in a list. `behind`: another of it. `row`: from one of it to the next number that does
    not have such a one before it and the same between them behind it."""

    digits: int
    behind: re.Pattern[bytes]
    row: re.Pattern[bytes]


def _row(number: bytes) -> re.Pattern[bytes]:
    # `re` keeps something of each number until the end of the row; a longer one is taken in pieces.
    return re.compile(rb"[0-9]+([ \t\r\n.,/_-]{1,3})(?:%b\1(?=[0-9])){,1000}" % number)


# Behind a card's number its date is none (1227).
_FOURS = _Like(4, re.compile(rb"(?!(?:0[1-9]|1[0-2])[2-4][0-9](?![0-9]))[0-9]{4}(?![0-9])"), _row(b"[0-9]{4}"))
_ONES = _Like(1, re.compile(rb"[0-9](?![0-9])"), _row(b"[0-9]"))
# Signs join a date or a price to a list as well; what has a card's digits is looked at by itself.
_SIGNED_ROW = _row(b"[0-9]{1,%d}" % (DIGITS_MIN - 1))
_ARRAY_SIGHT = 128
_IN_ARRAY = b"0123456789.,+-eE \t\r\n"
_LUHN_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_JOINING = frozenset(bytes([byte]) for byte in _LETTERS + b"0123456789-_")
_TOKEN_SIGHT = 32
# Digits that are found by a token's letters behind them, too: not those of shorter ids. A hash or an id in hexadecimal
# goes on with A to F only; a magnetic stripe (ISO/IEC 7813) with D, its date and its service code.
_TOKEN_DIGITS_MIN = 15
_HEX = re.compile(rb"(?!D[0-9]{7})[A-Fa-f]*(?![A-Za-z])")
_UUID = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
_UUID_CHARS = 36
_PHONE_DIGITS_MAX = 15
_SHORT_DIGITS_MAX = 13


def luhn(digits: bytes) -> bool:
    """Whether the last of these ASCII digits is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_LUHN_DOUBLED)) - 48 * len(digits)
    return total % 10 == 0


def may_hold(data: bytes) -> bool:
    """False when there can be no number in this; the quick question."""
    return _TWELVE in data.translate(_AS_ZEROS, _SEPARATORS)


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each number in ASCII text, in order; worth asking for when it `may_hold` one. After
    CANDIDATES_MAX numbers that could be one the rest counts as one: only a text made to be slow has so many."""
    at = count = 0
    while (candidate := _START.search(data, at)) is not None:
        start, at = candidate.span()
        count += 1
        if count > CANDIDATES_MAX:
            yield start, len(data)
            return
        if candidate.lastgroup is None:
            lengths = _LENGTHS.get(candidate[0])
            end = _end(data, start, lengths) if lengths is not None else 0
        elif row := _row_of(data, candidate):
            at = row.end()
            continue
        else:
            end = _end_of_spread(data, candidate)
        if end:
            at = end
            yield start, end


def _end_of_spread(data: bytes, found: re.Match[bytes]) -> int:
    """Where the number ends that stands there in a card's groups, or digit by digit, with the same separator between
    them; 0 when there is none."""
    start, end = found.start(), _end_of(found)
    # What stands behind the groups may be a security code.
    for at in (end, found.start("rest")) if found["rest"] else (end,):
        digits = data[start:at].translate(None, _SEPARATORS)
        if found["alone"] and len(digits) not in _ALONE_LENGTHS:
            continue
        if len(digits) in _LENGTHS.get(digits[:4], ()) and luhn(digits) and _alone(data, start, at, len(digits)):
            return at
    return 0


def _end_of(found: re.Match[bytes]) -> int:
    return found.end("groups") if found["groups"] else found.end()


def _row_of(data: bytes, found: re.Match[bytes]) -> re.Match[bytes] | None:
    """The list that it is in, up to where that may end: it goes on like that before or behind, or is part of a JSON
    array, so these are several numbers."""
    start, end = found.start(), _end_of(found)
    between, like_it = (found["of_card"], _FOURS) if found["of_card"] else (found["alone"], _ONES)
    signs = not _SIGNS.isdisjoint(between)
    # Only the few bytes in front: each number of a long list may be asked about.
    before = start - len(between)
    is_list = data.startswith(between, max(0, before)) and data[max(0, before - 1) : before].isdigit()
    if is_list and not signs:
        # Blanks and dashes join only what has as many digits.
        is_list = _digits_before(data, before) == like_it.digits
    if not is_list:
        is_list = data.startswith(between, end) and like_it.behind.match(data, end + len(between)) is not None
    if not is_list and b"," in between:
        is_list = data[max(0, start - _ARRAY_SIGHT) : start].rstrip(_IN_ARRAY).endswith(b"[")
    return (_SIGNED_ROW if signs else like_it.row).match(data, start) if is_list else None


def _digits_before(data: bytes, end: int) -> int:
    """How many there are in front of this place, of as many as matter."""
    few = data[max(0, end - _FOURS.digits - 1) : end]
    return len(few) - len(few.rstrip(b"0123456789"))


def _end(data: bytes, start: int, lengths: tuple[int, ...]) -> int:
    """Where the number that begins here ends, 0 when none does: the longest of those that its groups make."""
    digits, at, found, copied = b"", start, 0, False
    while True:
        group = _GROUP.match(data, at)
        if group is None:
            return found
        digits += group[0]
        if len(digits) > DIGITS_MAX:
            return found
        end = group.end()
        if copied and end - at > _COPIED_GROUP_MAX:
            return found
        if len(digits) in lengths and luhn(digits) and _alone(data, start, end, len(digits)):
            found = end
        between = _BETWEEN.match(data, end)
        if between is None or not _INNER_GROUP_MIN <= end - at < DIGITS_MIN:
            return found
        copied = between[0] not in _USUAL
        if copied and end - at > _COPIED_GROUP_MAX:
            return found
        at = between.end()


def _alone(data: bytes, start: int, end: int, digits: int) -> bool:
    """Whether it is a number of its own, by what stands beside it."""
    before, after = data[max(0, start - _TOKEN_SIGHT) : start], data[end : end + _TOKEN_SIGHT]
    if digits <= _SHORT_DIGITS_MAX and (before[-1:] in _JOINING or after[:1] in _JOINING):
        return False
    if before[-1:] == b"+" and digits <= _PHONE_DIGITS_MAX:
        return False
    if before[-1:] == b"." and before[-2:-1].isdigit():
        return False
    # No digit stands right beside it: one before or behind letters belongs to a token such as `9f8412…`.
    if before.rstrip(_LETTERS)[-1:].isdigit():
        return False
    if after.lstrip(_LETTERS)[:1].isdigit() and (digits < _TOKEN_DIGITS_MIN or _HEX.match(after)):
        return False
    from_ = max(0, start - _UUID_CHARS)
    around = data[from_ : end + _UUID_CHARS]
    return not any(uuid.start() <= start - from_ and end - from_ <= uuid.end() for uuid in _UUID.finditer(around))


def masked(text: str) -> str:
    """The text with MASK in the place of each number."""
    if text.isascii():
        return _masked(text, text.encode())
    if UNSEEN.search(text):
        seen = [place for place, char in enumerate(text) if not UNSEEN.match(char)]
        text = _masked(text, _alike("".join(text[place] for place in seen)), seen)
    return _masked(text, _alike(text))


def _alike(text: str) -> bytes:
    """One byte a character, so that places are the same in both."""
    return text.translate(LOOKALIKES).encode("ascii", "replace")


def _masked(text: str, data: bytes, places: Sequence[int] = ()) -> str:
    """`data`: how the text is read. `places`: where in the text each byte of that stands, if it
    is not at the same place."""
    if not may_hold(data):
        return text
    places = places or range(len(text))
    for start, end in reversed(list(spans(data))):
        text = f"{text[: places[start]]}{MASK}{text[places[end - 1] + 1 :]}"
    return text
