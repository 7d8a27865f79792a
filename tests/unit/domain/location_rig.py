"""Books of one location with lots or bins, and what is refused there, for tests of its parts."""

from __future__ import annotations

import copy

import pytest

from actors.domain.errors import Refused
from actors.domain.location_commands import DefineBins, ReceiptLine, ReceiveStock
from actors.domain.location_events import Bin
from tests.unit.domain.books import TODAY, Books

BINS = [Bin("A-01", "A", 1, 1, 0), Bin("A-02", "A", 1, 2, 0, units_max=5), Bin("B-01", "B", 2, 1, 0)]


def refused(books: Books, command) -> str:
    before = copy.deepcopy((books.state, books.version, books.stored))
    with pytest.raises(Refused) as error:
        books.do(command)
    assert (books.state, books.version, books.stored) == before, "a refusal changed something"
    return error.value.body.code


def lot(sku: str, name: str, units: int, days: int | None = None, **more) -> ReceiptLine:
    return ReceiptLine(sku, units, None, name, None if days is None else TODAY + days, **more)


def with_lots(**lots: tuple[int, int]) -> Books:
    books = Books()
    books.do(ReceiveStock([lot("m", name, units, days) for name, (units, days) in lots.items()]))
    return books


def with_bins(**units: int) -> Books:
    books = Books().with_units(**units)
    books.do(DefineBins(BINS))
    return books
