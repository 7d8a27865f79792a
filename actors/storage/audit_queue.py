"""The audit in the order in which it was written, for the forwarder.

The ends of the chains stand in `shards`, so a second without news costs one look at a small table. There is no index of
all lines by shard and number, so lines are read by time, from where the last look ended:

    ──── taken, of all shards ────┤ swept ├──── the next lines, `limit` of them ────▶
           ▲
           late: written after the look that came past their time (a host that could not reach PostgreSQL)

The numbers of a shard have no gaps, so whoever is late is seen by the number that does not follow, and how many lines
that are is known: they are looked for from `swept` backwards until all of them are there, or, where there are many,
from the shard's last one on. What is in neither is missing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from actors.domain.times import moment
from actors.runtime.alerts import Position
from actors.runtime.audit_lines import Line
from actors.runtime.audit_queue import SWEPT, Batch, Missing
from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, new_engine
from actors.storage.schema.audit import audit, audit_drops
from actors.storage.schema.turns import shards

POOL_SIZE = 1
NOWHERE = Position(0, 0)
# For so long nothing is asked of shards whose late lines were not found in the time that a statement has: whoever takes
# lines away must not keep all others from coming.
PUT_OFF_S = 600.0


class PostgresAuditQueue:
    """`AuditQueue` (see `actors/runtime/audit_queue.py`) on the table that the drain adds to."""

    def __init__(self, url: str, *, timeout_s: float = STATEMENT_TIMEOUT_S) -> None:
        self._engine = new_engine(url, timeout_s, POOL_SIZE).execution_options(isolation_level="AUTOCOMMIT")
        self._limit_s = 2 * timeout_s + CONNECT_TIMEOUT_S
        self._put_off: dict[int, float] = {}

    async def close(self) -> None:
        """Gives the connection back."""
        await self._engine.dispose()

    async def after(self, cursor: Mapping[int, Position], limit: int) -> Batch:
        """See `AuditQueue.after`."""
        now = time.monotonic()
        put_off = {shard for shard, until in self._put_off.items() if until > now}

        async def work() -> Batch:
            async with self._engine.connect() as connection:
                return await _after(connection, cursor, limit, put_off)

        batch = await bounded(work(), self._limit_s)
        self._put_off |= dict.fromkeys(batch.put_off, now + PUT_OFF_S)
        return batch


class _Span(NamedTuple):
    """Of a shard, the lines after `place` up to the number `last`."""

    place: Position
    last: int


_Spans = Mapping[int, _Span]


async def _after(connection: AsyncConnection, cursor: Mapping[int, Position], limit: int, put_off: set[int]) -> Batch:
    c = shards.c
    found = await connection.execute(sa.select(c.shard, c.audit_number, c.audit_at))
    ends = {shard: Position(number, at) for shard, number, at in found}
    places = await _places(connection, cursor, ends)
    then = {shard: end for shard, end in ends.items() if places[shard].number > end.number}
    missing = [Missing(shard, end.number + 1, places[shard].number) for shard, end in then.items()]
    wanted = {
        shard: _Span(places[shard], end.number)
        for shard, end in ends.items()
        if places[shard].number < end.number and shard not in put_off
    }
    if not wanted:
        return Batch([], missing, then, False)
    swept_ms = cursor.get(SWEPT, NOWHERE).at_ms
    come, more = await _lines(connection, _NEXT, wanted, limit, since=swept_ms)
    if come:
        then[SWEPT] = Position(0, max(lines[-1].at for lines in come.values()))
    late = _late(wanted, come, more)
    unfound: tuple[int, ...] = ()
    if late:
        found_late = await _looked_for(connection, late, swept_ms, limit)
        if found_late is None:
            come = {shard: lines for shard, lines in come.items() if shard not in late}
            unfound = tuple(late)
        else:
            lines_late, some_left = found_late
            more = more or some_left
            for shard, span in late.items():
                # What comes after them waits for all of them.
                after = [] if some_left else come.get(shard, [])
                come[shard] = lines_late.get(shard, []) + after
                if span.last == ends[shard].number and not some_left:
                    # They were written with the end that tells of them, so what is missing will not come later.
                    then[shard] = ends[shard]
    for shard, lines in come.items():
        last = ends[shard].number if shard in then else lines[-1].number if lines else places[shard].number
        missing += _gaps(shard, [places[shard].number, *(line.number for line in lines), last + 1])
    return Batch(sorted((line for lines in come.values() for line in lines), key=_when), missing, then, more, unfound)


def _when(line: Line) -> int:
    return line.at


def _gaps(shard: int, numbers: list[int]) -> list[Missing]:
    return [Missing(shard, before + 1, number - 1) for before, number in pairwise(numbers) if number > before + 1]


async def _places(
    connection: AsyncConnection, cursor: Mapping[int, Position], ends: Mapping[int, Position]
) -> dict[int, Position]:
    """Up to where each shard was taken. Of one that never was: up to what was dropped, which nobody missed."""
    if cursor.keys() >= ends.keys():
        return {shard: cursor[shard] for shard in ends}
    c = audit_drops.c
    cut = (await connection.execute(sa.select(c.cut).order_by(c.month.desc()).limit(1))).scalar() or {}
    return {shard: cursor.get(shard) or Position(cut.get(str(shard), (0, ""))[0], 0) for shard in ends}


def _late(wanted: _Spans, come: Mapping[int, list[Line]], more: bool) -> dict[int, _Span]:
    """What should have come before what came; of a shard that the limit cut off nothing is known yet."""
    late = {}
    for shard, span in wanted.items():
        if shard not in come and more:
            continue
        last = come[shard][0].number - 1 if shard in come else span.last
        if last > span.place.number:
            late[shard] = _Span(span.place, last)
    return late


async def _looked_for(
    connection: AsyncConnection, late: _Spans, swept_ms: int, limit: int
) -> tuple[dict[int, list[Line]], bool] | None:
    """The late lines, and whether some are left; None if that takes too long."""
    count = sum(span.last - span.place.number for span in late.values())
    since_ms = min(span.place.at_ms for span in late.values())
    try:
        if count > limit:
            return await _lines(connection, _NEXT, late, limit, since=since_ms, before=swept_ms)
        lines, _ = await _lines(connection, _LATEST, late, count, since=since_ms, before=swept_ms)
    except sa.exc.OperationalError as fault:
        if isinstance(fault.orig, psycopg.errors.QueryCanceled):
            return None
        raise
    return {shard: lines[::-1] for shard, lines in lines.items()}, False


async def _lines(
    connection: AsyncConnection,
    query: sa.TextualSelect,
    spans: _Spans,
    limit: int,
    *,
    since: int,
    before: int | None = None,
) -> tuple[dict[int, list[Line]], bool]:
    """`limit` lines of these spans by shard, as `query` orders them, from `since` on and older than `before` (UTC ms);
    and whether the limit was reached. Not past the spans' ends: what is written meanwhile comes with the next look."""
    size = max(spans) + 1
    # By shard, so that one way along the index of times is enough for all of them. None of a shard that has no span.
    after, last = [0] * size, [0] * size
    for shard, span in spans.items():
        after[shard], last[shard] = span.place.number, span.last
    found = await connection.execute(
        query,
        {"after": after, "last": last, "lines": limit, "since": moment(since), "before": moment(before) if before is not None else LAST},
    )  # fmt: skip
    by_shard: dict[int, list[Line]] = {}
    count = 0
    for row in found:
        line = Line(*row)
        by_shard.setdefault(line.shard, []).append(line)
        count += 1
    return by_shard, count >= limit


def _ordered(how: str) -> sa.TextualSelect:
    return (
        sa.text(f"""
            SELECT {", ".join(Line.__struct_fields__)} FROM audit
            WHERE number > (:after)[shard + 1] AND number <= (:last)[shard + 1] AND at >= :since AND at < :before
            ORDER BY {how} LIMIT :lines
        """)  # noqa: S608 -- of constants
        .bindparams(
            sa.bindparam("after", type_=postgresql.ARRAY(sa.BigInteger)),
            sa.bindparam("last", type_=postgresql.ARRAY(sa.BigInteger)),
            sa.bindparam("since", type_=sa.DateTime(timezone=True)),
            sa.bindparam("before", type_=sa.DateTime(timezone=True)),
        )
        .columns(*(audit.c[name] for name in Line.__struct_fields__))
    )


LAST = datetime(9999, 1, 1, tzinfo=UTC)
_NEXT = _ordered("at, shard, number")
_LATEST = _ordered("at DESC, shard DESC, number DESC")
