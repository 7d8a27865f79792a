"""One round of serving a location's line: what of the free units goes to whom. The rules are in `location_waiting.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy

from actors.domain.kind import Context
from actors.domain.location_capacity import count_of, local_day
from actors.domain.location_draft import Draft, apply
from actors.domain.location_events import Entry, Event, LevelsSet, LotOpened, SafetyStockSet, StockChanged, Units
from actors.domain.location_line import Class, LineServed, Queue, Waiter
from actors.domain.location_lots import first_expired, today
from actors.domain.location_profile import DayCount, DayCounted, ProfileSet
from actors.domain.location_state import Location, Lot, Stock
from actors.domain.location_stock import buffers_of

# Orders that are served in one turn; the others follow at once in the next.
SERVED_MAX = 200
_ANY = 1 << 62


class Round:
    """The location as it will be after `events`, and what goes to the line then.

    `kept`: SKU → free units that are somebody's in the line, who is served in a later turn. `full`: the day's capacity is used up. `more`: there was too much to do for one turn.
    """

    def __init__(self, location: Location, events: Iterable[Event], context: Context) -> None:
        self._location, self._context = location, context
        self._draft = Draft(location)
        self._profile, count = location.profile, None
        self._given: dict[str, list[Entry]] = {}
        self._units: dict[tuple[str, str], int] = {}
        self.kept: dict[str, int] = {}
        self.full = self.more = False
        for event in events:
            self._after(event)
            if type(event) is ProfileSet:
                self._profile = event.profile
            elif type(event) is DayCounted:
                count = event.count
        self._count: DayCount | None = None
        if self._profile is not None and self._profile.limited:
            self._count = count or count_of(
                location, local_day(location.particulars.timezone, context.now_ms)
            )  # fmt: skip

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
                if levels.safety_stock is not None:
                    stock.safety_stock = levels.safety_stock
                if levels.buffers is not None:
                    stock.buffers = buffers_of(levels.buffers)

    # --- who gets it
    def serve(self, sku: str, classes: Mapping[Class, Queue], waiters: Mapping[str, Waiter]) -> None:
        """Gives what is free of the SKU to the heads of the classes, lowest rank first."""
        known = self._draft.touched.get(sku) or self._location.stock.get(sku)
        if known is None or not known.available:
            return
        now_ms = self._context.now_ms
        heads = {one: 0 for one in classes if one[2] <= now_ms}
        while heads:
            one = min(heads, key=lambda one: classes[one].ranks[heads[one]])
            waiter = waiters[classes[one].ranks[heads[one]][2]]
            if waiter.whole and not self._has_all(waiter):
                # It leaves what there is to others: what it lacks may never come.
                del heads[one]
                continue
            wanted = waiter.lines[sku] - self._units.get((waiter.order_id, sku), 0)
            got = self._give(waiter, sku, wanted) if wanted else 0
            if self.full or self.more:
                self._keep(sku, classes, heads)
                return
            if got < wanted:
                del heads[one]
                continue
            heads[one] += 1
            if heads[one] == len(classes[one].ranks):
                del heads[one]

    def _give(self, waiter: Waiter, sku: str, wanted: int) -> int:
        """Units that it got, all that there are for it; everything else that it wants too, if it takes all or nothing."""
        if not waiter.whole:
            return self._take(waiter, sku, wanted)
        for other, units in waiter.lines.items():
            self._take(waiter, other, units)
        return wanted

    def _take(self, waiter: Waiter, sku: str, wanted: int) -> int:
        room = self._room(waiter, wanted)
        parts = self._parts(waiter, sku, min(wanted, room))
        if not parts:
            return 0
        if waiter.order_id not in self._given and len(self._given) >= SERVED_MAX:
            self.more = True
            return 0
        if self._count is not None:
            orders = self._count.orders + (waiter.order_id not in self._given)
            self._count = DayCount(self._count.day, orders, self._count.units + sum(units for _, units in parts))
            self.full = self.full or room < wanted
        entries = self._given.setdefault(waiter.order_id, [])
        for lot, units in parts:
            entry = Entry(sku, units, 0, units, "allocate", None, None, lot)
            apply(entry, self._draft.stock(sku))
            if lot:
                apply(entry, self._draft.lots(sku)[lot])
            entries.append(entry)
        got = sum(units for _, units in parts)
        key = (waiter.order_id, sku)
        self._units[key] = self._units.get(key, 0) + got
        return got

    def _parts(self, waiter: Waiter, sku: str, wanted: int) -> list[tuple[str, int]]:
        """(lot, units) of what is good for it, "" where there are no lots."""
        units = min(wanted, self._draft.stock(sku).available_to(waiter.channel))
        if units <= 0:
            return []
        lots = self._draft.lots(sku)
        if not lots:
            return [("", units)]
        return first_expired(lots, units, today(self._context) + waiter.life_days.get(sku, 0))

    def _has_all(self, waiter: Waiter) -> bool:
        now_ms = self._context.now_ms
        if any(moment > now_ms for moment in waiter.from_ms.values()):
            return False
        # What it got of one SKU in this round it got of all.
        if any((waiter.order_id, sku) in self._units for sku in waiter.lines):
            return True
        if self._count is not None and self._room(waiter, 0) < sum(waiter.lines.values()):
            return False
        return all(
            sum(units for _, units in self._parts(waiter, sku, wanted)) == wanted
            for sku, wanted in waiter.lines.items()
        )

    def _room(self, waiter: Waiter, wanted: int) -> int:
        """Units that the location may still do for the order today. What is wanted above that waits for tomorrow, and so do those behind."""
        profile, count = self._profile, self._count
        if profile is None or count is None:
            return wanted
        room = max(0, profile.units_a_day - count.units) if profile.units_a_day else _ANY
        if profile.orders_a_day and waiter.order_id not in self._given and count.orders >= profile.orders_a_day:
            room = 0
        self.full = self.full or (wanted > 0 and not room)
        return room

    def _keep(self, sku: str, classes: Mapping[Class, Queue], heads: Mapping[Class, int]) -> None:
        """Those who could have been served have a claim to what is left."""
        wanted = 0
        stock = self._draft.stock(sku)
        for one in heads:
            queue = classes[one]
            given = sum(self._units.get((rank[2], sku), 0) for rank in queue.ranks[: heads[one] + 1])
            wanted += min(queue.units - given, stock.available_to(one[0]))
        self.kept[sku] = min(wanted, stock.available)

    # --- what came of it
    @property
    def served(self) -> bool:
        """Did anybody get anything?"""
        return bool(self._given)

    def events(self, waiters: Mapping[str, Waiter], *, floor: bool) -> list[Event]:
        """Who was served, each with the units as one part of the order."""
        out: list[Event] = []
        for order_id, entries in self._given.items():
            number, got = waiters[order_id].number, dict[str, int]()
            for entry in entries:
                got[entry.sku] = got.get(entry.sku, 0) + entry.quantity
            lines: list[Units] = sorted(got.items())
            out.append(StockChanged(entries, f"{order_id}.{number}"))
            out.append(LineServed(order_id, number, lines, floor))
        if self._given and self._count is not None:
            out.append(DayCounted(self._count))
        return out

    def rest(self, skus: Iterable[str]) -> Location:
        """The location as whoever is not in the line may see it: without what went to the line, or is kept for it."""
        location, draft = self._location, self._draft
        stock, lots = dict[str, Stock](), dict[str, dict[str, Lot]]()
        for sku in skus:
            known = draft.touched.get(sku) or location.stock.get(sku)
            if known is None:
                continue
            stock[sku] = copy(known)
            stock[sku].safety_stock += self.kept.get(sku, 0)
            if sku in location.lots:
                lots[sku] = draft.lots(sku)
        counted = self._count if self._given and self._count is not None else location.counted
        return Location(
            location.particulars, stock, lots, floor=location.floor, profile=location.profile, counted=counted
        )
