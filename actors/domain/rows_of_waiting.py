"""Rows of the lines in which orders wait at locations. See `rows.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from actors.domain.location_line import LineChanged, Waiter, WaitingLine, line_changed


class WaiterRow(msgspec.Struct, array_like=True, gc=False):
    """An order in line at a location. `placed_at`: UTC ms; `units`: it still wants; `state`: MessagePack of `location_line.Waiter`. The row without an order (order_id "") says when the line
    has to be looked at (`placed_at`)."""

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


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Waiter).decode


def waiter_row(location_id: str, order_id: str, line: WaitingLine | None) -> WaiterRow:
    """The order's row; when it is not in line, it is gone."""
    waiter = line.waiters.get(order_id) if line is not None else None
    if waiter is None:
        return WaiterRow(location_id, order_id, gone=True)
    return WaiterRow(location_id, order_id, waiter.placed_ms, sum(waiter.lines.values()), _encode(waiter))


def due_row(location_id: str, due_ms: int | None) -> WaiterRow:
    """When the line has to be looked at."""
    return WaiterRow(location_id, "", gone=True) if due_ms is None else WaiterRow(location_id, "", due_ms)


def line_of(rows: Iterable[WaiterRow]) -> WaitingLine | None:
    """The line from its rows; None when nobody waits."""
    line: WaitingLine | None = None
    for row in rows:
        if row.order_id:
            line = line_changed(line, LineChanged(_decode(row.state)))
        else:
            line = line or WaitingLine()
            line.due_ms = row.placed_at
    return line
