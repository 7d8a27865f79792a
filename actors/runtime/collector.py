"""Keeps the figures going: reads what is new in the ledger and on the floors, and records each minute when it is over.

    ledger, floors' history ──since(cursor)──▶ Book of each location ──SETTLE_MS after the minute──▶ record: rows, and what is told on live streams

It has no memory but what the store has. After a crash it builds its books from the open orders and begins with the next
minute that it sees whole: minutes that nobody saw are not made up, what happened in them is in the books and in no
minute. Once an hour old minutes go.
"""

from __future__ import annotations

import logging

import msgspec

from actors.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from actors.figures.books import Book, FloorTurn, StockMove
from actors.figures.forecast import WEEKS, Profile, forecast, profile_of, smoothed
from actors.figures.minute import Level, Minute, Rates, add, in_order, together
from actors.runtime.errors import StoreUnavailable
from actors.runtime.figures import HOURS_KEPT_DAYS, MINUTES_KEPT_DAYS, Cut, Ends, FiguresStore
from actors.runtime.ports import Clock
from actors.runtime.rounds import rounds_for_ever

log = logging.getLogger("ocefs.figures")
POLL_S = 5.0
# So long after its end a minute is recorded: write-behind is done with it by then.
SETTLE_MS = 3_000
# What is drained later than that after it happened changes the books, and counts in no minute.
LATE_MS = 2 * MINUTE_MS
TURNS_MAX = 2_000
_OPENS = frozenset({"allocate", "convert"})
ORDERS_PAGE = 1_000
# Fulfilments in all books; about 250 bytes each.
OPEN_MAX = 500_000
# Rates of a minute before that are those of another day.
RATES_KEPT_MS = 2 * HOUR_MS
# Of the time so much at most goes into adding up all open orders: this many times as long as
# it took, nobody asks again.
PATIENCE = 50
TRIM_EVERY_MS = HOUR_MS


class Collector:
    """`minutes`: recorded since it started."""

    def __init__(self, region: str, store: FiguresStore, clock: Clock) -> None:
        self._region, self._store, self._clock = region, store, clock
        self._books: dict[str, Book] = {}
        self._cursors: dict[str, Ends] = {}
        self._rates: dict[str, Rates] = {}
        self._profiles: dict[str, Profile] = {}
        self._loaded = False
        self._profiles_at = self._trimmed_at = -HOUR_MS
        self._minute = 0
        self._since_ms = 0
        self._open = self._left_out = 0
        self._orders_at = 0.0
        self.minutes = 0

    async def run(self) -> None:
        """For ever. Whatever goes wrong is told, and begun again from the store."""
        await rounds_for_ever(self.round, self._forget, self._clock, POLL_S, log, "the collector")

    def _forget(self) -> None:
        self._loaded = False

    async def round(self) -> bool:
        """Reads once, and records the minute that is over; True when there is more at once. Raises StoreUnavailable."""
        if not self._loaded:
            await self._load()
        now_ms = self._clock.now_ms()
        more = await self._read()
        if not more and now_ms >= self._minute + MINUTE_MS + SETTLE_MS:
            await self._record(now_ms)
        if now_ms >= self._trimmed_at + TRIM_EVERY_MS:
            await self._trim(now_ms)
        return more

    # --- the start
    async def _load(self) -> None:
        now_ms = self._clock.now_ms()
        self._books, self._left_out = {}, 0
        # Before the orders: what is read twice then is known to be.
        self._cursors = await self._store.ends()
        after: str | None = ""
        while after is not None:
            page = await self._store.opened(after, ORDERS_PAGE)
            for location_id, cause, one in page.found:
                self._book(location_id).begin(cause, one)
            after = page.after if self._room() else None
        for work in await self._store.works():
            self._book(work.location_id).begin_work(work.fulfilment_id, work.due_ms, work.picked)
        for trip in await self._store.trips():
            self._book(trip.location_id).begin_trip(trip.trip, trip.picker)
        last = await self._store.last(now_ms - RATES_KEPT_MS)
        self._rates = {location_id: minute.rates for location_id, minute in last.items()}
        # The one that goes on now, after however long that took, was not seen from its beginning.
        now_ms = self._clock.now_ms()
        self._minute = now_ms - now_ms % MINUTE_MS + (MINUTE_MS if now_ms % MINUTE_MS else 0)
        self._since_ms = self._minute
        self._loaded = True

    def _room(self) -> bool:
        return sum(len(book.open) for book in self._books.values()) < OPEN_MAX

    def _book(self, location_id: str) -> Book:
        return self._books.setdefault(location_id, Book())

    # --- reading
    async def _read(self) -> bool:
        ends = await self._store.ends()
        self._open = sum(len(book.open) for book in self._books.values())
        floors = [Cut(place, self._at(place).floor, end.floor) for place, end in ends.items()]
        stocks = [Cut(place, self._at(place).stock, end.stock) for place, end in ends.items()]
        floors, stocks = [c for c in floors if c.after < c.until], [c for c in stocks if c.after < c.until]
        since_ms = self._since_ms - DAY_MS
        walked = await self._store.turns(floors, since_ms, TURNS_MAX) if floors else []
        moved = await self._store.moves(stocks, since_ms, TURNS_MAX) if stocks else []
        # What is allocated comes onto the floor, and is picked there, before the ledger hears more of it.
        for move in moved:
            if move.reason in _OPENS:
                self._opened(move)
        for turn in walked:
            self._book(turn.location_id).walked(turn, self._counts(turn.at))
        for move in moved:
            if move.reason not in _OPENS:
                self._book(move.location_id).moved(move, self._counts(move.at))
        more_floor, more_stock = _reached(floors, walked), _reached(stocks, moved)
        for place, end in ends.items():
            self._cursors[place] = Ends(more_stock.get(place, end.stock), more_floor.get(place, end.floor))
        return any(self._cursors[place] != end for place, end in ends.items())

    def _opened(self, move: StockMove) -> None:
        book = self._book(move.location_id)
        if move.cause not in book.open:
            if self._open >= OPEN_MAX:
                self._left_out += 1
                return
            self._open += 1
        book.moved(move, self._counts(move.at))

    def _at(self, location_id: str) -> Ends:
        return self._cursors.get(location_id, Ends(0, 0))

    def _counts(self, at_ms: int) -> bool:
        return at_ms >= max(self._since_ms, self._minute - LATE_MS)

    # --- the end of a minute
    async def _record(self, now_ms: int) -> None:
        at, end_ms = self._minute, self._minute + MINUTE_MS
        self._minute = end_ms
        if now_ms >= end_ms + MINUTE_MS:
            # It was asleep: what came meanwhile belongs to minutes that nobody saw.
            self._loaded = False
            return
        await self._learn(now_ms)
        floors = await self._store.floor_levels(end_ms)
        minutes = [
            self._minute_of(place, book, at, floors.get(place, [])) for place, book in sorted(self._books.items())
        ]
        told = [minute for minute in minutes if minute.levels or any(_flow_of(minute))]
        hours = {minute.location_id: minute.flow.arrived_units for minute in minutes}
        whole = self._whole(at, minutes)
        orders = await self._orders(end_ms)
        whole = msgspec.structs.replace(whole, orders=orders, left_out=self._left_out)
        if await self._store.record(self._region, [whole, *told], {**hours, self._region: whole.flow.arrived_units}):
            self.minutes += 1
        else:
            log.warning("somebody else has recorded this minute")

    def _minute_of(self, place: str, book: Book, at: int, floor: list[Level]) -> Minute:
        end_ms, flow = at + MINUTE_MS, book.ended(at + MINUTE_MS)
        levels = book.levels(end_ms)
        for level in floor:
            add(levels, level.state, level.works, level.units, level.overdue, level.by_age)
        queue = book.queue()
        rates = self._rated(place, flow.arrived_units, flow.picked_units, busy=bool(queue) or bool(flow.picked_units))
        ahead = forecast(end_ms, queue, self._profiles.get(place, {}), rates)
        units = sum(left for _, left in queue)
        return Minute(place, at, in_order(levels), flow, len(queue), units, rates, ahead)

    def _whole(self, at: int, minutes: list[Minute]) -> Minute:
        queue = [one for book in self._books.values() for one in book.queue()]
        came = sum(minute.flow.arrived_units for minute in minutes)
        picked = sum(minute.flow.picked_units for minute in minutes)
        rates = self._rated(self._region, came, picked, busy=bool(queue) or bool(picked))
        ahead = forecast(at + MINUTE_MS, queue, self._profiles.get(self._region, {}), rates)
        return together(self._region, at, minutes, rates, ahead)

    def _rated(self, place: str, came: int, picked: int, *, busy: bool) -> Rates:
        before = self._rates.get(place, Rates())
        picks = smoothed(before.picks, picked) if busy else before.picks
        rates = self._rates[place] = Rates(smoothed(before.arrivals, came), picks)
        return rates

    async def _learn(self, now_ms: int) -> None:
        if now_ms < self._profiles_at + HOUR_MS:
            return
        self._profiles_at = now_ms
        try:
            found = await self._store.hours(now_ms - WEEKS * 7 * DAY_MS)
        except StoreUnavailable:
            # There are too many to be read in time: the week is taken to be as it was an hour ago.
            return
        hours: dict[str, list[tuple[int, int, int]]] = {}
        for hour in found:
            hours.setdefault(hour.location_id, []).append((hour.at, hour.units, hour.minutes))
        self._profiles = {place: profile_of(seen) for place, seen in hours.items()}

    async def _orders(self, end_ms: int) -> list[Level] | None:
        began = self._clock.monotonic()
        if began < self._orders_at:
            return None
        try:
            found = await self._store.order_levels(end_ms)
        except StoreUnavailable:
            # There are too many to be added up in time: the minute is told without them.
            found = None
        took = self._clock.monotonic() - began
        self._orders_at = began + took * PATIENCE
        return found

    async def _trim(self, now_ms: int) -> None:
        self._trimmed_at = now_ms
        while await self._store.trim(now_ms - MINUTES_KEPT_DAYS * DAY_MS, now_ms - HOURS_KEPT_DAYS * DAY_MS):
            pass


def _flow_of(minute: Minute) -> list[int]:
    return list(msgspec.structs.astuple(minute.flow))


def _reached(cuts: list[Cut], found: list[StockMove] | list[FloorTurn]) -> dict[str, int]:
    """How far each is read that the limit cut off."""
    counts: dict[str, int] = {}
    last: dict[str, int] = {}
    for one in found:
        counts[one.location_id] = counts.get(one.location_id, 0) + 1
        last[one.location_id] = max(one.version, last.get(one.location_id, 0))
    return {cut.location_id: last[cut.location_id] for cut in cuts if counts.get(cut.location_id, 0) >= TURNS_MAX}
