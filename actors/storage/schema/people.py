"""Who may sign in, and what is told to them or asked of them."""

from __future__ import annotations

import sqlalchemy as sa

from actors.storage.schema.columns import ROOM, Instant, bigint, instant, integer, key, metadata, text

accounts = sa.Table(
    "accounts", metadata,
    key("account_id", primary_key=True),
    bigint("version"),
    text("role"),
    integer("enabled"),  # 1 or 0
    sa.Column("state", sa.LargeBinary, nullable=False),
    **ROOM,
)  # fmt: skip

clients = sa.Table(
    "clients", metadata,
    key("client_id", primary_key=True),
    bigint("version"),
    integer("enabled"),  # 1 or 0
    sa.Column("state", sa.LargeBinary, nullable=False),
    **ROOM,
)  # fmt: skip

# Read by location, newest first.
devices = sa.Table(
    "devices", metadata,
    key("device_id", primary_key=True),
    bigint("version"),
    key("location_id"),
    text("status"),
    text("name"),
    text("model"),
    sa.Column("seen_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("devices_location", "location_id", "device_id"),
    **ROOM,
)  # fmt: skip

# What is over for long goes by the retention.
revocations = sa.Table(
    "revocations", metadata,
    key("region_id", primary_key=True),
    key("session_id", primary_key=True),
    bigint("until_ms"),
    bigint("version"),
    sa.Index("revocations_until", "until_ms"),
)  # fmt: skip

customers = sa.Table(
    "customers", metadata,
    key("customer_id", primary_key=True),
    bigint("version"),
    integer("proved"),  # 1 or 0
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Column("due_at", Instant),
    sa.Index("customers_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **ROOM,
)  # fmt: skip

guests = sa.Table(
    "guests", metadata,
    key("order_id", primary_key=True),
    bigint("version"),
    sa.Column("state", sa.LargeBinary, nullable=False),
    **ROOM,
)  # fmt: skip

# Read by whoever delivers, oldest first; what is sent, or was too late, stays, empty.
notices = sa.Table(
    "notices", metadata,
    key("notice_id", primary_key=True),
    bigint("version"),
    text("status"),
    text("template"),
    text("about"),
    sa.Column("sealed_address", sa.LargeBinary, nullable=False),
    sa.Column("sealed_content", sa.LargeBinary, nullable=False),
    instant("created_at"),
    instant("until_at"),
    sa.Column("sent_at", Instant),
    sa.Column("due_at", Instant),
    sa.Index("notices_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    sa.Index("notices_pending", "created_at", postgresql_where=sa.text("status = 'pending'")),
    **ROOM,
)  # fmt: skip

approvals = sa.Table(
    "approvals", metadata,
    key("approval_id", primary_key=True),
    bigint("version"),
    text("status"),
    text("action"),
    key("location_id"),
    text("target_kind"),
    text("target_id"),
    bigint("size"),
    text("reasons"),
    text("asked_by"),
    text("decided_by"),
    instant("asked_at"),
    instant("expires_at"),
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    # Lists are of what is pending, mostly: few at any time. Others go by the primary key backwards.
    sa.Index("approvals_pending", "approval_id", postgresql_where=sa.text("status = 'pending'")),
    sa.Index("approvals_location", "location_id", "approval_id"),
    sa.Index("approvals_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **ROOM,
)  # fmt: skip
