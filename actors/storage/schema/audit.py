"""Who did what, and what the monitor makes of it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from actors.anomalies.record import ROUTINE, SAMPLED
from actors.storage.schema.columns import ROOM, Instant, bigint, instant, integer, key, metadata, text

# Machines' routine: steps of orders by the thousand.
_ACTIONS = ", ".join(f"'{action}'" for action in ROUTINE)
ROUTINE_STEP = f"role = '' AND outcome = '' AND changes = '' AND action = ANY (ARRAY[{_ACTIONS}])"
# What the monitor looks at: of the routine one line in SAMPLED, of all else every line.
WATCHED = f"NOT ({ROUTINE_STEP} AND number % {SAMPLED} <> 0)"
# A routine step is found by its order's turns in `history`, whose index has each of them already.
NO_ROUTINE_STEP = f"NOT ({ROUTINE_STEP})"

# No unique key: the watermark keeps lines single, and the chain tells if it ever did not. See
# audit_rows.py for `chain`.
audit = sa.Table(
    "audit", metadata,
    integer("shard"),
    bigint("number"),
    instant("at"),
    bigint("version"),
    key("subject"),
    text("role"),
    text("session_id"),
    text("address"),
    text("device"),
    text("behalf"),
    text("request_id"),
    key("action"),
    text("outcome"),
    key("location_id"),
    text("kind"),
    key("entity_id"),
    text("why"),
    text("changes"),  # JSON, exactly as it was hashed; "" for none
    sa.Column("chain", sa.LargeBinary, nullable=False),
    # Within a shard it is the order of the chain, too, since times never go back there: an index of all lines by
    # number cost each 2 us more.
    sa.Index("audit_at", "at", "shard", "number"),
    sa.Index("audit_watched", "shard", "number", postgresql_where=sa.text(WATCHED)),
    # Machines' lines are nearly all; see audit_seconds.py.
    sa.Index("audit_subject", "subject", "at", postgresql_where=sa.text("subject <> '' AND strpos(subject, '-client-') = 0")),
    sa.Index("audit_entity", "entity_id", "at", postgresql_where=sa.text(NO_ROUTINE_STEP)),
    # A line that says nothing but its action is found by that: most are so, and words cost more than all the rest.
    sa.Index("audit_words", sa.text("audit_words(action, outcome, why, changes)"), postgresql_using="gin",
             postgresql_where=sa.text("outcome <> '' OR why <> '' OR changes <> ''")),
    postgresql_partition_by="RANGE (at)",
)  # fmt: skip

# What lines are found by besides their time and words, and moved routine steps by their order. See audit_seconds.py.
audit_seconds = sa.Table(
    "audit_seconds", metadata,
    bigint("key"),
    instant("second"),
    sa.Index("audit_seconds_found", "key", "second"),
    postgresql_partition_by="RANGE (second)",
)  # fmt: skip

# Where the chains stood at the end of a day, signed.
audit_anchors = sa.Table(
    "audit_anchors", metadata,
    sa.Column("day", sa.Date, primary_key=True),
    integer("shard", primary_key=True, autoincrement=False),
    bigint("number"),
    sa.Column("chain", sa.LargeBinary, nullable=False),
    text("signature"),
)  # fmt: skip

# While one is not lifted nothing of the audit is dropped.
audit_holds = sa.Table(
    "audit_holds", metadata,
    key("hold_id", primary_key=True),
    text("reason"),
    instant("placed_at"),
    sa.Column("lifted_at", Instant),
)  # fmt: skip

# Months that are gone. `cut`: JSON, shard → [number, chain as hex] of its last dropped line.
audit_drops = sa.Table(
    "audit_drops", metadata,
    sa.Column("month", sa.Date, primary_key=True),
    instant("dropped_at"),
    bigint("lines"),
    sa.Column("cut", postgresql.JSON, nullable=False),
    text("signature"),
)  # fmt: skip

alerts = sa.Table(
    "alerts", metadata,
    key("alert_id", primary_key=True),
    bigint("version"),
    text("status"),
    key("about"),
    text("role"),
    text("rules"),
    sa.Column("score", sa.Double, nullable=False),
    text("action"),
    text("assignee"),
    text("verdict"),
    instant("began_at"),
    instant("last_at"),
    integer("told"),  # 1 or 0
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("alerts_untold", "last_at", postgresql_where=sa.text("told = 0")),
    sa.Index("alerts_status", "status", "alert_id"),
    **ROOM,
)  # fmt: skip

# The monitor's row, and one of each receiver of a copy of the audit: how far it is, with an empty state.
monitor_state = sa.Table(
    "monitor_state", metadata,
    key("monitor_id", primary_key=True),
    sa.Column("cursor", postgresql.JSON, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),
    instant("saved_at"),
)  # fmt: skip
