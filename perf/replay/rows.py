"""The rows of a CSV file (RFC 4180), each by itself: one that is none is told with its reason, and the next begins on the next line.

A quoted field may go over several lines. A quote that nobody closes looks the same at first, and must not take the rows behind it with it, which
would then be neither taken nor told. So lines are joined only within limits, and only where that gives a row with as many fields as the header has.
"""

import csv
from collections import deque
from collections.abc import Iterator
from typing import Final, TextIO

# They bound the memory of the reader, and how far it looks for the end of a quote.
ROW_CHARS_MAX: Final = 65_536  # with what ends its lines
ROW_LINES_MAX: Final = 20

_LINE_ENDS: Final = "\r\n"


class Rows:
    """Reads text that was opened with `newline=""`. First `header`, then `numbered`."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._ahead: deque[str] = deque()  # lines that were looked at and are to be read again

    def header(self) -> list[str]:
        """The fields of the first line; it is never joined, since nothing says yet how many there should be. Raises csv.Error, StopIteration."""
        line = self._next_line()
        if len(line) > ROW_CHARS_MAX:
            raise csv.Error(f"longer than {ROW_CHARS_MAX:,} characters")
        return next(csv.reader((line,) if line else (), strict=True))

    def numbered(self, fields: int) -> Iterator[tuple[int, list[str] | str]]:
        """Each row's fields, or why it is none, with the number of its first line: 1 is the one behind the header, blank ones between rows don't count."""
        number = 1
        while line := self._next_line():
            if not line.strip(_LINE_ENDS):
                continue
            found, lines = self._row(line, fields)
            yield number, found
            number += lines

    def _row(self, line: str, fields: int) -> tuple[list[str] | str, int]:
        """What begins with this line, and on how many it stands."""
        if len(line) > ROW_CHARS_MAX:
            return f"longer than {ROW_CHARS_MAX:,} characters", 1
        joined = self._joined(line, fields)
        if joined is not None:
            return joined
        try:
            values = next(csv.reader((line,), strict=True))
        except csv.Error as error:
            return f"not a CSV row: {error}", 1
        if len(values) != fields:
            return f"{len(values)} fields where the header has {fields}", 1
        return values, 1

    def _joined(self, line: str, fields: int) -> tuple[list[str], int] | None:
        """The row that begins with this line, where it has all fields; None where it has not, and then no line behind this one was taken."""
        behind: list[str] = []

        def record() -> Iterator[str]:
            """The reader asks for another line only while a quote is open at the end of the last one."""
            yield line
            chars = len(line)
            while len(behind) < ROW_LINES_MAX - 1 and (following := self._next_line()):
                behind.append(following)
                chars += len(following)
                if chars > ROW_CHARS_MAX:
                    return
                yield following

        try:
            values = next(csv.reader(record(), strict=True))
        except csv.Error:
            values = []
        if len(values) == fields:
            return values, 1 + len(behind)
        self._ahead.extendleft(reversed(behind))
        return None

    def _next_line(self) -> str:
        """The next line with its end, "" behind the last one. Of one that is too long only the beginning, itself too long; the rest is read past, bit by bit."""
        if self._ahead:
            return self._ahead.popleft()
        line = piece = self._text.readline(ROW_CHARS_MAX + 1)
        while len(piece) > ROW_CHARS_MAX and piece[-1] not in _LINE_ENDS:
            piece = self._text.readline(ROW_CHARS_MAX + 1)
        return line
