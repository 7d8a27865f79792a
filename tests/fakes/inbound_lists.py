"""What `ReadModel` tells of inbounds, from plain rows: the slow way, by looking at all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.domain.rows_of_inbounds import InboundRow
from actors.runtime.read_model import InboundSummary


def inbounds(
    rows: Iterable[InboundRow], status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
) -> list[InboundSummary]:
    found = [
        row for row in rows
        if (status is None or row.status == status) and (locations is None or row.location_id in locations)
        and (before is None or row.inbound_id < before)
    ]  # fmt: skip
    found.sort(key=lambda row: row.inbound_id, reverse=True)
    return [InboundSummary(*(getattr(row, name) for name in InboundSummary.__struct_fields__)) for row in found[:limit]]
