"""The tables, and the one place that names their columns. Migrations (`migrations/versions/`) lead here step by step;
a test compares the two, and another one these with `actors/domain/rows.py`.

    shards    who owns which shard (host, epoch), and how far its turns are in here (watermark)
    history   every turn, by month; answers history pages and the long memory of commands
    outbox    messages to other entities that were not acknowledged when their turn was drained
    orders, locations, stock, skus   the read models, from which entities also come back to memory
    lots, lot_claims, bins, bin_contents, incoming   parts of the stock that are told apart, where they lie, what is to come
    floor_terms, floors, floor_work, floor_trips   which buildings' floors run their picking, what they have to pick, and on which trips
    reservations   units that are kept for carts, and what became of them
    location_profiles, sourcing_policies   what sourcing goes by; the policies with all their versions
    ledger    every change of stock, by month
    accounts, clients   people and machines that may sign in
    customers, guests   people who follow their own orders, with an account or without
    devices   scanners, terminals and tills that sign in by a key of their own
    notices   what has to be delivered to them
    data_keys what their personal data is sealed under, wrapped
    revocations   sessions that ended before their tokens did
    alerts    what the monitor found; with `monitor_state`, what it has learned and how far it has read
    approvals what somebody wants done that somebody else has to approve
    transfers units that go from a location to another
    inbounds  goods that suppliers have announced, and what came of them
    counts    cycle counts; counting: what changes in spots that are being counted; last_counted: when each SKU was
    breaches  breaches of personal data, with the clock until the authority has to know
    privacy_requests, consents   what people asked about their own data, and what they have agreed to
    audit     who did what, by month, chained by shard; with `audit_anchors`, `audit_holds`, `audit_drops`

Text keys are compared bytewise (collation C) whatever the database's own collation is: ids sort as their makers mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

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
from actors.domain.rows_of_counts import CountingRow, CountRow, LastCountedRow
from actors.domain.rows_of_floor import FloorRow, FloorTermsRow, FloorTripRow, FloorWorkRow
from actors.domain.rows_of_inbounds import InboundRow
from actors.domain.rows_of_reservation import ReservationRow
from actors.domain.rows_of_sourcing import LocationProfileRow, SourcingPolicyRow
from actors.domain.rows_of_stock import BinRow, ClaimRow, ContentRow, IncomingRow, LotRow
from actors.domain.rows_of_transfers import TransferRow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 0001-01-02 and 9999-12-30: PostgreSQL knows more years than Python, and a time at either end is read back in no zone but its own.
FIRST_MS = -62_135_510_400_000
LAST_MS = 253_402_128_000_000
# Orders of these statuses are done with: few look for them, and nearly all orders end as one.
CLOSED_STATUSES = ("shipped", "delivered", "cancelled")


def readable(value: int) -> int:
    """A time (UTC ms) that can be stored and read back: the nearest one to `value`. One that can't would keep whoever reads its table from starting."""
    return max(FIRST_MS, min(value, LAST_MS))


class Instant(sa.types.TypeDecorator[int]):
    """timestamptz in the database, UTC milliseconds since 1970 in our structs. What lies outside of `FIRST_MS` and `LAST_MS` is stored as the nearer of these."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """Milliseconds → datetime."""
        return None if value is None else _EPOCH + timedelta(milliseconds=readable(value))

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> int | None:
        """Datetime → milliseconds."""
        return None if value is None else (value - _EPOCH) // timedelta(milliseconds=1)


def _key(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), nullable=False, **options)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _integer(name: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, **options)


def _bigint(name: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, **options)


def _instant(name: str) -> sa.Column[int]:
    return sa.Column(name, Instant, nullable=False)


metadata = sa.MetaData()
# Updates stay on their page (HOT) and leave the indexes alone.
_ROOM: dict[str, Any] = {"postgresql_with": {"fillfactor": 70}}

shards = sa.Table(
    "shards", metadata,
    _integer("shard", primary_key=True, autoincrement=False),
    _text("host"),  # "" while nobody owns it
    _bigint("epoch"),
    _bigint("watermark"),
    # The end of the shard's chain in `audit`: see audit_rows.py.
    _bigint("audit_number", server_default="0"),
    sa.Column("audit_chain", sa.LargeBinary, nullable=False, server_default=""),
    sa.Column("audit_at", Instant, nullable=False, server_default="1970-01-01 00:00:00+00"),
    **_ROOM,
)  # fmt: skip

# No primary key: the watermark keeps turns single, and a third index would cost the drain a tenth.
history = sa.Table(
    "history", metadata,
    _integer("shard"),
    _bigint("position"),
    _integer("line"),
    _instant("at"),
    _bigint("version"),
    _bigint("fingerprint"),
    _bigint("digest"),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("provisional", sa.Boolean, nullable=False),
    _text("kind"),
    _key("entity_id"),
    _text("command_id"),
    _text("cause"),
    sa.Column("events", postgresql.JSON, nullable=False),
    sa.Column("reply", sa.LargeBinary, nullable=False),
    # Final answers to earlier commands of the entity: MessagePack of list[(command id, reply)]; mostly null.
    sa.Column("answers", sa.LargeBinary),
    sa.Index("history_entity", "entity_id", "version"),
    sa.Index("history_fingerprint", "fingerprint"),
    postgresql_partition_by="RANGE (at)",
)  # fmt: skip

outbox = sa.Table(
    "outbox", metadata,
    _key("message_id", primary_key=True),
    _bigint("number"),  # the order in which the messages were first written down
    _integer("shard"),
    _text("sender_kind"),
    _text("sender_id"),
    sa.Column("message", sa.LargeBinary, nullable=False),
    _instant("at"),
    _integer("attempts"),
    sa.Column("parked", sa.Boolean, nullable=False),
    _text("error"),
    sa.Index("outbox_shard", "shard", "number"),
)  # fmt: skip
outbox_number = sa.Sequence("outbox_number", metadata=metadata)

orders = sa.Table(
    "orders", metadata,
    _key("order_id", primary_key=True),
    _bigint("version"),
    _text("status"),
    _text("channel"),
    _text("order_ref"),
    _key("customer_ref"),
    _key("owner", server_default=""),  # of orders before there were customers
    _key("email_digest", server_default=""),
    _text("country"),
    _text("currency"),
    _integer("line_count"),
    _bigint("units"),
    _bigint("total_minor"),
    _instant("placed_at"),
    _instant("updated_at"),
    sa.Column("due_at", Instant),
    sa.Column("sealed", sa.LargeBinary, nullable=False, server_default=""),
    sa.Column("state", sa.LargeBinary, nullable=False),
    # Changes once in a life. An index on `status` itself would make every update write to every index.
    sa.Column("is_open", sa.Boolean, sa.Computed(
        " AND ".join(f"status <> '{status}'" for status in CLOSED_STATUSES), persisted=True), nullable=False),
    sa.Index("orders_customer", "customer_ref", "order_id", postgresql_where=sa.text("customer_ref <> ''")),
    sa.Index("orders_owner", "owner", "order_id", postgresql_where=sa.text("owner <> ''")),
    sa.Index("orders_ref", "order_ref", "order_id", postgresql_where=sa.text("order_ref <> ''")),
    sa.Index("orders_email", "email_digest", "order_id", postgresql_where=sa.text("email_digest <> ''")),
    sa.Index("orders_open", "order_id", postgresql_where=sa.text("is_open")),
    sa.Index("orders_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **_ROOM,
)  # fmt: skip

locations = sa.Table(
    "locations", metadata,
    _key("location_id", primary_key=True),
    _bigint("version"),
    _text("type"),
    _text("name"),
    _text("city"),
    _text("country"),
    sa.Column("lat", sa.Double, nullable=False),
    sa.Column("lon", sa.Double, nullable=False),
    _text("timezone"),
    **_ROOM,
)  # fmt: skip

stock = sa.Table(
    "stock", metadata,
    _key("location_id", primary_key=True),
    _key("sku", primary_key=True),
    _bigint("on_hand"),
    _bigint("allocated"),
    _bigint("safety_stock"),
    _bigint("reserved", server_default="0"),
    _bigint("damaged", server_default="0"),
    _bigint("quality_hold", server_default="0"),
    _bigint("reorder_point", server_default="0"),
    sa.Column("buffers", sa.Text, nullable=False, server_default=""),
    # All places of one SKU.
    sa.Index("stock_sku", "sku", "location_id"),
    **_ROOM,
)  # fmt: skip

lots = sa.Table(
    "lots", metadata,
    _key("location_id", primary_key=True),
    _key("sku", primary_key=True),
    _key("lot", primary_key=True),
    _bigint("on_hand"),
    _bigint("allocated"),
    _bigint("reserved"),
    _bigint("damaged"),
    _bigint("quality_hold"),
    sa.Column("expires_on", sa.Integer),  # days since 1970-01-01
    sa.Column("serial", sa.Boolean, nullable=False),
    _text("told"),
    sa.Index("lots_sku", "sku", "location_id", "lot"),
    **_ROOM,
)  # fmt: skip

lot_claims = sa.Table(
    "lot_claims", metadata,
    _key("location_id", primary_key=True),
    _key("cause", primary_key=True),
    _key("sku", primary_key=True),
    _key("lot", primary_key=True),
    _bigint("units"),
    **_ROOM,
)  # fmt: skip

bins = sa.Table(
    "bins", metadata,
    _key("location_id", primary_key=True),
    _key("bin_id", primary_key=True),
    _text("zone"),
    _integer("aisle"),
    _integer("rack"),
    _integer("level"),
    _integer("x_dm"),
    _integer("y_dm"),
    _text("use"),
    _bigint("units_max"),
    _bigint("volume_max_ml"),
    _text("temperature"),
    _text("hazard"),
    **_ROOM,
)  # fmt: skip

bin_contents = sa.Table(
    "bin_contents", metadata,
    _key("location_id", primary_key=True),
    _key("sku", primary_key=True),
    _key("bin_id", primary_key=True),
    _key("lot", primary_key=True),
    _bigint("units"),
    **_ROOM,
)  # fmt: skip

incoming = sa.Table(
    "incoming", metadata,
    _key("location_id", primary_key=True),
    _key("source_id", primary_key=True),
    _key("sku", primary_key=True),  # "": the source itself
    _text("source"),
    _bigint("revision"),
    _instant("expected_at"),
    _bigint("units"),
    _instant("changed_at"),
    sa.Index("incoming_sku", "sku", "location_id", postgresql_where=sa.text("sku <> ''")),
    **_ROOM,
)  # fmt: skip

# Its key is kept single by the watermark. A unique index would let a paused owner, in the middle of a drain that will be
# refused, block its successor's rows of the same key; plain ones don't.
ledger = sa.Table(
    "ledger", metadata,
    _key("location_id"),
    _bigint("version"),
    _integer("line"),
    _instant("at"),
    _key("sku"),
    _text("reason"),
    _bigint("quantity"),
    _bigint("on_hand_delta"),
    _bigint("allocated_delta"),
    _bigint("on_hand"),
    _bigint("allocated"),
    _text("cause"),
    _text("reference"),
    sa.Column("value_minor", sa.BigInteger),
    sa.Column("currency", sa.Text),
    # Which other count changes (reserved, damaged, quality_hold), by how much, and what it is then.
    sa.Column("aside", sa.Text),
    sa.Column("aside_delta", sa.BigInteger),
    sa.Column("aside_balance", sa.BigInteger),
    sa.Column("lot", sa.Text),
    sa.Column("bin_id", sa.Text),
    sa.Column("bin_delta", sa.BigInteger),
    sa.Index("ledger_location", "location_id", "version", "line"),
    sa.Index("ledger_sku", "location_id", "sku", "version", "line"),
    postgresql_partition_by="RANGE (at)",
)  # fmt: skip

skus = sa.Table(
    "skus", metadata,
    _key("catalogue_id", primary_key=True),
    _key("sku", primary_key=True),
    _text("description"),
    _bigint("version"),
    sa.Column("details", sa.LargeBinary, nullable=False, server_default=""),
)  # fmt: skip

accounts = sa.Table(
    "accounts", metadata,
    _key("account_id", primary_key=True),
    _bigint("version"),
    _text("role"),
    _integer("enabled"),  # 1 or 0
    sa.Column("state", sa.LargeBinary, nullable=False),
    **_ROOM,
)  # fmt: skip

clients = sa.Table(
    "clients", metadata,
    _key("client_id", primary_key=True),
    _bigint("version"),
    _integer("enabled"),  # 1 or 0
    sa.Column("state", sa.LargeBinary, nullable=False),
    **_ROOM,
)  # fmt: skip

# Read by location, newest first.
devices = sa.Table(
    "devices", metadata,
    _key("device_id", primary_key=True),
    _bigint("version"),
    _key("location_id"),
    _text("status"),
    _text("name"),
    _text("model"),
    sa.Column("seen_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("devices_location", "location_id", "device_id"),
    **_ROOM,
)  # fmt: skip

revocations = sa.Table(
    "revocations", metadata,
    _key("region_id", primary_key=True),
    _key("session_id", primary_key=True),
    _bigint("until_ms"),
    _bigint("version"),
)  # fmt: skip

customers = sa.Table(
    "customers", metadata,
    _key("customer_id", primary_key=True),
    _bigint("version"),
    _integer("proved"),  # 1 or 0
    sa.Column("state", sa.LargeBinary, nullable=False),
    **_ROOM,
)  # fmt: skip

guests = sa.Table(
    "guests", metadata,
    _key("order_id", primary_key=True),
    _bigint("version"),
    sa.Column("state", sa.LargeBinary, nullable=False),
    **_ROOM,
)  # fmt: skip

# Read by whoever delivers, oldest first; what is sent stays, empty.
notices = sa.Table(
    "notices", metadata,
    _key("notice_id", primary_key=True),
    _bigint("version"),
    _text("status"),
    _text("template"),
    _text("about"),
    sa.Column("sealed_address", sa.LargeBinary, nullable=False),
    sa.Column("sealed_content", sa.LargeBinary, nullable=False),
    _instant("created_at"),
    _instant("until_at"),
    sa.Column("sent_at", Instant),
    sa.Index("notices_pending", "created_at", postgresql_where=sa.text("status = 'pending'")),
    **_ROOM,
)  # fmt: skip

alerts = sa.Table(
    "alerts", metadata,
    _key("alert_id", primary_key=True),
    _bigint("version"),
    _text("status"),
    _key("about"),
    _text("role"),
    _text("rules"),
    sa.Column("score", sa.Double, nullable=False),
    _text("action"),
    _text("assignee"),
    _text("verdict"),
    _instant("began_at"),
    _instant("last_at"),
    _integer("told"),  # 1 or 0
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("alerts_untold", "last_at", postgresql_where=sa.text("told = 0")),
    sa.Index("alerts_status", "status", "alert_id"),
    **_ROOM,
)  # fmt: skip

data_keys = sa.Table(
    "data_keys", metadata,
    _key("key_id", primary_key=True),
    _bigint("version"),
    _key("person"),
    _text("status"),
    _text("wrapping"),
    _integer("restricted"),  # 1 or 0
    _integer("changes"),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Index("data_keys_person", "person"),
    sa.Index("data_keys_wrapping", "wrapping", "key_id", postgresql_where=sa.text("status = 'in_use'")),
    **_ROOM,
)  # fmt: skip

approvals = sa.Table(
    "approvals", metadata,
    _key("approval_id", primary_key=True),
    _bigint("version"),
    _text("status"),
    _text("action"),
    _key("location_id"),
    _text("target_kind"),
    _text("target_id"),
    _bigint("size"),
    _text("reasons"),
    _text("asked_by"),
    _text("decided_by"),
    _instant("asked_at"),
    _instant("expires_at"),
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    # Lists are of what is pending, mostly: few at any time. Others go by the primary key backwards.
    sa.Index("approvals_pending", "approval_id", postgresql_where=sa.text("status = 'pending'")),
    sa.Index("approvals_location", "location_id", "approval_id"),
    sa.Index("approvals_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **_ROOM,
)  # fmt: skip

transfers = sa.Table(
    "transfers", metadata,
    _key("transfer_id", primary_key=True),
    _bigint("version"),
    _text("status"),
    _text("outcome"),
    _key("source_id"),
    _key("destination_id"),
    _text("reference"),
    _integer("line_count"),
    _bigint("wanted"),
    _bigint("dispatched"),
    _bigint("received"),
    _bigint("lost"),
    sa.Column("late", sa.Boolean, nullable=False),
    _instant("requested_at"),
    sa.Column("expected_at", Instant),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("transfers_open", "transfer_id", postgresql_where=sa.text("NOT closed")),
    sa.Index("transfers_source", "source_id", "transfer_id"),
    sa.Index("transfers_destination", "destination_id", "transfer_id"),
    sa.Index("transfers_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **_ROOM,
)  # fmt: skip

inbounds = sa.Table(
    "inbounds", metadata,
    _key("inbound_id", primary_key=True),
    _bigint("version"),
    _text("status"),
    _text("outcome"),
    _key("location_id"),
    _text("supplier_ref"),
    _text("purchase_ref"),
    _text("asn_ref"),
    _integer("line_count"),
    _integer("package_count"),
    _bigint("announced"),
    _bigint("received"),
    _bigint("remaining"),
    _instant("announced_at"),
    _instant("expected_at"),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("inbounds_open", "inbound_id", postgresql_where=sa.text("NOT closed")),
    sa.Index("inbounds_location", "location_id", "inbound_id"),
    **_ROOM,
)  # fmt: skip

counts = sa.Table(
    "counts", metadata,
    _key("count_id", primary_key=True),
    _bigint("version"),
    _text("status"),
    _key("location_id"),
    _text("reason"),
    _integer("spots"),
    _integer("settled"),
    _bigint("variance_units"),
    _text("opened_by"),
    _instant("opened_at"),
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("counts_open", "count_id", postgresql_where=sa.text("status = 'open'")),
    sa.Index("counts_location", "location_id", "count_id"),
    sa.Index("counts_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **_ROOM,
)  # fmt: skip

counting = sa.Table(
    "counting", metadata,
    _key("location_id", primary_key=True),
    _key("bin_id", primary_key=True),  # "": what of the SKU lies in no bin
    _key("sku", primary_key=True),  # "": all that lies in the bin
    _text("count_id"),
    _instant("began_at"),
    sa.Column("lost", sa.Boolean, nullable=False),
    sa.Column("book", sa.LargeBinary, nullable=False),
    sa.Column("changes", sa.LargeBinary, nullable=False),
    **_ROOM,
)  # fmt: skip

floor_terms = sa.Table(
    "floor_terms", metadata,
    _key("location_id", primary_key=True),
    sa.Column("terms", sa.LargeBinary, nullable=False),
    **_ROOM,
)  # fmt: skip

floors = sa.Table(
    "floors", metadata,
    _key("location_id", primary_key=True),
    _bigint("version"),
    _integer("works"),
    _integer("trips"),
    sa.Column("state", sa.LargeBinary, nullable=False),
    **_ROOM,
)  # fmt: skip

floor_work = sa.Table(
    "floor_work", metadata,
    _key("location_id", primary_key=True),
    _key("fulfilment_id", primary_key=True),
    _text("status"),
    _integer("priority"),
    _instant("pick_by"),
    _instant("placed_at"),
    _bigint("units"),
    sa.Column("state", sa.LargeBinary, nullable=False),
    **_ROOM,
)  # fmt: skip

floor_trips = sa.Table(
    "floor_trips", metadata,
    _key("location_id", primary_key=True),
    _bigint("trip", primary_key=True, autoincrement=False),
    _text("picker"),
    _instant("pick_by"),
    sa.Column("state", sa.LargeBinary, nullable=False),
    **_ROOM,
)  # fmt: skip

last_counted = sa.Table(
    "last_counted", metadata,
    _key("location_id", primary_key=True),
    _key("sku", primary_key=True),
    _instant("counted_at"),
    **_ROOM,
)  # fmt: skip

# Few, and kept for good.
breaches = sa.Table(
    "breaches", metadata,
    _key("breach_id", primary_key=True),
    _bigint("version"),
    _text("status"),
    _text("law"),
    _text("risk"),
    _bigint("persons"),
    _instant("discovered_at"),
    _instant("deadline_at"),
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("breaches_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **_ROOM,
)  # fmt: skip

# Read by deadline, the nearest first, and by person.
privacy_requests = sa.Table(
    "privacy_requests", metadata,
    _key("request_id", primary_key=True),
    _bigint("version"),
    _text("status"),
    _text("law"),
    _text("asked_right"),
    _key("person"),
    _instant("received_at"),
    _instant("deadline_at"),
    _integer("overdue"),  # 1 or 0
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("privacy_requests_deadline", "deadline_at", "request_id"),
    sa.Index("privacy_requests_person", "person"),
    sa.Index("privacy_requests_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **_ROOM,
)  # fmt: skip

# Looked for by what expires next, and by customer; those of nobody that are over stay as rows that no index but the key's has.
reservations = sa.Table(
    "reservations", metadata,
    _key("reservation_id", primary_key=True),
    _bigint("version"),
    _text("status"),
    _key("owner"),
    _instant("expires_at"),
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("reservations_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    sa.Index("reservations_owner", "owner", "reservation_id", postgresql_where=sa.text("owner <> ''")),
    **_ROOM,
)  # fmt: skip

location_profiles = sa.Table(
    "location_profiles", metadata,
    _key("location_id", primary_key=True),
    _bigint("version"),
    sa.Column("profile", sa.LargeBinary, nullable=False),
    _integer("day"),
    _integer("orders"),
    _bigint("units"),
    **_ROOM,
)  # fmt: skip

sourcing_policies = sa.Table(
    "sourcing_policies", metadata,
    _key("policies_id", primary_key=True),
    _key("channel", primary_key=True),
    _bigint("version", primary_key=True, autoincrement=False),
    sa.Column("policy", sa.LargeBinary, nullable=False),
    _text("reason"),
    _text("set_by"),
    _instant("set_at"),
)  # fmt: skip

consents = sa.Table(
    "consents", metadata,
    _key("consent_id", primary_key=True),
    _bigint("version"),
    _text("granted"),
    _text("refused"),
    _instant("changed_at"),
    sa.Column("state", sa.LargeBinary, nullable=False),
    **_ROOM,
)  # fmt: skip

# One row: it is the monitor's alone.
monitor_state = sa.Table(
    "monitor_state", metadata,
    _key("monitor_id", primary_key=True),
    sa.Column("cursor", postgresql.JSON, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),
    _instant("saved_at"),
)  # fmt: skip

# No unique key: the watermark keeps lines single, and the chain tells if it ever did not. See audit_rows.py for `chain`.
audit = sa.Table(
    "audit", metadata,
    _integer("shard"),
    _bigint("number"),
    _instant("at"),
    _bigint("version"),
    _key("subject"),
    _text("role"),
    _text("session_id"),
    _text("address"),
    _text("device"),
    _text("behalf"),
    _text("request_id"),
    _key("action"),
    _text("outcome"),
    _key("location_id"),
    _text("kind"),
    _key("entity_id"),
    _text("why"),
    _text("changes"),  # JSON, exactly as it was hashed; "" for none
    sa.Column("chain", sa.LargeBinary, nullable=False),
    sa.Index("audit_number", "shard", "number"),
    sa.Index("audit_at", "at", "shard", "number"),
    sa.Index("audit_subject", "subject", "at"),
    sa.Index("audit_entity", "entity_id", "at"),
    sa.Index("audit_action", "action", "at"),
    sa.Index("audit_address", "address", "at"),
    sa.Index("audit_location", "location_id", "at", postgresql_where=sa.text("location_id <> ''")),
    # A line that says nothing but its action is found by that: most are so, and words cost more than all the rest.
    sa.Index("audit_words", sa.text("audit_words(action, outcome, why, changes)"), postgresql_using="gin",
             postgresql_where=sa.text("outcome <> '' OR why <> '' OR changes <> ''")),
    postgresql_partition_by="RANGE (at)",
)  # fmt: skip

# Where the chains stood at the end of a day, signed.
audit_anchors = sa.Table(
    "audit_anchors", metadata,
    sa.Column("day", sa.Date, primary_key=True),
    _integer("shard", primary_key=True, autoincrement=False),
    _bigint("number"),
    sa.Column("chain", sa.LargeBinary, nullable=False),
    _text("signature"),
)  # fmt: skip

# While one is not lifted nothing of the audit is dropped.
audit_holds = sa.Table(
    "audit_holds", metadata,
    _key("hold_id", primary_key=True),
    _text("reason"),
    _instant("placed_at"),
    sa.Column("lifted_at", Instant),
)  # fmt: skip

# Months that are gone. `cut`: JSON, shard → [number, chain as hex] of its last dropped line.
audit_drops = sa.Table(
    "audit_drops", metadata,
    sa.Column("month", sa.Date, primary_key=True),
    _instant("dropped_at"),
    _bigint("lines"),
    sa.Column("cut", postgresql.JSON, nullable=False),
    _text("signature"),
)  # fmt: skip

PARTITIONED: Sequence[sa.Table] = (history, ledger, audit)
ROW_TYPES: Sequence[type[Row]] = (
    OrderRow, LocationRow, StockRow, LedgerRow, SkuRow, AccountRow, ClientRow, DeviceRow, RevocationRow,
    CustomerRow, GuestRow, NoticeRow, AlertRow, DataKeyRow, ApprovalRow, BreachRow, PrivacyRequestRow, ConsentRow,
    LotRow, ClaimRow, BinRow, ContentRow, IncomingRow, ReservationRow,
    CountRow, CountingRow, LastCountedRow, TransferRow, InboundRow,
    FloorTermsRow, FloorRow, FloorWorkRow, FloorTripRow,
    LocationProfileRow, SourcingPolicyRow,
)  # fmt: skip
CHANGE_TYPES: Sequence[type[Row]] = (OrderChange,)


def row_columns(row_type: type[Row]) -> list[sa.Column[Any]]:
    """The columns that make up a row's struct, in its order. Whether a row is gone (its last field) is none."""
    table = metadata.tables[row_type.table]  # type: ignore[attr-defined]
    return [table.columns[name] for name in row_type.__struct_fields__ if name != "gone"]
