"""The rows of a CSV file (RFC 4180), each by itself: one that is none is told with its reason, and the
next begins on the next line.

A quoted field may go over several lines. A stray quote looks the same at first, and must not take the rows behind it
with it, which would then be neither taken nor told. So lines are joined only within limits, and only where the quote
that ends them is not that of a row of its own.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, TextIO

# They bound the memory of the reader, and how far it looks for the end of a quote.
ROW_CHARS_MAX: Final = 65_536  # with what ends its lines
ROW_LINES_MAX: Final = 20

_LINE_ENDS: Final = "\r\n"


class Rows:
    """Reads text that was opened with `newline=""`. First `header`, then `numbered`. `joined`: how many rows
    went over several lines."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._ahead: deque[str] = deque()  # lines that were looked at and are to be read again
        self._after_return = False
        self.joined = 0

    def header(self) -> list[str]:
        """The fields of the first line; it is never joined, since nothing says yet how many there should be. Raises
        csv.Error, StopIteration."""
        line = self._next_line()
        if len(line) > ROW_CHARS_MAX:
            raise csv.Error(f"longer than {ROW_CHARS_MAX:,} characters")
        return next(csv.reader((line,) if line else (), strict=True))

    def numbered(self, fields: int) -> Iterator[tuple[int, list[str] | str]]:
        """Each row's fields, or why it is none, with the number in the file of the line that it
        begins on; the header's is 1."""
        number = 2
        while line := self._next_line():
            lines = 1
            if line.strip(_LINE_ENDS):
                found, lines = self._row(line, fields)
                self.joined += lines > 1
                yield number, found
            number += lines

    def _row(self, line: str, fields: int) -> tuple[list[str] | str, int]:
        """What begins with this line, and on how many it stands."""
        if len(line) > ROW_CHARS_MAX:
            return f"longer than {ROW_CHARS_MAX:,} characters", 1
        found, behind = self._record(line)
        if behind and (isinstance(found, str) or _is_stray(line, found, behind, fields)):
            self._ahead.extendleft(reversed(behind))
            found, behind = _parsed((line,)), []
        if not isinstance(found, str) and len(found) != fields:
            found = f"{len(found)} fields where the header has {fields}"
        return found, 1 + len(behind)

    def _record(self, line: str) -> tuple[list[str] | str, list[str]]:
        """The record that begins with this line, or why it is none, as when it does not end within the limits; and the
        lines behind it that were looked at."""
        behind: list[str] = []

        def lines() -> Iterator[str]:
            """The reader asks for another line only while a quote is open at the end of the last one."""
            yield line
            chars = len(line)
            while len(behind) < ROW_LINES_MAX - 1 and (following := self._next_line()):
                behind.append(following)
                chars += len(following)
                if chars > ROW_CHARS_MAX:
                    return
                yield following

        return _parsed(lines()), behind

    def _next_line(self) -> str:
        """The next line with its end, "" behind the last one. Of one that is too long only the beginning, itself too
        long; the rest is read past, bit by bit."""
        if self._ahead:
            return self._ahead.popleft()
        line = piece = self._piece()
        while len(piece) > ROW_CHARS_MAX and piece[-1] not in _LINE_ENDS:
            piece = self._piece()
        return line

    def _piece(self) -> str:
        """A line, or as much of it as may be looked at; never the rest of an end of two characters that was cut between
        them, which would count as a line."""
        piece = self._text.readline(ROW_CHARS_MAX + 1)
        if piece == "\n" and self._after_return:
            piece = self._text.readline(ROW_CHARS_MAX + 1)
        self._after_return = piece.endswith("\r")
        return piece


def _parsed(lines: Iterable[str]) -> list[str] | str:
    """The fields of the first record, or why it is none."""
    try:
        return next(csv.reader(lines, strict=True))
    except csv.Error as error:
        return f"not a CSV row: {error}"


def _is_stray(first: str, values: list[str], behind: list[str], fields: int) -> bool:
    """Was a quote that joined these lines a letter, and the one that ended it that of another row (`"Retro lamp`, and
    some rows on `Monitor 19"`)?

    So it is where several of the lines behind are rows by themselves. Of one alone, the last, this may be chance: where
    a quoted field's last line has as many commas as there are columns before the field, as in the first column always.
    So where the record has all its fields, the first line has to be a row, too, its quote taken for a letter: then only
    a field with as many commas as the header looks so.
    """
    whole = [_is_whole(line, fields) for line in behind]
    if sum(whole) > 1:
        return True
    if not whole[-1] or len(values) != fields:
        return whole[-1]
    *before, opened = next(csv.reader((first,)))
    return len(before) + 1 + opened.count(",") == fields


def _is_whole(line: str, fields: int) -> bool:
    alone = _parsed((line,))
    return not isinstance(alone, str) and len(alone) == fields
