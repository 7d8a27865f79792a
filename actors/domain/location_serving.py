"""One round of serving a location's line: what of the free units goes to whom. The rules are
in `location_waiting.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from heapq import heapify, heappop, heapreplace

from actors.domain.kind import Context
from actors.domain.location_alerts import crossed
from actors.domain.location_day import DayRoom
from actors.domain.location_draft import Draft, apply
from actors.domain.location_events import Entry, Event, LevelsSet, LotOpened, SafetyStockSet, StockChanged, Units
from actors.domain.location_line import Queue, WaitingLine
from actors.domain.location_line_events import Class, GoodsCame, LineServed, Rank, Waiter
from actors.domain.location_lots import first_expired, today, without
from actors.domain.location_profile import DayCounted, ProfileSet
from actors.domain.location_state import Location, Lot, Stock
from actors.domain.location_stock import buffers_of
from actors.domain.location_turns import Turns

# Orders that are served in one turn; the others follow at once in the next.
SERVED_MAX = 200
# Its rank, the SKU, its class, where it stands in that.
_Head = tuple[Rank, str, Class, int]


class Round:
    """The location as it will be after `events`, and what goes to the line then.

    `kept`: SKU → free units that are somebody's in the line, who is served in a later turn. `more`: there was too much
    to do for one turn. `day`: see `location_day.py`. `turns`: see `location_turns.py`. asker: the order that asks by
    itself in this turn, from which nothing is kept that is set aside for it.
    """

    def __init__(
        self, location: Location, line: WaitingLine, events: Iterable[Event], context: Context, asker: str = ""
    ) -> None:
        self._location, self._line, self._context, self._asker = location, line, context, asker
        self._waiters: Mapping[str, Waiter] = line.waiters
        self._draft = Draft(location)
        # Order → what it gets; (order, SKU) → units of that.
        self._entries: dict[str, list[Entry]] = {}
        self._got: dict[tuple[str, str], int] = {}
        self.kept: dict[str, int] = {}
        self._kept_lots: dict[str, dict[str, int]] = {}
        self.more = False
        # What became free by time alone the timer gives, and it is due.
        self._late = line.due_ms is not None and line.due_ms <= context.now_ms
        # SKUs that were looked at; and of which some need not stay any more, since he is served for whom they did.
        self._served_skus, self._released_skus = frozenset[str](), dict[str, None]()
        # Orders that take all or nothing: which lack something, and for which all was set aside that there is.
        self._lack, self._held = set[str](), set[str]()
        # SKUs of which was set aside what is due to those whose turn it is.
        self._held_skus = set[str]()
        profile, counted = location.profile, None
        for event in events:
            self._after(event)
            if type(event) is ProfileSet:
                profile = event.profile
            elif type(event) is DayCounted:
                counted = event.count
        self.turns = Turns(line, context.now_ms, self._came(), self)
        self.day = DayRoom(location, profile, counted, context)

    def _after(self, event: Event) -> None:
        draft = self._draft
        if type(event) is StockChanged:
            for entry in event.entries:
                apply(entry, draft.stock(entry.sku))
                if entry.lot:
                    apply(entry, draft.lots(entry.sku)[entry.lot])
        elif type(event) is LotOpened:
            draft.open_lot(event)
        elif type(event) is SafetyStockSet:
            for sku, level in event.levels:
                draft.stock(sku).safety_stock = level
        elif type(event) is LevelsSet:
            for levels in event.levels:
                stock = draft.stock(levels.sku)
                if levels.reorder_point is not None:
                    stock.reorder_point = levels.reorder_point
                if levels.safety_stock is not None:
                    stock.safety_stock = levels.safety_stock
                if levels.buffers is not None:
                    stock.buffers = buffers_of(levels.buffers)

    def _came(self) -> dict[str, int]:
        """SKU → units that came by the events, be they kept back yet: they came in, were found, or are good again; or
        0, where units are kept back no more, for these were there. What somebody gives back was there before, too, and
        what comes for somebody is his."""
        came: dict[str, int] = {}
        for sku, stock in self._draft.touched.items():
            before, after = self._location.stock.get(sku) or Stock(), copy(stock)
            after.allocated += max(0, before.promised - stock.promised)
            channels = {channel for channel, _, _, _ in self._line.queues.get(sku, ())}
            more = max((after.available_to(one) - before.available_to(one) for one in channels), default=0)
            goods = stock.sellable - before.sellable - max(0, stock.promised - before.promised)
            if channels and (more > 0 or goods > 0):
                came[sku] = max(0, goods)
        return came

    # --- who gets it
    def serve(
        self, skus: Iterable[str], queue_of: Callable[[str], Mapping[Class, Queue]], waiters: Mapping[str, Waiter]
    ) -> None:
        """Gives what is free of the SKUs to the heads of the classes, lowest rank first: so who takes several at once
        finds what those before him leave of each.

        Who is served gives up what had to stay with what was set aside for it; of its goods that are not among these,
        others may have that now. queue_of: who is in line for a SKU."""
        self._waiters, looked_at = waiters, list(skus)
        while looked_at:
            self._serve({sku: queue_of(sku) for sku in looked_at})
            released = [sku for sku in self._released_skus if sku not in self._served_skus]
            looked_at = [] if self.day.full or self.more else released
            self._released_skus.clear()
            self._lack.clear()

    def _serve(self, queues: Mapping[str, Mapping[Class, Queue]]) -> None:
        now_ms, heads, waiters = self._context.now_ms, list[_Head](), self._waiters
        self._served_skus |= queues.keys()
        for sku, classes in queues.items():
            known = self._draft.touched.get(sku) or self._location.stock.get(sku)
            if known is not None and known.available:
                heads += [(classes[one].ranks[0], sku, one, 0) for one in classes if one[2] <= now_ms]
        heapify(heads)
        while heads:
            rank, sku, one, at = heads[0]
            waiter = waiters[rank[2]]
            if waiter.whole and not self._has_all(waiter):
                self._set_aside(waiter, sku)
                heappop(heads)
                continue
            wanted = waiter.lines[sku] - self._got.get((waiter.order_id, sku), 0)
            got = self._give(waiter, sku, wanted) if wanted else 0
            if got:
                self._passed(waiter, sku)
            if self.day.full or self.more:
                self._keep(queues, heads)
                return
            ranks = queues[sku][one].ranks
            if got < wanted or at + 1 == len(ranks):
                # Those behind it, who are like it, find nothing either. A turn that comes later in the round can leave
                # one over for them: that is the next round's.
                heappop(heads)
            else:
                heapreplace(heads, (ranks[at + 1], sku, one, at + 1))

    def _give(self, waiter: Waiter, sku: str, wanted: int) -> int:
        """Units that it got, all that there are for it; everything else that it wants too, if
        it takes all or nothing."""
        if not waiter.whole:
            return self._take(waiter, sku, wanted)
        for other, units in waiter.lines.items():
            self._take(waiter, other, units)
        if waiter.order_id not in self._entries:
            return 0
        if self.turns.keeps(waiter.order_id):
            self._released_skus |= dict.fromkeys(waiter.lines)
        self.turns.served(waiter)
        for other in waiter.lines:
            self._hold_behind(waiter, other)  # what was kept back from its channel has to stay for it no longer
        return wanted

    def _take(self, waiter: Waiter, sku: str, wanted: int) -> int:
        begun = waiter.order_id in self._entries
        room = self.day.units_left(begun=begun)
        if not room:
            self.day.full = True
            return 0
        parts = self._parts(waiter, sku, min(wanted, room))
        if not parts:
            return 0
        if not begun and len(self._entries) >= SERVED_MAX:
            self.more = True
            return 0
        # What is wanted above that waits for tomorrow, and so do those behind.
        self.day.full = self.day.full or room < wanted
        got = sum(units for _, units in parts)
        self.day.take(got, begun=begun)
        entries = self._entries.setdefault(waiter.order_id, [])
        for lot, units in parts:
            entry = Entry(sku, units, 0, units, "allocate", None, None, lot)
            apply(entry, self._draft.stock(sku))
            if lot:
                apply(entry, self._draft.lots(sku)[lot])
            entries.append(entry)
        key = (waiter.order_id, sku)
        self._got[key] = self._got.get(key, 0) + got
        return got

    def _keep(self, queues: Mapping[str, Mapping[Class, Queue]], heads: Iterable[_Head]) -> None:
        """Those who could have been served have a claim to what is left."""
        wanted: dict[str, int] = {}
        for _, sku, one, at in heads:
            queue = queues[sku][one]
            given = sum(self._got.get((rank[2], sku), 0) for rank in queue.ranks[: at + 1])
            free = max(0, self._draft.stock(sku).available_to(one[0]) - self.turns.aside(sku))
            units = min(queue.units - given, free)
            lots = self._draft.lots(sku)
            if lots:
                kept = self._kept_lots.setdefault(sku, self.turns.lots_but(sku, self._asker))
                parts = first_expired(without(lots, kept), units, today(self._context) + one[1])
                kept |= {lot: kept.get(lot, 0) + n for lot, n in parts}
                units = sum(n for _, n in parts)
            wanted[sku] = wanted.get(sku, 0) + units
        for sku, units in wanted.items():
            self.kept[sku] = max(0, min(units, self._draft.stock(sku).available - self.turns.aside(sku)))

    # --- what there is for somebody
    def _parts(self, waiter: Waiter, sku: str, wanted: int) -> list[tuple[str, int]]:
        """(lot, units) of what is good for it, "" where there are no lots."""
        stock = self._draft.stock(sku)
        units = min(wanted, stock.available_to(waiter.channel), stock.available - self.turns.aside_before(sku, waiter))
        if units <= 0:
            return []
        lots = self._draft.lots(sku)
        if not lots:
            return [("", units)]
        lots = without(lots, self.turns.lots_before(sku, waiter))
        return first_expired(lots, units, today(self._context) + waiter.life_days.get(sku, 0))

    def _good(self, waiter: Waiter, sku: str) -> int:
        return sum(units for _, units in self._parts(waiter, sku, waiter.lines[sku]))

    def good(self, waiter: Waiter, sku: str) -> int:
        """See `Goods`. Of other goods than that which is given out there may be some that are set aside
        for who comes before it."""
        self._hold_for_keepers(sku)
        return self._good(waiter, sku)

    def lacks(self, waiter: Waiter, sku: str) -> bool:
        """See `Goods`. What is simply not there is seen before any lot is looked at: there may be thousands."""
        wanted = waiter.lines[sku]
        if self._free_for(waiter, sku) < wanted:
            return True
        lots = self._draft.lots(sku)
        parts = first_expired(lots, wanted, today(self._context) + waiter.life_days.get(sku, 0)) if lots else ()
        return bool(lots) and sum(n for _, n in parts) < wanted

    def _free_for(self, waiter: Waiter, sku: str) -> int:
        known = self._draft.touched.get(sku) or self._location.stock.get(sku)
        return known.available_to(waiter.channel) if known is not None else 0

    def beyond_a_day(self, waiter: Waiter) -> bool:
        """Is it more at once than the place does in a day by now? Whoever came when it did more finds all on no day, so
        nothing is set aside for him."""
        profile = self.day.profile
        return profile is not None and profile.beyond_a_day(sum(waiter.lines.values()))

    # --- who takes all or nothing
    def _has_all(self, waiter: Waiter) -> bool:
        """Worked out once for all its SKUs: what it got of one SKU in this round it got of all, and
        what it lacked it lacks."""
        if waiter.order_id in self._entries:
            return True
        if waiter.order_id in self._lack or not self._finds_all(waiter):
            self._lack.add(waiter.order_id)
            return False
        return True

    def _finds_all(self, waiter: Waiter) -> bool:
        now_ms = self._context.now_ms
        if any(moment > now_ms for moment in waiter.from_ms.values()) or self.beyond_a_day(waiter):
            return False
        if self._late and any(sku not in self._served_skus and self._line.ahead(waiter, sku) for sku in waiter.lines):
            return False  # of its other goods there may be some for who comes before it, who is not looked at now
        # What is simply not there is seen before anything is looked at closely.
        if any(self._free_for(waiter, sku) < wanted for sku, wanted in waiter.lines.items()):
            return False
        for sku in waiter.lines:
            self._hold_for_keepers(sku)
        if any(self._good(waiter, sku) < wanted for sku, wanted in waiter.lines.items()):
            return False
        if self.day.units_left(begun=False) >= sum(waiter.lines.values()):
            return True
        self.day.tomorrow = True
        return False

    def _set_aside(self, waiter: Waiter, sku: str) -> None:
        """What there is of it waits for who takes all or nothing, if it is its turn; if not it is left to others, as
        what is missing may never come."""
        if any(moment > self._context.now_ms for moment in waiter.from_ms.values()):
            return
        if not self.beyond_a_day(waiter) and self._good(waiter, sku) and self.turns.claim(waiter, sku):
            # Its heads follow each other, as it has one rank: nothing is given in between.
            if waiter.order_id not in self._held:
                self._hold(waiter)
        else:
            self.turns.leave(waiter, sku)

    def _passed(self, waiter: Waiter, sku: str) -> None:
        for again in self.turns.passed(waiter.lines if waiter.whole else (sku,), sku):
            self._hold(again)

    def _hold_for_keepers(self, sku: str) -> None:
        """For all whose turn it is, once. Of other goods too than that which is given out there may be some that are
        set aside: whoever wants several at once leaves them."""
        if sku in self._held_skus:
            return
        self._held_skus.add(sku)
        waiters = self._waiters
        names = (only for _, _, _, only in self._line.queues.get(sku, ()) if only and self.turns.keeps(only))
        keepers = [waiters[name] for name in names if name in waiters and sku in waiters[name].lines]
        for waiter in sorted(keepers, key=lambda one: one.rank(sku)):
            if not self.beyond_a_day(waiter):
                self._hold_of(waiter, sku)

    def _hold(self, waiter: Waiter) -> None:
        self._held.add(waiter.order_id)
        for sku in waiter.lines:
            self._hold_for_keepers(sku)
            self._hold_of(waiter, sku)
            self._hold_behind(waiter, sku)

    def _hold_behind(self, waiter: Waiter, sku: str) -> None:
        """What is left now for those who come after it."""
        for name in self.turns.behind(sku, waiter):
            self._hold_of(self._waiters[name], sku)

    def _hold_of(self, waiter: Waiter, sku: str) -> None:
        stock = self._draft.stock(sku)
        back = next((units for name, units in stock.buffers if name == waiter.channel), 0)
        # As much as whoever comes next in its channel could have.
        self.turns.set_aside(waiter, sku, self._parts(waiter, sku, waiter.lines[sku]), back)

    # --- what came of it
    def left(self, sku: str) -> int:
        """Units that whoever is not in line may not have: they are kept for somebody, or set aside."""
        return self.kept.get(sku, 0) + self.turns.aside_but(sku, self._asker)

    def events(self, waiters: Mapping[str, Waiter], *, floor: bool) -> list[Event]:
        """What came in of what is waited for as a whole; whose turn came or ended; and who was served, each with the
        units as one part of the order."""
        came = self.turns.waited_for()
        out: list[Event] = [GoodsCame([*came], self._context.now_ms, [*came.values()])] if came else []
        out += [turn for name, turn in self.turns.changed.items() if name not in self._entries]
        for order_id, entries in self._entries.items():
            number, got = waiters[order_id].number, dict[str, int]()
            for entry in entries:
                got[entry.sku] = got.get(entry.sku, 0) + entry.quantity
            lines: list[Units] = sorted(got.items())
            out.append(StockChanged(entries, f"{order_id}.{number}"))
            out.append(LineServed(order_id, number, lines, floor))
        if self._entries and self.day.count is not None:
            out.append(DayCounted(self.day.count))
        if self._entries:
            out.extend(self._levels_crossed())
        return out

    def _levels_crossed(self) -> Iterable[Event]:
        """What the line has taken is missing as what anybody takes. What came in with the same turn was never there for
        others, and what left by it was told."""
        given: dict[str, int] = {}
        for (_, sku), units in self._got.items():
            given[sku] = given.get(sku, 0) + units
        for sku, units in given.items():
            stock, known = self._draft.stock(sku), self._location.stock.get(sku)
            ahead = max(0, stock.free + units - stock.safety_stock)
            before = min(ahead, known.available) if known is not None else 0
            yield from crossed(sku, stock.reorder_point, before, stock.available)

    def fallen(self, events: Iterable[Event]) -> Iterable[Event]:
        """That somebody else takes what these events say makes stock low, by what there is: what is set aside or kept
        for the line is there yet."""
        stock: dict[str, Stock] = {}
        for entry in (entry for event in events if type(event) is StockChanged for entry in event.entries):
            apply(entry, stock.setdefault(entry.sku, copy(self._draft.stock(entry.sku))))
        for sku, after in stock.items():
            before = self._draft.stock(sku)
            yield from crossed(sku, before.reorder_point, before.available, after.available)

    def rest(self, skus: Iterable[str]) -> Location:
        """The location as whoever is not in the line may see it: without what went to the line, or is kept for it."""
        location, draft = self._location, self._draft
        stock, lots = dict[str, Stock](), dict[str, dict[str, Lot]]()
        for sku in skus:
            known = draft.touched.get(sku) or location.stock.get(sku)
            if known is None:
                continue
            stock[sku] = copy(known)
            stock[sku].safety_stock += self.left(sku)
            if sku in location.lots:
                kept = self._kept_lots.get(sku) or self.turns.lots_but(sku, self._asker)
                lots[sku] = without(draft.lots(sku), kept)
        counted = self.day.count if self._entries and self.day.count is not None else location.counted
        return Location(
            location.particulars, stock, lots, floor=location.floor, profile=location.profile, counted=counted
        )
