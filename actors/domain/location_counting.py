"""Counts while stock moves: what the books said of a spot at the moment that somebody counted it.

    BeginCounting ──▶ what the books say of the spot is kept, and from now on each change: (when, SKU, lot, units)
    CountSpot     ──▶ book at the moment = book at the beginning + what changed until then      however late the message comes
    EndCounting   ──▶ nothing is kept any more; where what was found waits for a second person, no other count may begin it before he has decided

A spot is a bin with all that lies in it, or what of a SKU lies in no bin. All that is on hand counts, whatever its
state: what is allocated, reserved, damaged or on hold is in the building too. A change in the very millisecond of the
counting is taken to have been before it. A location where nobody counts pays one look at an empty dictionary
for each change of its stock.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.location_commands import BeginCounting, CountSpot, EndCounting
from actors.domain.location_events import CountingBegun, CountingEnded, Entry, Event, StockChanged
from actors.domain.location_state import CountedSpot, Counting, Location

SPOTS_MAX = 2_000
CHANGES_MAX = 1_000
# Different (SKU, lot) in one spot: what a bin holds, and a person counts in one go.
LINES_MAX = 1_000
# (SKU, lot, units in the books, units counted)
ComparedLine = tuple[str, str, int, int]
# (SKU, lot, units)
BookLine = tuple[str, str, int]
# (SKU, lot) -> units
_Book = dict[tuple[str, str], int]


class BegunSpot(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`problem`: "" or the code that says why it could not be begun; `book`: (SKU, lot, units) that should be
    there, if it was asked for."""

    spot: CountedSpot
    problem: str = ""
    book: list[BookLine] = []


class Begun(msgspec.Struct, frozen=True, gc=False):
    """The answer to `BeginCounting`. `began_at_ms`: UTC ms, by the location's clock; what is counted before
    that can't be compared."""

    began_at_ms: int
    spots: list[BegunSpot]


class Compared(msgspec.Struct, frozen=True, gc=False):
    """The answer to `CountSpot`: all that was counted, and all that should have been there."""

    lines: list[ComparedLine]


def begin(location: Location, command: BeginCounting, context: Context) -> tuple[list[Event], Begun]:
    """As many of the spots as can be; a spot's problem is `bins.unknown`, `count.spot_taken`, `count.spot_too_large` or
    `count.too_many_spots`."""
    told, begun = list[BegunSpot](), dict[CountedSpot, list[BookLine]]()
    books = books_now(location, command.spots)
    room = SPOTS_MAX - len(location.counting)
    for spot in command.spots:
        known, book = location.counting.get(spot), _lines(books[spot])
        problem = ""
        if spot[0] and spot[0] not in location.bins:
            problem = "bins.unknown"
        elif known is not None and known.count_id != command.count_id:
            problem = "count.spot_taken"
        elif len(book) > LINES_MAX:
            problem = "count.spot_too_large"
        elif known is None and room <= 0:
            problem = "count.too_many_spots"
        if problem:
            told.append(BegunSpot(spot, problem))
            continue
        room -= known is None
        begun[spot] = book
        told.append(BegunSpot(spot, "", book if command.tell_book else []))
    events: list[Event] = [CountingBegun(command.count_id, [*begun], [*begun.values()])] if begun else []
    return events, Begun(context.now_ms, told)


def _lines(book: _Book) -> list[BookLine]:
    return [(sku, lot, units) for (sku, lot), units in sorted(book.items()) if units]


def compare(location: Location, command: CountSpot, context: Context) -> Compared:
    """What was counted beside what the books said at that moment. Raises Refused `count.not_begun`, `count.too_early`,
    `count.in_future`, `count.too_many_changes`, `count.spot_too_large`, `stock.lot_required`, `stock.lot_unknown`."""
    counting = location.counting.get(command.spot)
    if counting is None or counting.count_id != command.count_id:
        raise Refused("count.not_begun", "It is not being counted: begin it first.")
    if counting.lost:
        detail = f"More than {CHANGES_MAX} changes since it was begun: begin it again, and count it sooner."
        raise Refused("count.too_many_changes", detail, limit=CHANGES_MAX)
    if command.counted_at_ms < counting.began_at_ms:
        raise Refused("count.too_early", "It was counted before it was begun.", began_at_ms=counting.began_at_ms)
    if command.counted_at_ms > context.now_ms:
        raise Refused("count.in_future", "It can't have been counted yet.", now_ms=context.now_ms)
    book = book_at(counting, command.counted_at_ms)
    counted = {(sku, lot): units for sku, lot, units in command.counted}
    for sku, lot in counted:
        if (sku, lot) not in book:
            _check_lot(location, sku, lot)
    keys = [key for key in sorted(book.keys() | counted.keys()) if book.get(key) or key in counted]
    if len(keys) > LINES_MAX:
        raise Refused("count.spot_too_large", f"More than {LINES_MAX} things lie there.", limit=LINES_MAX)
    return Compared([(*key, book.get(key, 0), counted.get(key, 0)) for key in keys])


def _check_lot(location: Location, sku: str, lot: str) -> None:
    lots = location.lots.get(sku, {})
    if lots and not lot:
        raise Refused("stock.lot_required", f"{sku} is kept by lot here: name the lot.", sku=sku)
    if lot and lot not in lots:
        raise Refused("stock.lot_unknown", f"There is no lot {lot} of {sku} here: receive it.", sku=sku, lot=lot)


def book_at(counting: Counting, at_ms: int) -> _Book:
    """What the books said of the spot at that moment. What came or has left since is in it too, with 0."""
    book = {(sku, lot): units for sku, lot, units in counting.book}
    for changed_at_ms, sku, lot, units in counting.changes:
        book[sku, lot] = book.get((sku, lot), 0) + (units if changed_at_ms <= at_ms else 0)
    return book


def books_now(location: Location, spots: Iterable[CountedSpot]) -> dict[CountedSpot, _Book]:
    """What the books say of these spots. All bins together are one walk over what lies in bins: a location
    has no list of each bin's."""
    books: dict[CountedSpot, _Book] = {spot: {} if spot[0] else _unplaced(location, spot[1]) for spot in spots}
    wanted = {spot[0]: book for spot, book in books.items() if location.fill.get(spot[0])}
    for sku, contents in location.contents.items() if wanted else ():
        for (bin_id, lot), units in contents.items():
            if bin_id in wanted:
                wanted[bin_id][sku, lot] = units
    return books


def _unplaced(location: Location, sku: str) -> _Book:
    if sku in location.lots:
        book = {(sku, name): lot.on_hand for name, lot in location.lots[sku].items()}
    else:
        stock = location.stock.get(sku)
        book = {(sku, ""): stock.on_hand if stock is not None else 0}
    for (_, lot), units in location.contents.get(sku, {}).items():
        book[sku, lot] = book.get((sku, lot), 0) - units
    return book


def end(location: Location, command: EndCounting) -> list[Event]:
    """Spots of other counts, and those that are not being counted, are passed over."""
    mine = [spot for spot in command.spots if _of(location, spot) == command.count_id]
    if not mine and not command.counted:
        return []
    return [CountingEnded(command.count_id, mine, command.counted, command.taken is True)]


def _of(location: Location, spot: CountedSpot) -> str:
    counting = location.counting.get(spot)
    return counting.count_id if counting is not None else ""


# --- evolve ---------------------------------------------------------------------------------------------------------
def begun(location: Location, event: CountingBegun, context: Context) -> None:
    """Takes note of the event."""
    for spot, book in zip(event.spots, event.books, strict=True):
        location.counting[spot] = Counting(event.count_id, context.now_ms, book)


def ended(location: Location, event: CountingEnded) -> None:
    """Takes note of the event."""
    for spot in event.spots:
        if event.taken:
            known = location.counting[spot]
            known.book, known.changes, known.lost = [], [], True
        else:
            del location.counting[spot]


def keep(location: Location, event: StockChanged, context: Context) -> None:
    """What the event changes in spots that are being counted."""
    for entry in event.entries:
        for spot, units in _changes(entry):
            counting = location.counting.get(spot)
            if counting is None or counting.lost:
                continue
            if len(counting.changes) >= CHANGES_MAX:
                counting.book, counting.changes, counting.lost = [], [], True
            else:
                counting.changes.append((context.now_ms, entry.sku, entry.lot, units))


def touched(location: Location, event: StockChanged) -> list[CountedSpot]:
    """Spots that are being counted, and that the event changes; each once."""
    spots = (spot for entry in event.entries for spot, _ in _changes(entry))
    return [spot for spot in dict.fromkeys(spots) if spot in location.counting]


def _changes(entry: Entry) -> Iterable[tuple[CountedSpot, int]]:
    if entry.bin and entry.bin_delta:
        yield (entry.bin, ""), entry.bin_delta
    loose = entry.on_hand - entry.bin_delta
    if loose:
        yield ("", entry.sku), loose
