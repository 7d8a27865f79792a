"""Takes away old rows, on PostgreSQL: see `actors/runtime/retention.py`."""

from __future__ import annotations

import sqlalchemy as sa

from actors.domain.ids import first_reservation_id, first_shipment_id
from actors.domain.shipment_papers import ADDRESS
from actors.runtime.retention import Papers
from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, new_engine
from actors.storage.schema.columns import Instant
from actors.storage.schema.orders import reservations
from actors.storage.schema.packing import shipment_papers, shipments
from actors.storage.schema.people import revocations

POOL_SIZE = 1
ROWS_MAX = 5_000
# Of these something is still to come.
OPEN_STATUSES = ("asking", "held", "partly_held")


class PostgresRetention:
    """`Rows`."""

    def __init__(self, url: str, region: str, *, timeout_s: float = STATEMENT_TIMEOUT_S) -> None:
        self._engine = new_engine(url, timeout_s, POOL_SIZE)
        self._limit_s = timeout_s + CONNECT_TIMEOUT_S
        self._region = region

    async def close(self) -> None:
        """Gives the connection back."""
        await self._engine.dispose()

    async def forget_carts(self, before_ms: int) -> int:
        """See `Rows.forget_carts`. Ids sort by when they were made, so that what is old comes first in the key's index,
        and what is not is never looked at."""
        c = reservations.c
        old = (
            sa.select(c.reservation_id)
            .where(
                c.reservation_id < first_reservation_id(self._region, before_ms), c.status.not_in(OPEN_STATUSES),
                c.due_at.is_(None), c.expires_at < sa.literal(before_ms, Instant),
            )
            .order_by(c.reservation_id)
            .limit(ROWS_MAX)
            # One that its host writes just now stays till the next time.
            .with_for_update(skip_locked=True)
        )  # fmt: skip

        return await self._take(sa.delete(reservations).where(c.reservation_id.in_(old)))

    async def forget_revocations(self, before_ms: int) -> int:
        """See `Rows.forget_revocations`. A row that comes meanwhile has a higher version still: then two
        stay, till the next time."""
        c = revocations.c
        newest = sa.select(c.region_id, sa.func.max(c.version).label("version")).group_by(c.region_id).subquery()
        old = (
            sa.select(c.region_id, c.session_id)
            .join(newest, newest.c.region_id == c.region_id)
            .where(c.until_ms < before_ms, c.version < newest.c.version)
            .order_by(c.until_ms)
            .limit(ROWS_MAX)
            .with_for_update(of=revocations, skip_locked=True)
        )
        return await self._take(sa.delete(revocations).where(sa.tuple_(c.region_id, c.session_id).in_(old)))

    async def _take(self, taken: sa.Delete) -> int:
        async def work() -> int:
            async with self._engine.begin() as connection:
                return (await connection.execute(taken)).rowcount

        return await bounded(work(), self._limit_s)

    async def forget_papers(self, before_ms: int) -> Papers:
        """See `Rows.forget_papers`. A shipment's id tells when it was begun, so that only what was
        begun long ago is looked at."""
        c, of = shipment_papers.c, shipments.c
        old = (
            sa.select(c.shipment_id, c.parcel)
            .join(shipments, of.shipment_id == c.shipment_id)
            .where(
                c.shipment_id < first_shipment_id(self._region, before_ms), of.closed, of.updated_at < sa.literal(before_ms, Instant)
            )
            .order_by(c.shipment_id, c.parcel)
            .limit(ROWS_MAX)
            .with_for_update(of=shipment_papers, skip_locked=True)
        )  # fmt: skip

        async def work() -> Papers:
            async with self._engine.begin() as connection:
                taken = (
                    sa.delete(shipment_papers).where(sa.tuple_(c.shipment_id, c.parcel).in_(old)).returning(c.parcel)
                )
                parcels = (await connection.execute(taken)).scalars().all()
            addresses = sum(parcel == ADDRESS for parcel in parcels)
            return Papers(len(parcels) - addresses, addresses)

        return await bounded(work(), self._limit_s)
