"""Who waits for units at a location, in which order: the line. The rules by which it is served
are in `location_waiting.py`.

    waiters   order id → what it waits for
    queues    SKU → class → its waiters by rank           a class: those to whom the very same units are good enough

A waiter's rank for a SKU is (since when it wants it, when it was placed, order id): who was promised first comes first.
It wants it since it was placed, or from the SKU's release on; who takes all or nothing has one rank for all its SKUs,
so that of two of them one comes first everywhere. What is free may be good for one and not for another: channels have
buffers, lots end. Within a class it is good for all or for none, so a class is served from its head, and nobody has to
be looked at who can't be served.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

import msgspec

from actors.domain.location_line_events import (
    Changed,
    Class,
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
    Turn,
    Waiter,
)
from actors.domain.times import HOUR_MS

# What came lately is known for so long: a delivery a day is among it, be it some hours later than the day before.
LATELY_MS = 37 * HOUR_MS
# What comes within an hour is noted together.
TOGETHER_MS = HOUR_MS

# (when the last of them came in (UTC ms), units that came in within an hour)
Came = tuple[int, int]


class Queue(msgspec.Struct):
    """Of one class, for one SKU: ranks, lowest first, and how many units they want together."""

    ranks: list[Rank] = []
    units: int = 0

    def behind(self, rank: Rank | None) -> list[Rank]:
        """Those who come after that; None: all."""
        return self.ranks if rank is None else self.ranks[bisect_right(self.ranks, rank) :]


class WaitingLine(msgspec.Struct):
    """See the module's docstring. `turns`: order id → its turn, of those who take all or nothing. `passing`: SKU → how
    many of these want it who are passed for now; `given`: SKU → how many were given some of it since, of these SKUs.
    `dates`: SKU → when those who wait for it have to be looked at (UTC ms), as what is to come of it has changed, and
    up to which rank they were. `doubted`: SKUs that somebody lacked when his turn was over, and of which none came for
    long, and none since; `came`: SKU → what came in lately, by the hour, or the last that did, of those that are waited
    for by who takes all or nothing; `rests`: SKU → until when it is set aside for nobody anew (UTC ms)."""

    waiters: dict[str, Waiter] = {}
    queues: dict[str, dict[Class, Queue]] = {}
    due_ms: int | None = None
    turns: dict[str, Turn] = {}
    passing: dict[str, int] = {}
    given: dict[str, int] = {}
    dates: dict[str, tuple[int, Rank | None]] = {}
    doubted: set[str] = set()
    came: dict[str, list[Came]] = {}
    rests: dict[str, int] = {}

    def remembers(self, sku: str) -> bool:
        """Is something noted of it that goes with the last who waits for it?"""
        return sku in self.dates or sku in self.doubted or sku in self.came or sku in self.rests

    def waiting_for(self, sku: str) -> int:
        """How many orders wait for it."""
        return sum(len(queue.ranks) for queue in self.queues.get(sku, {}).values())

    def put(self, waiter: Waiter) -> None:
        """In place of what the order waited for before."""
        known = self.waiters.pop(waiter.order_id, None)
        # First what it wants now: what is counted for it goes on.
        self._pass(waiter)
        if known is not None:
            self.turns.pop(waiter.order_id, None)
            self._pass_no_more(known, known.lines)
            for sku, units in known.lines.items():
                self._leave(known, sku, units)
        if not waiter.over:
            self._join(waiter)
        if known is not None:
            self._look_no_more(known.lines)

    def _join(self, waiter: Waiter) -> None:
        self.waiters[waiter.order_id] = waiter
        if waiter.turn is not None:
            self.turns[waiter.order_id] = waiter.turn
        for sku, units in waiter.lines.items():
            queue = self.queues.setdefault(sku, {}).setdefault(waiter.class_for(sku), Queue())
            insort(queue.ranks, waiter.rank(sku))
            queue.units += units

    def serve(self, event: LineServed) -> None:
        """It got these units."""
        waiter = self.waiters[event.order_id]
        lines = dict(waiter.lines)
        for sku, units in event.lines:
            left = lines[sku] - units
            assert left >= 0, f"{event.order_id} {sku}: {left}"
            if left:
                lines[sku] = left
                self.queues[sku][waiter.class_for(sku)].units -= units
            else:
                self._leave(waiter, sku, lines.pop(sku))
        self._pass_no_more(waiter, waiter.lines.keys() - lines.keys())
        self._look_no_more(waiter.lines)
        unseen = [*waiter.unseen, (event.number, event.lines)]
        turn = waiter.turn
        if turn is not None and not lines:
            turn = None
            self.turns.pop(event.order_id, None)
        self.waiters[event.order_id] = msgspec.structs.replace(
            waiter, lines=lines, unseen=unseen, number=event.number + 1, turn=turn
        )
        if self.given:
            self.pass_by(sku for sku, _ in event.lines)

    def queues_with(self, known: Waiter | None, waiter: Waiter, sku: str) -> dict[Class, Queue]:
        """Who would be in line for the SKU with this waiter in place of what is known of it."""
        classes = dict(self.queues.get(sku, {}))
        if known is not None and sku in known.lines:
            one = known.class_for(sku)
            rank, queue = known.rank(sku), classes.pop(one)
            ranks = [other for other in queue.ranks if other != rank]
            if ranks:
                classes[one] = Queue(ranks, queue.units - known.lines[sku])
        if sku in waiter.lines:
            one = waiter.class_for(sku)
            queue = classes.get(one, Queue())
            ranks = [*queue.ranks]
            insort(ranks, waiter.rank(sku))
            classes[one] = Queue(ranks, queue.units + waiter.lines[sku])
        return classes

    # --- turns
    def note_came(self, event: GoodsCame) -> None:
        """Some came in: nobody doubts any more that any does."""
        self.doubted.difference_update(event.skus)
        for sku, units in zip(event.skus, event.units or [0] * len(event.skus), strict=True):
            noted = [one for one in self.came.get(sku, ()) if one[0] > event.at_ms - LATELY_MS]
            together = noted.pop()[1] if noted and noted[-1][0] // TOGETHER_MS == event.at_ms // TOGETHER_MS else 0
            self.came[sku] = [*noted, (event.at_ms, together + units)]

    def came_lately(self, sku: str, now_ms: int) -> int:
        """Units of it that came in, also those that others took."""
        return sum(units for at_ms, units in self.came.get(sku, ()) if at_ms > now_ms - LATELY_MS)

    def came_within(self, ms: int, sku: str, now_ms: int) -> bool:
        """Did some come in within that time?"""
        noted = self.came.get(sku)
        return noted is not None and noted[-1][0] > now_ms - ms

    def take_turn(self, event: LineTurn) -> None:
        """It is its turn, or has been."""
        known = self.waiters[event.order_id]
        mark = self.passed(known) if event.until_ms is None else 0
        turn = self.turns[event.order_id] = Turn(event.sku, event.until_ms, mark, event.there)
        waiter = self.waiters[event.order_id] = msgspec.structs.replace(known, turn=turn)
        self._pass(waiter)
        self._pass_no_more(known, known.lines)
        if event.lacked:
            self.doubted.update(event.lacked)
            self.rests |= {sku: event.rest_ms for sku in waiter.lines if sku not in event.lacked}

    def keeps(self, order_id: str, now_ms: int) -> bool:
        """Is it the order's turn?"""
        turn = self.turns.get(order_id)
        return turn is not None and turn.lasts(now_ms)

    def _pass(self, waiter: Waiter) -> None:
        """It is counted who is given some of what it wants while it is passed."""
        if waiter.turn is not None and waiter.turn.until_ms is None:
            for sku in waiter.lines:
                self.passing[sku] = self.passing.get(sku, 0) + 1
                self.given.setdefault(sku, 0)

    def _pass_no_more(self, waiter: Waiter, skus: Iterable[str]) -> None:
        """What nobody wants any more who is passed is not counted any more."""
        if waiter.turn is not None and waiter.turn.until_ms is None:
            for sku in skus:
                self.passing[sku] -= 1
                if not self.passing[sku]:
                    del self.passing[sku], self.given[sku]

    def passed(self, waiter: Waiter) -> int:
        """How many were given something that it wants, since that is counted."""
        return sum(self.given.get(sku, 0) for sku in waiter.lines)

    def pass_by(self, skus: Iterable[str], by: str = "") -> None:
        """Somebody got some of these: that order, if it is in line itself."""
        waiter = self.waiters.get(by)
        before = self.passed(waiter) if waiter is not None else 0
        for sku in skus:
            if sku in self.given:
                self.given[sku] += 1
        if waiter is not None and waiter.turn is not None and waiter.turn.until_ms is None:
            turn = msgspec.structs.replace(waiter.turn, mark=waiter.turn.mark + self.passed(waiter) - before)
            self.turns[by] = turn
            self.waiters[by] = msgspec.structs.replace(waiter, turn=turn)

    def _leave(self, waiter: Waiter, sku: str, units: int) -> None:
        classes = self.queues[sku]
        one = waiter.class_for(sku)
        queue, rank = classes[one], waiter.rank(sku)
        at = bisect_left(queue.ranks, rank)
        assert queue.ranks[at] == rank, f"{rank} is not in line for {sku}"
        del queue.ranks[at]
        queue.units -= units
        if not queue.ranks:
            del classes[one]
            if not classes:
                del self.queues[sku]

    def _look_no_more(self, skus: Iterable[str]) -> None:
        """For what nobody waits any more there is no date to be told, and nothing to be remembered."""
        if self.dates or self.doubted or self.came or self.rests:
            for sku in skus:
                if sku not in self.queues:
                    self.doubted.discard(sku)
                    for noted in (self.dates, self.came, self.rests):
                        noted.pop(sku, None)

    def ahead(self, waiter: Waiter, sku: str) -> int:
        """Units that those want who come before that rank, of all classes."""
        rank, total = waiter.rank(sku), 0
        for queue in self.queues.get(sku, {}).values():
            at = bisect_left(queue.ranks, rank)
            # Who comes now is near the end: what is behind is added up sooner.
            if at > len(queue.ranks) // 2:
                total += queue.units - self._wanted(queue.ranks[at:], sku)
            else:
                total += self._wanted(queue.ranks[:at], sku)
        return total

    def between(self, sku: str, low: Rank, high: Rank) -> int:
        """Units that those want who come from the one rank on, and before the other."""
        queues = self.queues.get(sku, {}).values()
        return sum(
            self._wanted(queue.ranks[bisect_left(queue.ranks, low) : bisect_left(queue.ranks, high)], sku)
            for queue in queues
        )

    def _wanted(self, ranks: Iterable[Rank], sku: str) -> int:
        return sum(self.waiters[order_id].lines[sku] for _, _, order_id in ranks)

    def next_release_ms(self, now_ms: int) -> int | None:
        """When the next SKU that somebody waits for is out."""
        moments = (one[2] for classes in self.queues.values() for one in classes if one[2] > now_ms)
        return min(moments, default=None)


def line_changed(line: WaitingLine | None, event: Changed) -> WaitingLine | None:
    """Takes note of the event; None when nobody waits any more."""
    if line is None:
        line = WaitingLine()
    if type(event) is LineChanged:
        line.put(event.waiter)
    elif type(event) is LineServed:
        line.serve(event)
    elif type(event) is LineTurn:
        line.take_turn(event)
    elif type(event) is GoodsCame:
        line.note_came(event)
    elif type(event) is LinePassed:
        line.pass_by(event.skus, event.order_id)
    elif type(event) is DatesDue:
        line.dates |= dict.fromkeys(event.skus, (event.due_ms, None))
    elif type(event) is LineDated:
        dated = msgspec.structs.replace(line.waiters[event.order_id], expected_ms=event.expected_ms)
        line.waiters[event.order_id] = dated
    elif type(event) is DatesLooked:
        if event.after is None:
            line.dates.pop(event.sku, None)
        elif event.sku in line.dates:
            line.dates[event.sku] = (line.dates[event.sku][0], event.after)
    elif type(event) is LineDue:
        line.due_ms = event.due_ms
    # Without anybody who waits there is nothing to be looked at, however far off that is.
    return line if line.waiters else None
