"""What the read model is asked about transfers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from actors.domain.transfer_state import OVER
from actors.runtime.read_model import TransferSummary
from actors.storage.schema.goods import transfers
from actors.storage.storable import storable_text


def transfers_query(
    status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
) -> sa.Select[Any]:
    """The page of transfers, newest first. What is not over has an index, since there is little of it, and so has each
    end; the rest goes by the primary key backwards."""
    c = transfers.c
    query = sa.select(*(c[name] for name in TransferSummary.__struct_fields__))
    if status is not None:
        query = query.where(c.status == storable_text(status))
        if status not in OVER:
            query = query.where(sa.not_(c.closed))
    if locations is not None:
        places = [storable_text(one) for one in locations]
        query = query.where(sa.or_(c.source_id.in_(places), c.destination_id.in_(places)))
    if before is not None:
        query = query.where(c.transfer_id < storable_text(before))
    return query.order_by(c.transfer_id.desc()).limit(limit)
