"""The read model in memory, over the rows of `MemoryStore`'s disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from actors.domain.order_state import places_of, restored
from actors.domain.rows import (
    ApprovalRow,
    BreachRow,
    DataKeyRow,
    DeviceRow,
    LedgerRow,
    NoticeRow,
    OrderRow,
    PrivacyRequestRow,
    StockRow,
)
from actors.domain.rows_of_orders import HeldOrderRow
from actors.domain.rows_of_stock import IncomingRow
from actors.domain.what_if_terms import PastMove, PastStock
from actors.runtime.errors import StoreUnavailable
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
from tests.fakes import (
    collection_lists,
    count_lists,
    inbound_lists,
    packing_lists,
    stock_lists,
    transfer_lists,
    what_if_lists,
)
from tests.fakes.latency import Delay, no_delay
from tests.fakes.store import StoreDisk


def is_held(row: HeldOrderRow | None, why: str) -> bool:
    """Is an order held, for that reason or for any?"""
    return row is not None and (why == "any" or f",{why}," in row.kinds)


def summary_of(row: OrderRow, *, with_places: bool) -> OrderSummary:
    """The order as a list has it."""
    told = {name: getattr(row, name) for name in OrderSummary.__struct_fields__ if name != "places"}
    return OrderSummary(**told, places=places_of(restored(row.state)) if with_places else ())


class MemoryReadModel:
    """`ReadModel` on a `StoreDisk`."""

    def __init__(self, disk: StoreDisk, *, delay: Delay = no_delay) -> None:
        self.disk = disk
        self._delay = delay

    async def orders(
        self, *, customer_ref: str | None, status: str | None, before: str | None, limit: int, owner: str | None = None,
        email_digest: str | None = None, order_ref: str | None = None, held: str | None = None, placed_before_ms: int | None = None,
        with_places: bool = False, ownerless: bool = False,
    ) -> list[OrderSummary]:  # fmt: skip
        await self._arrive()
        rows: list[OrderRow] = [
            row for row in self.disk.rows.get("orders", {}).values()
            if (customer_ref is None or (row.customer_ref == customer_ref != ""))
            and (owner is None or (row.owner == owner != ""))
            and (email_digest is None or (row.email_digest == email_digest != ""))
            and (order_ref is None or (row.order_ref == order_ref != ""))
            and (not ownerless or row.owner == "")
            and (status is None or row.status == status)
            and (placed_before_ms is None or row.placed_at < placed_before_ms)
            and (held is None or is_held(self.disk.rows.get("held_orders", {}).get((row.order_id,)), held))
            and (before is None or row.order_id < before)
        ]  # fmt: skip
        rows.sort(key=lambda row: row.order_id, reverse=True)
        return [summary_of(row, with_places=with_places) for row in rows[:limit]]

    async def data_keys(self, person: str) -> list[DataKeyRow]:
        await self._arrive()
        rows: list[DataKeyRow] = [row for row in self.disk.rows.get("data_keys", {}).values() if row.person == person]
        return sorted(rows, key=lambda row: row.key_id)

    async def wrapped_otherwise(self, wrapping: str, after: str, limit: int) -> list[str]:
        await self._arrive()
        rows: list[DataKeyRow] = [
            row for row in self.disk.rows.get("data_keys", {}).values()
            if row.status == "in_use" and row.wrapping != wrapping and row.key_id > after
        ]  # fmt: skip
        return sorted(row.key_id for row in rows)[:limit]

    async def reservations_of(self, owner: str, *, after: str, limit: int) -> list[str]:
        await self._arrive()
        rows = [row for row in self._rows("reservations") if row.owner == owner != "" and row.reservation_id > after]
        return sorted(row.reservation_id for row in rows)[:limit]

    async def ledger(
        self, location_id: str, *, sku: str | None, before: tuple[int, int] | None, limit: int
    ) -> list[LedgerRow]:
        await self._arrive()
        rows: list[LedgerRow] = [
            row for row in self.disk.rows.get("ledger", {}).values()
            if row.location_id == location_id and (sku is None or row.sku == sku)
            and (before is None or (row.version, row.line) < before)
        ]  # fmt: skip
        return sorted(rows, key=lambda row: (row.version, row.line), reverse=True)[:limit]

    async def stock_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[StockRow]:
        await self._arrive()
        return stock_lists.stock_of(self._rows("stock"), sku, locations, limit)

    async def lots_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[LotSum]:
        await self._arrive()
        return stock_lists.lots_of(self._rows("lots"), sku, locations, limit)

    async def incoming_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[IncomingRow]:
        await self._arrive()
        return stock_lists.incoming_of(self._rows("incoming"), sku, locations, limit)

    async def demand(self, location_id: str, skus: Sequence[str], since_ms: int) -> list[DemandDay]:
        await self._arrive()
        return stock_lists.demand(self._rows("ledger"), location_id, skus, since_ms)

    async def recent_shipments(self, location_id: str) -> dict[str, int]:
        await self._arrive()
        return stock_lists.recent_shipments(self._rows("ledger"), location_id)

    async def shipments(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[ShipmentSummary]:
        await self._arrive()
        return packing_lists.shipments(self._rows("shipments"), status, locations, before, limit)

    async def shipments_of(self, person: str, *, after: str, limit: int) -> list[str]:
        await self._arrive()
        return packing_lists.shipments_of(self._rows("shipments"), person, after, limit)

    async def shipment_paper(self, shipment_id: str, parcel: int) -> ShipmentPaper | None:
        await self._arrive()
        return packing_lists.paper(self._rows("shipment_papers"), shipment_id, parcel)

    async def manifests(self, dock_id: str, *, before: int | None, limit: int) -> list[ManifestSummary]:
        await self._arrive()
        return packing_lists.manifests(self._rows("manifests"), dock_id, before, limit)

    async def manifest(self, dock_id: str, number: int) -> bytes | None:
        await self._arrive()
        return packing_lists.manifest(self._rows("manifests"), dock_id, number)

    async def transfers(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[TransferSummary]:
        await self._arrive()
        return transfer_lists.transfers(self._rows("transfers"), status, locations, before, limit)

    async def collections(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[CollectionSummary]:
        await self._arrive()
        return collection_lists.collections(self._rows("collections"), status, locations, before, limit)

    async def counts(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[CountSummary]:
        await self._arrive()
        return count_lists.counts(self._rows("counts"), status, locations, before, limit)

    async def inbounds(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[InboundSummary]:
        await self._arrive()
        return inbound_lists.inbounds(self._rows("inbounds"), status, locations, before, limit)

    async def movements(self, location_id: str, since_ms: int, limit: int) -> list[SkuMovement]:
        await self._arrive()
        stock, ledger, counted = self._rows("stock"), self._rows("ledger"), self._rows("last_counted")
        return count_lists.movements(stock, ledger, counted, location_id, since_ms, limit)

    def _rows(self, table: str) -> list[Any]:
        return [*self.disk.rows.get(table, {}).values()]

    async def devices(self, location_id: str, *, before: str | None, limit: int) -> list[DeviceSummary]:
        await self._arrive()
        rows: list[DeviceRow] = [
            row for row in self.disk.rows.get("devices", {}).values()
            if row.location_id == location_id and (before is None or row.device_id < before)
        ]  # fmt: skip
        rows.sort(key=lambda row: row.device_id, reverse=True)
        return [
            DeviceSummary(*(getattr(row, name) for name in DeviceSummary.__struct_fields__)) for row in rows[:limit]
        ]

    async def approvals(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[ApprovalSummary]:
        await self._arrive()
        rows: list[ApprovalRow] = [
            row for row in self.disk.rows.get("approvals", {}).values()
            if (status is None or row.status == status) and (locations is None or row.location_id in locations)
            and (before is None or row.approval_id < before)
        ]  # fmt: skip
        rows.sort(key=lambda row: row.approval_id, reverse=True)
        names = ApprovalSummary.__struct_fields__
        return [ApprovalSummary(*(getattr(row, name) for name in names)) for row in rows[:limit]]

    async def breaches(self, *, status: str | None, before: str | None, limit: int) -> list[BreachSummary]:
        await self._arrive()
        rows: list[BreachRow] = [
            row for row in self.disk.rows.get("breaches", {}).values()
            if (status is None or row.status == status) and (before is None or row.breach_id < before)
        ]  # fmt: skip
        rows.sort(key=lambda row: row.breach_id, reverse=True)
        return [
            BreachSummary(*(getattr(row, name) for name in BreachSummary.__struct_fields__)) for row in rows[:limit]
        ]

    async def privacy_requests(
        self, *, statuses: Sequence[str] | None, person: str | None, after: tuple[int, str] | None, limit: int
    ) -> list[PrivacyRequestSummary]:
        await self._arrive()
        rows: list[PrivacyRequestRow] = [
            row for row in self.disk.rows.get("privacy_requests", {}).values()
            if (statuses is None or row.status in statuses) and (person is None or row.person == person)
            and (after is None or (row.deadline_at, row.request_id) > after)
        ]  # fmt: skip
        rows.sort(key=lambda row: (row.deadline_at, row.request_id))
        names = PrivacyRequestSummary.__struct_fields__
        return [PrivacyRequestSummary(*(getattr(row, name) for name in names)) for row in rows[:limit]]

    async def count_orders(self, first: str, end: str, channel: str, most: int) -> int:
        await self._arrive()
        return min(most, len(what_if_lists.orders_of(self.disk.rows.get("orders", {}).values(), first, end, channel)))

    async def placed_orders(
        self, first: str, end: str, channel: str, *, below: str, after: str, limit: int
    ) -> list[PlacedOrder]:
        await self._arrive()
        return what_if_lists.placed(self.disk.rows.get("orders", {}).values(), first, end, channel, below, after, limit)

    async def placed_decisions(self, order_ids: Sequence[str], from_ms: int, until_ms: int) -> list[PlacedDecision]:
        await self._arrive()
        return what_if_lists.decisions(self._first_events(), order_ids, from_ms, until_ms)

    async def past_stock(self, skus: Sequence[str], at_ms: int, limit: int) -> list[PastStock]:
        await self._arrive()
        return what_if_lists.past_stock(
            self.disk.rows.get("stock", {}).values(), [*self.disk.rows.get("ledger", {}).values()], skus, at_ms, limit
        )

    async def past_moves(
        self, skus: Sequence[str], locations: Sequence[str], from_ms: int, until_ms: int, *, offset: Any, limit: int
    ) -> list[tuple[Any, PastMove]]:
        await self._arrive()
        return what_if_lists.past_moves(
            [*self.disk.rows.get("ledger", {}).values()], skus, locations, from_ms, until_ms, offset, limit
        )

    async def promises(
        self, from_ms: int, until_ms: int, *, channel: str, locations: Sequence[str] | None, after: Any, limit: int
    ) -> list[PromiseFound]:
        await self._arrive()
        return what_if_lists.promises(
            self.disk.rows.get("promise_steps", {}).values(), from_ms, until_ms, channel, locations, after, limit
        )

    def _first_events(self) -> dict[str, tuple[int, dict[str, Any]]]:
        found = {}
        for one in self.disk.history:
            events = msgspec.json.decode(one.turn.events)
            if one.turn.kind == "order" and events and events[0].get("type") == "OrderPlaced":
                found[one.turn.entity_id] = (one.turn.at_ms, events[0])
        return found

    async def pending_notices(self, about: Sequence[str], limit: int) -> list[str]:
        await self._arrive()
        rows: list[NoticeRow] = [
            row for row in self.disk.rows.get("notices", {}).values() if row.status == "pending" and row.about in about
        ]
        return sorted(row.notice_id for row in rows)[:limit]

    async def _arrive(self) -> None:
        await self._delay()
        if self.disk.away:
            raise StoreUnavailable("the store is away")
