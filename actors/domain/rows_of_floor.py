"""Rows of buildings' floors: their queues, their trips, and which buildings have one. See `rows.py`."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from actors.domain.floor_terms import FloorTerms
from actors.domain.personal_notes import APPROVER


class FloorTermsRow(msgspec.Struct, array_like=True, gc=False):
    """The location's floor runs its picking, on these terms (MessagePack of `floor_terms.FloorTerms`)."""

    table: ClassVar[str] = "floor_terms"
    key: ClassVar[tuple[str, ...]] = ("location_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    terms: bytes = b""
    gone: bool = False


class FloorRow(msgspec.Struct, array_like=True, gc=False):
    """A floor. `works`, `trips`: how many are open; `state`: MessagePack of what is neither of them; `due_at`: when
    work comes to a mark (UTC ms), None for none."""

    table: ClassVar[str] = "floors"
    key: ClassVar[tuple[str, ...]] = ("location_id",)
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    version: int
    works: int
    trips: int
    state: bytes
    due_at: int | None = None


class FloorWorkRow(msgspec.Struct, array_like=True, gc=False):
    """A fulfilment in the queue. `units`: as wanted. Times: UTC ms."""

    table: ClassVar[str] = "floor_work"
    key: ClassVar[tuple[str, ...]] = ("location_id", "fulfilment_id")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    fulfilment_id: str
    status: str = ""
    priority: int = 0
    pick_by: int = 0
    placed_at: int = 0
    units: int = 0
    state: bytes = b""
    gone: bool = False


class FloorTripRow(msgspec.Struct, array_like=True, gc=False):
    """A trip that is not over. `picker`: "" for nobody. `pick_by`: UTC ms."""

    table: ClassVar[str] = "floor_trips"
    key: ClassVar[tuple[str, ...]] = ("location_id", "trip")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    trip: int
    picker: Annotated[str, APPROVER] = ""
    pick_by: int = 0
    state: bytes = b""
    gone: bool = False


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FloorTerms).decode


def floor_terms_row(location_id: str, terms: FloorTerms | None) -> FloorTermsRow:
    """The row; without terms it is gone."""
    return FloorTermsRow(location_id, gone=True) if terms is None else FloorTermsRow(location_id, _encode(terms))


def floor_terms_of(row: FloorTermsRow) -> FloorTerms:
    """The terms from their row."""
    return _decode(row.terms)
