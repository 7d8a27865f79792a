"""Reads the bars of our PDFs back as a scanner would: from where black begins and ends, by a table of
Code 128 that is not ours."""

from __future__ import annotations

import io
from typing import NamedTuple

from pypdf import PageObject, PdfReader
from reportlab.graphics.barcode import code128

# Letters are widths, the capital ones are black.
PATTERNS = ["".join(str(ord(sign.lower()) - ord("a") + 1) for sign in code128._patterns[value]) for value in range(107)]
STOP = PATTERNS.pop()
FNC1 = 102
GS = "\x1d"
POINTS_PER_MM = 72 / 25.4


class Bar(NamedTuple):
    """In mm from the left edge and from the lower one."""

    x: float
    y: float
    width: float
    height: float


class Symbol(NamedTuple):
    """What was read. text: without the FNC1 in front, GS for those within."""

    text: str
    module_mm: float
    left_mm: float
    right_mm: float
    height_mm: float


def bars_of(page: PageObject) -> list[Bar]:
    """All filled rectangles, from left to right."""
    stack: list[tuple[float, ...]] = []
    matrix: tuple[float, ...] = (1, 0, 0, 1, 0, 0)
    drawn: list[Bar] = []
    contents = page.get_contents()
    assert contents is not None
    for operands, operator in contents.operations:
        if operator == b"q":
            stack.append(matrix)
        elif operator == b"Q":
            matrix = stack.pop()
        elif operator == b"cm":
            a, b, c, d, e, f = (float(number) for number in operands)
            assert (a, b, c, d) == (1, 0, 0, 1), "nothing is turned or scaled"
            matrix = (1, 0, 0, 1, matrix[4] + e, matrix[5] + f)
        elif operator == b"re":
            x, y, width, height = (float(number) for number in operands)
            numbers = (x + matrix[4], y + matrix[5], width, height)
            drawn.append(Bar(*(number / POINTS_PER_MM for number in numbers)))
    return sorted(drawn)


def read_symbol(pdf: bytes, page: int = 0) -> Symbol:
    """The one GS1-128 of a page. AssertionError: it is none, or its check character does not fit."""
    bars = bars_of(PdfReader(io.BytesIO(pdf)).pages[page])
    total = bars[-1].x + bars[-1].width - bars[0].x
    # Each character has 11 modules and three bars; the stop has 13 and four.
    characters = (len(bars) - 4) // 3
    module = total / (11 * characters + 13)
    widths = []
    for bar, after in zip(bars, [*bars[1:], None], strict=True):
        widths.append(round(bar.width / module))
        if after is not None:
            widths.append(round((after.x - bar.x - bar.width) / module))
    signs = "".join(map(str, widths))
    assert signs.endswith(STOP)
    values = [PATTERNS.index(signs[at : at + 6]) for at in range(0, 6 * characters, 6)]
    *values, check = values
    assert check == (values[0] + sum(at * value for at, value in enumerate(values))) % 103, "the check character"
    heights = {round(bar.height, 3) for bar in bars}
    assert len(heights) == 1
    return Symbol(_text(values), module, bars[0].x, bars[-1].x + bars[-1].width, heights.pop())


def _text(values: list[int]) -> str:
    """By the subsets A, B and C."""
    subset = {103: "A", 104: "B", 105: "C"}[values[0]]
    assert values[1] == FNC1, "FNC1 in front makes it a GS1-128"
    text = ""
    for value in values[2:]:
        if value == FNC1:
            text += GS
        elif subset == "C" and value < 100:
            text += f"{value:02}"
        elif (subset, value) in (("A", 100), ("C", 100)):
            subset = "B"
        elif (subset, value) in (("B", 99), ("A", 99)):
            subset = "C"
        elif (subset, value) in (("B", 101), ("C", 101)):
            subset = "A"
        else:
            assert subset == "B", "we write no control characters"
            assert value < 95
            text += chr(value + 32)
    return text
