"""What the read model is asked about inbounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from actors.runtime.read_model import InboundSummary
from actors.storage.schema.goods import inbounds
from actors.storage.storable import storable_text

# Of these there are few at any time.
_OPEN = ("announced", "receiving")


def inbounds_query(
    status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
) -> sa.Select[Any]:
    """The page of inbounds, newest first. What is not over has an index, and so has each location; the rest goes by
    the primary key backwards."""
    c = inbounds.c
    query = sa.select(*(c[name] for name in InboundSummary.__struct_fields__))
    if status is not None:
        query = query.where(c.status == storable_text(status))
        if status in _OPEN:
            query = query.where(sa.not_(c.closed))
    if locations is not None:
        query = query.where(c.location_id.in_([storable_text(one) for one in locations]))
    if before is not None:
        query = query.where(c.inbound_id < storable_text(before))
    return query.order_by(c.inbound_id.desc()).limit(limit)
