"""The tables, and the one place that names their columns. Migrations (`migrations/versions/`) lead here step by step;
a test compares the two, and another one these with `actors/domain/rows.py`.

    shards    who owns which shard (host, epoch), and how far its turns are in here (watermark)
    history   every turn, by month; answers history pages and the long memory of commands
    outbox    messages to other entities that were not acknowledged when their turn was drained
    orders, locations, stock, skus   the read models, from which entities also come back to memory
    ledger    every change of stock, by month
    accounts, clients   people and machines that may sign in
    customers, guests   people who follow their own orders, with an account or without
    devices   scanners, terminals and tills that sign in by a key of their own
    notices   what has to be delivered to them
    data_keys what their personal data is sealed under, wrapped
    revocations   sessions that ended before their tokens did
    alerts    what the monitor found; with `monitor_state`, what it has learned and how far it has read
    approvals what somebody wants done that somebody else has to approve
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

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Orders of these statuses are done with: few look for them, and nearly all orders end as one.
CLOSED_STATUSES = ("shipped", "delivered", "cancelled")


class Instant(sa.types.TypeDecorator[int]):
    """timestamptz in the database, UTC milliseconds since 1970 in our structs."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """Milliseconds → datetime."""
        return None if value is None else _EPOCH + timedelta(milliseconds=value)

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
    _bigint("reserved"),
    _bigint("safety_stock"),
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
    _bigint("reserved_delta"),
    _bigint("on_hand"),
    _bigint("reserved"),
    _text("cause"),
    _text("reference"),
    sa.Column("value_minor", sa.BigInteger),
    sa.Column("currency", sa.Text),
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
)  # fmt: skip
CHANGE_TYPES: Sequence[type[Row]] = (OrderChange,)
