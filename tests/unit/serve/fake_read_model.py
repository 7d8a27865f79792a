"""The read model over what the fake gateway has written down."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.notice import status_of
from actors.domain.rows import (
    DataKeyRow,
    LedgerRow,
    StockRow,
)
from actors.domain.rows_of_counts import LastCountedRow
from actors.domain.rows_of_packing import ManifestRow, ShipmentPaperRow, ShipmentRow
from actors.domain.rows_of_promises import PromiseRow
from actors.domain.rows_of_stock import IncomingRow, LotRow
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
from tests.fakes.read_model import is_held, summary_of
from tests.unit.serve.fake_gateway import FakeGateway


class FakeReadModel:
    """Lists from what the gateway's entities would have written behind."""

    def __init__(self, gateway: FakeGateway) -> None:
        self.gateway = gateway
        self.away = False

    async def orders(
        self, *, customer_ref: str | None, status: str | None, before: str | None, limit: int, owner: str | None = None,
        email_digest: str | None = None, order_ref: str | None = None, held: str | None = None, placed_before_ms: int | None = None,
        with_places: bool = False, ownerless: bool = False,
    ) -> list[OrderSummary]:  # fmt: skip
        if self.away:
            raise StoreUnavailable
        rows = sorted(self.gateway.orders.values(), key=lambda row: row.order_id, reverse=True)
        found = [
            row
            for row in rows
            if (customer_ref is None or row.customer_ref == customer_ref != "")
            and (owner is None or (row.owner == owner != ""))
            and (email_digest is None or (row.email_digest == email_digest != ""))
            and (order_ref is None or (row.order_ref == order_ref != ""))
            and (not ownerless or row.owner == "")
            and (status is None or row.status == status)
            and (placed_before_ms is None or row.placed_at < placed_before_ms)
            and (held is None or is_held(self.gateway.held.get(row.order_id), held))
            and (before is None or row.order_id < before)
        ]
        return [summary_of(row, with_places=with_places) for row in found[:limit]]

    async def data_keys(self, person: str) -> list[DataKeyRow]:
        if self.away:
            raise StoreUnavailable
        return sorted((row for row in self._rows("data_key") if row.person == person), key=lambda row: row.key_id)

    async def wrapped_otherwise(self, wrapping: str, after: str, limit: int) -> list[str]:
        in_use = [row for row in self._rows("data_key") if row.status == "in_use" and row.wrapping != wrapping]
        return sorted(row.key_id for row in in_use if row.key_id > after)[:limit]

    async def devices(self, location_id: str, *, before: str | None, limit: int) -> list[DeviceSummary]:
        if self.away:
            raise StoreUnavailable
        rows = self._rows("device")
        found = [
            row
            for row in sorted(rows, key=lambda row: row.device_id, reverse=True)
            if row.location_id == location_id and (before is None or row.device_id < before)
        ]
        names = DeviceSummary.__struct_fields__
        return [DeviceSummary(*(getattr(row, name) for name in names)) for row in found[:limit]]

    async def approvals(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[ApprovalSummary]:
        if self.away:
            raise StoreUnavailable
        rows = self._rows("approval")
        found = [
            row
            for row in sorted(rows, key=lambda row: row.approval_id, reverse=True)
            if (status is None or row.status == status)
            and (locations is None or row.location_id in locations)
            and (before is None or row.approval_id < before)
        ]
        names = ApprovalSummary.__struct_fields__
        return [ApprovalSummary(*(getattr(row, name) for name in names)) for row in found[:limit]]

    async def breaches(self, *, status: str | None, before: str | None, limit: int) -> list[BreachSummary]:
        if self.away:
            raise StoreUnavailable
        rows = self._rows("breach")
        found = [
            row
            for row in sorted(rows, key=lambda row: row.breach_id, reverse=True)
            if (status is None or row.status == status) and (before is None or row.breach_id < before)
        ]
        names = BreachSummary.__struct_fields__
        return [BreachSummary(*(getattr(row, name) for name in names)) for row in found[:limit]]

    async def privacy_requests(
        self, *, statuses: Sequence[str] | None, person: str | None, after: tuple[int, str] | None, limit: int
    ) -> list[PrivacyRequestSummary]:
        if self.away:
            raise StoreUnavailable
        rows = self._rows("privacy_request")
        found = [
            row
            for row in sorted(rows, key=lambda row: (row.deadline_at, row.request_id))
            if (statuses is None or row.status in statuses)
            and (person is None or row.person == person)
            and (after is None or (row.deadline_at, row.request_id) > after)
        ]
        names = PrivacyRequestSummary.__struct_fields__
        return [PrivacyRequestSummary(*(getattr(row, name) for name in names)) for row in found[:limit]]

    async def count_orders(self, first: str, end: str, channel: str, most: int) -> int:
        self._reach()
        return min(most, len(what_if_lists.orders_of(self.gateway.orders.values(), first, end, channel)))

    async def placed_orders(
        self, first: str, end: str, channel: str, *, below: str, after: str, limit: int
    ) -> list[PlacedOrder]:
        self._reach()
        return what_if_lists.placed(self.gateway.orders.values(), first, end, channel, below, after, limit)

    async def placed_decisions(self, order_ids: Sequence[str], from_ms: int, until_ms: int) -> list[PlacedDecision]:
        self._reach()
        return what_if_lists.decisions(self._first_events(), order_ids, from_ms, until_ms)

    async def past_stock(self, skus: Sequence[str], at_ms: int, limit: int) -> list[PastStock]:
        self._reach()
        return what_if_lists.past_stock(self._of_locations(StockRow), self.gateway.ledger, skus, at_ms, limit)

    async def past_moves(
        self, skus: Sequence[str], locations: Sequence[str], from_ms: int, until_ms: int, *, offset: Any, limit: int
    ) -> list[tuple[Any, PastMove]]:
        self._reach()
        return what_if_lists.past_moves(self.gateway.ledger, skus, locations, from_ms, until_ms, offset, limit)

    async def promises(
        self, from_ms: int, until_ms: int, *, channel: str, locations: Sequence[str] | None, after: Any, limit: int
    ) -> list[PromiseFound]:
        self._reach()
        return what_if_lists.promises(
            self._of_locations(PromiseRow), from_ms, until_ms, channel, locations, after, limit
        )

    def _reach(self) -> None:
        if self.away:
            raise StoreUnavailable

    def _first_events(self) -> dict[str, tuple[int, dict[str, Any]]]:
        found = {}
        for (kind, order_id), events in self.gateway.events.items():
            if kind == "order":
                at = datetime.fromisoformat(events[0]["at"])
                found[order_id] = (round(at.timestamp() * 1000), events[0])
        return found

    async def pending_notices(self, about: Sequence[str], limit: int) -> list[str]:
        if self.away:
            raise StoreUnavailable
        found = [
            notice_id
            for (kind, notice_id), (state, _) in self.gateway.entities.items()
            if kind == "notice" and status_of(state) == "pending" and state.about in about
        ]
        return sorted(found)[:limit]

    async def reservations_of(self, owner: str, *, after: str, limit: int) -> list[str]:
        if self.away:
            raise StoreUnavailable
        found = [
            reservation_id
            for (kind, reservation_id), (state, _) in self.gateway.entities.items()
            if kind == "reservation" and state.owner == owner != "" and reservation_id > after
        ]
        return sorted(found)[:limit]

    async def stock_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[StockRow]:
        return stock_lists.stock_of(self._of_locations(StockRow), sku, locations, limit)

    async def lots_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[LotSum]:
        return stock_lists.lots_of(self._of_locations(LotRow), sku, locations, limit)

    async def incoming_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[IncomingRow]:
        return stock_lists.incoming_of(self._of_locations(IncomingRow), sku, locations, limit)

    async def demand(self, location_id: str, skus: Sequence[str], since_ms: int) -> list[DemandDay]:
        if self.away:
            raise StoreUnavailable
        return stock_lists.demand(self.gateway.ledger, location_id, skus, since_ms)

    async def recent_shipments(self, location_id: str) -> dict[str, int]:
        if self.away:
            raise StoreUnavailable
        return stock_lists.recent_shipments(self.gateway.ledger, location_id)

    async def shipments(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[ShipmentSummary]:
        return packing_lists.shipments(self._shipments(), status, locations, before, limit)

    async def shipments_of(self, person: str, *, after: str, limit: int) -> list[str]:
        return packing_lists.shipments_of(self._shipments(), person, after, limit)

    async def shipment_paper(self, shipment_id: str, parcel: int) -> ShipmentPaper | None:
        return packing_lists.paper(self._of_locations(ShipmentPaperRow), shipment_id, parcel)

    def _shipments(self) -> list[ShipmentRow]:
        self._reach()
        rows: list[Any] = self._rows("shipment")
        return rows

    async def manifests(self, dock_id: str, *, before: int | None, limit: int) -> list[ManifestSummary]:
        return packing_lists.manifests(self._of_locations(ManifestRow), dock_id, before, limit)

    async def manifest(self, dock_id: str, number: int) -> bytes | None:
        return packing_lists.manifest(self._of_locations(ManifestRow), dock_id, number)

    async def transfers(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[TransferSummary]:
        if self.away:
            raise StoreUnavailable
        rows = self._rows("transfer")
        return transfer_lists.transfers(rows, status, locations, before, limit)  # type: ignore[arg-type]

    async def collections(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[CollectionSummary]:
        if self.away:
            raise StoreUnavailable
        rows = self._rows("collection")
        return collection_lists.collections(rows, status, locations, before, limit)  # type: ignore[arg-type]

    async def counts(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[CountSummary]:
        if self.away:
            raise StoreUnavailable
        rows = self._rows("count")
        return count_lists.counts(rows, status, locations, before, limit)  # type: ignore[arg-type]

    async def inbounds(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[InboundSummary]:
        if self.away:
            raise StoreUnavailable
        rows = self._rows("inbound")
        return inbound_lists.inbounds(rows, status, locations, before, limit)  # type: ignore[arg-type]

    async def movements(self, location_id: str, since_ms: int, limit: int) -> list[SkuMovement]:
        stock, counted = self._of_locations(StockRow), self._of_locations(LastCountedRow)
        return count_lists.movements(stock, self.gateway.ledger, counted, location_id, since_ms, limit)

    def _rows(self, kind: str) -> list[Any]:
        """The first row of each entity of the kind."""
        return [
            KINDS[kind].rows(state, version, [], Context(entity_id, "", 0))[0]
            for (of, entity_id), (state, version) in self.gateway.entities.items()
            if of == kind
        ]

    def _of_locations(self, row_type: Any) -> list[Any]:
        if self.away:
            raise StoreUnavailable
        kept = self.gateway.stock_rows
        return [row for row in kept.values() if type(row) is row_type and not getattr(row, "gone", False)]

    async def ledger(
        self, location_id: str, *, sku: str | None, before: tuple[int, int] | None, limit: int
    ) -> list[LedgerRow]:
        if self.away:
            raise StoreUnavailable
        rows = sorted(self.gateway.ledger, key=lambda row: (row.version, row.line), reverse=True)
        found = [
            row
            for row in rows
            if row.location_id == location_id
            and (sku is None or row.sku == sku)
            and (before is None or (row.version, row.line) < before)
        ]
        return found[:limit]
