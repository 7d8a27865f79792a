"""Lists and searches over what was written behind. Pages go by key, never by offset: a deep page
costs what the first does."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from actors.domain.order_state import places_of, restored
from actors.domain.outlook import decoded as outlook_decoded
from actors.domain.rows import DataKeyRow, LedgerRow, StockRow, kept_back_of
from actors.domain.rows_of_stock import IncomingRow
from actors.domain.what_if_terms import PastMove, PastStock, owner_of
from actors.runtime.read_model import (
    ApprovalSummary,
    BreachSummary,
    CollectionSummary,
    CountSummary,
    DemandDay,
    DeviceSummary,
    InboundSummary,
    LotSum,
    ManifestSummary,
    OrderSummary,
    PlacedDecision,
    PlacedOrder,
    PrivacyRequestSummary,
    PromiseFound,
    ShipmentPaper,
    ShipmentSummary,
    SkuMovement,
    TransferSummary,
)
from actors.storage import packing_queries
from actors.storage.collection_queries import collections_query
from actors.storage.connections import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, bounded, new_engine
from actors.storage.count_queries import counts_query, movements_query
from actors.storage.inbound_queries import inbounds_query
from actors.storage.schema import row_columns
from actors.storage.schema.columns import Instant
from actors.storage.schema.orders import CLOSED_STATUSES, held_orders, orders, reservations
from actors.storage.schema.people import approvals, devices, notices
from actors.storage.schema.privacy import breaches, data_keys, privacy_requests
from actors.storage.schema.stock import ledger
from actors.storage.stock_queries import demand_query, incoming_query, lots_query, shipments_query, stock_query
from actors.storage.storable import storable_text
from actors.storage.transfer_queries import transfers_query
from actors.storage.what_if_queries import (
    count_query,
    decisions_query,
    past_moves_query,
    past_stock_query,
    placed_query,
    promises_query,
)

LIMIT_MAX = 1_000
POOL_SIZE = 4
# Reads that add up much take so many of the connections at most, so that lists never wait for them.
HEAVY_AT_ONCE = 2


class PostgresReadModel:
    """`ReadModel` (see `actors/runtime/read_model.py`) on the tables that the drain keeps."""

    def __init__(self, url: str, *, timeout_s: float = STATEMENT_TIMEOUT_S) -> None:
        self._engine = new_engine(url, timeout_s, POOL_SIZE)
        self._limit_s = timeout_s + CONNECT_TIMEOUT_S
        self._heavy = asyncio.Semaphore(HEAVY_AT_ONCE)

    async def close(self) -> None:
        """Gives the connections back."""
        await self._engine.dispose()

    async def orders(
        self, *, customer_ref: str | None, status: str | None, before: str | None, limit: int, owner: str | None = None,
        email_digest: str | None = None, order_ref: str | None = None, held: str | None = None, placed_before_ms: int | None = None,
        with_places: bool = False, ownerless: bool = False,
    ) -> list[OrderSummary]:  # fmt: skip
        """See `ReadModel.orders`; at most LIMIT_MAX."""
        query = orders_query(customer_ref, status, before, limit, owner, email_digest, order_ref)
        if ownerless:
            query = query.where(orders.c.owner == "")
        if held is not None:
            query = query.join(held_orders, held_orders.c.order_id == orders.c.order_id)
            if held != "any":
                query = query.where(sa.func.strpos(held_orders.c.kinds, f",{held},") > 0)
        if placed_before_ms is not None:
            query = query.where(orders.c.placed_at < sa.literal(placed_before_ms, Instant))
        if with_places:
            query = query.add_columns(orders.c.state)
            found = await self._all(query)
            return [
                msgspec.structs.replace(OrderSummary(*row[:-1]), places=places_of(restored(row.state))) for row in found
            ]
        return [OrderSummary(*row) for row in await self._all(query)]

    async def data_keys(self, person: str) -> list[DataKeyRow]:
        """See `ReadModel.data_keys`."""
        query = sa.select(*row_columns(DataKeyRow)).where(data_keys.c.person == storable_text(person))
        return [DataKeyRow(*row) for row in await self._all(query.order_by(data_keys.c.key_id).limit(LIMIT_MAX))]

    async def wrapped_otherwise(self, wrapping: str, after: str, limit: int) -> list[str]:
        """See `ReadModel.wrapped_otherwise`; at most LIMIT_MAX."""
        c = data_keys.c
        query = sa.select(c.key_id).where(c.status == "in_use", c.wrapping != wrapping, c.key_id > after)
        return [row.key_id for row in await self._all(query.order_by(c.key_id).limit(min(limit, LIMIT_MAX)))]

    async def devices(self, location_id: str, *, before: str | None, limit: int) -> list[DeviceSummary]:
        """See `ReadModel.devices`; at most LIMIT_MAX."""
        return [DeviceSummary(*row) for row in await self._all(devices_query(location_id, before, limit))]

    async def reservations_of(self, owner: str, *, after: str, limit: int) -> list[str]:
        """See `ReadModel.reservations_of`; at most LIMIT_MAX."""
        c = reservations.c
        # As the index says it: "" is nobody.
        query = sa.select(c.reservation_id).where(c.owner == storable_text(owner), c.owner != sa.literal_column("''"))
        query = query.where(c.reservation_id > storable_text(after)).order_by(c.reservation_id)
        return [row.reservation_id for row in await self._all(query.limit(min(limit, LIMIT_MAX)))]

    async def ledger(
        self, location_id: str, *, sku: str | None, before: tuple[int, int] | None, limit: int
    ) -> list[LedgerRow]:
        """See `ReadModel.ledger`; at most LIMIT_MAX."""
        return [LedgerRow(*row) for row in await self._all(ledger_query(location_id, sku, before, limit))]

    async def stock_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[StockRow]:
        """See `ReadModel.stock_of`."""
        return [StockRow(*row) for row in await self._all(stock_query(sku, locations, limit))]

    async def lots_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[LotSum]:
        """See `ReadModel.lots_of`."""
        return [LotSum(*row) for row in await self._much(lots_query(sku, locations, limit))]

    async def incoming_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[IncomingRow]:
        """See `ReadModel.incoming_of`."""
        return [IncomingRow(*row) for row in await self._all(incoming_query(sku, locations, limit))]

    async def demand(self, location_id: str, skus: Sequence[str], since_ms: int) -> list[DemandDay]:
        """See `ReadModel.demand`."""
        return [DemandDay(*row) for row in await self._much(demand_query(location_id, skus, since_ms))]

    async def recent_shipments(self, location_id: str) -> dict[str, int]:
        """See `ReadModel.recent_shipments`."""
        return {row[0]: row[1] for row in await self._much(shipments_query(location_id))}

    async def approvals(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[ApprovalSummary]:
        """See `ReadModel.approvals`; at most LIMIT_MAX."""
        query = approvals_query(status, locations, before, limit)
        return [ApprovalSummary(*row) for row in await self._all(query)]

    async def transfers(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[TransferSummary]:
        """See `ReadModel.transfers`; at most LIMIT_MAX."""
        query = transfers_query(status, locations, before, min(limit, LIMIT_MAX))
        return [TransferSummary(*row) for row in await self._all(query)]

    async def shipments(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[ShipmentSummary]:
        """See `ReadModel.shipments`; at most LIMIT_MAX."""
        query = packing_queries.shipments_query(status, locations, before, min(limit, LIMIT_MAX))
        return [ShipmentSummary(*row) for row in await self._all(query)]

    async def shipments_of(self, person: str, *, after: str, limit: int) -> list[str]:
        """See `ReadModel.shipments_of`; at most LIMIT_MAX."""
        return [
            row[0] for row in await self._all(packing_queries.shipments_of_query(person, after, min(limit, LIMIT_MAX)))
        ]

    async def shipment_paper(self, shipment_id: str, parcel: int) -> ShipmentPaper | None:
        """See `ReadModel.shipment_paper`."""
        found = await self._all(packing_queries.paper_query(shipment_id, parcel))
        return ShipmentPaper(*found[0]) if found else None

    async def manifests(self, dock_id: str, *, before: int | None, limit: int) -> list[ManifestSummary]:
        """See `ReadModel.manifests`; at most LIMIT_MAX."""
        query = packing_queries.manifests_query(dock_id, before, min(limit, LIMIT_MAX))
        return [ManifestSummary(*row) for row in await self._all(query)]

    async def manifest(self, dock_id: str, number: int) -> bytes | None:
        """See `ReadModel.manifest`."""
        found = await self._all(packing_queries.manifest_query(dock_id, number))
        return bytes(found[0][0]) if found else None

    async def collections(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[CollectionSummary]:
        """See `ReadModel.collections`; at most LIMIT_MAX."""
        query = collections_query(status, locations, before, min(limit, LIMIT_MAX))
        return [CollectionSummary(*row) for row in await self._all(query)]

    async def counts(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[CountSummary]:
        """See `ReadModel.counts`; at most LIMIT_MAX."""
        query = counts_query(status, locations, before, min(limit, LIMIT_MAX))
        return [CountSummary(*row) for row in await self._all(query)]

    async def inbounds(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[InboundSummary]:
        """See `ReadModel.inbounds`; at most LIMIT_MAX."""
        query = inbounds_query(status, locations, before, min(limit, LIMIT_MAX))
        return [InboundSummary(*row) for row in await self._all(query)]

    async def movements(self, location_id: str, since_ms: int, limit: int) -> list[SkuMovement]:
        """See `ReadModel.movements`."""
        return [SkuMovement(*row) for row in await self._much(movements_query(location_id, since_ms, limit))]

    async def count_orders(self, first: str, end: str, channel: str, most: int) -> int:
        """See `ReadModel.count_orders`."""
        found: int = (await self._much(count_query(first, end, channel, most)))[0][0]
        return found

    async def placed_orders(
        self, first: str, end: str, channel: str, *, below: str, after: str, limit: int
    ) -> list[PlacedOrder]:
        """See `ReadModel.placed_orders`; at most LIMIT_MAX."""
        query = placed_query(first, end, channel, below, after, min(limit, LIMIT_MAX))
        return [PlacedOrder(*row) for row in await self._much(query)]

    async def placed_decisions(self, order_ids: Sequence[str], from_ms: int, until_ms: int) -> list[PlacedDecision]:
        """See `ReadModel.placed_decisions`."""
        found = await self._much(decisions_query(order_ids, from_ms, until_ms))
        return [PlacedDecision(row[0], b64decode(row[1]), row[2] is not None) for row in found if row[1]]

    async def past_stock(self, skus: Sequence[str], at_ms: int, limit: int) -> list[PastStock]:
        """See `ReadModel.past_stock`."""
        found = await self._much(past_stock_query(skus, at_ms, limit))
        return [
            PastStock(row[0], row[1], row[2], row[3], kept_back_of(row[4]), outlook_decoded(row[5]).rate)
            for row in found
        ]

    async def past_moves(
        self,
        skus: Sequence[str],
        locations: Sequence[str],
        from_ms: int,
        until_ms: int,
        *,
        offset: tuple[int, str, int, int] | None,
        limit: int,
    ) -> list[tuple[tuple[int, str, int, int], PastMove]]:
        """See `ReadModel.past_moves`."""
        found = await self._much(past_moves_query(skus, locations, from_ms, until_ms, offset, limit))
        return [
            ((at, place, version, line), PastMove(at, place, sku, units, reason, owner_of(cause)))
            for at, place, version, line, sku, units, reason, cause in found
        ]

    async def promises(
        self,
        from_ms: int,
        until_ms: int,
        *,
        channel: str,
        locations: Sequence[str] | None,
        after: tuple[int, str, int] | None,
        limit: int,
    ) -> list[PromiseFound]:
        """See `ReadModel.promises`."""
        query = promises_query(from_ms, until_ms, channel, locations, after, limit)
        return [PromiseFound(*row) for row in await self._much(query)]

    async def breaches(self, *, status: str | None, before: str | None, limit: int) -> list[BreachSummary]:
        """See `ReadModel.breaches`; at most LIMIT_MAX."""
        return [BreachSummary(*row) for row in await self._all(breaches_query(status, before, limit))]

    async def privacy_requests(
        self, *, statuses: Sequence[str] | None, person: str | None, after: tuple[int, str] | None, limit: int
    ) -> list[PrivacyRequestSummary]:
        """See `ReadModel.privacy_requests`; at most LIMIT_MAX."""
        query = privacy_requests_query(statuses, person, after, limit)
        return [PrivacyRequestSummary(*row) for row in await self._all(query)]

    async def pending_notices(self, about: Sequence[str], limit: int) -> list[str]:
        """See `ReadModel.pending_notices`; at most LIMIT_MAX."""
        c = notices.c
        # As the index of what is pending says it.
        query = sa.select(c.notice_id).where(
            c.status == sa.literal_column("'pending'"), c.about.in_([storable_text(one) for one in about])
        )
        return [row.notice_id for row in await self._all(query.order_by(c.notice_id).limit(min(limit, LIMIT_MAX)))]

    async def _all(self, query: sa.Select[Any]) -> Sequence[Any]:
        return await bounded(self._read(query), self._limit_s)

    async def _much(self, query: sa.Select[Any]) -> Sequence[Any]:
        """Of a query that adds up many rows; the wait for its turn counts as well."""

        async def work() -> Sequence[Any]:
            async with self._heavy:
                return await self._read(query)

        return await bounded(work(), self._limit_s)

    async def _read(self, query: sa.Select[Any]) -> Sequence[Any]:
        async with self._engine.connect() as connection:
            return [*await connection.execute(query)]


def orders_query(
    customer_ref: str | None, status: str | None, before: str | None, limit: int, owner: str | None = None,
    email_digest: str | None = None, order_ref: str | None = None,
) -> sa.Select[Any]:  # fmt: skip
    """The page of orders, newest first. By customer or owner: their index. By an open status: the index of open orders,
    which are few. By a closed one: its own index, since there may be many of one and hardly any of another. A customer
    or an owner "" has no orders."""
    c = orders.c
    query = sa.select(*(c[name] for name in OrderSummary.__struct_fields__ if name != "places"))
    for column, wanted in (
        (c.customer_ref, customer_ref), (c.owner, owner), (c.email_digest, email_digest), (c.order_ref, order_ref)
    ):  # fmt: skip
        if wanted is not None:
            query = query.where(column == storable_text(wanted), column != sa.literal_column("''"))
    if status is not None:
        if status in CLOSED_STATUSES:
            query = query.where(c.closed_as == status)
        else:
            query = query.where(c.status == storable_text(status), c.closed_as.is_(None))
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


def devices_query(location_id: str, before: str | None, limit: int) -> sa.Select[Any]:
    """The page of a location's devices, newest first, by the index that is for it."""
    c = devices.c
    query = sa.select(*(c[name] for name in DeviceSummary.__struct_fields__))
    query = query.where(c.location_id == storable_text(location_id))
    if before is not None:
        query = query.where(c.device_id < storable_text(before))
    return query.order_by(c.device_id.desc()).limit(min(limit, LIMIT_MAX))


def approvals_query(
    status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
) -> sa.Select[Any]:
    """The page of approvals, newest first. What is pending has an index, and so has each location; the rest goes by
    the primary key backwards."""
    c = approvals.c
    query = sa.select(*(c[name] for name in ApprovalSummary.__struct_fields__))
    if status == "pending":
        # As the index says it: a parameter might be another status.
        query = query.where(c.status == sa.literal_column("'pending'"))
    elif status is not None:
        query = query.where(c.status == storable_text(status))
    if locations is not None:
        query = query.where(c.location_id.in_([storable_text(one) for one in locations]))
    if before is not None:
        query = query.where(c.approval_id < storable_text(before))
    return query.order_by(c.approval_id.desc()).limit(min(limit, LIMIT_MAX))


def breaches_query(status: str | None, before: str | None, limit: int) -> sa.Select[Any]:
    """The page of breaches, newest first, by the primary key backwards: there are few."""
    c = breaches.c
    query = sa.select(*(c[name] for name in BreachSummary.__struct_fields__))
    if status is not None:
        query = query.where(c.status == storable_text(status))
    if before is not None:
        query = query.where(c.breach_id < storable_text(before))
    return query.order_by(c.breach_id.desc()).limit(min(limit, LIMIT_MAX))


def privacy_requests_query(
    statuses: Sequence[str] | None, person: str | None, after: tuple[int, str] | None, limit: int
) -> sa.Select[Any]:
    """The page of privacy requests, the nearest deadline first: one person's, or by the index of deadlines."""
    c = privacy_requests.c
    query = sa.select(*(c[name] for name in PrivacyRequestSummary.__struct_fields__))
    if statuses is not None:
        query = query.where(c.status.in_([storable_text(one) for one in statuses]))
    if person is not None:
        query = query.where(c.person == storable_text(person))
    if after is not None:
        deadline_ms, request_id = after
        place = sa.tuple_(sa.literal(deadline_ms, Instant), sa.literal(storable_text(request_id)))
        query = query.where(sa.tuple_(c.deadline_at, c.request_id) > place)
    return query.order_by(c.deadline_at, c.request_id).limit(min(limit, LIMIT_MAX))
