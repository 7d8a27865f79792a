"""Element strings of GS1: what a scanner reads from a GS1-128, a GS1 DataMatrix or a GS1 QR code, as
application identifiers and values.

    ]C1 01 09521234000044 17 270301 10 AB-12 ␝ 37 24        as scanned: ␝ (GS, 0x1D) stands for FNC1 behind values of variable length
    (01)09521234000044(17)270301(10)AB-12(37)24             as printed below the bars and typed by people

Source: GS1 General Specifications: 3.2 to 3.8 (the identifiers), 7.8.6 (which have a predefined length and need no
FNC1), 7.11 (character set 82), 7.12 (the century of a date). Only what a warehouse meets is known here; an unknown
identifier ends reading, since nothing says how long its value is.

In the printed form a bracket that belongs to a value has a backslash before it, which no value can hold.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Literal, NamedTuple

import msgspec

from actors.domain.errors import Refused
from actors.domain.gs1 import checked, is_digits

FNC1 = "\x1d"
# Longer than any symbol: a GS1-128 has 48 characters, and composite codes of trade items stay below 500.
TEXT_MAX = 500
# What scanners put in front: GS1-128, DataBar, DataMatrix, QR, DotCode (5.1.3).
SYMBOLOGIES = ("]C1", "]e0", "]d2", "]Q3", "]J1")
CHARACTERS = frozenset("!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
WEIGHT_DIGITS = 6
# 310n: n digits behind the point of kilograms.
WEIGHT_POINTS_MAX = 5
_GRAM_POINTS = 3
_GRAMS_PER_KG = 1_000

Form = Literal["key", "date", "digits", "text"]


class Identifier(NamedTuple):
    """What an application identifier announces. Lengths: of the value, in characters. predefined: no FNC1 is
    needed behind it (7.8.6)."""

    ai: str
    title: str
    form: Form
    shortest: int
    longest: int
    predefined: bool


IDENTIFIERS = {
    row.ai: row
    for row in (
        Identifier("00", "SSCC", "key", 18, 18, True),
        Identifier("01", "GTIN", "key", 14, 14, True),
        Identifier("02", "GTIN of the content", "key", 14, 14, True),
        Identifier("10", "lot", "text", 1, 20, False),
        Identifier("11", "made on", "date", 6, 6, True),
        Identifier("15", "best before", "date", 6, 6, True),
        Identifier("17", "expires on", "date", 6, 6, True),
        Identifier("21", "serial number", "text", 1, 20, False),
        Identifier("30", "units of variable measure", "digits", 1, 8, False),
        *(
            Identifier(f"310{points}", "net weight, kg", "digits", WEIGHT_DIGITS, WEIGHT_DIGITS, True)
            for points in range(WEIGHT_POINTS_MAX + 1)
        ),
        Identifier("37", "units of the content", "digits", 1, 8, False),
        Identifier("400", "customer's order", "text", 1, 30, False),
        Identifier("410", "ship to", "key", 13, 13, True),
        Identifier("420", "postcode of ship to", "text", 1, 20, False),
    )
}
# 4.13: what only means something together, and what contradicts each other.
TOGETHER = (("02", "37"), ("37", "02"))
NEVER_TOGETHER = (("01", "02"),)


class Element(msgspec.Struct, frozen=True, gc=False):
    """An application identifier and its value, without brackets and FNC1."""

    ai: str
    value: str


def parse(text: str) -> list[Element]:
    """The elements of what a scanner sent, in its order. A symbology identifier, an FNC1 in front and one behind a
    predefined length are taken and mean nothing (7.8.5).

    Errors, each with `position` in `text`: `barcode.too_long`, `barcode.empty`, `barcode.unknown_identifier`,
    `barcode.length`, `barcode.not_digits`, `barcode.character`, `barcode.check_digit`, `barcode.date`,
    `barcode.repeated`, `barcode.incomplete`."""
    _check_length(text)
    at = next((len(mark) for mark in SYMBOLOGIES if text.startswith(mark)), 0)
    at += text.startswith(FNC1, at)
    elements: list[Element] = []
    while at < len(text):
        known = _identifier_at(text, at)
        begin = at + len(known.ai)
        at = _end_of_value(text, begin, known)
        elements.append(_element(known, text[begin:at], begin, elements))
        at += text.startswith(FNC1, at)
    return _whole(elements, len(text))


def write(elements: list[Element]) -> str:
    """What goes into the bars for these elements, in their order, without FNC1 in front (the
    symbol itself begins with it).

    Errors: those of `parse`; positions are in what would be written."""
    text = ""
    done: list[Element] = []
    for element in elements:
        known = _identifier(element.ai, len(text))
        text += known.ai
        done.append(_element(known, element.value, len(text), done))
        text += element.value + ("" if known.predefined else FNC1)
    _check_length(text)
    _whole(done, len(text))
    return text.removesuffix(FNC1)


def with_brackets(elements: list[Element]) -> str:
    """The line that people read below the bars."""
    return "".join(f"({element.ai}){_escaped(element.value)}" for element in elements)


def parse_brackets(text: str) -> list[Element]:
    """The elements of a line that a person typed: (01)09521234000044(10)AB-12. Errors: those of `parse`,
    and `barcode.brackets`."""
    _check_length(text)
    elements: list[Element] = []
    at = 0
    while at < len(text):
        close = text.find(")", at)
        if text[at] != "(" or close < 0:
            raise Refused("barcode.brackets", "An identifier in brackets has to stand here.", position=at)
        known = _identifier(text[at + 1 : close], at + 1)
        value, end = _typed_value(text, close + 1)
        elements.append(_element(known, value, close + 1, elements))
        at = end
    return _whole(elements, len(text))


def date_of(value: str, this_year: int) -> date:
    """The day that YYMMDD means in a year like `this_year`: years up to 50 ahead and 49 ago (7.12). Day
    00 is the month's last."""
    year = this_year - this_year % 100 + int(value[:2])
    if year - this_year > 50:
        year -= 100
    elif year - this_year < -49:
        year += 100
    month, day = int(value[2:4]), int(value[4:])
    return date(year, month, day or monthrange(year, month)[1])


def net_weight(grams: int) -> Element:
    """A net weight as (3103), or (3102), (3101) when it has no room otherwise; whole grams up to 999.999 kg are
    exact, more is cut to what fits.
    Errors: `barcode.weight`, when it is negative or more than six digits of kilograms."""
    for points in range(_GRAM_POINTS, -1, -1):
        told = grams // 10 ** (_GRAM_POINTS - points)
        if 0 <= told < 10**WEIGHT_DIGITS:
            return Element(f"310{points}", f"{told:0{WEIGHT_DIGITS}}")
    raise Refused("barcode.weight", "No net weight of a label.", weight_g=grams)


def weight_g(element: Element) -> int:
    """Grams of a (310n), fractions cut off."""
    parts: int = 10 ** int(element.ai[3])
    return int(element.value) * _GRAMS_PER_KG // parts


# --- reading --------------------------------------------------------------------------------------------------------
def _check_length(text: str) -> None:
    if not text:
        raise Refused("barcode.empty", "There is nothing in it.", position=0)
    if len(text) > TEXT_MAX:
        raise Refused("barcode.too_long", f"More than {TEXT_MAX} characters.", position=TEXT_MAX)


def _identifier_at(text: str, at: int) -> Identifier:
    """The identifier that begins here: no two begin alike, so the first that fits is it."""
    return next(
        (known for size in (2, 3, 4) if (known := IDENTIFIERS.get(text[at : at + size]))),
        None,
    ) or _identifier(text[at : at + 4], at)


def _identifier(ai: str, position: int) -> Identifier:
    known = IDENTIFIERS.get(ai)
    if known is None:
        raise Refused("barcode.unknown_identifier", "No application identifier that is known here.", position=position)
    return known


def _end_of_value(text: str, begin: int, known: Identifier) -> int:
    """One past the value: at its length, or at the next FNC1. A value that is too long is told by what looks at it."""
    if known.predefined:
        end = begin + known.longest
        cut = text.find(FNC1, begin, end)
        return min(end, len(text)) if cut < 0 else cut
    end = text.find(FNC1, begin)
    return len(text) if end < 0 else end


def _typed_value(text: str, at: int) -> tuple[str, int]:
    """The value up to the next bracket, and where that is."""
    value = ""
    while at < len(text) and text[at] != "(":
        at += text[at] == "\\" and text[at + 1 : at + 2] in ("(", ")")
        value += text[at]
        at += 1
    return value, at


def _escaped(value: str) -> str:
    return value.replace("(", "\\(").replace(")", "\\)")


# --- what must hold of an element -----------------------------------------------------------------------------------
def _element(known: Identifier, value: str, position: int, before: list[Element]) -> Element:
    if any(element.ai == known.ai for element in before):
        raise Refused("barcode.repeated", f"({known.ai}) stands twice.", position=position - len(known.ai))
    if not known.shortest <= len(value) <= known.longest:
        raise Refused(
            "barcode.length", f"({known.ai}) has {known.shortest} to {known.longest} characters, not {len(value)}.",
            position=position, ai=known.ai,
        )  # fmt: skip
    if known.form == "text":
        wrong = next((at for at, sign in enumerate(value) if sign not in CHARACTERS), None)
        if wrong is not None:
            raise Refused("barcode.character", "A character that GS1 does not know.", position=position + wrong)
    elif known.form == "key":
        checked(value, (known.longest,), position)
    elif not is_digits(value):
        wrong = next(at for at, sign in enumerate(value) if not is_digits(sign))
        raise Refused("barcode.not_digits", "Only digits may stand here.", position=position + wrong)
    elif known.form == "date":
        _check_date(value, position)
    return Element(known.ai, value)


def _check_date(value: str, position: int) -> None:
    try:
        # Which century is meant makes no difference to the calendar before 2100.
        date(2000 + int(value[:2]), int(value[2:4]), int(value[4:]) or 1)
    except ValueError:
        raise Refused("barcode.date", "No day of the calendar as YYMMDD.", position=position) from None


def _whole(elements: list[Element], position: int) -> list[Element]:
    """Refuses what is only half said, or contradicts itself."""
    found = {element.ai for element in elements}
    if not found:
        raise Refused("barcode.empty", "There is nothing in it.", position=position)
    for ai, needed in TOGETHER:
        if ai in found and needed not in found:
            raise Refused("barcode.incomplete", f"({ai}) needs ({needed}).", position=position, missing=needed)
    for ai, other in NEVER_TOGETHER:
        if ai in found and other in found:
            raise Refused("barcode.contradiction", f"({ai}) and ({other}) exclude each other.", position=position)
    return elements
