"""Rows of cycle counts: the counts, what changes in the spots that are being counted, and when each SKU was
counted last. See `rows.py`."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from actors.domain.location_state import CountedSpot, Counting, Passed
from actors.domain.personal_notes import APPROVER


class CountRow(msgspec.Struct, array_like=True, gc=False):
    """One count with its whole state. `spots`: how many, of which `settled` are done with; `variance_units`: base units
    over all that was accepted, whichever way they go. Times: UTC ms; `due_at`: when it is closed at the
    latest, None once it is."""

    table: ClassVar[str] = "counts"
    key: ClassVar[tuple[str, ...]] = ("count_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    count_id: str
    version: int
    status: str
    location_id: str
    reason: str
    spots: int
    settled: int
    variance_units: int
    opened_by: Annotated[str, APPROVER]
    opened_at: int
    due_at: int | None
    state: bytes


class CountingRow(msgspec.Struct, array_like=True, gc=False):
    """A spot of a location that is being counted: a bin, or a SKU outside of bins. `book`, `changes`: MessagePack of
    what lay there at `began_at` (UTC ms), and of what changed since."""

    table: ClassVar[str] = "counting"
    key: ClassVar[tuple[str, ...]] = ("location_id", "bin_id", "sku")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    bin_id: str
    sku: str
    count_id: str = ""
    began_at: int = 0
    lost: bool = False
    book: bytes = b""
    changes: bytes = b""
    gone: bool = False


class LastCountedRow(msgspec.Struct, array_like=True, gc=False):
    """When a SKU was counted last at a location, in any of the spots where it lies (UTC ms)."""

    table: ClassVar[str] = "last_counted"
    key: ClassVar[tuple[str, ...]] = ("location_id", "sku")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    sku: str
    counted_at: int


_encode = msgspec.msgpack.Encoder().encode
_decode_book = msgspec.msgpack.Decoder(list[tuple[str, str, int]]).decode
_decode_changes = msgspec.msgpack.Decoder(list[Passed]).decode


def counting_row(location_id: str, spot: CountedSpot, counting: Counting | None) -> CountingRow:
    """The spot's row; without `counting` it is gone."""
    if counting is None:
        return CountingRow(location_id, *spot, gone=True)
    book, changes = _encode(counting.book), _encode(counting.changes)
    return CountingRow(location_id, *spot, counting.count_id, counting.began_at_ms, counting.lost, book, changes)


def counting_of(row: CountingRow) -> tuple[CountedSpot, Counting]:
    """The spot from its row."""
    counting = Counting(row.count_id, row.began_at, _decode_book(row.book), _decode_changes(row.changes), row.lost)
    return (row.bin_id, row.sku), counting
