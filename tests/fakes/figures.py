"""`FiguresStore` and `FiguresList` in memory: the slow way, by looking at everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.domain.times import HOUR_MS
from actors.figures.books import FloorTurn, Open, StockMove
from actors.figures.minute import Level, Minute
from actors.runtime.errors import StoreUnavailable
from actors.runtime.figures import Cut, Ends, FloorTrip, FloorWork, HourSeen, Opened


class MemoryFigures:
    """Moves, turns and orders are what a test puts there. `away`: nothing answers; `slow_orders`: adding up
    all orders takes too long."""

    def __init__(self) -> None:
        self.stock: list[StockMove] = []
        self.floor: list[FloorTurn] = []
        self.orders: dict[str, list[tuple[str, str, Open]]] = {}
        self.floor_works: list[FloorWork] = []
        self.floor_trips: list[FloorTrip] = []
        self.levels: dict[str, list[Level]] = {}
        self.rows: dict[tuple[str, int], Minute] = {}
        self.hours_seen: dict[tuple[str, int], tuple[int, int]] = {}
        self.away = self.slow_orders = False
        self.asked_orders = 0
        # Of a location at a time.
        self.most_read = 0

    def _reach(self) -> None:
        if self.away:
            raise StoreUnavailable("away")

    async def ends(self) -> dict[str, Ends]:
        self._reach()
        places = {one.location_id for one in (*self.stock, *self.floor)}

        def end(rows: Sequence[StockMove] | Sequence[FloorTurn], place: str) -> int:
            return max((row.version for row in rows if row.location_id == place), default=0)

        return {place: Ends(end(self.stock, place), end(self.floor, place)) for place in sorted(places)}

    async def moves(self, cuts: Sequence[Cut], since_ms: int, limit: int) -> list[StockMove]:
        self._reach()
        found: list[StockMove] = []
        for cut in cuts:
            mine = [m for m in self.stock if m.location_id == cut.location_id and cut.after < m.version <= cut.until]
            found += sorted((m for m in mine if m.at >= since_ms), key=lambda m: m.version)[:limit]
        return found

    async def turns(self, cuts: Sequence[Cut], since_ms: int, limit: int) -> list[FloorTurn]:
        self._reach()
        found: list[FloorTurn] = []
        for cut in cuts:
            mine = [t for t in self.floor if t.location_id == cut.location_id and cut.after < t.version <= cut.until]
            found += sorted((t for t in mine if t.at >= since_ms), key=lambda t: t.version)[:limit]
        return found

    async def opened(self, after: str, limit: int) -> Opened:
        self._reach()
        ids = sorted(order_id for order_id in self.orders if order_id > after)[:limit]
        return Opened(
            [one for order_id in ids for one in self.orders[order_id]], ids[-1] if len(ids) == limit else None
        )

    async def works(self) -> list[FloorWork]:
        self._reach()
        return self.floor_works

    async def trips(self) -> list[FloorTrip]:
        self._reach()
        return self.floor_trips

    async def floor_levels(self, now_ms: int) -> dict[str, list[Level]]:
        self._reach()
        return self.levels

    async def order_levels(self, now_ms: int) -> list[Level]:
        self.asked_orders += 1
        if self.slow_orders:
            raise StoreUnavailable("it takes too long")
        return [Level("backordered", 1, 2, 0, [1, 0, 0, 0])]

    async def hours(self, since_ms: int) -> list[HourSeen]:
        self._reach()
        return [HourSeen(place, at, *seen) for (place, at), seen in sorted(self.hours_seen.items()) if at >= since_ms]

    async def last(self, since_ms: int) -> dict[str, Minute]:
        self._reach()
        return {place: row for (place, at), row in sorted(self.rows.items()) if at >= since_ms}

    async def record(self, region: str, minutes: Sequence[Minute], hours: Mapping[str, int]) -> bool:
        self._reach()
        at = minutes[0].at
        if (region, at) in self.rows:
            return False
        self.rows |= {(minute.location_id, at): minute for minute in minutes}
        for place, units in hours.items():
            key = (place, at - at % HOUR_MS)
            before = self.hours_seen.get(key, (0, 0))
            self.hours_seen[key] = (before[0] + units, before[1] + 1)
        return True

    async def trim(self, minutes_before_ms: int, hours_before_ms: int) -> int:
        self._reach()
        old = [key for key in self.rows if key[1] < minutes_before_ms]
        old_hours = [key for key in self.hours_seen if key[1] < hours_before_ms]
        for key in old:
            del self.rows[key]
        for key in old_hours:
            del self.hours_seen[key]
        return len(old) + len(old_hours)

    async def figures(self, location_id: str, since_ms: int, until_ms: int, limit: int) -> list[Minute]:
        self._reach()
        found = [row for (place, at), row in self.rows.items() if place == location_id and since_ms <= at < until_ms]
        self.most_read = max(self.most_read, len(found[:limit]))
        return sorted(found, key=lambda row: row.at)[:limit]

    async def seen(self, location_id: str, since_ms: int, until_ms: int, limit: int) -> list[int]:
        return [row.at for row in await self.figures(location_id, since_ms, until_ms, limit)]

    async def latest(self, after_ms: int) -> list[Minute]:
        self._reach()
        newest = max((at for _, at in self.rows if at > after_ms), default=None)
        return sorted((row for (_, at), row in self.rows.items() if at == newest), key=lambda row: row.location_id)
