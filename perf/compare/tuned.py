"""*tuned*: FastAPI + asyncpg, one stored function per update, one round trip, row locks."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg

from perf.compare import rules, wire

T = TypeVar("T")

POOL_CONNECTIONS = 16
RETRIES_MAX = 5
RETRIED = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError)
"""Another worker used the same key, or locked in between, at the same moment: the second try sees its rows."""

UPDATE = "SELECT code, version, status FROM compare.apply_update($1, $2, $3, $4)"
PLACE = "SELECT * FROM compare.place_order($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
AVAILABLE = "SELECT sku, location_id, on_hand - reserved FROM compare.stock WHERE sku = ANY ($1)"
PLACES = "SELECT location_id, lat, lon FROM compare.locations ORDER BY location_id"


async def with_retries(attempt: Callable[[], Awaitable[T]]) -> T:
    """Runs a transaction again when it met another one; at most RETRIES_MAX times."""
    for _ in range(RETRIES_MAX):
        try:
            return await attempt()
        except RETRIED:
            continue
    return await attempt()


class PostgresBackend:
    """Connections, places and availability: what *tuned* and *batched* have in common."""

    def __init__(self, url: str, connections: int) -> None:
        self._url = url
        self._connections = connections
        self._places: list[tuple[str, float, float]] = []
        self.pool: asyncpg.Pool

    async def open(self) -> None:
        """Opens all connections at once, so that no request pays for one."""
        pool = asyncpg.create_pool(self._url, min_size=self._connections, max_size=self._connections)
        self.pool = await pool
        self._places = [tuple(row) for row in await self.pool.fetch(PLACES)]

    async def close(self) -> None:
        """Closes the pool."""
        await self.pool.close()

    async def available(self, skus: Sequence[str]) -> Sequence[tuple[str, str, int]]:
        """Asks PostgreSQL on each request."""
        return [tuple(row) for row in await self.pool.fetch(AVAILABLE, list(skus))]

    def ranked(self, placement: wire.Placement) -> list[str]:
        """Locations, nearest to the customer first."""
        return rules.rank_locations(self._places, placement.ship_to.lat, placement.ship_to.lon)


class Tuned(PostgresBackend):
    """One call of a stored function, which is one transaction, per update or placement."""

    def __init__(self, url: str) -> None:
        super().__init__(url, POOL_CONNECTIONS)

    async def update(self, command: wire.Command) -> wire.Outcome:
        """One stored function call."""
        row = await with_retries(lambda: self.pool.fetchrow(UPDATE, *command))
        return wire.Outcome(*row)

    async def update_many(self, commands: Sequence[wire.Command]) -> Sequence[wire.Outcome]:
        """One call each, as many at a time as there are connections."""
        return await asyncio.gather(*map(self.update, commands))

    async def place(self, placement: wire.Placement, key: str, fingerprint: int) -> wire.Placed:
        """One stored function call."""
        wants = placement.wants()
        prices = {line.sku: line.unit_price.amount for line in placement.lines}
        skus = [sku for sku, _ in wants]
        arguments = (
            key,
            fingerprint,
            wire.new_order_id(),
            placement.channel,
            placement.order_ref,
            placement.customer.customer_ref,
            placement.customer.country,
            placement.lines[0].unit_price.currency,
            skus,
            [quantity for _, quantity in wants],
            [prices[sku] for sku in skus],
            self.ranked(placement),
        )
        row = await with_retries(lambda: self.pool.fetchrow(PLACE, *arguments))
        if row["code"] != rules.OK:
            return wire.Placed(row["code"], b"")
        reserved = list(zip(row["locations"] or (), row["skus"] or (), row["quantities"] or (), strict=True))
        return wire.Placed(
            rules.OK, wire.JSON.encode(wire.placed_json(row["order_id"], row["status"], wants, reserved))
        )
