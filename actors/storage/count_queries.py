"""What the read model is asked about cycle counts: lists of them, and what is due to be counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from actors.runtime.read_model import MOVEMENT_ENTRIES_MAX, CountSummary
from actors.storage.schema.columns import Instant
from actors.storage.schema.goods import counts, last_counted
from actors.storage.schema.stock import ledger, stock
from actors.storage.storable import storable_text


def counts_query(status: str | None, locations: Sequence[str] | None, before: str | None, limit: int) -> sa.Select[Any]:
    """The page of counts, newest first. What is open has an index, and so has each location; the rest goes by
    the primary key backwards."""
    c = counts.c
    query = sa.select(*(c[name] for name in CountSummary.__struct_fields__))
    if status == "open":
        # As the index says it: a parameter might be another status.
        query = query.where(c.status == sa.literal_column("'open'"))
    elif status is not None:
        query = query.where(c.status == storable_text(status))
    if locations is not None:
        query = query.where(c.location_id.in_([storable_text(one) for one in locations]))
    if before is not None:
        query = query.where(c.count_id < storable_text(before))
    return query.order_by(c.count_id.desc()).limit(limit)


def movements_query(location_id: str, since_ms: int, limit: int) -> sa.Select[Any]:
    """What left of each SKU since then, and when it was counted last; what is here or moved, what moved most first.
    Only the newest entries of the ledger are looked at, by the index that is for it: whatever the
    period is, it reads no more."""
    place = storable_text(location_id)
    s, c = stock.c, last_counted.c
    newest = (
        sa.select(ledger.c.sku, ledger.c.reason, ledger.c.quantity, ledger.c.at, ledger.c.aside)
        .where(ledger.c.location_id == place)
        .order_by(ledger.c.version.desc(), ledger.c.line.desc())
        .limit(MOVEMENT_ENTRIES_MAX)
        .subquery("newest")
    )
    e = newest.c
    units = sa.cast(sa.func.sum(e.quantity).filter(e.reason == "ship"), sa.BigInteger)
    counted = sa.func.max(e.at).filter(e.reason == "count")
    moved = (
        sa.select(e.sku, units.label("units"), counted.label("counted_at"))
        # A safety stock that was corrected "for a count" moved nothing, and nobody counted.
        .where(e.at >= sa.literal(since_ms, Instant), e.aside.is_distinct_from("safety_stock"))
        .group_by(e.sku)
        .subquery("moved")
    )
    m = moved.c
    shipped = sa.func.coalesce(m.units, 0)
    last = sa.type_coerce(sa.func.greatest(c.counted_at, m.counted_at), Instant)
    tables = stock.outerjoin(moved, m.sku == s.sku).outerjoin(
        last_counted, sa.and_(c.location_id == s.location_id, c.sku == s.sku)
    )
    return (
        sa.select(s.sku, shipped, last)
        .select_from(tables)
        .where(s.location_id == place, sa.or_(s.on_hand > 0, m.sku.is_not(None)))
        .order_by(shipped.desc(), s.sku)
        .limit(limit)
    )
