"""Rows of the lines in which orders wait at locations. See `rows.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from actors.domain.location_line import (
    Changed,
    DatesDue,
    DatesLooked,
    LineChanged,
    LineDated,
    LineDue,
    LinePassed,
    LineServed,
    LineTurn,
    Rank,
    Waiter,
    WaitingLine,
    line_changed,
)


class WaiterRow(msgspec.Struct, array_like=True, gc=False):
    """An order in line at a location. `placed_at`: UTC ms; `units`: it still wants; `state`: MessagePack of `location_line.Waiter`. The row without an order (order_id "") says when the line
    has to be looked at (`placed_at`); that of `NOTES` has what is counted for all (`state`)."""

    table: ClassVar[str] = "waiters"
    key: ClassVar[tuple[str, ...]] = ("location_id", "order_id")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    order_id: str
    placed_at: int = 0
    units: int = 0
    state: bytes = b""
    gone: bool = False


# No order has this id.
NOTES = "#"


class Notes(msgspec.Struct, array_like=True, gc=False):
    """`given`, `dates`: see `WaitingLine`."""

    given: dict[str, int] = {}
    dates: dict[str, tuple[int, Rank | None]] = {}


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Waiter).decode
_decode_notes = msgspec.msgpack.Decoder(Notes).decode


def waiter_row(location_id: str, order_id: str, line: WaitingLine | None) -> WaiterRow:
    """The order's row; when it is not in line, it is gone."""
    waiter = line.waiters.get(order_id) if line is not None else None
    if waiter is None:
        return WaiterRow(location_id, order_id, gone=True)
    return WaiterRow(location_id, order_id, waiter.placed_ms, sum(waiter.lines.values()), _encode(waiter))


def notes_row(location_id: str, line: WaitingLine | None) -> WaiterRow:
    """What is counted for all; gone when there is nothing."""
    if line is None or not (line.given or line.dates):
        return WaiterRow(location_id, NOTES, gone=True)
    return WaiterRow(location_id, NOTES, state=_encode(Notes(line.given, line.dates)))


def rows_of_line(location_id: str, line: WaitingLine | None, event: Changed) -> Iterable[WaiterRow]:
    """What has changed in it by the event."""
    noted = False
    if type(event) is LineChanged:
        yield waiter_row(location_id, event.waiter.order_id, line)
        noted = event.waiter.turn is not None
    elif type(event) is LineServed:
        yield waiter_row(location_id, event.order_id, line)
        noted = line is not None and any(sku in line.given for sku, _ in event.lines)
    elif type(event) is LineTurn:
        yield waiter_row(location_id, event.order_id, line)
        noted = event.until_ms is None
    elif type(event) is LineDated:
        yield waiter_row(location_id, event.order_id, line)
    elif type(event) is LinePassed or type(event) is DatesDue or type(event) is DatesLooked:
        noted = True
    elif type(event) is LineDue and line is not None:
        yield due_row(location_id, event.due_ms)
    if noted or line is None:
        yield notes_row(location_id, line)
    if line is None:
        yield due_row(location_id, None)


def due_row(location_id: str, due_ms: int | None) -> WaiterRow:
    """When the line has to be looked at."""
    return WaiterRow(location_id, "", gone=True) if due_ms is None else WaiterRow(location_id, "", due_ms)


def line_of(rows: Iterable[WaiterRow]) -> WaitingLine | None:
    """The line from its rows; None when nobody waits."""
    line: WaitingLine | None = None
    for row in rows:
        if row.order_id == NOTES:
            line = line or WaitingLine()
            notes = _decode_notes(row.state)
            line.given |= notes.given
            line.dates |= notes.dates
        elif row.order_id:
            line = line_changed(line, LineChanged(_decode(row.state)))
        else:
            line = line or WaitingLine()
            line.due_ms = row.placed_at
    return line
