"""What the collector of figures reads and records, on PostgreSQL: see `actors/runtime/figures.py`.

The ledger and the floors' history are read by the indexes that are there for them, from the version that was read last:
what is new costs what is new. Months before it are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from actors.domain.floor_state import Work
from actors.domain.order_state import restored
from actors.domain.times import HOUR_MS, moment
from actors.figures.books import REASONS, FloorStep, FloorTurn, StockMove, opened
from actors.figures.minute import AGES, Level, Minute
from actors.runtime.figures import Cut, Ends, FloorTrip, FloorWork, HourSeen, Opened
from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, new_engine
from actors.storage.schema.columns import Instant
from actors.storage.schema.figures import figures, figures_hours
from actors.storage.schema.floors import floor_trips, floor_work, floors
from actors.storage.schema.orders import orders
from actors.storage.schema.stock import locations
from actors.storage.storable import storable_text

POOL_SIZE = 1
TRIM_ROWS = 10_000
MINUTES_MAX = 30_000
_encode = msgspec.msgpack.Encoder().encode
_decode_minute = msgspec.msgpack.Decoder(Minute).decode
_decode_work = msgspec.msgpack.Decoder(Work).decode
_decode_steps = msgspec.json.Decoder(list[FloorStep]).decode


class PostgresFigures:
    """`FiguresStore` and `FiguresList`."""

    def __init__(self, url: str, *, timeout_s: float = STATEMENT_TIMEOUT_S) -> None:
        self._engine = new_engine(url, timeout_s, POOL_SIZE)
        self._limit_s = timeout_s + CONNECT_TIMEOUT_S

    async def close(self) -> None:
        """Gives the connection back."""
        await self._engine.dispose()

    # --- what is new
    async def ends(self) -> dict[str, Ends]:
        """See `FiguresStore.ends`."""
        version = sa.func.coalesce(floors.c.version, 0)
        table = locations.outerjoin(floors, floors.c.location_id == locations.c.location_id)
        rows = await self._all(sa.select(locations.c.location_id, locations.c.version, version).select_from(table))
        return {location_id: Ends(stock, floor) for location_id, stock, floor in rows}

    async def moves(self, cuts: Sequence[Cut], since_ms: int, limit: int) -> list[StockMove]:
        """See `FiguresStore.moves`."""
        rows = await self._all(_MOVES, _cut(cuts, since_ms, limit))
        return [StockMove(*row) for row in rows]

    async def turns(self, cuts: Sequence[Cut], since_ms: int, limit: int) -> list[FloorTurn]:
        """See `FiguresStore.turns`."""
        rows = await self._all(_TURNS, _cut(cuts, since_ms, limit))
        return [FloorTurn(row.location_id, row.version, row.at, _decode_steps(row.events)) for row in rows]

    # --- how it is
    async def opened(self, after: str, limit: int) -> Opened:
        """See `FiguresStore.opened`: by the index of open orders."""
        c = orders.c
        query = sa.select(c.order_id, c.placed_at, c.state).where(c.closed_as.is_(None), c.order_id > after)
        rows = await self._all(query.order_by(c.order_id).limit(limit))
        found = []
        for row in rows:
            parts = [
                (f.number, f.location_id, f.status, sum(units for _, units in f.lines), f.promised_by_ms)
                for f in restored(row.state).fulfilments
            ]
            found += opened(row.order_id, row.placed_at, parts)
        return Opened(found, rows[-1].order_id if len(rows) == limit else None)

    async def works(self) -> list[FloorWork]:
        """See `FiguresStore.works`."""
        c = floor_work.c
        rows = await self._all(
            sa.select(c.location_id, c.fulfilment_id, c.pick_by, c.state).where(c.status != "put_back")
        )
        return [
            FloorWork(row.location_id, row.fulfilment_id, row.pick_by, sum(_decode_work(row.state).picked.values()))
            for row in rows
        ]

    async def trips(self) -> list[FloorTrip]:
        """See `FiguresStore.trips`."""
        c = floor_trips.c
        return [
            FloorTrip(*row) for row in await self._all(sa.select(c.location_id, c.trip, c.picker).where(c.picker != ""))
        ]

    async def floor_levels(self, now_ms: int) -> dict[str, list[Level]]:
        """See `FiguresStore.floor_levels`."""
        c = floor_work.c
        overdue = sa.func.count().filter(c.pick_by < sa.literal(now_ms, Instant))
        query = sa.select(c.location_id, c.status, *_counted(c.placed_at, c.units, now_ms), overdue.label("overdue"))
        found: dict[str, list[Level]] = {}
        for row in await self._all(query.group_by(c.location_id, c.status)):
            found.setdefault(row.location_id, []).append(_level(row, row.overdue))
        return found

    async def order_levels(self, now_ms: int) -> list[Level]:
        """See `FiguresStore.order_levels`."""
        c = orders.c
        query = sa.select(c.status, *_counted(c.placed_at, c.units, now_ms)).where(c.closed_as.is_(None))
        return [_level(row, 0) for row in await self._all(query.group_by(c.status).order_by(c.status))]

    # --- what was recorded
    async def hours(self, since_ms: int) -> list[HourSeen]:
        """See `FiguresStore.hours`."""
        c = figures_hours.c
        query = sa.select(c.location_id, c.at, c.units, c.minutes).where(c.at >= sa.literal(since_ms, Instant))
        return [HourSeen(*row) for row in await self._all(query.order_by(c.location_id, c.at))]

    async def last(self, since_ms: int) -> dict[str, Minute]:
        """See `FiguresStore.last`."""
        c = figures.c
        query = sa.select(c.location_id, c.minute).where(c.at >= sa.literal(since_ms, Instant))
        query = query.ext(postgresql.distinct_on(c.location_id)).order_by(c.location_id, c.at.desc())
        return {row.location_id: _decode_minute(row.minute) for row in await self._all(query)}

    async def figures(self, location_id: str, since_ms: int, until_ms: int, limit: int) -> list[Minute]:
        """See `FiguresList.figures`; at most MINUTES_MAX. A thousand take some ten milliseconds to decode."""
        rows = await self._all(_recorded(figures.c.minute, location_id, since_ms, until_ms, limit))
        return [_decode_minute(row.minute) for row in rows]

    async def seen(self, location_id: str, since_ms: int, until_ms: int, limit: int) -> list[int]:
        """See `FiguresList.seen`; at most MINUTES_MAX."""
        return [row.at for row in await self._all(_recorded(figures.c.at, location_id, since_ms, until_ms, limit))]

    async def latest(self, after_ms: int) -> list[Minute]:
        """See `FiguresList.latest`."""
        c = figures.c
        newest = sa.select(sa.func.max(c.at)).where(c.at > sa.literal(after_ms, Instant)).scalar_subquery()
        rows = await self._all(sa.select(c.minute).where(c.at == newest).order_by(c.location_id))
        return [_decode_minute(row.minute) for row in rows]

    async def record(self, region: str, minutes: Sequence[Minute], hours: Mapping[str, int]) -> bool:
        """See `FiguresStore.record`. The region's row is the claim: of two collectors one writes the minute."""
        (whole,) = [minute for minute in minutes if minute.location_id == region]
        others = [_row(minute) for minute in minutes if minute.location_id != region]
        claim = postgresql.insert(figures).values([_row(whole)]).on_conflict_do_nothing().returning(figures.c.at)
        at = whole.at - whole.at % HOUR_MS
        new = postgresql.insert(figures_hours)
        adds = new.on_conflict_do_update(
            index_elements=["location_id", "at"],
            set_={
                "units": figures_hours.c.units + new.excluded.units,
                "minutes": figures_hours.c.minutes + new.excluded.minutes,
            },
        )

        async def work() -> bool:
            async with self._engine.begin() as connection:
                if not [*await connection.execute(claim)]:
                    return False
                if others:
                    await connection.execute(sa.insert(figures), others)
                rows = [
                    {"location_id": place, "at": at, "units": n, "minutes": 1} for place, n in sorted(hours.items())
                ]
                await connection.execute(adds, rows)
                return True

        return await bounded(work(), self._limit_s)

    async def trim(self, minutes_before_ms: int, hours_before_ms: int) -> int:
        """See `FiguresStore.trim`: at most TRIM_ROWS of each at a time."""

        async def work() -> int:
            async with self._engine.begin() as connection:
                gone = 0
                for table, before in ((figures, minutes_before_ms), (figures_hours, hours_before_ms)):
                    old = (
                        sa.select(table.c.location_id, table.c.at)
                        .where(table.c.at < sa.literal(before, Instant))
                        .limit(TRIM_ROWS)
                    )
                    keys = sa.tuple_(table.c.location_id, table.c.at)
                    gone += (await connection.execute(sa.delete(table).where(keys.in_(old)))).rowcount
                return gone

        return await bounded(work(), self._limit_s)

    async def _all(self, query: Any, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        async def work() -> Sequence[Any]:
            async with self._engine.connect() as connection:
                return [*await connection.execute(query, values)]

        return await bounded(work(), self._limit_s)


def _row(minute: Minute) -> dict[str, Any]:
    return {"location_id": minute.location_id, "at": minute.at, "minute": _encode(minute)}


def _recorded(column: sa.Column[Any], location_id: str, since_ms: int, until_ms: int, limit: int) -> sa.Select[Any]:
    c = figures.c
    query = sa.select(column).where(
        c.location_id == storable_text(location_id), c.at >= sa.literal(since_ms, Instant), c.at < sa.literal(until_ms, Instant)
    )  # fmt: skip
    return query.order_by(c.at).limit(min(limit, MINUTES_MAX))


def _counted(placed_at: Any, units: Any, now_ms: int) -> list[Any]:
    """Columns: how many, their units, and how many of each age."""
    since = [sa.literal(now_ms - hours * HOUR_MS, Instant) for _, hours in AGES]
    ages = []
    for at, begin in enumerate(since):
        old = placed_at <= begin if at else sa.true()
        young = placed_at > since[at + 1] if at + 1 < len(since) else sa.true()
        ages.append(sa.func.count().filter(sa.and_(old, young)).label(f"age_{at}"))
    return [sa.func.count().label("works"), sa.cast(sa.func.sum(units), sa.BigInteger).label("units"), *ages]


def _level(row: Any, overdue: int) -> Level:
    return Level(row.status, row.works, row.units, overdue, [getattr(row, f"age_{at}") for at in range(len(AGES))])


def _cut(cuts: Sequence[Cut], since_ms: int, limit: int) -> dict[str, Any]:
    return {
        "places": [cut.location_id for cut in cuts], "afters": [cut.after for cut in cuts], "untils": [cut.until for cut in cuts],
        "since": moment(since_ms), "lines": limit,
    }  # fmt: skip


_WANTED = (
    sa.bindparam("places", type_=postgresql.ARRAY(sa.Text)),
    sa.bindparam("afters", type_=postgresql.ARRAY(sa.BigInteger)),
    sa.bindparam("untils", type_=postgresql.ARRAY(sa.BigInteger)),
    sa.bindparam("since", type_=sa.DateTime(timezone=True)),
)
# Of orders: what transfers and carts do says "-transfer-" and "-resv-". A turn is of one fulfilment, so
# the limit cuts none in two.
_MOVES = (
    sa.text("""
        SELECT line.* FROM unnest(:places, :afters, :untils) AS wanted (place, after, until)
        CROSS JOIN LATERAL (
            SELECT location_id, version, min(at) AS at, reason, cause, CAST(sum(quantity) AS bigint) AS units, count(*) AS lines FROM ledger
            WHERE location_id = wanted.place AND version > wanted.after AND version <= wanted.until AND at >= :since
              AND reason = ANY (:reasons) AND cause ~ '^[a-z0-9]+-[0-9a-z]{26}[.]'
            GROUP BY location_id, version, reason, cause ORDER BY version LIMIT :lines
        ) AS line
    """)
    .bindparams(*_WANTED, sa.bindparam("reasons", list(REASONS), type_=postgresql.ARRAY(sa.Text)))
    .columns(location_id=sa.Text, version=sa.BigInteger, at=Instant, reason=sa.Text, cause=sa.Text, units=sa.BigInteger, lines=sa.BigInteger)
)  # fmt: skip
# Location and floor have the same id, so their versions lie in one index: bounded from both ends it reads
# hardly more than the floor's.
_TURNS = (
    sa.text("""
        SELECT line.* FROM unnest(:places, :afters, :untils) AS wanted (place, after, until)
        CROSS JOIN LATERAL (
            SELECT entity_id AS location_id, version, at, CAST(events AS text) AS events FROM history
            WHERE entity_id = wanted.place AND kind = 'floor' AND version > wanted.after AND version <= wanted.until AND at >= :since
            ORDER BY version LIMIT :lines
        ) AS line
    """)
    .bindparams(*_WANTED)
    .columns(location_id=sa.Text, version=sa.BigInteger, at=Instant, events=sa.Text)
)
