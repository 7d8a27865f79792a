"""When those in a location's line may have what they wait for, and that they hear when it changes. The rules of the line are in `location_waiting.py`.

    what is to come changes ──LOOK_AFTER_MS──▶ those who wait for it, by rank, so many a turn ──by a day or more──▶ the order is told (`LineDated`, `DateMoved`)

It is looked at a while after the first change, so that of what is corrected at once, or comes and goes, nobody hears. An order is told what differs from what it was told last, so
a look that is begun again after a crash tells nobody twice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from heapq import merge
from itertools import islice

from actors.domain.atp import Arriving, Point, Supply, of_place
from actors.domain.kind import Context
from actors.domain.location_events import Event, IncomingChanged
from actors.domain.location_line import DatesDue, DatesLooked, LineDated, Rank, Waiter, WaitingLine
from actors.domain.location_lots import sooner, today
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


class Arrivals:
    """What is there and to come to a location of these SKUs."""

    def __init__(self, location: Location, line: WaitingLine, skus: Iterable[str], context: Context) -> None:
        wanted = dict.fromkeys(skus)
        self._location, self._line, self._context = location, line, context
        self._coming: dict[str, list[Arriving]] = {}
        self._points: dict[tuple[str, str, int], list[Point]] = {}
        # SKU → whom it was asked for last, and what those want who come before that.
        self._ahead: dict[str, tuple[Rank, int]] = {}
        self._known = len(location.incoming) <= SOURCES_LOOKED_AT_MAX
        for one in location.incoming.values() if self._known and wanted else ():
            for sku, units in one.lines:
                if sku in wanted:
                    self._coming.setdefault(sku, []).append(Arriving(one.expected_at_ms, units))

    def expected_ms(self, waiter: Waiter) -> int | None:
        """When all of it can be had: what is free and to come, less what those want who come first; None when that is not known."""
        if not waiter.lines or not self._known:
            return None
        latest = 0
        for sku, wanted in waiter.lines.items():
            if sku not in self._coming and sku not in self._location.stock:
                return None
            points = self._points_of(waiter, sku)
            at = bisect_left(points, wanted + self._before(waiter, sku), key=lambda point: point.units)
            if at == len(points):
                return None
            latest = max(latest, points[at].at_ms, waiter.from_ms.get(sku, 0))
        return latest

    def _points_of(self, waiter: Waiter, sku: str) -> list[Point]:
        """Units for it and those before it, now and after each arrival. Who takes all or nothing may wait for one SKU while another is there."""
        life_days = waiter.life_days.get(sku, 0)
        key = (sku, waiter.channel, life_days)
        if key not in self._points:
            stock, free, kept = self._location.stock.get(sku), 0, 0
            if stock is not None:
                # What ends too soon is not there for it.
                good_until = today(self._context) + life_days
                lots = self._location.lots.get(sku, {}).values()
                free = stock.free - sum(lot.free for lot in lots if not lot.good_on(good_until))
                kept = stock.safety_stock + next((n for name, n in stock.buffers if name == waiter.channel), 0)
            supply = Supply(free, kept, None, tuple(self._coming.get(sku, ())))
            self._points[key] = of_place(supply, self._context.now_ms)
        return self._points[key]

    def _before(self, waiter: Waiter, sku: str) -> int:
        """Units that those want who come before it. Who is looked at by rank is added up, so that a long line is not walked anew for each of them."""
        rank, (last, units) = waiter.rank(sku), self._ahead.get(sku, (None, 0))
        if last is None or rank < last:
            units = self._line.ahead(waiter, sku)
        else:
            units += self._line.between(sku, last, rank)
        self._ahead[sku] = rank, units
        return units


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
    arrivals, left = Arrivals(location, line, line.queues, context) if due else None, LOOKED_AT_MAX
    for sku in due:
        assert arrivals is not None
        if not left:
            break
        after = line.dates[sku][1]
        last: Rank | None = None
        for last in islice(_behind(line, sku, after), left):
            left -= 1
            waiter = line.waiters[last[2]]
            expected_ms = arrivals.expected_ms(waiter)
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
