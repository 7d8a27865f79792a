"""What the law wants kept about personal data."""

from __future__ import annotations

import sqlalchemy as sa

from actors.storage.schema.columns import ROOM, Instant, bigint, instant, integer, key, metadata, text

data_keys = sa.Table(
    "data_keys", metadata,
    key("key_id", primary_key=True),
    bigint("version"),
    key("person"),
    text("status"),
    text("wrapping"),
    integer("restricted"),  # 1 or 0
    integer("changes"),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    text("requests"),
    sa.Index("data_keys_person", "person"),
    sa.Index("data_keys_wrapping", "wrapping", "key_id", postgresql_where=sa.text("status = 'in_use'")),
    **ROOM,
)  # fmt: skip

# What only the cell's own keys open (`cells/canary.py`).
key_canary = sa.Table(
    "key_canary", metadata,
    integer("one", primary_key=True, autoincrement=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    text("digest"),
    text("wrapping"),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.CheckConstraint("one = 1"),
)  # fmt: skip

# One row since the cell first started with identity off (`cells/open_time.py`), or was found to have orders in the
# clear from before that was noted.
identity_off = sa.Table(
    "identity_off", metadata,
    integer("one", primary_key=True, autoincrement=False),
    key("until_id"),  # orders with lesser ids may be of such a time; "": it lasts
    sa.CheckConstraint("one = 1"),
)  # fmt: skip

consents = sa.Table(
    "consents", metadata,
    key("consent_id", primary_key=True),
    bigint("version"),
    text("granted"),
    text("refused"),
    instant("changed_at"),
    sa.Column("state", sa.LargeBinary, nullable=False),
    **ROOM,
)  # fmt: skip

# Read by deadline, the nearest first, and by person.
privacy_requests = sa.Table(
    "privacy_requests", metadata,
    key("request_id", primary_key=True),
    bigint("version"),
    text("status"),
    text("law"),
    text("asked_right"),
    key("person"),
    instant("received_at"),
    instant("deadline_at"),
    integer("overdue"),  # 1 or 0
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("privacy_requests_deadline", "deadline_at", "request_id"),
    sa.Index("privacy_requests_person", "person"),
    sa.Index("privacy_requests_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **ROOM,
)  # fmt: skip

# Few, and kept for good.
breaches = sa.Table(
    "breaches", metadata,
    key("breach_id", primary_key=True),
    bigint("version"),
    text("status"),
    text("law"),
    text("risk"),
    bigint("persons"),
    instant("discovered_at"),
    instant("deadline_at"),
    sa.Column("due_at", Instant),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("breaches_due", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
    **ROOM,
)  # fmt: skip
