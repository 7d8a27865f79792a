"""Searching the audit: newest first, by key, with the index that fits what is looked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from actors.domain.times import moment
from actors.runtime.audit_lines import Filter, Line, Place
from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, new_engine
from actors.storage.schema.audit import audit
from actors.storage.storable import storable_text

LIMIT_MAX = 10_000
# Searches are few: they must not take connections from lists.
POOL_SIZE = 2
# What the index of words is about.
_TELLING = (audit.c.outcome, audit.c.why, audit.c.changes)
_COLUMNS = [audit.c[name] for name in Line.__struct_fields__]


class PostgresAudit:
    """`AuditLines` (see `actors/runtime/audit_lines.py`) on the table that the drain adds to."""

    def __init__(self, url: str, *, timeout_s: float = STATEMENT_TIMEOUT_S) -> None:
        self._engine = new_engine(url, timeout_s, POOL_SIZE)
        self._limit_s = timeout_s + CONNECT_TIMEOUT_S

    async def close(self) -> None:
        """Gives the connections back."""
        await self._engine.dispose()

    async def search(self, wanted: Filter, before: Place | None, limit: int) -> list[Line]:
        """See `AuditLines.search`; at most LIMIT_MAX."""

        async def work() -> Sequence[Any]:
            async with self._engine.connect() as connection:
                return [*await connection.execute(search_query(wanted, before, limit))]

        return [Line(*row) for row in await bounded(work(), self._limit_s)]


def search_query(wanted: Filter, before: Place | None, limit: int) -> sa.Select[Any]:
    """A page, newest first."""
    c = audit.c
    query = sa.select(*_COLUMNS)
    for column, value in (
        (c.subject, wanted.subject),
        (c.entity_id, wanted.entity_id),
        (c.location_id, wanted.location_id),
        (c.address, wanted.address),
    ):
        if value:
            query = query.where(column == storable_text(value))
    if wanted.location_id:
        query = query.where(c.location_id != sa.literal_column("''"))  # what its index is about
    if wanted.action.endswith("."):
        first = storable_text(wanted.action)
        query = query.where(c.action >= first, c.action < first[:-1] + "/")  # the character after "."
    elif wanted.action:
        query = query.where(c.action == storable_text(wanted.action))
    if wanted.since_ms is not None:
        query = query.where(c.at >= wanted.since_ms)
    if wanted.until_ms is not None:
        query = query.where(c.at < wanted.until_ms)
    if wanted.text:
        words = sa.func.audit_words(c.action, c.outcome, c.why, c.changes)
        looked_for = sa.func.websearch_to_tsquery(sa.literal_column("'simple'::regconfig"), storable_text(wanted.text))
        query = query.where(
            words.op("@@")(looked_for), sa.or_(*(column != sa.literal_column("''") for column in _TELLING))
        )
    if before is not None:
        at = moment(before.at_ms)
        # The first alone cuts months and index off; the second is exact.
        query = query.where(c.at <= before.at_ms)
        query = query.where(
            sa.tuple_(c.at, c.shard, c.number)
            < sa.tuple_(sa.literal(at, sa.DateTime(timezone=True)), sa.literal(before.shard), sa.literal(before.number))
        )
    return query.order_by(c.at.desc(), c.shard.desc(), c.number.desc()).limit(min(limit, LIMIT_MAX))
