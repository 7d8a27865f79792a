"""Searching the audit: newest first, by key.

What is searched decides how:

    a person or device, words, or nothing but times ──▶ lines, by the index that fits
    an entity ──▶ lines by its index, and an order's routine steps, which that has not, at the moments of its turns in the history
    a machine, an action, an address, a place ──▶ the newest seconds with all of these (`audit_seconds`) ──▶ their lines ──▶ older seconds, until the page is full

A device and whose data it was have no index: they are looked at in each of the lines that the rest finds.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from actors.domain.audit_address import stands_as, within
from actors.domain.ids import ORDER_PATTERN
from actors.domain.times import moment
from actors.runtime.audit_lines import LINES_MAX, Filter, Found, Line, Place
from actors.storage.audit_seconds import MACHINES, key_of, noun_of
from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, new_engine
from actors.storage.schema.audit import NO_ROUTINE_STEP, ROUTINE_STEP, audit, audit_seconds
from actors.storage.schema.columns import Instant
from actors.storage.schema.turns import history
from actors.storage.storable import storable_text

# Searches are few: they must not take connections from lists.
POOL_SIZE = 2
# Seconds that are looked at first, and at most at once: one may have thousands of lines, or a single one.
SECONDS_FIRST = 16
SECONDS_MAX = 2_048
_NO_MACHINE = sa.func.strpos(audit.c.subject, sa.literal_column(f"'{MACHINES}'")) == sa.literal_column("0")
# After so long a search gives what it has found.
PATIENCE_S = 2.0
# A step that took longer is not followed by a larger one.
QUICK_S = 0.1
_SECOND = timedelta(seconds=1)
_SECOND_MS = 1000
_ONE_SECOND: sa.ColumnElement[timedelta] = sa.literal_column("interval '1 second'", sa.Interval)
# What the index of words is about.
_TELLING = (audit.c.outcome, audit.c.why, audit.c.changes)
_COLUMNS = [audit.c[name] for name in Line.__struct_fields__]
# What separates words in a line: migration 0003 makes blanks of it, so `HOODIE-XL.on_hand` stands
# there as four words in a row.
_BETWEEN_WORDS = str.maketrans(dict.fromkeys('._-":,{}[]', " "))
# As `websearch_to_tsquery` takes them: what stands between quotation marks, or a word; "-" before it: without.
_LOOKED_FOR = re.compile(r'(?P<without>-?)(?:"(?P<row>[^"]*)"|(?P<word>[^\s"]+))')


class PostgresAudit:
    """`AuditLines` (see `actors/runtime/audit_lines.py`) on the table that the drain adds to."""

    def __init__(self, url: str, *, timeout_s: float = STATEMENT_TIMEOUT_S) -> None:
        # Each statement by itself: a search that kept its lock on one table could wait for a month that is being
        # dropped, and that for the search.
        self._engine = new_engine(url, timeout_s, POOL_SIZE).execution_options(isolation_level="AUTOCOMMIT")
        self._limit_s = timeout_s + CONNECT_TIMEOUT_S

    async def close(self) -> None:
        """Gives the connections back."""
        await self._engine.dispose()

    async def search(self, wanted: Filter, before: Place | None, limit: int) -> Found:
        """See `AuditLines.search`; at most one more than LINES_MAX."""
        limit = min(limit, LINES_MAX + 1)

        async def work() -> tuple[Sequence[Any], Place | None]:
            async with self._engine.connect() as connection:
                keys = _keys(wanted)
                if keys:
                    return await _by_seconds(connection, keys, wanted, before, limit)
                if wanted.entity_id:
                    return [*await connection.execute(_of_entity(wanted, before, limit))], None
                return [*await connection.execute(_page(_matching(sa.select(*_COLUMNS), wanted, before), limit))], None

        rows, more_before = await bounded(work(), self._limit_s)
        return Found([Line(*row) for row in rows], more_before)


def _keys(wanted: Filter) -> list[list[int]]:
    """By which its seconds are found, of each field one of some; none for what has an index of its own."""
    if wanted.entity_id or wanted.text or (wanted.subject and MACHINES not in wanted.subject):
        return []
    noun = wanted.action.endswith(".")
    fields = (
        ("subject", (wanted.subject,)), ("location", (wanted.location_id,)), ("address", stands_as(wanted.address)),
        ("noun" if noun else "action", (noun_of(wanted.action) if noun else wanted.action,)),
    )  # fmt: skip
    return [[key_of(field, storable_text(value)) for value in values] for field, values in fields if values[0]]


async def _by_seconds(
    connection: AsyncConnection, keys: list[list[int]], wanted: Filter, before: Place | None, limit: int
) -> tuple[list[Any], Place | None]:
    """A page of the lines that say all of these. Seconds may have thousands of lines, of which one says it: what takes
    too long is broken off between two steps, and goes on from there."""
    found: list[Any] = []
    older: datetime | None = None
    some = SECONDS_FIRST
    began = time.monotonic()
    while len(found) < limit:
        if older is not None and time.monotonic() - began > PATIENCE_S:
            # Before all lines of the oldest second that was looked at.
            return found, Place(round(older.timestamp() * 1000), 0, 0)
        step_began = time.monotonic()
        seconds = [*(await connection.execute(_seconds(keys, wanted, before, older, some))).scalars()]
        if not seconds:
            break
        lines = [*await connection.execute(_lines_of(seconds, wanted, before, limit - len(found)))]
        found += lines
        if len(seconds) < some:
            break
        older = seconds[-1]
        # As many as should be enough by what these gave, if they went quickly.
        enough = (limit - len(found)) * some // max(1, len(lines)) + 1
        most = 8 * some if time.monotonic() - step_began < QUICK_S else some
        some = min(max(SECONDS_FIRST, enough), most, SECONDS_MAX)
    return found, None


def _seconds(
    keys: list[list[int]], wanted: Filter, before: Place | None, older: datetime | None, some: int
) -> sa.Select[Any]:
    """The newest seconds in which all of it was said. As times, so that they are given back as they came."""
    of = [audit_seconds.alias(f"said_{number}") for number in range(len(keys))]
    second = of[0].c.second
    query = sa.select(sa.type_coerce(second, sa.DateTime(timezone=True))).distinct()
    for table, some_keys in zip(of, keys, strict=True):
        query = query.where(table.c.key.in_(some_keys))
        # To each of them, so that no month is read for nothing.
        query = _between(query, table.c.second, wanted, before, _SECOND_MS)
        if older is not None:
            query = query.where(table.c.second < sa.literal(older, sa.DateTime(timezone=True)))
        if table is not of[0]:
            query = query.where(table.c.second == second)
    return query.order_by(sa.type_coerce(second, sa.DateTime(timezone=True)).desc()).limit(some)


def _lines_of(seconds: Sequence[datetime], wanted: Filter, before: Place | None, limit: int) -> sa.Select[Any]:
    """The newest lines of these seconds that are wanted."""
    moments = sa.func.unnest(sa.literal(seconds, ARRAY(sa.DateTime(timezone=True))))
    begins = moments.table_valued(sa.column("second", Instant), name="begins").render_derived()
    lines = sa.select(*_COLUMNS).where(audit.c.at >= begins.c.second, audit.c.at < begins.c.second + _ONE_SECOND)
    # The bounds of all: without them nothing is known of which months they are in.
    first, last = (sa.literal(moment, sa.DateTime(timezone=True)) for moment in (seconds[-1], seconds[0] + _SECOND))
    lines = _matching(lines.where(audit.c.at >= first, audit.c.at < last), wanted, before)
    # The limit keeps the planner from reading all between the first and the last, of which
    # something seldom has a few seconds.
    line = _page(lines, limit).lateral("line")
    told = sa.select(*line.c).select_from(begins.join(line, sa.true()))
    return _page(told, limit)


def _of_entity(wanted: Filter, before: Place | None, limit: int) -> sa.Select[Any]:
    """A page of an entity's lines, as they stand at one moment."""
    parts = [_matching(sa.select(*_COLUMNS).where(sa.text(NO_ROUTINE_STEP)), wanted, before)]
    if ORDER_PATTERN.match(wanted.entity_id):
        parts += [_by_turns(wanted, before, limit), _by_moved(wanted, before, limit)]
    pages = [_page(part, limit).subquery(f"part_{number}") for number, part in enumerate(parts)]
    return _page(sa.select(*sa.union(*(sa.select(*page.c) for page in pages)).subquery("line").c), limit)


def _by_turns(wanted: Filter, before: Place | None, limit: int) -> sa.Select[Any]:
    """An order's routine steps, each at the moment and in the shard of its turn."""
    c = history.c
    turns = sa.select(c.at, c.shard).distinct().where(c.entity_id == wanted.entity_id)
    turn = _between(turns, c.at, wanted, before).subquery("turn")
    return _routine_steps(turn, wanted, before, limit, audit.c.at == turn.c.at, audit.c.shard == turn.c.shard)


def _by_moved(wanted: Filter, before: Place | None, limit: int) -> sa.Select[Any]:
    """Those that have not the time of their turn, because their shard's chain was later already.
    Hardly ever are there any."""
    c = audit_seconds.c
    seconds = sa.select(c.second).distinct().where(c.key == key_of("entity", wanted.entity_id))
    begin = _between(seconds, c.second, wanted, before, _SECOND_MS).subquery("begin")
    return _routine_steps(
        begin, wanted, before, limit, audit.c.at >= begin.c.second, audit.c.at < begin.c.second + _ONE_SECOND
    )


def _routine_steps(
    moments: sa.Subquery, wanted: Filter, before: Place | None, limit: int, *at: sa.ColumnElement[bool]
) -> sa.Select[Any]:
    """Those at these moments. Each is looked up by itself: the limit keeps the planner from reading
    whole months beside them."""
    lines = _matching(sa.select(*_COLUMNS).where(*at, sa.text(ROUTINE_STEP)), wanted, before)
    line = _page(lines, limit).lateral("line")
    return sa.select(*line.c).select_from(moments.join(line, sa.true()))


def _between(
    query: sa.Select[Any], at: sa.ColumnElement[Any], wanted: Filter, before: Place | None, early_ms: int = 0
) -> sa.Select[Any]:
    """Only of the times that are wanted; `early_ms`: how much later than `at` a line may be."""
    if wanted.since_ms is not None:
        query = query.where(at >= wanted.since_ms - early_ms)
    if wanted.until_ms is not None:
        query = query.where(at < wanted.until_ms)
    if before is not None:
        query = query.where(at <= before.at_ms)
    return query


def _page(query: sa.Select[Any], limit: int) -> sa.Select[Any]:
    """Newest first."""
    c = query.selected_columns
    return query.order_by(c["at"].desc(), c["shard"].desc(), c["number"].desc()).limit(limit)


def _matching(query: sa.Select[Any], wanted: Filter, before: Place | None) -> sa.Select[Any]:
    """Lines that are wanted, and older than `before`."""
    c = audit.c
    for column, value in (
        (c.subject, wanted.subject),
        (c.entity_id, wanted.entity_id),
        (c.location_id, wanted.location_id),
        (c.device, wanted.device),
        (c.behalf, wanted.behalf),
    ):
        if value:
            query = query.where(column == storable_text(value))
    if wanted.address:
        # A network's digest is found in its addresses, too.
        inside = c.address.startswith(storable_text(within(wanted.address)), autoescape=True)
        query = query.where(sa.or_(c.address.in_(map(storable_text, stands_as(wanted.address))), inside))
    if wanted.subject and MACHINES not in wanted.subject:
        query = query.where(c.subject != sa.literal_column("''"), _NO_MACHINE)  # what its index is about
    if wanted.action.endswith("."):
        first = storable_text(wanted.action)
        query = query.where(c.action >= first, c.action < first[:-1] + "/")  # the character after "."
    elif wanted.action:
        query = query.where(c.action == storable_text(wanted.action))
    if wanted.text:
        words = sa.func.audit_words(c.action, c.outcome, c.why, c.changes)
        asked = storable_text(_as_in_lines(wanted.text))
        looked_for = sa.func.websearch_to_tsquery(sa.literal_column("'simple'::regconfig"), asked)
        query = query.where(
            words.op("@@")(looked_for), sa.or_(*(column != sa.literal_column("''") for column in _TELLING))
        )
    if before is not None:
        at = moment(before.at_ms)
        # `_between` cuts months and index off; this is exact.
        query = query.where(
            sa.tuple_(c.at, c.shard, c.number)
            < sa.tuple_(sa.literal(at, sa.DateTime(timezone=True)), sa.literal(before.shard), sa.literal(before.number))
        )
    return _between(query, c.at, wanted, before)


def _as_in_lines(text: str) -> str:
    """What is looked for, with its words separated as a line's are: a SKU, a code or a field is its parts in a row."""
    asked = []
    for found in _LOOKED_FOR.finditer(text):
        whole = found["word"] or found["row"]
        row = whole.translate(_BETWEEN_WORDS).split()
        # What stays as it is may be the word `or`, which says that one of two is enough.
        asked += [found["without"] + (whole if [found["word"]] == row else f'"{" ".join(row)}"')] if row else []
    return " ".join(asked)
