"""When those in a location's line may have what they wait for, and that they hear when it changes. The rules of the line are in `location_waiting.py`.

    what is to come changes ──LOOK_AFTER_MS──▶ those who wait for it, by rank, so many a turn ──by a day or more──▶ the order is told (`LineDated`, `DateMoved`)

It is looked at a while after the first change, so that of what is corrected at once, or comes and goes, nobody hears. An order is told what differs from what it was told last, so
a look that is begun again after a crash tells nobody twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import merge
from itertools import islice

from actors.domain.atp import Arriving, Supply, of_place
from actors.domain.kind import Context
from actors.domain.location_events import Event, IncomingChanged
from actors.domain.location_line import DatesDue, DatesLooked, LineDated, Rank, Waiter, WaitingLine
from actors.domain.location_lots import sooner
from actors.domain.location_state import Location
from actors.domain.times import DAY_MS, MINUTE_MS

LOOK_AFTER_MS = 5 * MINUTE_MS
# Waiters that are looked at in one turn; the others follow at once in the next.
LOOKED_AT_MAX = 50
# With more sources than that it is not worked out when something may come.
SOURCES_LOOKED_AT_MAX = 2_000
# What is less is no news.
MOVED_MS = DAY_MS


def moved(before: int | None, after: int | None) -> bool:
    """Is that another date (UTC ms; None: none is known)?"""
    if before is None or after is None:
        return before is not after
    return abs(after - before) >= MOVED_MS


class Outlook:
    """What is to come to a location of these SKUs."""

    def __init__(self, location: Location, line: WaitingLine, skus: Iterable[str], context: Context) -> None:
        wanted = dict.fromkeys(skus)
        self._location, self._line, self._now_ms = location, line, context.now_ms
        self._coming: dict[str, list[Arriving]] = {}
        self._known = len(location.incoming) <= SOURCES_LOOKED_AT_MAX
        for one in location.incoming.values() if self._known and wanted else ():
            for sku, units in one.lines:
                if sku in wanted:
                    self._coming.setdefault(sku, []).append(Arriving(one.expected_at_ms, units))

    def expected_ms(self, waiter: Waiter) -> int | None:
        """When all of it can be had: what is to come, less what those want who come first; None when that is not known."""
        if not waiter.lines or not self._known:
            return None
        latest = 0
        for sku, wanted in waiter.lines.items():
            coming = self._coming.get(sku)
            if not coming:
                return None
            stock = self._location.stock.get(sku)
            free, kept = (stock.free, stock.safety_stock) if stock is not None else (0, 0)
            if stock is not None:
                kept += next((units for name, units in stock.buffers if name == waiter.channel), 0)
            before = self._line.ahead(waiter, sku)
            points = of_place(Supply(free, kept, None, tuple(coming)), self._now_ms)
            moment = next((point.at_ms for point in points[1:] if point.units >= wanted + before), None)
            if moment is None:
                return None
            latest = max(latest, moment, waiter.from_ms.get(sku, 0))
        return latest


def begun(line: WaitingLine, events: Iterable[Event], context: Context) -> list[Event]:
    """What has to be looked at, as what is to come has changed."""
    skus: dict[str, None] = {}
    for event in events:
        if type(event) is IncomingChanged:
            skus.update((sku, None) for sku, _ in event.lines if sku in line.queues and sku not in line.dates)
    return [DatesDue(list(skus), context.now_ms + LOOK_AFTER_MS)] if skus else []


def look(location: Location, line: WaitingLine, context: Context) -> list[Event]:
    """Tells those whose date is another."""
    due = sorted(sku for sku, (due_ms, _) in line.dates.items() if due_ms <= context.now_ms)
    events: list[Event] = []
    outlook, left = Outlook(location, line, line.queues, context) if due else None, LOOKED_AT_MAX
    for sku in due:
        assert outlook is not None
        if not left:
            break
        after = line.dates[sku][1]
        last: Rank | None = None
        for last in islice(_behind(line, sku, after), left):
            left -= 1
            waiter = line.waiters[last[2]]
            expected_ms = outlook.expected_ms(waiter)
            if moved(waiter.expected_ms, expected_ms):
                events.append(LineDated(waiter.order_id, expected_ms, context.now_ms))
        events.append(DatesLooked(sku, last if not left else None))
    # Who wants several of these SKUs is told once.
    return list(dict.fromkeys(events))


def _behind(line: WaitingLine, sku: str, after: Rank | None) -> Iterable[Rank]:
    queues = line.queues.get(sku, {}).values()
    return merge(*(queue.behind(after) for queue in queues))


def next_ms(line: WaitingLine, events: Iterable[Event], now_ms: int) -> int | None:
    """When dates have to be looked at next, after these events (UTC ms)."""
    done = {event.sku for event in events if type(event) is DatesLooked and event.after is None}
    soonest: int | None = None
    for sku, (due_ms, _) in line.dates.items():
        if sku not in done:
            # Of two wake-ups for the same moment the second would be taken for the first again.
            soonest = sooner(soonest, due_ms if due_ms > now_ms else max(now_ms, line.due_ms or 0) + 1)
    return soonest
