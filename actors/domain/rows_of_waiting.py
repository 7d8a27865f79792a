"""Rows of the lines in which orders wait at locations. See `rows.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from actors.domain.location_line import Came, WaitingLine, line_changed
from actors.domain.location_line_events import (
    Changed,
    DatesDue,
    DatesLooked,
    GoodsCame,
    LineChanged,
    LineDated,
    LineDue,
    LinePassed,
    LineServed,
    LineTurn,
    Rank,
    Waiter,
)


class WaiterRow(msgspec.Struct, array_like=True, gc=False):
    """An order in line at a location. `placed_at`: UTC ms; `units`: it still wants; `state`: MessagePack of
    `location_line.Waiter`. The row without an order (order_id "") says when the line has to be looked at (`placed_at`);
    one of which it is `NOTE` and a SKU has what is counted or due for that (`state`)."""

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


# No order's id begins with it.
NOTE = "#"


class Note(msgspec.Struct, array_like=True, gc=False):
    """Of one SKU: `given`, `dates`, `doubted`, `came`, `rests`, see `WaitingLine`; None where there is nothing."""

    given: int | None = None
    date: tuple[int, Rank | None] | None = None
    doubted: bool = False
    # Once it said only when some came last.
    came: list[Came] | int | None = None
    rests_ms: int | None = None


_NOTHING = Note()
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Waiter).decode
_decode_note = msgspec.msgpack.Decoder(Note).decode


def waiter_row(location_id: str, order_id: str, line: WaitingLine | None) -> WaiterRow:
    """The order's row; when it is not in line, it is gone."""
    waiter = line.waiters.get(order_id) if line is not None else None
    if waiter is None:
        return WaiterRow(location_id, order_id, gone=True)
    return WaiterRow(location_id, order_id, waiter.placed_ms, sum(waiter.lines.values()), _encode(waiter))


def note_row(location_id: str, sku: str, line: WaitingLine | None) -> WaiterRow:
    """What is counted, due or remembered for the SKU; gone when there is nothing."""
    note = _NOTHING
    if line is not None:
        note = Note(
            line.given.get(sku), line.dates.get(sku), sku in line.doubted, line.came.get(sku), line.rests.get(sku)
        )  # fmt: skip
    if note == _NOTHING:
        return WaiterRow(location_id, NOTE + sku, gone=True)
    return WaiterRow(location_id, NOTE + sku, state=_encode(note))


def rows_of_line(location_id: str, line: WaitingLine | None, event: Changed) -> Iterable[WaiterRow]:
    """What has changed in it by the event."""
    noted: Iterable[str] = ()
    if type(event) is LineChanged:
        yield waiter_row(location_id, event.waiter.order_id, line)
        noted = [*event.waiter.lines, *event.left] if event.waiter.turn is not None else event.left
    elif type(event) is LineServed:
        yield waiter_row(location_id, event.order_id, line)
        noted = [
            sku for sku, _ in event.lines if line is None or _is_noted(line, sku) or _took_all(line, event.order_id)
        ]
    elif type(event) is LineTurn:
        yield waiter_row(location_id, event.order_id, line)
        waiter = line.waiters.get(event.order_id) if line is not None else None
        noted = waiter.lines if waiter is not None else ()
    elif type(event) is LineDated:
        yield waiter_row(location_id, event.order_id, line)
    elif type(event) is LinePassed or type(event) is DatesDue or type(event) is GoodsCame:
        noted = event.skus
        if type(event) is LinePassed and event.order_id:
            yield waiter_row(location_id, event.order_id, line)
    elif type(event) is DatesLooked:
        noted = (event.sku,)
    elif type(event) is LineDue and line is not None:
        yield due_row(location_id, event.due_ms)
    for sku in noted:
        yield note_row(location_id, sku, line)
    if line is None:
        yield due_row(location_id, None)


def _is_noted(line: WaitingLine, sku: str) -> bool:
    """Is something counted of it, or has nothing to be looked at any more?"""
    return sku in line.given or sku not in line.queues


def _took_all(line: WaitingLine, order_id: str) -> bool:
    """Perhaps that was what was counted for."""
    waiter = line.waiters.get(order_id)
    return waiter is None or waiter.whole


def due_row(location_id: str, due_ms: int | None) -> WaiterRow:
    """When the line has to be looked at."""
    return WaiterRow(location_id, "", gone=True) if due_ms is None else WaiterRow(location_id, "", due_ms)


def line_of(rows: Iterable[WaiterRow]) -> WaitingLine | None:
    """The line from its rows; None when nobody waits."""
    line: WaitingLine | None = None
    notes: list[tuple[str, Note]] = []
    for row in rows:
        if row.order_id.startswith(NOTE):
            # Of one with no SKU, as they were once, nothing is taken: it is counted anew.
            notes += [(row.order_id[len(NOTE) :], _decode_note(row.state))] if row.order_id != NOTE else []
        elif row.order_id:
            line = line_changed(line, LineChanged(_decode(row.state)))
        else:
            line = line or WaitingLine()
            line.due_ms = row.placed_at
    for sku, note in notes if line is not None else ():
        assert line is not None
        if note.given is not None and sku in line.given:
            line.given[sku] = note.given
        if note.date is not None:
            line.dates[sku] = note.date
        if note.doubted:
            line.doubted.add(sku)
        if note.came is not None:
            line.came[sku] = note.came if isinstance(note.came, list) else [(note.came, 0)]
        if note.rests_ms is not None:
            line.rests[sku] = note.rests_ms
    return line
