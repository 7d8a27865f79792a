"""How many shards there are and who owns which, what was done, and which messages are still on their way."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from actors.storage.schema.columns import ROOM, Instant, bigint, instant, integer, key, metadata, text

# One row, made at the cell's first start: see `actors/storage/sharding.py`.
sharding = sa.Table(
    "sharding", metadata,
    integer("one", primary_key=True, autoincrement=False),
    integer("shards"),
    sa.CheckConstraint("one = 1"),
)  # fmt: skip

# One row since the first start: the same is in the journal that belongs to this store (`actors/storage/continuity.py`).
journal_pair = sa.Table(
    "journal_pair", metadata,
    integer("one", primary_key=True, autoincrement=False),
    text("id"),
    sa.CheckConstraint("one = 1"),
)  # fmt: skip

# One row once a cell was scaled while it runs: see `actors/storage/scaling.py`.
scaling = sa.Table(
    "scaling", metadata,
    integer("one", primary_key=True, autoincrement=False),
    text("run"),
    integer("hosts"),
    sa.CheckConstraint("one = 1"),
)  # fmt: skip

shards = sa.Table(
    "shards", metadata,
    integer("shard", primary_key=True, autoincrement=False),
    text("host"),  # "" while nobody owns it
    bigint("epoch"),
    bigint("watermark"),
    # The end of the shard's chain in `audit`: see audit_rows.py.
    bigint("audit_number", server_default="0"),
    sa.Column("audit_chain", sa.LargeBinary, nullable=False, server_default=""),
    sa.Column("audit_at", Instant, nullable=False, server_default="1970-01-01 00:00:00+00"),
    **ROOM,
)  # fmt: skip

# No primary key: the watermark keeps turns single, and a third index would cost the drain a tenth.
history = sa.Table(
    "history", metadata,
    integer("shard"),
    bigint("position"),
    integer("line"),
    instant("at"),
    bigint("version"),
    bigint("fingerprint"),
    bigint("digest"),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("provisional", sa.Boolean, nullable=False),
    text("kind"),
    key("entity_id"),
    text("command_id"),
    text("cause"),
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
    key("message_id", primary_key=True),
    bigint("number"),  # the order in which the messages were first written down
    integer("shard"),
    text("sender_kind"),
    text("sender_id"),
    sa.Column("message", sa.LargeBinary, nullable=False),
    instant("at"),
    integer("attempts"),
    sa.Column("parked", sa.Boolean, nullable=False),
    text("error"),
    sa.Index("outbox_shard", "shard", "number"),
)  # fmt: skip

outbox_number = sa.Sequence("outbox_number", metadata=metadata)
