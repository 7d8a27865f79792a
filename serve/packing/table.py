"""A table on paper that goes on over as many pages as it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from actors.paper import Sheet, step, wrapped

BODY_SIZE = 9.0
MARGIN_MM = 15.0
_GAP_MM = 2.0


class Column(NamedTuple):
    """share: of the room between the margins; all of a table's add up to 1. right: numbers end at the same place."""

    title: str
    share: float
    right: bool = False


def draw_table(
    sheet: Sheet,
    y: float,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    bottom: float,
    begin_page: Callable[[], float],
) -> float:
    """The rows below their titles, from y on; where the next line may be.

    A row is not parted between pages. bottom: how far down a page may be written; begin_page: makes another page and
    tells where on it the table goes on."""
    y = _titles(sheet, y, columns)
    for row in rows:
        cells = [_cell(sheet, column, text) for column, text in zip(columns, row, strict=True)]
        height = max(len(lines) for lines in cells) * step(BODY_SIZE)
        if y + height > bottom:
            y = _titles(sheet, begin_page(), columns)
        _row(sheet, y, columns, cells, bold=False)
        y += height + 1
    return y


def _titles(sheet: Sheet, y: float, columns: Sequence[Column]) -> float:
    cells = [_cell(sheet, column, column.title, bold=True) for column in columns]
    _row(sheet, y, columns, cells, bold=True)
    y += (max(len(lines) for lines in cells) - 1) * step(BODY_SIZE) + 1.5
    sheet.rule(MARGIN_MM, y, sheet.size.width - MARGIN_MM, y)
    return y + step(BODY_SIZE)


def _room(sheet: Sheet, column: Column) -> float:
    return column.share * (sheet.size.width - 2 * MARGIN_MM)


def _cell(sheet: Sheet, column: Column, text: str, *, bold: bool = False) -> list[str]:
    return wrapped(text, _room(sheet, column) - _GAP_MM, BODY_SIZE, bold=bold)


def _row(sheet: Sheet, y: float, columns: Sequence[Column], cells: Sequence[list[str]], *, bold: bool) -> None:
    x = MARGIN_MM
    for column, lines in zip(columns, cells, strict=True):
        room = _room(sheet, column)
        for number, line in enumerate(lines):
            at = y + number * step(BODY_SIZE)
            sheet.text(x + room - _GAP_MM if column.right else x, at, line, BODY_SIZE, bold=bold, right=column.right)
        x += room
