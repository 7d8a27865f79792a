"""Lists and searches over what was written behind, and what these tell of each noun. Of the store behind it
`actors/storage/` knows; fakes are in `tests/fakes/`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol

import msgspec

from actors.domain.personal_notes import SEALED_PAPER, SHELF
from actors.domain.rows import DataKeyRow, LedgerRow, StockRow
from actors.domain.rows_of_stock import IncomingRow
from actors.domain.what_if_terms import PastMove, PastStock

# Of one SKU at one location no more entries of the ledger are looked at.
DEMAND_ENTRIES_MAX = 20_000
# Entries of a location's ledger among which its shipments are counted.
SHIPMENT_ENTRIES_MAX = 20_000
# Entries of a location's ledger among which what moved is added up.
MOVEMENT_ENTRIES_MAX = 200_000
# Of one SKU no more lots are looked at; each serial number is one.
LOT_ROWS_MAX = 50_000


class OrderSummary(msgspec.Struct, frozen=True):
    """One order in a list. Times: UTC ms. `places`: those that it has to do with (`order_state.places_of`),
    where they were asked for."""

    order_id: str
    version: int
    status: str
    channel: str
    order_ref: str
    customer_ref: str
    country: str
    currency: str
    line_count: int
    units: int
    total_minor: int
    placed_at: int
    updated_at: int
    sealed: bytes = b""
    owner: str = ""
    places: Sequence[str] = ()


class ApprovalSummary(msgspec.Struct, frozen=True):
    """One approval in a list. See `ApprovalRow`."""

    approval_id: str
    version: int
    status: str
    action: str
    location_id: str
    target_kind: str
    target_id: str
    size: int
    reasons: str
    asked_by: str
    decided_by: str
    asked_at: int
    expires_at: int


class DeviceSummary(msgspec.Struct, frozen=True):
    """One device in a list. See `DeviceRow`."""

    device_id: str
    version: int
    location_id: str
    status: str
    name: str
    model: str
    seen_at: int | None


class BreachSummary(msgspec.Struct, frozen=True):
    """One breach in a list. See `BreachRow`."""

    breach_id: str
    version: int
    status: str
    law: str
    risk: str
    persons: int
    discovered_at: int
    deadline_at: int


class PrivacyRequestSummary(msgspec.Struct, frozen=True):
    """One request of a person in a list. See `PrivacyRequestRow`."""

    request_id: str
    version: int
    status: str
    law: str
    asked_right: str
    received_at: int
    deadline_at: int
    overdue: int


class LotSum(msgspec.Struct, frozen=True):
    """Stock of a SKU at a location that has the same last good day (days since 1970-01-01; None: it does not
    expire), over all its lots."""

    location_id: str
    expires_on: int | None
    on_hand: int
    free: int


class DemandDay(msgspec.Struct, frozen=True):
    """What left a location on a day (days since 1970-01-01, UTC) on which the ledger has entries of the SKU. entries:
    so many; shipped: units, of which `moved` went to other locations by transfers.
    free_before, free_most, free_after: units on hand and not allocated before its first entry, at
    most, and after its last."""

    sku: str
    day: int
    entries: int
    shipped: int
    free_before: int
    free_most: int
    free_after: int
    moved: int = 0


class CountSummary(msgspec.Struct, frozen=True):
    """One cycle count in a list. See `CountRow`."""

    count_id: str
    version: int
    status: str
    location_id: str
    reason: str
    spots: int
    settled: int
    variance_units: int
    opened_by: str
    opened_at: int


class TransferSummary(msgspec.Struct, frozen=True):
    """One transfer in a list. See `TransferRow`."""

    transfer_id: str
    version: int
    status: str
    outcome: str
    source_id: str
    destination_id: str
    reference: str
    line_count: int
    wanted: int
    dispatched: int
    received: int
    lost: int
    late: bool
    requested_at: int
    expected_at: int | None


class CollectionSummary(msgspec.Struct, frozen=True):
    """One collection in a list. See `CollectionRow`."""

    collection_id: str
    version: int
    status: str
    order_id: str
    location_id: str
    line_count: int
    units: int
    shelf: Annotated[str, SHELF]
    opened_at: int
    here_at: int | None
    ready_at: int | None
    collect_by: int | None
    late_at: int | None


class InboundSummary(msgspec.Struct, frozen=True):
    """One inbound in a list. See `InboundRow`."""

    inbound_id: str
    version: int
    status: str
    outcome: str
    location_id: str
    supplier_ref: str
    purchase_ref: str
    asn_ref: str
    line_count: int
    package_count: int
    announced: int
    received: int
    remaining: int
    announced_at: int
    expected_at: int


class ShipmentSummary(msgspec.Struct, frozen=True):
    """One shipment in a list. See `ShipmentRow`."""

    shipment_id: str
    version: int
    status: str
    location_id: str
    order_id: str
    fulfilment: int
    reason: str
    parcels: int
    units: int
    weight_g: int
    opened_at: int
    updated_at: int


class ShipmentPaper(msgspec.Struct, frozen=True):
    """A paper of a shipment. See `ShipmentPaperRow`."""

    label_key: str
    request: Annotated[bytes, SEALED_PAPER]
    document: Annotated[bytes, SEALED_PAPER]


class ManifestSummary(msgspec.Struct, frozen=True):
    """One manifest in a list. See `ManifestRow`."""

    dock_id: str
    number: int
    status: str
    carrier_ref: str
    parcels: int
    weight_g: int
    closed_at: int
    handed_over_at: int | None


class SkuMovement(msgspec.Struct, frozen=True):
    """What left of a SKU at a location in a period (base units), and when it was counted there last
    (UTC ms, None for never)."""

    sku: str
    units: int
    last_counted: int | None


class PlacedOrder(msgspec.Struct, frozen=True):
    """An order of the past with its whole state, as `OrderRow` has it."""

    order_id: str
    placed_at: int
    state: bytes


class PlacedDecision(msgspec.Struct, frozen=True):
    """The decision that an order was sourced by, as its first event has it; sealed: under the customer's data key."""

    order_id: str
    sourcing: bytes
    sealed: bool


class PromiseFound(msgspec.Struct, frozen=True):
    """What was promised of a fulfilment, and what came of it (UTC ms, None: not told). transit_ms: how long its
    carrier takes by the policy."""

    order_id: str
    number: int
    location_id: str
    channel: str
    promised_at: int
    shipped_at: int | None
    delivered_at: int | None
    cancelled_at: int | None
    transit_ms: int | None = None


class ReadModel(Protocol):
    """Lists and searches over what was written behind; always a little late. Raises StoreUnavailable."""

    async def orders(
        self, *, customer_ref: str | None, status: str | None, before: str | None, limit: int, owner: str | None = None,
        email_digest: str | None = None, order_ref: str | None = None, held: str | None = None, placed_before_ms: int | None = None,
        with_places: bool = False, ownerless: bool = False,
    ) -> list[OrderSummary]:  # fmt: skip
        """Newest first (by order id), older than the order id `before`. `owner`: those of this customer. Of a sealed
        order the references are digests, as they are kept. "" finds none. `ownerless`: only those of no account.
        `held`: those that are held for that reason, or for `any`. `with_places`: each is opened for its
        `places`, which no column tells."""

    async def devices(self, location_id: str, *, before: str | None, limit: int) -> list[DeviceSummary]:
        """Of a location, newest first (by device id), older than the device id `before`."""

    async def data_keys(self, person: str) -> list[DataKeyRow]:
        """The keys of a person, those in use and destroyed ones."""

    async def wrapped_otherwise(self, wrapping: str, after: str, limit: int) -> list[str]:
        """Ids of keys in use that something else than `wrapping` wraps, past the id `after`, in order."""

    async def privacy_requests(
        self, *, statuses: Sequence[str] | None, person: str | None, after: tuple[int, str] | None, limit: int
    ) -> list[PrivacyRequestSummary]:
        """By deadline, the nearest first, past (deadline UTC ms, request id) `after`. `person`: those
        about this keyed digest."""

    async def pending_notices(self, about: Sequence[str], limit: int) -> list[str]:
        """Ids of notices that are not sent yet and about one of these orders or customers."""

    async def reservations_of(self, owner: str, *, after: str, limit: int) -> list[str]:
        """Ids of the reservations of this customer, past the id `after`, in order. "" has none."""

    async def ledger(
        self, location_id: str, *, sku: str | None, before: tuple[int, int] | None, limit: int
    ) -> list[LedgerRow]:
        """Newest first, older than (version, line) `before`."""

    async def stock_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[StockRow]:
        """Of one SKU, by location. `locations`: those of these, None for all."""

    async def lots_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[LotSum]:
        """Of one SKU, what ends soonest first. Past `LOT_ROWS_MAX` lots, by location and lot, none is looked at."""

    async def incoming_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[IncomingRow]:
        """What is to come of one SKU, soonest first."""

    async def demand(self, location_id: str, skus: Sequence[str], since_ms: int) -> list[DemandDay]:
        """By SKU and day, since then: of each SKU the newest `DEMAND_ENTRIES_MAX` entries of the ledger."""

    async def recent_shipments(self, location_id: str) -> dict[str, int]:
        """How often each SKU was shipped, among the newest `SHIPMENT_ENTRIES_MAX` entries of the location's ledger."""

    async def approvals(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[ApprovalSummary]:
        """Newest first (by approval id), older than the approval id `before`. `locations`: those
        of these, None for all."""

    async def transfers(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[TransferSummary]:
        """Newest first (by transfer id), older than the transfer id `before`. `locations`: those from or to one
        of these, None for all."""

    async def collections(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[CollectionSummary]:
        """Newest first (by collection id), older than the collection id `before`. `locations`: those
        at these, None for all."""

    async def counts(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[CountSummary]:
        """Cycle counts, newest first (by count id), older than the count id `before`. `locations`: those
        of these, None for all."""

    async def inbounds(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[InboundSummary]:
        """Newest first (by inbound id), older than the inbound id `before`. `locations`: those to one
        of these, None for all."""

    async def shipments(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[ShipmentSummary]:
        """Last by id first, before the shipment id `before`. `locations`: those of these, None for all."""

    async def shipments_of(self, person: str, *, after: str, limit: int) -> list[str]:
        """Ids of the manual shipments for somebody (keyed digest), after the shipment id `after`, in order."""

    async def shipment_paper(self, shipment_id: str, parcel: int) -> ShipmentPaper | None:
        """The label of a parcel, or with parcel 0 a manual one's address; None: none is kept (any more)."""

    async def manifests(self, dock_id: str, *, before: int | None, limit: int) -> list[ManifestSummary]:
        """Of a dock, newest first, older than the number `before`."""

    async def manifest(self, dock_id: str, number: int) -> bytes | None:
        """The content of one (`ManifestRow.content`); None: there is none yet."""

    async def movements(self, location_id: str, since_ms: int, limit: int) -> list[SkuMovement]:
        """Of the SKUs that are there or moved since then, what moved most first; as the newest `MOVEMENT_ENTRIES_MAX`
        entries of the location's ledger tell it."""

    async def count_orders(self, first: str, end: str, channel: str, most: int) -> int:
        """How many orders have ids from `first` on and below `end`; channel: of this one, "" for all. No more
        than `most` are counted."""

    async def placed_orders(
        self, first: str, end: str, channel: str, *, below: str, after: str, limit: int
    ) -> list[PlacedOrder]:
        """Of the same, those past the id `after`, in order. below: only those whose id's last characters, as many as it
        has, come before it; "" for all."""

    async def placed_decisions(self, order_ids: Sequence[str], from_ms: int, until_ms: int) -> list[PlacedDecision]:
        """Of those of these orders that have one and were placed in that time, by id."""

    async def past_stock(self, skus: Sequence[str], at_ms: int, limit: int) -> list[PastStock]:
        """Stock of these SKUs as it was before what happened from `at_ms` on, by SKU and location."""

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
        """What changed in that time how many units of them are free, oldest first, past the place `offset`
        (each comes with its own)."""

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
        """Of fulfilments that were allocated and promised for that time: by when that was, order
        and number, past `after`."""

    async def breaches(self, *, status: str | None, before: str | None, limit: int) -> list[BreachSummary]:
        """Newest first (by breach id), older than the breach id `before`."""
