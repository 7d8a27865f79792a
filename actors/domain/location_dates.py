"""When those in a location's line may have what they wait for, and that they hear when it changes. The rules of the
line are in `location_waiting.py`.

    what is to come changes ──LOOK_AFTER_MS──▶ those who wait for it, by rank, so many a turn ──by a day or more──▶ the order is told (`LineDated`, `DateMoved`)
    what was to come is late ──LATE_MS, once in LOOK_AGAIN_MS──▲
    what has come out did not go to who was to have it then ───▲

It is looked at a while after the first change, so that of what is corrected at once, or comes and goes, nobody hears.
An order is told what differs from what it was told last, so a look that is begun again after
a crash tells nobody twice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from heapq import merge
from itertools import islice

from actors.domain.atp import Arriving, Point, Supply, of_place
from actors.domain.kind import Context
from actors.domain.location_events import Event, IncomingChanged
from actors.domain.location_line import WaitingLine
from actors.domain.location_line_events import DatesDue, DatesLooked, LineDated, LineServed, Rank, Waiter
from actors.domain.location_lots import today
from actors.domain.location_state import Location
from actors.domain.times import DAY_MS, MINUTE_MS, sooner

LOOK_AFTER_MS = 5 * MINUTE_MS
# Waiters that are looked at in one turn; the others follow at once in the next.
LOOKED_AT_MAX = 50
# With more sources than that it is not worked out when something may come.
SOURCES_LOOKED_AT_MAX = 2_000
# What is less is no news.
MOVED_MS = DAY_MS
# What is late by less is still counted on: nobody hears of a lorry that comes in the afternoon.
LATE_MS = DAY_MS
# What is looked at because time goes by is so once in that time.
LOOK_AGAIN_MS = DAY_MS


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
        # SKU → when the first of what is to come is late, and not counted on any more.
        self._late_ms: dict[str, int] = {}
        # SKU → whom it was asked for last, and what those want who come before that.
        self._ahead: dict[str, tuple[Rank, int]] = {}
        self._known = len(location.incoming) <= SOURCES_LOOKED_AT_MAX
        for one in location.incoming.values() if self._known and wanted else ():
            for sku, units in one.lines:
                if sku in wanted and units and one.expected_at_ms > context.now_ms - LATE_MS:
                    at_ms = max(one.expected_at_ms, context.now_ms + 1)
                    self._coming.setdefault(sku, []).append(Arriving(at_ms, units))
                    late_ms = one.expected_at_ms + LATE_MS
                    self._late_ms[sku] = min(late_ms, self._late_ms.get(sku, late_ms))

    def expected_ms(self, waiter: Waiter) -> int | None:
        """When all of it can be had: what is free and to come, less what those want who come first; None
        when that is not known."""
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

    def again(self, sku: str) -> list[Event]:
        """When those who wait for it are looked at once more, since what was announced may not have come."""
        late_ms = self._late_ms.get(sku)
        return [] if late_ms is None else [DatesDue([sku], max(late_ms, self._context.now_ms + LOOK_AGAIN_MS))]

    def joined(self, waiter: Waiter) -> list[Event]:
        """The same for goods for which it was not so far, or for what came much later."""
        late, dates = self._late_ms, self._line.dates
        skus = [
            sku for sku in waiter.lines
            if sku in late and (sku not in dates or dates[sku][0] > late[sku] + LOOK_AGAIN_MS)
        ]  # fmt: skip
        return [DatesDue(skus, min(late[sku] for sku in skus))] if skus else []

    def _points_of(self, waiter: Waiter, sku: str) -> list[Point]:
        """Units for it and those before it, now and after each arrival. Who takes all or nothing may wait for one SKU
        while another is there."""
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
        """Units that those want who come before it. Who is looked at by rank is added up, so that a long line is not
        walked anew for each of them."""
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
    due_ms = context.now_ms + LOOK_AFTER_MS
    for event in events:
        if type(event) is IncomingChanged:
            skus.update((sku, None) for sku, _ in event.lines if sku in line.queues and not _is_soon(line, sku, due_ms))
    return [DatesDue(list(skus), due_ms)] if skus else []


def _is_soon(line: WaitingLine, sku: str, due_ms: int) -> bool:
    """Will all who wait for it be looked at by then? A look that is under way begins anew: those who were looked at
    would not hear of what has changed since."""
    known_ms, after = line.dates.get(sku, (due_ms + 1, None))
    return known_ms <= due_ms and after is None


def released(line: WaitingLine, served: Iterable[Event], context: Context) -> list[Event]:
    """What has to be looked at, as it has just come out, and somebody who was to have it then did not get
    it: others took it before."""
    began_ms, now_ms = line.due_ms, context.now_ms
    if began_ms is None:
        return []
    got = {event.order_id: dict(event.lines) for event in served if type(event) is LineServed}
    skus = [
        sku for sku, classes in line.queues.items()
        for (_, _, out_ms, _), queue in classes.items()
        if began_ms <= out_ms <= now_ms and any(_missed(line.waiters[name], sku, got, now_ms) for _, _, name in queue.ranks)
    ]  # fmt: skip
    due_ms = now_ms + LOOK_AFTER_MS
    skus = [sku for sku in dict.fromkeys(skus) if not _is_soon(line, sku, due_ms)]
    return [DatesDue(skus, due_ms)] if skus else []


def _missed(waiter: Waiter, sku: str, got: Mapping[str, Mapping[str, int]], now_ms: int) -> bool:
    missing = waiter.lines[sku] - got.get(waiter.order_id, {}).get(sku, 0)
    return missing > 0 and waiter.expected_ms is not None and waiter.expected_ms <= now_ms


def due_of(events: Iterable[Event]) -> int | None:
    """When what these say has to be looked at (UTC ms)."""
    return next((event.due_ms for event in events if type(event) is DatesDue), None)


def look(location: Location, line: WaitingLine, context: Context) -> list[Event]:
    """Tells those whose date is another."""
    due = sorted(sku for sku, (due_ms, _) in line.dates.items() if due_ms <= context.now_ms)
    events: list[Event] = []
    again: list[Event] = []
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
        if left and sku in line.queues:
            again += arrivals.again(sku)
    # Who wants several of these SKUs is told once.
    return [*dict.fromkeys(events), *again]


def _behind(line: WaitingLine, sku: str, after: Rank | None) -> Iterable[Rank]:
    queues = line.queues.get(sku, {}).values()
    return merge(*(queue.behind(after) for queue in queues))


def next_ms(line: WaitingLine, events: list[Event], now_ms: int) -> int | None:
    """When dates have to be looked at next, after these events (UTC ms)."""
    done = {event.sku for event in events if type(event) is DatesLooked and event.after is None}
    soonest: int | None = None
    for event in events:
        if type(event) is DatesDue:
            soonest = sooner(soonest, event.due_ms)
    for sku, (due_ms, _) in line.dates.items():
        if sku not in done:
            # Of two wake-ups for the same moment the second would be taken for the first again.
            soonest = sooner(soonest, due_ms if due_ms > now_ms else max(now_ms, line.due_ms or 0) + 1)
    return soonest
