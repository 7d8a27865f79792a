"""Alerts as lists, from the table that the drain keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from actors.runtime.alerts import AlertSummary
from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, new_engine
from actors.storage.schema.audit import alerts
from actors.storage.storable import storable_text

LIMIT_MAX = 1_000
POOL_SIZE = 1


class PostgresAlerts:
    """`AlertList` (see `actors/runtime/alerts.py`)."""

    def __init__(self, url: str, *, timeout_s: float = STATEMENT_TIMEOUT_S) -> None:
        self._engine = new_engine(url, timeout_s, POOL_SIZE)
        self._limit_s = timeout_s + CONNECT_TIMEOUT_S

    async def close(self) -> None:
        """Gives the connection back."""
        await self._engine.dispose()

    async def alerts(self, *, status: str | None, before: str | None, limit: int) -> list[AlertSummary]:
        """See `AlertList.alerts`; at most LIMIT_MAX."""
        c = alerts.c
        query = sa.select(*(c[name] for name in AlertSummary.__struct_fields__))
        if status is not None:
            query = query.where(c.status == storable_text(status))
        if before is not None:
            query = query.where(c.alert_id < storable_text(before))
        found = await self._all(query.order_by(c.alert_id.desc()).limit(min(limit, LIMIT_MAX)))
        return [AlertSummary(*row) for row in found]

    async def untold(self, since_ms: int, limit: int) -> list[str]:
        """See `AlertList.untold`; at most LIMIT_MAX."""
        c = alerts.c
        query = sa.select(c.alert_id).where(c.told == sa.literal_column("0"), c.last_at >= since_ms)
        return [row[0] for row in await self._all(query.order_by(c.last_at).limit(min(limit, LIMIT_MAX)))]

    async def _all(self, query: sa.Select[Any]) -> Sequence[Any]:
        async def work() -> Sequence[Any]:
            async with self._engine.connect() as connection:
                return [*await connection.execute(query)]

        return await bounded(work(), self._limit_s)
