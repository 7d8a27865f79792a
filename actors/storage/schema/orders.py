"""Orders, carts, and what sourcing goes by."""

from __future__ import annotations

import sqlalchemy as sa

from actors.domain.order_state import OVER
from actors.storage.schema.columns import ROOM, Instant, bigint, instant, integer, key, metadata, text

# Orders of these statuses are done with: few look for them, and nearly all orders end as one.
CLOSED_STATUSES = OVER

orders = sa.Table(
    "orders", metadata,
    key("order_id", primary_key=True),
    bigint("version"),
    text("status"),
    text("channel"),
    text("order_ref"),
    key("customer_ref"),
    key("owner", server_default=""),  # of orders before there were customers
    key("email_digest", server_default=""),
    text("country"),
    text("currency"),
    integer("line_count"),
    bigint("units"),
    bigint("total_minor"),
    instant("placed_at"),
    instant("updated_at"),
    sa.Column("due_at", Instant),
    sa.Column("sealed", sa.LargeBinary, nullable=False, server_default=""),
    sa.Column("state", sa.LargeBinary, nullable=False),
    # Null while it is open; changes once or twice in a life. An index on `status` itself would make every
    # update write to every index.
    sa.Column("closed_as", sa.Text, sa.Computed(
        "CASE WHEN " + " OR ".join(f"status = '{status}'" for status in CLOSED_STATUSES) + " THEN status ELSE NULL END", persisted=True)),
    sa.Index("orders_customer", "customer_ref", "order_id", postgresql_where=sa.text("customer_ref <> ''")),
    sa.Index("orders_owner", "owner", "order_id", postgresql_where=sa.text("owner <> ''")),
    sa.Index("orders_ref", "order_ref", "order_id", postgresql_where=sa.text("order_ref <> ''")),
    sa.Index("orders_email", "email_digest", "order_id", postgresql_where=sa.text("email_digest <> ''")),
    sa.Index("orders_open", "order_id", postgresql_where=sa.text("closed_as IS NULL")),
    sa.Index("orders_closed", "closed_as", "order_id", postgresql_where=sa.text("closed_as IS NOT NULL")),
    sa.Index("orders_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **ROOM,
)  # fmt: skip

# Few at a time; a row of its own, so that the life of an order that nobody holds costs nothing more.
held_orders = sa.Table(
    "held_orders", metadata,
    key("order_id", primary_key=True),
    text("kinds"),
    instant("since"),
    sa.Column("overdue", sa.Boolean, nullable=False),
    **ROOM,
)  # fmt: skip

# Looked for by what expires next, and by customer; those of nobody that are over stay as rows that
# no index but the key's has.
reservations = sa.Table(
    "reservations", metadata,
    key("reservation_id", primary_key=True),
    bigint("version"),
    text("status"),
    key("owner"),
    instant("expires_at"),
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("reservations_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    sa.Index("reservations_owner", "owner", "reservation_id", postgresql_where=sa.text("owner <> ''")),
    **ROOM,
)  # fmt: skip

location_profiles = sa.Table(
    "location_profiles", metadata,
    key("location_id", primary_key=True),
    bigint("version"),
    sa.Column("profile", sa.LargeBinary, nullable=False),
    integer("day"),
    integer("orders"),
    bigint("units"),
    **ROOM,
)  # fmt: skip

sourcing_policies = sa.Table(
    "sourcing_policies", metadata,
    key("policies_id", primary_key=True),
    key("channel", primary_key=True),
    bigint("version", primary_key=True, autoincrement=False),
    sa.Column("policy", sa.LargeBinary, nullable=False),
    text("reason"),
    text("set_by"),
    instant("set_at"),
)  # fmt: skip
