"""What the read model is asked about collections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from actors.domain.collection_state import OVER
from actors.runtime.read_model import CollectionSummary
from actors.storage.schema.collections import collections
from actors.storage.storable import storable_text


def collections_query(
    status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
) -> sa.Select[Any]:
    """The page of collections, newest first. What is not over has an index, since there is little of it. Nobody knows
    of those that were not opened."""
    c = collections.c
    query = sa.select(*(c[name] for name in CollectionSummary.__struct_fields__)).where(c.status != "unopened")
    if status is not None:
        query = query.where(c.status == storable_text(status))
        if status not in OVER:
            query = query.where(sa.not_(c.closed))
    if locations is not None:
        query = query.where(c.location_id.in_([storable_text(one) for one in locations]))
    if before is not None:
        query = query.where(c.collection_id < storable_text(before))
    return query.order_by(c.collection_id.desc()).limit(limit)
