"""Paper: a PDF drawn by places in millimetres, with the letters that people's names have and
the bars that scanners read.

Used by what prints: packing slips and customs forms (`serve/packing/`), carriers' labels (`partners/`). The same
content gives the same bytes, so a document that is made again is the same document.

Letters: Noto Sans covers Latin, Greek and Cyrillic; what it lacks (emoji, Chinese, …) is shown as � and
not left out without a word.
Bars: GS1-128 (ISO/IEC 15417 with FNC1 first; GS1 General Specifications 5.4), module and height as 5.12.3.5
wants them on logistic units.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Literal, NamedTuple

from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from actors.domain.code128 import widths
from actors.domain.gs1_elements import Element, with_brackets, write

PaperName = Literal["a4", "letter", "label"]
REGULAR = "NotoSans"
BOLD = "NotoSans-Bold"
UNKNOWN = "\ufffd"
MODULE_MM = 0.495
BARS_HEIGHT_MM = 31.75
QUIET_MODULES = 10
# 5.4.1: characters of a symbol, identifiers and FNC1 between elements counted; and how wide it may be.
SYMBOL_CHARS_MAX = 48
SYMBOL_MM_MAX = 165.1
# Of the size of letters.
LEADING = 1.35


class Size(NamedTuple):
    """Of a page, in mm."""

    width: float
    height: float


SIZES: dict[PaperName, Size] = {
    "a4": Size(210, 297),  # ISO 216
    "letter": Size(215.9, 279.4),  # ANSI A
    "label": Size(101.6, 152.4),  # 4 × 6 inches, the usual roll of label printers
}


class Sheet:
    """Pages of one document. Places: mm from the left and from the top of the page; sizes of letters: points."""

    def __init__(self, paper: PaperName, title: str) -> None:
        _load_fonts()
        self.size = SIZES[paper]
        self._buffer = io.BytesIO()
        self._canvas = Canvas(
            self._buffer, pagesize=(self.size.width * mm, self.size.height * mm), invariant=1, pageCompression=1
        )
        self._canvas.setTitle(shown(title))
        self._canvas.setCreator("OCEFS")

    def text(self, x: float, y: float, text: str, size: float = 9, *, bold: bool = False, right: bool = False) -> None:
        """One line; y is its base line, x its left end or, with `right`, its right one."""
        self._canvas.setFont(BOLD if bold else REGULAR, size)
        draw = self._canvas.drawRightString if right else self._canvas.drawString
        draw(x * mm, (self.size.height - y) * mm, shown(text))

    def lines(self, x: float, y: float, lines: list[str], size: float = 9, *, bold: bool = False) -> float:
        """Lines below one another, the first one at y. Where the next one would be."""
        for line in lines:
            self.text(x, y, line, size, bold=bold)
            y += step(size)
        return y

    def rule(self, x: float, y: float, x2: float, y2: float) -> None:
        """A thin straight line."""
        self._canvas.setLineWidth(0.5)
        height = self.size.height
        self._canvas.line(x * mm, (height - y) * mm, x2 * mm, (height - y2) * mm)

    def gs1_128(self, x: float, y: float, elements: list[Element], height: float = BARS_HEIGHT_MM) -> float:
        """The bars of these elements with their line of text below, x and y being the upper left corner of the quiet
        zone. Where the next line may be. The caller knows that they are good elements and that they go into
        one symbol: see `symbol`."""
        left = at = x + QUIET_MODULES * MODULE_MM
        for number, modules in enumerate(symbol(elements)):
            if number % 2 == 0:
                self._black(at, y, modules * MODULE_MM, height)
            at += modules * MODULE_MM
        below = y + height + step(10)
        self.text(left, below, with_brackets(elements), 10)
        return below + step(10)

    def _black(self, x: float, y: float, width: float, height: float) -> None:
        self._canvas.rect(x * mm, (self.size.height - y - height) * mm, width * mm, height * mm, stroke=0, fill=1)

    def next_page(self) -> None:
        """Ends this page and begins another one of the same size."""
        self._canvas.showPage()

    def pdf(self) -> bytes:
        """The document; nothing may be drawn afterwards."""
        self._canvas.save()
        return self._buffer.getvalue()


def symbol(elements: list[Element]) -> list[int]:
    """The widths of a GS1-128, in modules, bars and blanks in turns. ValueError: more than goes into one symbol."""
    text = write(elements)
    if len(text) > SYMBOL_CHARS_MAX:
        raise ValueError(f"{len(text)} characters, {SYMBOL_CHARS_MAX} go into a GS1-128")
    found = widths(text)
    if (sum(found) + 2 * QUIET_MODULES) * MODULE_MM > SYMBOL_MM_MAX:
        raise ValueError(f"wider than {SYMBOL_MM_MAX} mm, the most of a GS1-128")
    return found


def step(size: float) -> float:
    """From one line to the next, in mm, with letters of so many points."""
    return float(size * LEADING / mm)


def width(text: str, size: float = 9, *, bold: bool = False) -> float:
    """How long the text is, in mm."""
    _load_fonts()
    return float(pdfmetrics.stringWidth(shown(text), BOLD if bold else REGULAR, size) / mm)


def wrapped(text: str, room: float, size: float = 9, *, bold: bool = False) -> list[str]:
    """The text in lines of at most `room` mm, parted at blanks; a word that is longer is parted where it has
    to be. At least one line."""
    lines = [""]
    for word in text.split():
        if width(f"{lines[-1]} {word}".lstrip(), size, bold=bold) <= room:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
            continue
        if lines[-1]:
            lines.append("")
        for sign in word:
            if lines[-1] and width(lines[-1] + sign, size, bold=bold) > room:
                lines.append("")
            lines[-1] += sign
    return lines


def shown(text: str) -> str:
    """The text with � for each letter that the font lacks."""
    known = _letters()
    return "".join(sign if ord(sign) in known else UNKNOWN for sign in text)


@cache
def _load_fonts() -> None:
    # Unpacking takes some 50 ms: done when the first document is made.
    from pymupdf_fonts.NotoSans_Bold import fontbuffer as bold
    from pymupdf_fonts.NotoSans_Regular import fontbuffer as regular

    for name, data in ((REGULAR, regular), (BOLD, bold)):
        pdfmetrics.registerFont(TTFont(name, io.BytesIO(data)))


@cache
def _letters() -> frozenset[int]:
    """Code points that both faces have and that are no control characters (the font draws nothing for those)."""
    _load_fonts()
    regular, bold = (frozenset(pdfmetrics.getFont(name).face.charToGlyph) for name in (REGULAR, BOLD))
    return frozenset(code for code in regular & bold if chr(code).isprintable())
