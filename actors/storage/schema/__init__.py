"""The tables, and the one place that names their columns. Migrations (`migrations/versions/`) lead here step by step;
a test compares the two, and another one these with `actors/domain/rows*.py`.

    turns     shards: who owns which shard (host, epoch), and how far its turns are in here (watermark)
              sharding: how many there are
              history: every turn, by month; answers history pages and the long memory of commands
              outbox: messages to other entities that were not acknowledged when their turn was drained
    orders    orders, reservations (units that are kept for carts), location_profiles and sourcing_policies with all their versions
    stock     locations, skus; stock, and its parts that are told apart, where they lie, what is to come: lots, lot_claims, bins, bin_contents, incoming
              ledger: every change of stock, by month
    collections   orders that wait at a store
    goods     transfers, inbounds (what suppliers have announced), counts; counting: what changes in spots that are being counted;
              last_counted: when each SKU was
    figures   figures, figures_hours: what was seen of each location minute by minute, by the collector
    floors    floor_terms, floors, floor_work, floor_trips: which buildings' floors run their picking, what they have to pick, and on which trips
    simulations   simulations: what-ifs of sourcing; promise_steps: what was promised of fulfilments, and when they were shipped and there
    waiting   waiters: orders in line at locations for what is not there
    people    accounts, clients, devices, customers, guests; revocations: sessions that ended before their tokens did; notices that have to be
              delivered; approvals: what somebody wants done that somebody else has to approve
    privacy   data_keys: what personal data is sealed under, wrapped; key_canary: what only the cell's keys open; identity_off: until when
              orders came in the clear; consents, privacy_requests, breaches
    audit     audit: who did what, by month, chained by shard, with audit_seconds (what it is searched by), audit_anchors,
              audit_holds, audit_drops
              alerts: what the monitor found; monitor_state: what it has learned and how far it has read

Most of them are read models, from which entities also come back to memory. Text keys are compared bytewise (collation
C) whatever the database's own collation is: ids sort as their makers mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from actors.domain.kind import Row
from actors.domain.rows import (
    AccountRow,
    AlertRow,
    ApprovalRow,
    BreachRow,
    ClientRow,
    ConsentRow,
    CustomerRow,
    DataKeyRow,
    DeviceRow,
    GuestRow,
    LedgerRow,
    LocationRow,
    NoticeRow,
    OrderChange,
    OrderRow,
    PrivacyRequestRow,
    RevocationRow,
    SkuRow,
    StockRow,
)
from actors.domain.rows_of_collections import CollectionRow
from actors.domain.rows_of_counts import CountingRow, CountRow, LastCountedRow
from actors.domain.rows_of_floor import FloorRow, FloorTermsRow, FloorTripRow, FloorWorkRow
from actors.domain.rows_of_inbounds import InboundRow
from actors.domain.rows_of_orders import HeldOrderRow
from actors.domain.rows_of_packing import (
    DockParcelRow,
    DockPastRow,
    DockRow,
    ManifestRow,
    ShipmentPaperRow,
    ShipmentRow,
    SsccSeriesRow,
)
from actors.domain.rows_of_promises import PromiseRow
from actors.domain.rows_of_reservation import ReservationRow
from actors.domain.rows_of_simulations import SimulationRow
from actors.domain.rows_of_sourcing import LocationProfileRow, SourcingPolicyRow
from actors.domain.rows_of_stock import BinRow, ClaimRow, ContentRow, IncomingRow, LotRow
from actors.domain.rows_of_transfers import TransferRow
from actors.domain.rows_of_waiting import WaiterRow

# Their tables join the metadata.
from actors.storage.schema import (  # noqa: F401
    collections,
    figures,
    floors,
    goods,
    orders,
    packing,
    people,
    privacy,
    simulations,
    stock,
    waiting,
)
from actors.storage.schema.audit import audit, audit_seconds
from actors.storage.schema.columns import metadata
from actors.storage.schema.stock import ledger
from actors.storage.schema.turns import history

__all__ = ["CHANGE_TYPES", "PARTITIONED", "ROW_TYPES", "metadata", "row_columns"]

PARTITIONED: Sequence[sa.Table] = (history, ledger, audit, audit_seconds)
ROW_TYPES: Sequence[type[Row]] = (
    OrderRow, LocationRow, StockRow, LedgerRow, SkuRow, AccountRow, ClientRow, DeviceRow, RevocationRow,
    CustomerRow, GuestRow, NoticeRow, AlertRow, DataKeyRow, ApprovalRow, BreachRow, PrivacyRequestRow, ConsentRow,
    LotRow, ClaimRow, BinRow, ContentRow, IncomingRow, ReservationRow,
    CountRow, CountingRow, LastCountedRow, TransferRow, InboundRow, CollectionRow,
    FloorTermsRow, FloorRow, FloorWorkRow, FloorTripRow,
    LocationProfileRow, SourcingPolicyRow, SimulationRow, PromiseRow,
    ShipmentRow, ShipmentPaperRow, DockRow, DockParcelRow, DockPastRow, ManifestRow, SsccSeriesRow, WaiterRow, HeldOrderRow,
)  # fmt: skip
CHANGE_TYPES: Sequence[type[Row]] = (OrderChange,)


def row_columns(row_type: type[Row]) -> list[sa.Column[Any]]:
    """The columns that make up a row's struct, in its order. Whether a row is gone (its last field) is none."""
    table = metadata.tables[row_type.table]  # type: ignore[attr-defined]
    return [table.columns[name] for name in row_type.__struct_fields__ if name != "gone"]
