"""The audit in the order in which it was written, for the forwarder.

The ends of the chains stand in `shards`, so a second without news costs one look at a small table. There is no index of
all lines by shard and number: lines are read by time, from the last one that was taken of the shards that have news. As
the numbers of a shard have no gaps, it is seen what that does not find (a shard's first line, which may be older than
another's last one): it is looked for further back.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from actors.domain.times import DAY_MS, HOUR_MS, moment
from actors.runtime.alerts import Position
from actors.runtime.audit_lines import Line
from actors.runtime.audit_queue import Batch, Missing
from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, new_engine
from actors.storage.schema.audit import audit, audit_drops
from actors.storage.schema.turns import shards

POOL_SIZE = 1
NOWHERE = Position(0, 0)
# How far before another shard's last line a shard's next one is looked for, step by step. Not further, and not for
# longer than a statement may take: else whoever takes lines away keeps all others from coming.
BACK_MS = (HOUR_MS, DAY_MS, 31 * DAY_MS)


class PostgresAuditQueue:
    """`AuditQueue` (see `actors/runtime/audit_queue.py`) on the table that the drain adds to."""

    def __init__(self, url: str, *, timeout_s: float = STATEMENT_TIMEOUT_S) -> None:
        self._engine = new_engine(url, timeout_s, POOL_SIZE).execution_options(isolation_level="AUTOCOMMIT")
        self._limit_s = timeout_s + CONNECT_TIMEOUT_S

    async def close(self) -> None:
        """Gives the connection back."""
        await self._engine.dispose()

    async def after(self, cursor: Mapping[int, Position], limit: int) -> Batch:
        """See `AuditQueue.after`."""

        async def work() -> Batch:
            async with self._engine.connect() as connection:
                return await _after(connection, cursor, limit)

        return await bounded(work(), self._limit_s)


async def _after(connection: AsyncConnection, cursor: Mapping[int, Position], limit: int) -> Batch:
    c = shards.c
    found = await connection.execute(sa.select(c.shard, c.audit_number, c.audit_at))
    ends = {shard: Position(number, at) for shard, number, at in found}
    before = {shard: cursor.get(shard, NOWHERE) for shard in ends}
    passed = {shard: end for shard, end in ends.items() if end.number < before[shard].number}
    missing = [Missing(shard, end.number + 1, before[shard].number) for shard, end in passed.items()]
    wanted = {shard: before[shard] for shard, end in ends.items() if end.number > before[shard].number}
    if not wanted:
        return Batch([], missing, passed, False)
    since_ms = min((place.at_ms for place in wanted.values() if place.number), default=0)
    lines = await _lines(connection, wanted, ends, since_ms, limit)
    more = len(lines) >= limit
    by_shard: dict[int, list[Line]] = {}
    for line in lines:
        by_shard.setdefault(line.shard, []).append(line)
    dropped: dict[int, int] | None = None
    for shard, place in wanted.items():
        come = by_shard.get(shard, [])
        if _follows(place, come) or (more and not come):
            continue
        if dropped is None:
            dropped = await _dropped(connection)
        # Who begins has not missed what was dropped before him.
        start = max(place, Position(dropped.get(shard, 0), place.at_ms)) if place == NOWHERE else place
        if not _follows(start, come) and since_ms:
            come = by_shard[shard] = await _further_back(connection, shard, start, ends, since_ms, limit) or come
        if not come:
            # They were written with the end that tells of them, so they will not come later.
            passed[shard] = ends[shard]
        missing += _missing(shard, start, come, ends[shard])
    for shard, come in by_shard.items():
        missing += [
            Missing(shard, one.number + 1, next_.number - 1)
            for one, next_ in pairwise(come)
            if next_.number > one.number + 1
        ]
    return Batch(sorted((line for come in by_shard.values() for line in come), key=_when), missing, passed, more)


def _when(line: Line) -> int:
    return line.at


def _follows(place: Position, lines: list[Line]) -> bool:
    return bool(lines) and lines[0].number == place.number + 1


def _missing(shard: int, place: Position, lines: list[Line], end: Position) -> list[Missing]:
    """What should have come before the first of these lines, or up to the end."""
    last = lines[0].number - 1 if lines else end.number
    return [Missing(shard, place.number + 1, last)] if last > place.number else []


async def _further_back(
    connection: AsyncConnection, shard: int, place: Position, ends: Mapping[int, Position], since_ms: int, limit: int
) -> list[Line]:
    """The next lines of a shard that has them before `since_ms`; none, or what comes after those that are missing, when
    they are nowhere."""
    found: list[Line] = []
    for back_ms in BACK_MS:
        try:
            found = await _lines(connection, {shard: place}, ends, since_ms - back_ms, limit)
        except sa.exc.OperationalError as fault:
            if isinstance(fault.orig, psycopg.errors.QueryCanceled):
                break
            raise
        if _follows(place, found):
            break
    return found


async def _dropped(connection: AsyncConnection) -> dict[int, int]:
    """The last line of each shard in the months that are gone."""
    c = audit_drops.c
    cut = (await connection.execute(sa.select(c.cut).order_by(c.month.desc()).limit(1))).scalar()
    return {int(shard): int(number) for shard, (number, _) in (cut or {}).items()}


async def _lines(
    connection: AsyncConnection,
    wanted: Mapping[int, Position],
    ends: Mapping[int, Position],
    since_ms: int,
    limit: int,
) -> list[Line]:
    """The oldest lines of these shards after their places and up to the ends that were read before: what is written
    meanwhile comes with the next look."""
    size = max(wanted) + 1
    # By shard, so that one way along the index of times is enough for all of them. None of a shard that is not wanted.
    after, last = [0] * size, [0] * size
    for shard, place in wanted.items():
        after[shard], last[shard] = place.number, ends[shard].number
    asked = {"after": after, "last": last, "lines": limit, "since": moment(since_ms)}
    return [Line(*row) for row in await connection.execute(_NEXT, asked)]


_NEXT = (
    sa.text(f"""
        SELECT {", ".join(Line.__struct_fields__)} FROM audit
        WHERE number > (:after)[shard + 1] AND number <= (:last)[shard + 1] AND at >= :since
        ORDER BY at, shard, number LIMIT :lines
    """)  # noqa: S608 -- of constants
    .bindparams(
        sa.bindparam("after", type_=postgresql.ARRAY(sa.BigInteger)),
        sa.bindparam("last", type_=postgresql.ARRAY(sa.BigInteger)),
        sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    )
    .columns(*(audit.c[name] for name in Line.__struct_fields__))
)
