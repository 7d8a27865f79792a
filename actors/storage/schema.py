"""The tables, and the one place that names their columns. Migrations (`migrations/versions/`) lead here step by step;
a test compares the two, and another one these with `actors/domain/rows.py`.

    shards    who owns which shard (host, epoch), and how far its turns are in here (watermark)
    history   every turn, by month; answers history pages and the long memory of commands
    outbox    messages to other entities that were not acknowledged when their turn was drained
    orders, locations, stock, skus   the read models, from which entities also come back to memory
    ledger    every change of stock, by month
    accounts, clients   people and machines that may sign in
    revocations   sessions that ended before their tokens did

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
    ClientRow,
    LedgerRow,
    LocationRow,
    OrderChange,
    OrderRow,
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
    _text("country"),
    _text("currency"),
    _integer("line_count"),
    _bigint("units"),
    _bigint("total_minor"),
    _instant("placed_at"),
    _instant("updated_at"),
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    # Changes once in a life. An index on `status` itself would make every update write to every index.
    sa.Column("is_open", sa.Boolean, sa.Computed(
        " AND ".join(f"status <> '{status}'" for status in CLOSED_STATUSES), persisted=True), nullable=False),
    sa.Index("orders_customer", "customer_ref", "order_id", postgresql_where=sa.text("customer_ref <> ''")),
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

revocations = sa.Table(
    "revocations", metadata,
    _key("region_id", primary_key=True),
    _key("session_id", primary_key=True),
    _bigint("until_ms"),
    _bigint("version"),
)  # fmt: skip

PARTITIONED: Sequence[sa.Table] = (history, ledger)
ROW_TYPES: Sequence[type[Row]] = (
    OrderRow, LocationRow, StockRow, LedgerRow, SkuRow, AccountRow, ClientRow, RevocationRow,
)  # fmt: skip
CHANGE_TYPES: Sequence[type[Row]] = (OrderChange,)
