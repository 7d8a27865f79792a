"""Groups the rows of a trace into orders, whose rows need not stand together (an order may carry two timestamps).

Two passes over the file: the survey counts each order's rows, then `read_orders` hands out an order as soon as its
last row was read. So memory holds a small entry per order (`OrderEntry`) and the rows of the few orders that are
open, never the whole trace.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from perf.replay.trace import Rejection, TraceError, TraceLine, TraceReader

ORDERS_MAX: Final = 2_000_000
LINES_PER_ORDER_MAX: Final = 2_000  # the cell's limit


@dataclass(slots=True)
class OrderEntry:
    """What is kept of each order while the trace is read: enough to check its later rows against its first, and to tell
    when it is sent. `ordered_at`: the earliest of its rows; `last_row`: where the last one stands in the file."""

    final_status: str
    currency: str
    ordered_at: datetime
    last_row: int = 0
    rows: int = 0
    # A character for each line_no that was taken: 2 bytes a row at most, where a bit for each that there may be is 1.3
    # kB for the last one alone.
    line_numbers: str = ""


@dataclass(frozen=True, slots=True)
class TraceOrder:
    """All lines of one order that were taken, in the order of the file."""

    lines: tuple[TraceLine, ...]

    @property
    def first(self) -> TraceLine:
        return self.lines[0]

    @property
    def reference(self) -> str:
        return self.first.reference

    @property
    def ordered_at(self) -> datetime:
        return min(line.ordered_at for line in self.lines)


def checked_lines(reader: TraceReader, entries: dict[str, OrderEntry]) -> Iterator[TraceLine | Rejection]:
    """The rows of the trace, those that contradict their order's first row rejected; fills `entries` by reference.

    Raises TraceError where the file is unusable or holds more than ORDERS_MAX orders.
    """
    for line in reader:
        if isinstance(line, Rejection):
            yield line
            continue
        reference = line.reference
        entry = entries.get(reference)
        if entry is None:
            if len(entries) >= ORDERS_MAX:
                raise TraceError(f"more than {ORDERS_MAX:,} orders: split the trace")
            entry = entries[reference] = OrderEntry(line.final_status, line.currency, line.ordered_at)
        reason = _contradiction(line, entry)
        if reason:
            yield Rejection(line.row, reason)
            continue
        entry.rows += 1
        entry.ordered_at, entry.last_row = min(entry.ordered_at, line.ordered_at), line.row
        entry.line_numbers += chr(line.line_no)
        yield line


def _contradiction(line: TraceLine, entry: OrderEntry) -> str:
    if line.currency != entry.currency:
        return "currency differs from the order's first line"
    if line.final_status != entry.final_status:
        return "final_status differs from the order's first line"
    if chr(line.line_no) in entry.line_numbers:
        return "line_no stands in the order already"
    if entry.rows >= LINES_PER_ORDER_MAX:
        return f"the order has more than {LINES_PER_ORDER_MAX:,} lines"
    return ""


def read_orders(path: Path, surveyed: dict[str, OrderEntry]) -> Iterator[TraceOrder]:
    """The second pass: every order of the trace once, complete, in the order of their last rows.

    Raises TraceError where the file changed since it was surveyed.
    """
    entries: dict[str, OrderEntry] = {}
    open_lines: dict[str, list[TraceLine]] = {}
    for line in checked_lines(TraceReader(path), entries):
        if isinstance(line, Rejection):
            continue
        reference = line.reference
        known = surveyed.get(reference)
        if known is None:
            raise TraceError(f"{path} changed while it was read")
        lines = open_lines.setdefault(reference, [])
        lines.append(line)
        if len(lines) == known.rows:
            del open_lines[reference]
            yield TraceOrder(tuple(lines))
    if open_lines:
        raise TraceError(f"{path} changed while it was read")
