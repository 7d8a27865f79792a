"""Lists and searches over what was written behind. Pages go by key, never by offset: a deep page costs what the first does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from actors.domain.rows import LedgerRow
from actors.runtime.ports import OrderSummary
from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, new_engine
from actors.storage.postgres_store import row_columns
from actors.storage.schema import CLOSED_STATUSES, ledger, orders
from actors.storage.storable import storable_text

LIMIT_MAX = 1_000
POOL_SIZE = 4


class PostgresReadModel:
    """`ReadModel` (see `actors/runtime/ports.py`) on the tables that the drain keeps."""

    def __init__(self, url: str, *, timeout_s: float = STATEMENT_TIMEOUT_S) -> None:
        self._engine = new_engine(url, timeout_s, POOL_SIZE)
        self._limit_s = timeout_s + CONNECT_TIMEOUT_S

    async def close(self) -> None:
        """Gives the connections back."""
        await self._engine.dispose()

    async def orders(
        self, *, customer_ref: str | None, status: str | None, before: str | None, limit: int, owner: str | None = None
    ) -> list[OrderSummary]:
        """See `ReadModel.orders`; at most LIMIT_MAX."""
        query = orders_query(customer_ref, status, before, limit, owner)
        return [OrderSummary(*row) for row in await self._all(query)]

    async def ledger(
        self, location_id: str, *, sku: str | None, before: tuple[int, int] | None, limit: int
    ) -> list[LedgerRow]:
        """See `ReadModel.ledger`; at most LIMIT_MAX."""
        return [LedgerRow(*row) for row in await self._all(ledger_query(location_id, sku, before, limit))]

    async def _all(self, query: sa.Select[Any]) -> Sequence[Any]:
        async def work() -> Sequence[Any]:
            async with self._engine.connect() as connection:
                return [*await connection.execute(query)]

        return await bounded(work(), self._limit_s)


def orders_query(
    customer_ref: str | None, status: str | None, before: str | None, limit: int, owner: str | None = None
) -> sa.Select[Any]:
    """The page of orders, newest first. By customer or owner: their index. By an open status: the index of open orders,
    which are few. By a closed one: the primary key backwards, as most orders end like that. A customer or an owner "" has no orders."""
    c = orders.c
    query = sa.select(*(c[name] for name in OrderSummary.__struct_fields__))
    if customer_ref is not None:
        query = query.where(c.customer_ref == storable_text(customer_ref), c.customer_ref != sa.literal_column("''"))
    if owner is not None:
        query = query.where(c.owner == storable_text(owner), c.owner != sa.literal_column("''"))
    if status is not None:
        query = query.where(c.status == storable_text(status))
        if status not in CLOSED_STATUSES:
            query = query.where(c.is_open)
    if before is not None:
        query = query.where(c.order_id < storable_text(before))
    return query.order_by(c.order_id.desc()).limit(min(limit, LIMIT_MAX))


def ledger_query(location_id: str, sku: str | None, before: tuple[int, int] | None, limit: int) -> sa.Select[Any]:
    """The page of a location's ledger, newest first, of one SKU or of all."""
    c = ledger.c
    query = sa.select(*row_columns(LedgerRow)).where(c.location_id == storable_text(location_id))
    if sku is not None:
        query = query.where(c.sku == storable_text(sku))
    if before is not None:
        query = query.where(sa.tuple_(c.version, c.line) < sa.tuple_(sa.literal(before[0]), sa.literal(before[1])))
    return query.order_by(c.version.desc(), c.line.desc()).limit(min(limit, LIMIT_MAX))
